"""The live page in a real browser: it follows a run, comes back, stays small with 10,000 jobs, and asks for the token.

What must not freeze is measured in what the browser has to do (elements in the document, elements made for an update,
redraws), which is the same on every machine.
"""

from __future__ import annotations

import pytest

from tests.browser.waiting import click, until
from tests.web.grown import Aside, Grown, Told

#: More than this no document has, however many jobs there are: a hundred rows and what is around them.
ELEMENTS = 3_000


@pytest.fixture
def aside():
    found = Aside()
    yield found
    found.close()


@pytest.fixture
def grow(aside, tmp_path):
    made = []

    def begin(items):
        async def here():
            return Grown(tmp_path / f"state-{len(made)}.db", items)

        made.append(aside.run(here()))
        return made[-1]

    yield begin

    async def end(grown):
        grown.close()

    for grown in made:
        aside.run(end(grown))


@pytest.fixture(autouse=True)
def _a_clean_log(browser):
    yield
    # A server that goes away on purpose is all that a browser may complain of.
    wrong = [line for line in browser.get_log("browser") if line["level"] in ("SEVERE", "WARNING")]
    browser.get("about:blank")
    assert [line for line in wrong if "ERR_CONNECTION_REFUSED" not in line["message"] and "403" not in line["message"]
            and "ERR_INCOMPLETE_CHUNKED_ENCODING" not in line["message"]] == []  # fmt: skip


def script(browser, text):
    return browser.execute_script(f"return {text}")


def opened(browser, address):
    browser.get("about:blank")  # a change behind the # alone loads nothing
    browser.get(address)
    until(lambda: linked(browser) == "live")
    until(lambda: script(browser, "Number(document.documentElement.dataset.drawn || 0)"))


def linked(browser):
    return script(browser, "document.documentElement.dataset.link")


def tiles(browser):
    """What the page counts: ``items open`` and so on, to numbers as they are written."""
    found = script(browser, "[...document.querySelectorAll('.tile')].map((one) => one.innerText.replace(/\\s+/g, ' '))")
    return {words: count for count, words in (each.split(" ", 1) for each in found)}


def counts(browser, **wanted):
    return lambda: {name: tiles(browser).get(f"items {name}") for name in wanted} == wanted


def test_it_follows_a_run_from_the_list_to_its_end(browser, aside, grow):
    grown = grow(4)
    with aside.serving(grown) as page:
        opened(browser, page.address)
        until(lambda: "running" in script(browser, "document.querySelector('#runs').innerText"))
        click(browser, "#runs a", grown.id)
        until(lambda: tiles(browser) == {"items open": "4", "activations open": "4"})
        assert script(browser, "document.querySelector('#entries').children.length") == 2
        assert not script(browser, "document.querySelector('#control').checkVisibility()"), "it is driven elsewhere"
        assert "Driven by process" in script(browser, "document.querySelector('#driver').innerText")
        aside.run(grown.settle(2))
        until(counts(browser, open="2", created="2"))
        aside.run(grown.settle(1, bad=True))
        until(lambda: "Why it failed" in script(browser, "document.body.innerText"))
        assert "the bucket 'acme' is not there" in script(browser, "document.querySelector('#causes').innerText")
        rows = "[...document.querySelectorAll('#table tbody tr')].map((row) => row.children[1].innerText)"
        assert until(lambda: script(browser, rows) == ["created", "created", "failed", "open"])
        until(lambda: script(browser, "document.documentElement.dataset.ready") == "charts")
        bars = "['jobs', 'other-jobs'].map((name) => drawn.docs.time.get_model_by_name(name).data.key.length)"
        until(lambda: script(browser, bars) == [12, 1])
        aside.run(grown.end("failed"))
        until(lambda: script(browser, "document.querySelector('#status').textContent") == "FAILED")
        assert "headgate resume spring-1" in script(browser, "document.querySelector('#commands').innerText")
        assert script(browser, "document.title") == "failed: spring-1"


def test_it_survives_that_the_server_goes_and_comes_back(browser, aside, grow):
    grown = grow(4)
    with aside.serving(grown) as page:
        opened(browser, f"{page.url}/runs/{grown.id}")
        port = int(page.url.rpartition(":")[2])
        script(browser, "live.source.close() || connect(`${WHERE}/events`, redraw)")  # as after a night's sleep
        aside.run(grown.settle(1))
        until(counts(browser, open="3", created="1"))

        async def cut():  # as a network does: without a word
            for connection in list(page._runner.server.connections):
                connection.transport.abort()

        aside.run(cut())
        aside.run(grown.settle(1))
        until(counts(browser, open="2", created="2"))
        until(lambda: linked(browser) == "live")
        aside.run(cut())
        page._browsers = 0  # it ends without a last word
    aside.run(grown.settle(1))
    until(lambda: linked(browser) == "reconnecting")
    with aside.serving(grown, port=port):
        until(lambda: linked(browser) == "live")
        until(counts(browser, open="1", created="3"))


