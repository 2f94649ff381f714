"""The report page in a real browser: no error, charts drawn, filter and search work, both themes, a phone."""

from __future__ import annotations

import pytest

from headgate.report.page import page
from tests.browser.waiting import click, until
from tests.unit.report.page_support import HOSTILE, story


@pytest.fixture(scope="module")
def opened(browser, tmp_path_factory):
    pytest.importorskip("bokeh")
    place = tmp_path_factory.mktemp("page") / "page.html"
    place.write_text(page(story(400)), encoding="utf-8")
    browser.get(place.as_uri())
    until(lambda: browser.execute_script("return document.documentElement.dataset.ready") in ("charts", "broken"))
    return browser


def rows(browser):
    return browser.execute_script(
        "return [...document.querySelectorAll('#table tbody tr')].map((row) => row.innerText)"
    )


def test_it_loads_without_an_error_and_the_charts_are_drawn(opened):
    errors = [line for line in opened.get_log("browser") if line["level"] in ("SEVERE", "WARNING")]
    assert errors == []
    assert opened.execute_script("return document.documentElement.dataset.ready") == "charts"
    opened.execute_script("document.querySelector('#charts-latency').scrollIntoView()")
    until(lambda: opened.execute_script("return document.documentElement.dataset.latencyMs"))
    drawn = until(lambda: all_drawn(opened))
    assert len(drawn) >= 3, drawn


def all_drawn(browser):
    """Canvases that are charts, once the timeline shows what went well and what failed; nothing before."""
    found = browser.execute_script("""
        const found = [];
        const walk = (node) => {
          for (const each of node.querySelectorAll("*")) {
            if (each.tagName === "CANVAS" && each.width > 100) {
              const part = each.getContext("2d").getImageData(0, 0, each.width, each.height).data;
              const colors = new Set();
              for (let at = 0; at < part.length; at += 4) if (part[at + 3]) colors.add((part[at] << 16) + (part[at + 1] << 8) + part[at + 2]);
              found.push([each.width, each.height, colors.size, colors.has(0xe0433a), colors.has(0x3a87c8)]);
            }
            if (each.shadowRoot) walk(each.shadowRoot);
          }
        };
        walk(document);
        return found;""")
    charts = [one for one in found if one[1] > 150]
    return charts if len(charts) >= 3 and any(red and blue for *_, red, blue in charts) else None


def test_the_head_says_how_it_ended_why_and_what_to_do(opened):
    text = opened.execute_script("return document.body.innerText")
    for part in ("FAILED", "Why it failed: 2 causes", "access to bucket 'acme' is denied", "What to do: ask an administrator",
                 "headgate retry spring-1", "20 rows skipped for it", "took 46.0 s (forecast 23.0 s)",
                 "400 runs waited for: 1 polls each, 99 % of ends seen within 2.5 s"):  # fmt: skip
        assert part in text
    assert "request-9" in opened.execute_script("return document.querySelector('#causes').textContent")


def test_names_are_texts(opened):
    assert opened.execute_script("return document.querySelectorAll('img').length") == 0
    assert any(HOSTILE in row for row in rows(opened))


def test_filter_search_and_csv(opened):
    assert len(rows(opened)) == 40, "what failed is shown first"
    click(opened, "#filtered button")
    assert len(rows(opened)) == 100
    opened.execute_script("const field = document.querySelector('#search'); field.value = 'loyalty 37';"
                          "field.dispatchEvent(new Event('input'))")  # fmt: skip
    until(lambda: len(rows(opened)) == 14)  # in a name or in an id
    click(opened, ".cause .acts button", "show these rows")
    until(lambda: len(rows(opened)) == 20)
    assert all("access to bucket" in row or "no permission" in row for row in rows(opened))
    click(opened, "#tab-pairs")
    assert "activated" in rows(opened)[0]
    csv = opened.execute_script("return csvOf('pairs', view.rows)")
    assert csv.splitlines()[0].startswith("entry,destinationId,segmentId,outcome")
    assert ",'=audience," in csv.splitlines()[1], "no spreadsheet takes it for a formula"
    assert len(csv.splitlines()) == 401


def test_zoom_moves_both_charts_and_comes_back(opened):
    where = "const range = drawn.docs.time.get_model_by_name('seconds'); return [range.start, range.end]"
    before = opened.execute_script(where)
    click(opened, "[data-zoom=in]")
    start, end = opened.execute_script(where)
    assert before[0] < start < end < before[1]
    click(opened, "[data-zoom=all]")
    assert opened.execute_script(where) == before


def test_both_themes_and_a_phone(opened):
    def background():
        return opened.execute_script("return getComputedStyle(document.documentElement).backgroundColor")

    def emulate(scheme, width):
        opened.execute_cdp_cmd(
            "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
        )
        opened.execute_cdp_cmd("Emulation.setDeviceMetricsOverride",
                               {"width": width, "height": 844, "deviceScaleFactor": 1, "mobile": width < 500})  # fmt: skip

    emulate("dark", 1280)
    until(lambda: background() == "rgb(18, 24, 31)")
    click(opened, "#theme")
    assert background() == "rgb(255, 255, 255)"
    click(opened, "#theme")
    assert background() == "rgb(18, 24, 31)"
    click(opened, "#theme")
    emulate("light", 390)
    until(lambda: background() == "rgb(255, 255, 255)")
    until(lambda: opened.execute_script("return document.documentElement.scrollWidth") <= 390)
    opened.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
