"""The machine and odd answers: long waits, storms of 500, and procedures that do not understand."""

from __future__ import annotations

import pytest

from headgate.engine.events import Answered, Hold, Send, Stop, Ticked, Write
from headgate.exchange import Answer, Problem, Verdict
from headgate.pacing import RetryPolicy
from headgate.workflows import PROCEDURES
from headgate.workflows.contract import Procedure

from tests.unit.engine.test_machine import job, machine


def sends(commands):
    return [command for command in commands if isinstance(command, Send)]


def holds(commands):
    return [command.seconds for command in commands if isinstance(command, Hold)]


def bad(status, verdict=Verdict.FAULT, **more):
    return Answer(verdict, status, problem=Problem(status, "", "no"), **more)


def test_who_is_told_to_come_back_tomorrow_stops_and_can_be_resumed():
    of = machine(job("a"))
    (send,) = sends(of.handle(Ticked(0.0)))
    commands = of.handle(Answered(0, send.attempt, bad(429, Verdict.THROTTLED, retry_after_s=86_400.0), 1.0))
    assert of.stopped.reason is Stop.PLATFORM
    assert "24 hours" in of.stopped.detail
    # It was not done: the intent is taken back.
    assert [command.record.data for command in commands if isinstance(command, Write)] == [{}]


def test_a_throttling_without_a_hint_holds_everybody_longer_and_longer():
    of = machine(job("a"), retry=RetryPolicy(attempts=3, first_s=1.0, cap_s=8.0))
    (send,) = sends(of.handle(Ticked(0.0)))
    at, seen = 0.0, []
    for _ in range(8):
        commands = of.handle(Answered(0, send.attempt, bad(429, Verdict.THROTTLED), at))
        seen += holds(commands)
        at = max(at, of.next_wake())
        (send,) = sends(of.handle(Ticked(at)))
    assert len(seen) == 8
    assert min(seen) >= 1.0
    assert max(seen) > 1.0
    assert max(seen) <= 8.0


@pytest.mark.parametrize(("jobs", "braked"), [(1, False), (8, True)])
def test_bare_500s_brake_everybody_when_they_are_of_many(jobs, braked):
    of = machine(*(job(f"j{number}") for number in range(jobs)))
    seen = []
    for send in sends(of.handle(Ticked(0.0))):
        seen += holds(of.handle(Answered(send.job, send.attempt, bad(500), 0.1)))
    assert bool(seen) is braked


def test_a_503_brakes_at_once():
    of = machine(job("a"))
    (send,) = sends(of.handle(Ticked(0.0)))
    assert holds(of.handle(Answered(0, send.attempt, bad(503), 0.1)))


def test_an_answer_that_a_procedure_does_not_understand_fails_its_job_alone(monkeypatch):
    real = PROCEDURES["create"].advance

    def odd(ctx, phase, signal):
        if isinstance(signal, Answer) and ctx.key == "a":
            raise KeyError("items")
        return real(ctx, phase, signal)

    monkeypatch.setitem(PROCEDURES, "create", Procedure(odd))
    of = machine(job("a"), job("b"))
    for send in sends(of.handle(Ticked(0.0))):
        of.handle(Answered(send.job, send.attempt, Answer(Verdict.OK, 201, {"id": f"x{send.job}"}), 1.0))
    assert of.finished
    assert [live.settled["ending"] for live in of.live] == ["failed", "succeeded"]
    assert "KeyError" in of.live[0].settled["problem"][2]
    assert "absent" not in of.live[0].settled.get("output", {}), "it may be there"