def test_ten_thousand_jobs_do_not_freeze_it(browser, aside, grow):
    grown = grow(2_000)
    aside.run(grown.settle(500))
    with aside.serving(grown) as page:
        opened(browser, f"{page.url}/runs/{grown.id}")
        until(lambda: script(browser, "document.documentElement.dataset.ready") == "charts")
        until(counts(browser, open="1,500", created="500"))
        assert script(browser, "data.items.length + data.pairs.length") == 4_000
        assert script(browser, "document.querySelectorAll('#table tbody tr').length") == 100
        assert script(browser, "document.querySelectorAll('*').length") < ELEMENTS
        browser.execute_script("""
            window.made = 0;
            new MutationObserver((changes) => {
              for (const change of changes) for (const node of change.addedNodes) made += 1 + (node.querySelectorAll ? node.querySelectorAll("*").length : 0);
            }).observe(document.querySelector("#rows"), { childList: true, subtree: true });
            window.counted = [live.events, Number(document.documentElement.dataset.drawn)];""")
        for _ in range(5):
            aside.run(grown.settle(300))
        until(counts(browser, created="2,000"))
        assert script(browser, "data.jobs.key.length") == 10_000
        events, redraws = script(
            browser, "[live.events - counted[0], Number(document.documentElement.dataset.drawn) - counted[1]]"
        )
        made = script(browser, "made")
        assert script(browser, "document.querySelectorAll('*').length") < ELEMENTS
        # The rows on the screen had not changed, so none of them was made again: only words and numbers around them.
        assert made <= 40 * (redraws + 1), (made, events, redraws)
        browser.execute_script("showRows('items', { text: 'Flow 1999' })")
        assert script(browser, "document.querySelectorAll('#table tbody tr').length") == 1


def test_the_token_is_asked_for_and_is_not_in_the_address(browser, aside, grow):
    grown = grow(4)
    control = Told(grown.id)
    with aside.serving(grown, control=control) as page:
        opened(browser, f"{page.url}/runs/{grown.id}")
        until(lambda: script(browser, "document.querySelector('#control').checkVisibility()"))
        assert "3 on their way" in script(browser, "document.querySelector('#now').innerText")
        assert "12 to 15 min left, done between" in script(browser, "document.querySelector('#left').innerText")
        assert "41.0 of 41 requests a second" in script(browser, "document.querySelector('#now').innerText")
        assert "lowered to 41/s after 429" in script(browser, "document.querySelector('#pace').innerText")
        assert "2 pairs held" in script(browser, "document.querySelector('#waits').innerText")
        click(browser, "[data-do]", "drain")
        until(lambda: script(browser, "document.querySelector('#ask').checkVisibility()"))
        assert control.asked == []
        browser.execute_script(
            "document.querySelector('#token').value = 'a wrong one'; document.querySelector('#ask').requestSubmit()"
        )
        click(browser, "[data-do]", "drain")
        until(lambda: "needs the token" in script(browser, "document.querySelector('#said').innerText"))
        assert control.asked == []

        opened(browser, page.address)  # the list, and from there straight to the run that this process drives
        until(lambda: script(browser, "location.pathname") == f"/runs/{grown.id}")
        until(lambda: script(browser, "document.querySelector('#control')?.checkVisibility()"))
        assert page.token not in script(browser, "location.href")
        click(browser, "[data-do]", "pause")
        until(lambda: "go on" in script(browser, "document.querySelector('#control').innerText"))
        click(browser, "[data-do]", "drain")
        until(lambda: control.asked == ["pause", "drain"])
        until(lambda: "stopping: interrupted" in script(browser, "document.querySelector('#now').innerText"))
        click(browser, "[data-do]", "stop at once")
        until(lambda: "click again" in script(browser, "document.querySelector('#said').innerText"))
        assert control.asked == ["pause", "drain"]
        click(browser, "[data-do]", "stop at once")
        until(lambda: control.asked == ["pause", "drain", "cancel"])
    until(lambda: linked(browser) == "over")
    assert tiles(browser), "what was shown stays"
