"""The machine and odd answers: long waits, storms of 500, and procedures that do not understand."""

from __future__ import annotations

from headgate.engine.events import Answered, Send, Stop, Ticked, Write
from headgate.exchange import Answer, Problem, Verdict
from headgate.pacing import RetryPolicy
from headgate.workflows import PROCEDURES
from headgate.workflows.contract import Procedure

from tests.unit.engine.test_machine import job, machine


def sends(commands):
    return [command for command in commands if isinstance(command, Send)]


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


def test_who_is_throttled_without_a_hint_waits_longer_and_longer():
    of = machine(job("a"), retry=RetryPolicy(attempts=3, first_s=1.0, cap_s=8.0))
    (send,) = sends(of.handle(Ticked(0.0)))
    at, waits = 0.0, []
    for _ in range(25):
        of.handle(Answered(0, send.attempt, bad(429, Verdict.THROTTLED), at))
        waits.append(of.next_wake() - at)
        at = of.next_wake()
        (send,) = sends(of.handle(Ticked(at)))
    assert max(waits[:2]) <= 2.0
    assert 4.0 < max(waits) <= 8.0
    assert of.stopped is None


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
