"""What a load test comes to: its status, its exit code, its words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from headgate.errors import StoreError
from headgate.exchange import Answer, Problem, Verdict
from headgate.loadtest.meter import Meter
from headgate.loadtest.render import render
from headgate.loadtest.result import CleanUp, result_of
from headgate.loadtest.stages import parse_stages
from headgate.loadtest.thresholds import parse_threshold
from headgate.report import nothing_done

OK = Answer(Verdict.OK, 201)
REPORT = replace(nothing_done("m-loadtest", "dev", 0.0), run_id="m-loadtest-1")


def measured(*thresholds, failed=0, warm_up=None):
    """Two stages, and what came of them."""
    stages = parse_stages(["10/s:1s", "10..30/s:1s"], warm_up)
    meter = Meter(stages, [parse_threshold(text) for text in thresholds])
    first = len(stages) - 2
    for stage, count in ((first, 10), (first + 1, 20)):
        for number in range(count):
            meter.due(stage, dropped=stage > first and number == 0)
            if stage == first or number:
                meter.answered(stage, "POST /flows", 0.1 + number / 100, OK)
                meter.ended(stage, 0.5, float(stage) + 0.6, well=number >= failed or stage > first)
    meter.answered(first, "POST /flows", 0.001, Answer(Verdict.THROTTLED, 429))
    meter.answered(first, "POST /flows", 2.5, Answer(Verdict.FAULT, 500, problem=Problem(500, "E-1", "boom")))
    meter.offered_s = 99.0 if warm_up else 2.0
    return meter


def result(*thresholds, report=REPORT, clean=CleanUp(), **of):
    return replace(result_of(measured(*thresholds, **of), report, "m", 5), clean_up=clean)


@pytest.mark.parametrize(
    ("of", "status", "code"),
    [
        ({}, "done", 0),
        ({"failed": 1}, "failed", 1),
        ({"report": replace(REPORT, status="interrupted", stop_reason="interrupted")}, "interrupted", 130),
        ({"report": replace(REPORT, status="failed", stop_reason="platform")}, "stopped", 3),
        ({"report": replace(REPORT, status="stopped", stop_reason="wall")}, "stopped", 5),
        ({"clean": CleanUp(left=1)}, "done", 1),
        ({"clean": CleanUp(wanted=False, left=9)}, "done", 0),
    ],
)
def test_exit_codes_without_thresholds(of, status, code):
    found = result(**of)
    assert (found.status, found.exit_code) == (status, code)


def test_thresholds_are_what_a_test_is_judged_by():
    assert result("failed<10%", failed=2).status == "met"
    assert result("failed<10%", failed=2).exit_code == 0, "two of thirty are allowed to fail"
    found = result("failed<1%", "p95<1s", failed=2)
    assert (found.status, found.exit_code) == ("missed", 5)
    assert [one.gauge.threshold.text for one in found.missed] == ["failed<1%"]
    assert result("dropped<=0", report=replace(REPORT, status="stopped", stop_reason="threshold")).status == "missed"
    assert result("dropped<=9", report=replace(REPORT, status="stopped", stop_reason="threshold")).exit_code == 5
    assert result("failed<1%", failed=2, clean=CleanUp(left=3)).exit_code == 5


def test_a_set_up_that_failed_is_a_failure():
    found = replace(result("errors<1%", report=replace(REPORT, status="failed")), failed_setup="base:s3")
    assert (found.status, found.exit_code, found.stop) == ("failed", 1, "the set-up failed: base:s3")


def test_what_cut_it_short_is_told():
    broken = replace(result("errors<1%", report=replace(REPORT, status="failed")), trouble=StoreError("disk full"))
    assert (broken.status, broken.exit_code, broken.stop) == ("stopped", 4, "disk full")
    assert result(clean=CleanUp(left=3, interrupted=True)).exit_code == 130


def test_the_numbers_of_every_stage():
    first, second = (stage.as_json() for stage in result().stages)
    assert (first["offeredPerSecond"], second["offeredPerSecond"]) == (10.0, 20.0)
    assert (first["achievedPerSecond"], second["achievedPerSecond"]) == (10.0, 19.0)
    assert first["requests"] == {"answered": 12, "throttled": 1, "throttledShare": 0.083333, "errors": {"500 E-1": 1}}
    assert second["arrivals"] == {"due": 20, "begun": 19, "dropped": 1, "done": 19, "failed": 0, "unfinished": 0}
    assert first["latencySeconds"]["POST /flows"] == {"count": 11, "p50": 0.15, "p95": 2.5, "p99": 2.5, "max": 2.5}
    whole = result().as_json()
    assert whole["schema"] == "headgate.loadtest/1"
    assert whole["total"]["arrivals"]["due"] == 30


def test_the_page_has_every_number_and_fits():
    found = result("p95<800ms", "failed<1%", "achieved>9/s", "p99(GET /x)<1s", failed=1, warm_up="1/s:1s")
    text = render(found, notes=["report: x.json"])
    assert max(map(len, text.splitlines())) <= 100
    for words in (
        "MISSED  m-loadtest-1  in sandbox dev",
        "(warm-up)",
        "10..30/s:1s",
        "1 × 500 E-1",
        "missed  failed<1%       3.33 %: 1 of 30",
        "nothing was measured",
        "whole arrivals",
        "cleaned up: 0 objects deleted, 0 left",
        "report: x.json",
    ):
        assert words in text, text
    kept = render(replace(found, clean_up=CleanUp(wanted=False, left=7)))
    assert "delete them with: headgate destroy m-loadtest-1" in kept
    assert "NOT CLEANED UP: 1 object deleted, 2 left" in render(replace(found, clean_up=CleanUp(deleted=1, left=2)))
