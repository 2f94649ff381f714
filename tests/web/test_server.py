"""The live page's server without a browser: pages, events, and who may change something."""

import asyncio
import json
import socket

import aiohttp
import pytest

from headgate.errors import UsageError
from headgate.web import server as module
from headgate.web.server import LivePage
from tests.web.grown import Grown, grown, Told


@pytest.fixture
async def served(grown):
    control = Told(grown.id)
    async with LivePage(grown.reader(), control, every_s=0.02) as page, aiohttp.ClientSession() as session:
        page.session, page.control = session, control
        yield page


class Listener:
    """A stream of events, put together as the page does."""

    def __init__(self, session, url, mark=""):
        headers = {"Last-Event-ID": mark} if mark else {}
        self._asked = session.get(url, headers=headers, timeout=aiohttp.ClientTimeout(total=30))

    async def __aenter__(self):
        self.answer = await self._asked.__aenter__()
        return self

    async def __aexit__(self, *args):
        self.answer.close()

    async def next(self, wanted=lambda *_: True):
        """The next event that is ``wanted``, as (name, id, data)."""
        async with asyncio.timeout(20):
            while True:
                found = {}
                while line := (await self.answer.content.readline()).decode().rstrip("\n"):
                    name, _, value = line.partition(": ")
                    found[name] = value
                if not found and self.answer.content.at_eof():
                    raise EOFError
                if "event" in found:
                    event = found["event"], found.get("id", ""), json.loads(found["data"])
                    if wanted(*event):
                        return event


def events(served, run="spring-1", mark=""):
    return Listener(served.session, f"{served.url}/runs/{run}/events" if run else f"{served.url}/events", mark)


async def test_pages_and_scripts_bear_the_headers(served):
    for path in ("/", "/runs/spring-1", "/assets/run.js", "/assets/list.js", "/events", "/nowhere"):
        async with served.session.get(served.url + path) as answer:
            assert answer.status == (404 if path == "/nowhere" else 200)
            assert answer.headers["X-Frame-Options"] == "DENY"
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert answer.headers["Referrer-Policy"] == "no-referrer"
            assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
            assert "Access-Control-Allow-Origin" not in answer.headers
            assert answer.headers.getall("Server") == ["headgate"]
            kept = answer.headers["Cache-Control"]
            assert kept == "no-store" or (path.startswith("/assets/") and "immutable" in kept)


async def test_a_page_has_no_script_of_its_own_and_asks_nobody_else(served):
    for path in ("/", "/runs/spring-1"):
        async with served.session.get(served.url + path) as answer:
            text = await answer.text()
        assert text.count("<script ") == text.count('src="/assets/') + 1, "the other is data"
        assert "http://" not in text
        assert "https://" not in text
        assert served.token not in text


async def test_a_state_and_then_what_changes(served, grown):
    async with events(served) as stream:
        name, first, state = await stream.next()
        assert (name, len(state["items"])) == ("state", 4)
        assert state["live"]["waits"] == ["2 pairs held: audiences younger than an hour"]
        await grown.settle(1)
        name, mark, change = await stream.next(lambda _name, _mark, data: "items" in data.get("rows", {}))
        assert name == "delta"
        assert mark != first
        assert [[at, row[2]] for at, row in change["rows"]["items"][1]] == [[0, "created"]]


async def test_who_comes_back_gets_what_was_missed_or_the_whole(served, grown):
    async with events(served) as stream, events(served) as other:
        _, mark, _ = await stream.next()
        await other.next()
        await grown.settle(1)
        await other.next(lambda _name, _mark, data: "items" in data.get("rows", {}))
        async with events(served, mark=mark) as again:
            name, _, change = await again.next(lambda _name, _mark, data: "items" in data.get("rows", {}))
            assert name == "delta"
            assert change["rows"]["items"][1][0][1][2] == "created"
    async with events(served, mark="another-7") as stream:
        assert (await stream.next())[0] == "state"


async def test_all_runs_are_listed_as_they_go(served, grown):
    async with events(served, "") as stream:
        _, _, state = await stream.next()
        assert [row[0] for row in state["runs"]] == ["spring-1"]
        assert state["live"]["here"] == "spring-1"
        await grown.end("failed")
        await stream.next(lambda _name, _mark, data: data.get("rows", {}).get("runs", [0, [[0, [""] * 5]]])[1][0][1][4] == "failed")  # fmt: skip


async def test_nothing_is_read_while_no_browser_looks(served, grown):
    async with events(served) as stream:
        await stream.next()
    channel = served._channels["spring-1"]
    async with asyncio.timeout(20):
        while channel.listened_to:
            await asyncio.sleep(0.01)
    looks = channel.looks
    await grown.settle(1)
    await asyncio.sleep(0.2)  # ten looks, if anybody listened
    assert channel.looks == looks


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (UsageError("the disk is gone"), "the disk is gone"),
        (ZeroDivisionError("1/0"), "internal error: ZeroDivisionError; please report it"),
    ],
)
async def test_a_store_that_fails_is_told_and_read_again(served, grown, monkeypatch, error, words):
    broken = True
    look = module.OneRun.look

    def failing(self, here, *, rows):
        if broken:
            raise error
        return look(self, here, rows=rows)

    monkeypatch.setattr(module.OneRun, "look", failing)
    async with events(served) as stream:
        _, _, state = await stream.next()
        assert state["live"]["trouble"] == words
        broken = False
        await stream.next(lambda _name, _mark, data: "items" in data.get("set", {}))


