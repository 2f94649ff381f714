"""Look-ups: one pick or a failure that says why."""

from __future__ import annotations

import pytest

from headgate.workflows.contract import NO_PHASE, Ending, Signal
from headgate.workflows.find import PROFILE_SCHEMA, FindSpec, advance

from tests.unit.workflows.steps import context, no, ok

SPEC, JOB = FindSpec("flow-spec", "Campaign"), FindSpec("export-job")


def go(signal, spec):
    return advance(context(spec), NO_PHASE, signal)


def record(number, status="SUCCEEDED", schema=PROFILE_SCHEMA):
    return {"id": number, "status": status, "schema": {"name": schema}}


def test_a_flow_spec_is_asked_for_by_name_on_all_pages():
    step = go(Signal.START, SPEC)
    assert step.call.path == "/flowSpecs"
    assert step.call.query == (("property", "name==Campaign"),)
    assert step.call.paged


@pytest.mark.parametrize(
    ("found", "wanted"),
    [
        ([{"id": "a", "name": "Campaign"}], "a"),
        ([{"id": "a", "name": "Campaign"}, {"id": "b", "name": "Other"}], "a"),
        ([{"id": 7, "name": "Campaign"}], "7"),
        ([], None),
        ([{"id": "a", "name": "Campaign"}, {"id": "b", "name": "Campaign"}], None),
        ([{"name": "Campaign"}], None),
        ([None, "x", {"id": "a", "name": "Campaign"}], "a"),
        (None, None),
        (5, None),
    ],
)
def test_exactly_one_flow_spec_is_taken(found, wanted):
    step = go(ok({"items": found}), SPEC)
    if wanted is None:
        assert step.ending is Ending.FAILED
        assert "Campaign" in step.problem.message
        assert step.problem.advice
    else:
        assert step.output == {"id": wanted}


@pytest.mark.parametrize(
    ("records", "wanted"),
    [
        ([record(3), record(2)], "3"),
        ([record(3, "FAILED"), record(2)], "2"),
        ([record(3, schema="other"), record(2)], "2"),
        ([{"id": 4, "status": "SUCCEEDED"}, {"id": 4, "status": "SUCCEEDED", "schema": "x"}, record(2)], "2"),
        ([record(3, "PROCESSING")], None),
        ([{"status": "SUCCEEDED", "schema": {"name": PROFILE_SCHEMA}}], None),
        ([], None),
        (None, None),
        ("x", None),
        ([None, 5], None),
    ],
)
def test_the_newest_finished_profile_export_is_taken_as_a_string(records, wanted):
    step = go(ok({"records": records}), JOB)
    assert (step.output == {"id": wanted}) if wanted else (step.ending is Ending.FAILED and step.problem.advice)


@pytest.mark.parametrize("spec", [SPEC, JOB])
@pytest.mark.parametrize("body", [None, [], "x", 5])
def test_bodies_of_any_shape_fail_the_job_and_no_more(spec, body):
    assert go(ok(body), spec).ending is Ending.FAILED


@pytest.mark.parametrize("spec", [SPEC, JOB])
def test_a_rejection_fails(spec):
    assert go(no(), spec).ending is Ending.FAILED


@pytest.mark.parametrize("signal", [Signal.START, Signal.RESUME, Signal.LOST])
def test_however_it_is_called_it_asks(signal):
    assert go(signal, JOB).call.path == "/export/jobs"
