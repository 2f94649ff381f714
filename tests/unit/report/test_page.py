"""The page as text: self-contained, strict about scripts, without a way for a name to become HTML."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import replace
from importlib import import_module

import pytest

from headgate.errors import UsageError
from headgate.report.page import commands, page
from headgate.report.page.payload import BARS, payload
from headgate.report.story import JobTime, Story
from tests.unit.report.page_support import HOSTILE, story


@pytest.fixture(scope="module")
def text():
    pytest.importorskip("bokeh")
    return page(story(), flags="--state other.db")


def test_every_script_is_named_by_the_policy_and_no_other_may_run(text):
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)[1]
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";") if rule.strip())
    assert rules["default-src"] == "'none'"
    assert not {"'unsafe-inline'", "'unsafe-eval'", "*", "https:"} & set(rules["script-src"].split())
    scripts = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    assert len(scripts) == 3
    for script in scripts:
        assert f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'" in rules["script-src"]


def test_nothing_is_loaded_from_anywhere(text):
    own = re.sub(r"<script>.*?</script>", "", text, flags=re.DOTALL)
    assert not re.search(r"<[^>]*\s(src|href)\s*=", own)
    assert "@import" not in own
    assert "url(" not in own


def test_a_hostile_name_stays_a_text(text):
    assert text.count("<script") == 5
    assert text.count("</script") == 5
    assert "<img" not in text
    data = json.loads(re.search(r'id="data">(.*?)</script>', text, re.DOTALL)[1])
    assert HOSTILE in [row[1] for row in data["items"]]


def test_what_to_do_next_comes_first(text):
    data = json.loads(re.search(r'id="data">(.*?)</script>', text, re.DOTALL)[1])
    assert data["commands"][0][1] == "headgate retry spring-1 --state other.db"
    held = replace(story(), report=replace(story().report, totals={"held": 3, "failed": 1}))
    assert [line for _, line in commands(held)][0] == "headgate resume spring-1"
    good = replace(held, report=replace(held.report, totals={}, activations=[]))
    assert [line for _, line in commands(good)] == ["headgate report spring-1 --format csv"]
    assert commands(replace(good, report=replace(good.report, run_id=""))) == []


def test_a_report_without_a_run_has_a_page_too():
    pytest.importorskip("bokeh")
    assert "spring" in page(Story(replace(story().report, run_id="")))


def test_causes_have_their_request_ids_and_what_was_skipped_for_them():
    found = payload(story())
    assert [(cause["count"], cause["skipped"]) for cause in found["causes"]] == [(2, 2), (2, 2)]
    assert found["causes"][0]["members"][1][2] == "request-29"
    assert found["adhoc"] == [[1, "adhoc:now:1", "succeeded", 4.0, 9.0, {"activated": 36}]]
    assert [row[0] for row in found["latency"]][:2] == ["POST /flows", "POST /sourceConnections"]


def test_an_adhoc_job_that_was_asked_again_in_parts_is_no_success_of_its_own():
    told = story()
    parts = [JobTime(f"adhoc:now:1.{part}", "adhoc", "adhoc", -1, "succeeded", 10.0, 11.0) for part in "ab"]
    pairs = [replace(pair, adhocJob=2) if pair.adhocJob else pair for pair in told.report.activations]
    found = payload(replace(told, jobs=[*told.jobs, *parts], report=replace(told.report, activations=pairs)))
    assert [row[2] for row in found["adhoc"]] == ["split", "succeeded", "split"]


def test_bars_of_a_lane_do_not_overlap():
    jobs = payload(story(200))["jobs"]
    assert jobs["all"] == len(jobs["key"]) == 200 * 3 + 180 * 2 + 1
    lanes = {}
    assert jobs["ended"] == sorted(jobs["ended"])
    for began, ended, *lane in sorted(zip(jobs["began"], jobs["ended"], jobs["band"], jobs["lane"], strict=True)):
        assert began >= lanes.get(tuple(lane), 0)
        lanes[tuple(lane)] = ended
    heights = {number: height for _, _, height, number in jobs["bands"]}
    assert all(lane < heights[band] for band, lane in zip(jobs["band"], jobs["lane"], strict=True))
    assert [name for name, *_ in jobs["bands"]] == [
        "source connections", "target connections", "dataflows", "audiences", "checks", "ad-hoc runs"]  # fmt: skip


def test_a_timeline_of_too_many_keeps_what_failed():
    many = [JobTime(f"flow:{n}", "create", "flow", n, "failed" if n % 1000 == 0 else "succeeded", n, n + 1.0)
            for n in range(BARS * 2)]  # fmt: skip
    jobs = payload(replace(story(), jobs=many))["jobs"]
    assert jobs["all"] == BARS * 2
    assert BARS / 2 < len(jobs["key"]) <= BARS
    assert jobs["ending"].count("failed") == BARS * 2 / 1000


def test_bars_of_a_run_that_goes_on_are_added_at_the_end():
    told = story(60)
    whole = payload(told)["jobs"]
    for count in (0, 1, 100, 250):
        ended = [job for job in told.jobs if job.ended_s is not None]
        part = payload(replace(told, jobs=sorted(ended, key=lambda job: job.ended_s)[:count]))["jobs"]
        for column in ("key", "began", "ended", "band", "lane", "ending", "item"):
            assert part[column] == whole[column][:count]


def test_few_lanes_are_enough_for_bars_that_overlap():
    jobs = [JobTime(f"flow:{n}", "create", "flow", n, "succeeded", n % 3, n + 1.0) for n in range(3, 30)]
    found = payload(replace(story(), jobs=jobs))["jobs"]
    most = max(sum(one.began_s <= at < one.ended_s for one in jobs) for at in range(31))
    assert max(found["lane"]) + 1 == most


def test_without_the_library_the_hint_says_what_to_install(monkeypatch):
    module = import_module("headgate.report.page.charts")
    monkeypatch.setattr(module, "find_spec", lambda _: None)
    with pytest.raises(UsageError) as caught:
        module.require()
    assert "headgate[report]" in caught.value.hint