async def test_a_run_that_is_not_there_is_told(served):
    async with events(served, "winter-1") as stream:
        _, _, state = await stream.next()
        assert "there is no run 'winter-1'" in state["live"]["trouble"]


async def test_what_changes_something_needs_the_token(served):
    where = f"{served.url}/runs/spring-1/drain"
    for headers in ({}, {"X-Headgate-Token": "wrong"}, {"Cookie": f"token={served.token}"}):
        async with served.session.post(f"{where}?token={served.token}", headers=headers) as answer:
            assert answer.status == 403
    assert served.control.asked == []
    mine = {"X-Headgate-Token": served.token}
    async with served.session.post(where, headers=mine) as answer:
        assert (answer.status, await answer.json()) == (200, {"said": "drain it is"})
    for action in ("pause", "go", "cancel"):
        async with served.session.post(f"{served.url}/runs/spring-1/{action}", headers=mine) as answer:
            assert answer.status == 200
    assert served.control.asked == ["drain", "pause", "go", "cancel"]
    async with served.session.get(where, headers=mine) as answer:
        assert answer.status == 405
    async with served.session.post(f"{served.url}/runs/spring-1/destroy", headers=mine) as answer:
        assert answer.status == 404
    async with served.session.post(f"{served.url}/runs/other-1/drain", headers=mine) as answer:
        assert answer.status == 409
    assert len(served.control.asked) == 4


async def test_another_sites_page_is_turned_away(served):
    mine = {"X-Headgate-Token": served.token}
    for headers, status in (
        ({"Host": "evil.example"}, 421),
        ({"Origin": "http://evil.example"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
    ):
        async with served.session.post(f"{served.url}/runs/spring-1/drain", headers={**mine, **headers}) as answer:
            assert answer.status == status
    async with served.session.get(f"{served.url}/events", headers={"Host": "evil.example:80"}) as answer:
        assert answer.status == 421
    assert served.control.asked == []


async def test_what_is_asked_of_another_process_is_left_in_the_store(grown, monkeypatch):
    monkeypatch.setattr("headgate.store.sqlite_desk.LOOK_S", 0.0)
    heard = []
    grown.journal.heed(heard.append)
    async with LivePage(grown.reader(), every_s=0.02) as page, aiohttp.ClientSession() as session:
        async with session.post(f"{page.url}/runs/spring-1/drain", headers={"X-Headgate-Token": "x"}) as answer:
            assert answer.status == 403
        mine = {"X-Headgate-Token": page.token}
        async with session.post(f"{page.url}/runs/spring-1/drain", headers=mine) as answer:
            assert answer.status == 200
            assert "looks every second" in (await answer.json())["said"]
        await grown.journal.flush()
        assert heard == ["drain"]
        async with session.post(f"{page.url}/runs/winter-1/drain", headers=mine) as answer:
            assert answer.status == 409
            assert (await answer.json())["said"].startswith("nobody drives run winter-1; nothing was asked")


async def test_what_another_process_tells_is_on_the_page(grown, monkeypatch):
    monkeypatch.setattr("headgate.store.sqlite_desk.TELL_S", 0.0)
    async with LivePage(grown.reader(), every_s=0.02) as page, aiohttp.ClientSession() as session:
        page.session = session
        async with events(page) as stream:
            _, _, state = await stream.next()
            assert not state["live"]["heeds"], "a program that knows of no questions is asked none"
            grown.journal.tell({"left": "12 to 15 min left", "paused": True})
            await grown.journal.flush()
            _, _, change = await stream.next()
            live = change["set"]["live"]
            assert (live["left"], live["paused"], live["heeds"], live["here"]) == (
                "12 to 15 min left",
                True,
                True,
                False,
            )


async def test_the_end_is_told_before_the_page_goes(grown):
    page = LivePage(grown.reader(), every_s=5.0)  # nobody looks in between
    await page.__aenter__()
    async with aiohttp.ClientSession() as session:
        async with Listener(session, f"{page.url}/runs/spring-1/events") as stream:
            await stream.next()
            await grown.settle(4)
            await grown.end("succeeded")
            closing = asyncio.create_task(page.__aexit__(None, None, None))
            _, _, change = await stream.next()
            assert change["set"]["run"]["status"] == "succeeded"
            assert (await stream.next())[0] == "bye"
            await closing


async def test_a_port_that_is_taken_is_said(grown):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        page = LivePage(grown.reader(), port=taken.getsockname()[1])
        with pytest.raises(UsageError, match="cannot listen"):
            await page.__aenter__()


async def test_a_run_in_postgresql_is_shown_as_it_goes(postgres):
    grown = Grown(postgres)
    try:
        async with LivePage(grown.reader(), every_s=0.02) as page, aiohttp.ClientSession() as session:
            async with Listener(session, f"{page.url}/runs/spring-1/events") as stream:
                _, _, state = await stream.next()
                assert state["live"]["driver"].startswith("process ")
                await grown.settle(2)
                shown = {}

                def both(_name, _mark, data):  # they may come in one group of the journal, or in several
                    _, rows = data.get("rows", {}).get("items", (0, ()))
                    shown.update((number, row[2]) for number, row in rows)
                    return list(shown.values()) == ["created"] * 2

                await stream.next(both)
    finally:
        grown.close()


async def test_so_many_browsers_and_no_more(served, monkeypatch):
    monkeypatch.setattr(module, "_MOST", 1)
    async with events(served) as stream:
        await stream.next()
        async with served.session.get(f"{served.url}/events") as answer:
            assert answer.status == 503
