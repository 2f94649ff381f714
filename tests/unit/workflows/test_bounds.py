"""Waits that depend on what the platform says have an end of their own: clocks may be wrong, states unknown."""

from __future__ import annotations

import pytest

from headgate.workflows import adhoc, selectors
from headgate.workflows.contract import NO_PHASE, Ask, Claim, Ending, Pause, Settle, Signal
from headgate.workflows.flow_switch import advance as switch
from headgate.workflows.reading import ident
from headgate.workflows.runs import created_ms

from tests.unit.workflows.steps import NOON, Boarded, context, flow, items, no, ok, run

SPEC = {"pairs": [[0, "F", "a"]], "version": 2, "wait": True}


def mapped(created_s):
    return {"F": {"id": "flow-1", "segments": {"a": ["n", "", "", created_s, "a"]}}}


@pytest.mark.parametrize("ahead_s", [10.0, 3599.0, 86_400.0, 1e9])
def test_a_hold_is_never_longer_than_its_hour(ahead_s):
    """The audience was mapped when the wait began, whatever the clocks say; an hour later it is old enough."""
    inputs, phase, waited = mapped(NOON + ahead_s), NO_PHASE, 0.0
    for _ in range(10):
        step = adhoc.advance(context(SPEC, inputs=inputs), phase, Signal.RESUME)  # a clock that stands still
        if isinstance(step, Claim):
            break
        if isinstance(step, Ask):
            step = adhoc.advance(context(SPEC, inputs=inputs), step.phase, items())
        assert isinstance(step, Pause)
        assert step.held
        waited += step.seconds
        phase = step.phase
    assert isinstance(step, Claim)
    assert waited == 3601.0


def test_a_strangers_run_is_waited_for_for_a_day_and_no_longer():
    inputs, now_s = mapped(0.0), NOON
    advance = Boarded(adhoc.advance)
    step = advance(context(SPEC, inputs=inputs, now_s=now_s), NO_PHASE, Signal.START)
    while not isinstance(step, Settle):
        if isinstance(step, Pause):
            now_s += step.seconds
        signal = items(run("theirs", status="SUSPENDED")) if isinstance(step, Ask) else Signal.RESUME
        step = advance(context(SPEC, inputs=inputs, now_s=now_s), step.phase, signal)
    assert step.ending is Ending.FAILED
    assert 86_400 <= now_s - NOON < 86_500
    assert "theirs" in step.problem.message


def test_a_run_that_never_says_whose_it_is_is_not_waited_for_for_ever():
    inputs, now_s = mapped(0.0), NOON
    phase = {"at": "post", "since": 1, "lost": False, "rounds": 0, "waits": 0}
    step = adhoc.advance(context(SPEC, inputs=inputs, now_s=now_s), phase, Signal.LOST)
    while not (isinstance(step, Ask) and step.call.effect):
        if isinstance(step, Pause):
            now_s += step.seconds
        signal = items(run("dark", status="processing")) if isinstance(step, Ask) else Signal.RESUME
        step = adhoc.advance(context(SPEC, inputs=inputs, now_s=now_s), step.phase, signal)
        assert now_s < NOON + 86_400
    assert now_s > NOON + 6 * 3600


@pytest.mark.parametrize("at", [1e300, -5, 10**18, "1", True, None, [], {}])
def test_what_is_no_time_is_no_time(at):
    assert created_ms({"createdAt": at}) <= 1


@pytest.mark.parametrize(
    "good", ["6ef74723-3ee7-46a4-b747-233ee7a6a41a", "https://ns.adobe.com/t/schemas/0f", "_t.schemas.0f", "1234567890"]
)
def test_ids(good):
    assert ident(good) == good


@pytest.mark.parametrize(
    "bad", ["", "..", "../connections", "a/../b", "a b", "a\nb", "a,b", 'a"b', "x" * 513, "é", 5, None, []]
)
def test_no_ids(bad):
    assert ident(bad) == ""


def test_another_flows_answer_is_not_taken_for_the_flow():
    other = flow({"id": "a"}) | {"id": "another"}
    spec, inputs = selectors.SelectorsSpec(({"id": "a"},)), {"flow": {"id": "flow-1", "etag": None}}
    step = selectors.advance(context(spec, inputs=inputs), {"at": "get", "round": 0}, items(other))
    assert step.problem.code == "headgate-answer"
    off = {"flow": "flow-1", "where": None, "action": "disable"}
    step = switch(context(off), {"at": "get"}, ok(other | {"state": "disabled"}))
    assert step.problem.code == "headgate-answer"


def test_a_proxys_404_does_not_mean_that_a_flow_is_gone():
    gone = {"flow": "flow-1", "where": "id", "action": "delete"}
    page = no(404, "a web page instead of an answer: Not Found")
    assert switch(context(gone), {"at": "get"}, page).ending is Ending.FAILED
    assert switch(context(gone), {"at": "get"}, no(404, "flows not found")).ending is Ending.SUCCEEDED
