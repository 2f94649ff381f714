"""The validation GET: what was asked for must be there; what an activation needs is kept."""

from __future__ import annotations

import pytest

from headgate.workflows.check import CheckSpec, advance
from headgate.workflows.contract import NO_PHASE, Ending, Pause, Settle, Signal
from headgate.workflows.selectors import LOOKS

from tests.unit.workflows.steps import context, flow, no, ok

SCHEDULE = {"frequency": "DAILY", "startDate": "2026-01-01", "startTime": "17:00", "endDate": "2026-12-31"}
WANTED = {"id": "a", "exportMode": "DAILY_FULL_EXPORT", "filenameTemplate": "%X%", "schedule": SCHEDULE}
SPEC = CheckSpec(wanted=(WANTED,))


def go(signal, spec=SPEC, phase=None):
    return advance(
        context(spec, inputs={"flow": {"id": "flow-1"}}), {"at": "get", "looks": 0} if phase is None else phase, signal
    )


@pytest.mark.parametrize("signal", list(Signal))
def test_it_is_a_get_of_the_flow(signal):
    step = go(signal, phase=NO_PHASE)
    assert (step.call.method, step.call.path, step.call.headers) == ("GET", "/flows/flow-1", ())


def test_an_existing_flow_is_asked_for_by_its_own_id():
    assert go(Signal.START, CheckSpec(flow="f-9"), NO_PHASE).call.path == "/flows/f-9"


@pytest.mark.parametrize(
    "found",
    [
        WANTED,
        {**WANTED, "schedule": {**SCHEDULE, "added": 1}, "createTime": "5"},
        {**WANTED, "id": "other", "systemSegmentId": "a"},
    ],
)
def test_what_was_asked_for_is_there_whatever_was_added(found):
    assert go(ok({"items": [flow(found)]})) == Settle(Ending.SUCCEEDED, {"id": "flow-1"})


@pytest.mark.parametrize(
    ("found", "word"),
    [
        (None, "not among"),
        ({**WANTED, "exportMode": "FIRST_FULL_THEN_INCREMENTAL"}, "exportMode"),
        ({**WANTED, "filenameTemplate": "%Y%"}, "filenameTemplate"),
        ({**WANTED, "schedule": {**SCHEDULE, "startTime": "18:00"}}, "schedule"),
        ({**WANTED, "schedule": None}, "schedule"),
        ({"id": "a"}, "exportMode"),
    ],
)
def test_what_is_missing_or_other_is_named(found, word):
    step = go(ok({"items": [flow(*([found] if found else []))]}))
    assert step.ending is Ending.FAILED
    assert word in step.problem.message
    assert "a" in step.problem.message
    assert step.problem.advice


def test_a_flow_being_changed_is_looked_at_again():
    step = go(ok(flow(state="updating")))
    assert isinstance(step, Pause)
    assert step.phase["looks"] == 1
    again = go(Signal.RESUME, phase=step.phase)
    assert again.call.method == "GET"
    assert again.phase["looks"] == 1


def test_it_is_not_looked_at_for_ever():
    step = go(ok(flow(WANTED, state="updating")), phase={"at": "get", "looks": LOOKS})
    assert isinstance(step, Settle)


def test_a_missing_flow_fails():
    assert go(no(404)).ending is Ending.FAILED


@pytest.mark.parametrize(
    "body", [None, {}, [], "x", {"items": []}, {"items": None}, {"items": [5]}, {"id": ""}, {"id": 5}]
)
def test_an_answer_without_a_flow_is_a_failure_and_no_fact(body):
    """As a success it would be an activation of flow 'None'."""
    assert go(ok(body), CheckSpec(facts=True, flow="f-9")).ending is Ending.FAILED


def facts(value):
    step = go(ok({"items": [flow(value)]}), CheckSpec(facts=True))
    return step.output["segments"]


def test_facts_are_kept_by_every_id():
    found = facts(
        {"id": "ext", "systemSegmentId": "sys", "name": "N", "schedule": SCHEDULE, "createTime": "1700000000"}
    )
    assert found["ext"] == found["sys"] == ["N", "2026-01-01", "2026-12-31", 1700000000.0, "sys"]


@pytest.mark.parametrize(
    ("created", "seconds"),
    [
        ("1700000000", 1700000000.0),
        (1700000000, 1700000000.0),
        (1700000000123, 1700000000.123),
        ("1700000000123", 1700000000.123),
        (None, 0.0),
        ("", 0.0),
        ("soon", 0.0),
        ([], 0.0),
        ({}, 0.0),
        (True, 0.0),
        ("²", 0.0),
        ("9" * 400, 0.0),
        (-5, 0.0),
    ],
)
def test_creation_times_are_seconds_whatever_unit_or_type_they_come_in(created, seconds):
    assert facts({"id": "a", "createTime": created})["a"][3] == seconds


@pytest.mark.parametrize("odd", [None, 5, "x", [], {}, True])
def test_facts_of_any_shape_are_read(odd):
    found = facts({"id": "a", "name": odd, "schedule": odd})["a"]
    assert isinstance(found[0], str)
    assert found[1:3] == ["", ""]
    found = facts({"id": "a", "schedule": {"startDate": odd, "endDate": odd}, "systemSegmentId": odd})["a"]
    assert all(isinstance(text, str) for text in found[1:3])
