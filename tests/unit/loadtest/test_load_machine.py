"""The machine of a load test: set-up, arrivals by the clock, drops, refusals, the end. Events in, commands out."""

from __future__ import annotations

import pytest

from headgate.engine.events import Answered, Finish, Send, Stop, StopAsked, Ticked, Write
from headgate.engine.live import Rules
from headgate.exchange import Answer, Problem, Verdict
from headgate.loadtest.machine import NO_SLOT, TOO_LATE, Course, LoadMachine
from headgate.loadtest.stages import arrivals, parse_stages
from headgate.loadtest.thresholds import parse_threshold
from headgate.planning.marker import marker
from headgate.planning.model import ItemRow, Job, Plan
from headgate.workflows.create import CreateSpec

OK = Answer(Verdict.OK, 201, {"id": "x", "etag": '"e"'})
BUSY = Answer(Verdict.THROTTLED, 429, retry_after_s=7.0)
NO = Answer(Verdict.REJECTED, 400, problem=Problem(400, "1400-400", "bad", "req"))
LOST = Answer(Verdict.LOST)


def job(name, *needs, item=-1):
    mark = marker("dev", "m", name)
    body = {"name": name, "description": mark, "connectionSpec": {"id": "s", "version": "1.0"}}
    needed = {f"n{edge}": edge for edge in needs}
    spec = CreateSpec("connections", body, mark)
    return Job(name, "create", "flow", spec, item, needs=needed, collection="connections", digest="d1")


class Bench:
    """A test of items with two jobs each, the second after the first, over one shared job; and what it sends."""

    def __init__(self, *stages, concurrency=10, thresholds=(), abort=False, grace_s=30.0, setup=True):
        parsed = parse_stages(stages)
        due = arrivals(parsed)
        jobs = [job("base")]
        for item in range(len(due)):
            jobs += [job(f"one {item}", 0, item=item), job(f"two {item}", len(jobs), item=item)]
        rows = [ItemRow("e", f"i{n}", "audience-export", "f:1", {}) for n in range(len(due))]
        plan = Plan("m", "dev", jobs, rows, (), (), "f")
        judged = [parse_threshold(text) for text in thresholds]
        course = Course(parsed, due, range(len(due)), judged, grace_s, abort)
        self.of = LoadMachine(plan, Rules(concurrency=concurrency, ahead=0), course=course, now_s=1000.0)
        self.meter = self.of.meter
        self.finish, self.settled = None, {}
        self.at(0.0)
        if setup:
            self.say("base")

    flying = ()

    def handle(self, event):
        commands = self.of.handle(event)
        sent = [command for command in commands if isinstance(command, Send)]
        self.flying = (*self.flying, *sent)
        for command in commands:
            if isinstance(command, Finish):
                self.finish = command
            if isinstance(command, Write) and command.record.kind == "settled":
                self.settled[self.key(command.record.job)] = command.record.data
        return [self.key(send.job) for send in sent]

    def key(self, index):
        return self.of.jobs[index].key

    def at(self, at):
        return self.handle(Ticked(at))

    def say(self, key, what=OK, at=0.0):
        (send,) = [send for send in self.flying if self.key(send.job) == key]
        self.flying = tuple(other for other in self.flying if other is not send)
        return self.handle(Answered(send.job, send.attempt, what, at))


def test_the_clock_starts_when_what_is_shared_is_there():
    test = Bench("1/s:2s", setup=False)
    assert test.of.next_wake() is None
    assert test.at(100.0) == []
    assert test.say("base", at=101.0) == ["one 0"]
    assert test.of.began_at == 101.0
    assert test.of.next_wake() == 102.0


def test_who_arrives_waits_for_nobody():
    test = Bench("10/s:1s")
    sent = [key for tick in range(10) for key in test.at(tick / 10)]
    assert sent == [f"one {n}" for n in range(1, 10)], "the first came with the end of the set-up"
    assert test.meter.whole().begun == 10
    assert test.meter.whole().requests == 0, "and none of them has been answered"


def test_a_latency_begins_when_its_request_was_due():
    test = Bench("10/s:0.2s")
    test.at(0.7)  # the timer comes late: the second was due at 0.1
    test.say("one 1", at=0.9)
    test.say("two 1", at=1.1)
    assert list(test.meter.whole().of("POST /connections")) == pytest.approx([0.8, 0.2])
    assert list(test.meter.whole().of("arrivals")) == pytest.approx([1.0])


def test_who_finds_no_slot_is_dropped_and_not_delayed():
    test = Bench("10/s:0.5s", concurrency=2)
    assert test.at(0.4) == ["one 1"]
    found = test.meter.whole()
    assert (found.due, found.begun, found.dropped) == (5, 2, 3)
    assert {data["ending"] for data in test.settled.values()} == {"succeeded", "skipped"}
    assert test.settled["one 4"]["cause"] == NO_SLOT
    assert test.settled["two 4"]["cause"] == NO_SLOT
    assert test.of.failed_rows == 0


