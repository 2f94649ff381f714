"""The summary: what happened and the next command, in Slack's limits and without its markup."""

from __future__ import annotations

import json

import pytest

from headgate.telemetry.summary import payload
from tests.unit.telemetry.support import report


def test_it_says_what_happened_why_and_what_to_do():
    body = payload(report(), ["mend the cause, then: headgate run m.yaml"])
    assert body["text"].splitlines() == [
        "m has failures in sandbox dev",
        "40 items: 38 created, 2 failed",
        "1 pair: 1 activated",
        "1,234 requests in 1 min 05 s, 5 throttled",
        "2 × 400 1413-400: no &lt;such&gt; @channel &amp; spec (check the spec)",
        "mend the cause, then: headgate run m.yaml",
    ]
    assert [block["type"] for block in body["blocks"]] == ["header", "section", "section", "section", "context"]
    assert body["blocks"][-1]["elements"][0]["text"] == "run m-1"


@pytest.mark.parametrize(
    ("status", "words"),
    [("succeeded", "m has succeeded"), ("stopped", "m was stopped"), ("interrupted", "m was interrupted")],
)
def test_every_ending_has_its_words(status, words):
    body = payload(report(status, failures=0, stop="more than 5% failed" if status == "stopped" else ""))
    assert body["text"].startswith(words)
    assert ("stopped: more than 5% failed" in body["text"]) == (status == "stopped")


def test_slack_takes_the_longest_of_it():
    body = payload(report(message="x" * 9_000, failures=30), ["y" * 9_000])
    for block in body["blocks"]:
        text = block["text"]["text"] if "text" in block else block["elements"][0]["text"]
        assert 0 < len(text) <= (150 if block["type"] == "header" else 3_000)
    assert len(json.dumps(body)) < 40_000