def test_who_is_come_to_too_late_is_dropped():
    test = Bench("1/s:3s")
    test.at(2.5)
    assert test.settled["one 1"]["cause"] == TOO_LATE
    assert test.meter.whole().begun == 2


def test_a_throttled_answer_is_a_measurement_and_is_not_asked_again():
    test = Bench("1/s:1s")
    assert test.say("one 0", BUSY, at=0.1) == []
    found = test.meter.whole()
    assert (found.requests, found.throttled, found.faults, found.failed) == (1, 1, 0, 1)
    assert not found.of("POST /connections"), "to be turned away quickly is no service"
    assert test.settled["one 0"]["ending"] == "failed"
    assert test.settled["one 0"]["problem"][0] == 429
    assert test.settled["two 0"]["ending"] == "skipped"
    assert test.finish == Finish(None)


def test_the_set_up_is_as_patient_as_any_run():
    test = Bench("1/s:1s", setup=False)
    test.say("base", BUSY, at=0.1)
    assert test.of.open == 3
    assert test.of.next_wake() > 7.0


def test_what_fails_in_the_set_up_ends_the_test():
    test = Bench("1/s:1s", setup=False)
    test.say("base", NO)
    assert test.finish == Finish(None), "nothing is left to do"
    assert test.meter.whole().due == 0
    assert test.of.failed_setup == "base"


def test_refusals_because_of_the_rate_are_no_wall_and_others_are():
    for what, stops in ((BUSY, None), (NO, Stop.WALL)):
        test = Bench("1/s:60s", concurrency=100)
        for second in range(60):
            test.at(float(second))
            if test.of.stopped is None:
                test.say(f"one {second}", what, at=second + 0.5)
        assert (test.of.stopped and test.of.stopped.reason) is stops


def test_what_was_lost_is_looked_up_and_never_made_twice():
    test = Bench("1/s:1s", grace_s=900)
    test.say("one 0", LOST, at=0.2)
    assert test.meter.whole().errors == {"lost": 1}
    wake = test.of.next_wake()
    assert test.at(wake) == ["one 0"]
    assert test.flying[-1].call.method == "GET"


def test_after_the_grace_who_is_still_on_the_way_has_failed_and_took_that_long():
    test = Bench("1/s:2s", grace_s=5.0, thresholds=["failed<=0", "p95(arrivals)<2s"])
    test.at(1.0)
    test.say("one 0", at=1.1)
    test.say("two 0", at=1.2)
    assert test.of.next_wake() == 7.0
    test.at(7.0)
    assert test.of.overrun
    assert test.of.stopped.reason is Stop.FINISH_BY
    assert test.finish is None, "what is on its way may end"
    test.say("one 1", at=7.5)
    assert test.finish.stop is Stop.FINISH_BY
    assert list(test.meter.whole().of("arrivals")) == pytest.approx([1.2, 6.0])
    assert [gauge.met() for gauge in test.meter.gauges] == [False, False]


def test_a_test_ends_when_the_last_is_over_and_not_later():
    test = Bench("1/s:1s")
    test.say("one 0", at=0.1)
    test.say("two 0", at=0.2)
    assert test.finish == Finish(None)
    assert test.meter.whole().done == 1
    assert test.meter.offered_s == 1.0, "all that the stage offers was offered"


def test_a_threshold_that_is_clearly_missed_stops_it_only_where_that_is_wanted():
    for abort in (False, True):
        test = Bench("10/s:10s", concurrency=1, thresholds=["dropped<5"], abort=abort)
        for tick in range(100):
            test.at(tick / 10)
        assert (test.of.stopped is not None) is abort
        assert test.meter.whole().dropped == (5 if abort else 99)
    assert test.of.stopped == StopAsked(Stop.THRESHOLD, 0.5, "threshold dropped<5 is missed: 5 of 6")


def test_a_warm_up_counts_for_nothing():
    parsed = parse_stages(["1/s:1s"], "10/s:1s")
    test = Bench("1/s:1s")
    meter = type(test.meter)(parsed, [parse_threshold("dropped<=0")])
    meter.due(0, dropped=True)
    assert meter.gauges[0].met()
    assert meter.whole().due == 0
    assert meter.measured[0].dropped == 1


def test_what_was_done_counts_to_the_stage_it_was_done_in():
    test = Bench("1/s:1s", "1/s:1s")
    test.say("one 0", at=0.5)
    test.say("two 0", at=1.0)
    test.at(1.0)
    test.say("one 1", at=1.5)
    test.say("two 1", at=2.5)
    first, second = test.meter.measured
    assert (first.done, first.within, second.done, second.within) == (1, 1, 1, 0)
