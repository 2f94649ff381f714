"""The machine by itself: stops, retries, budgets, known objects, priorities. Events in, commands out, no clock."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from headgate.engine.events import (
    Answered,
    Claimed,
    Finish,
    Lease,
    Returned,
    Send,
    Stop,
    StopAsked,
    Tell,
    Ticked,
    Write,
)
from headgate.engine.live import Rules, State
from headgate.engine.machine import Machine
from headgate.engine.record import Past, Record, fold
from headgate.errors import InvalidTransition
from headgate.exchange import Answer, Problem, Verdict
from headgate.pacing import PollPolicy, RetryPolicy, Tolerance
from headgate.pacing.circuit import VANGUARD
from headgate.pacing.lengths import Lengths
from headgate.planning.marker import marker
from headgate.planning.model import ItemRow, Job, PairRow, Plan
from headgate.workflows.check import CheckSpec
from headgate.workflows.create import CreateSpec
from headgate.workflows.listing import LISTED, ListSpec

from tests.growth import grows
from tests.property.model import Disk, Driver, Remote


def job(name, *needs, after=(), item=-1, shared=False):
    mark = marker("dev", "m", name)
    spec = CreateSpec(
        "connections",
        {"name": name, "description": mark, "connectionSpec": {"id": "s", "version": "1.0"}},
        mark,
        shared=shared,
    )
    return Job(
        name,
        "create",
        "flow",
        spec,
        item,
        needs={f"n{edge}": edge for edge in needs},
        after={f"a{edge}": edge for edge in after},
        collection="connections",
        digest="d1",
    )


def plan(*jobs, items=0, pairs=0):
    return Plan(
        "m",
        "dev",
        jobs,
        tuple(ItemRow("e", f"i{n}", "audience-export", "f:1", {}) for n in range(items)),
        tuple(PairRow("e", "f", f"a{n}", 0, 0) for n in range(pairs)),
        (),
        "f",
    )


def machine(*jobs, items=0, known=None, past=None, **rules):
    rules.setdefault("retry", RetryPolicy(attempts=3, first_s=1.0, cap_s=8.0))
    return Machine(plan(*jobs, items=items), Rules(**rules), now_s=1000.0, past=past, known=known)


def sends(commands):
    return [command for command in commands if isinstance(command, Send)]


def names(found, of):
    return [of.jobs[send.job].key for send in sends(found)]


def written(commands, kind="settled"):
    return [command.record for command in commands if isinstance(command, Write) and command.record.kind == kind]


def granted(of, commands, at=0.0, notes=()):
    """``commands``, and what follows when the store grants the leases asked for."""
    (lease,) = [command for command in commands if isinstance(command, Lease)]
    return [*commands, *of.handle(Claimed(lease.job, at, notes=notes))]


def finish(commands):
    return next((command for command in commands if isinstance(command, Finish)), None)


OK = Answer(Verdict.OK, 201, {"id": "x", "etag": '"e"'})
NO = Answer(Verdict.REJECTED, 400, problem=Problem(400, "1400-400", "bad", "req"))
FAULT = Answer(Verdict.FAULT, 500, problem=Problem(500, "", "boom"))
LOST, NOT_SENT = Answer(Verdict.LOST), Answer(Verdict.NOT_SENT)
SLOW = Answer(Verdict.THROTTLED, 429, retry_after_s=7.0)
EMPTY = Answer(Verdict.OK, 200, {"items": []})


def answer(of, send, what=OK, at=0.0):
    return of.handle(Answered(send.job, send.attempt, what, at))


# -- the walk


def test_an_empty_plan_is_finished_at_once():
    assert finish(machine().handle(Ticked(0.0))) == Finish(None)


def test_what_may_go_goes_and_the_rest_when_its_needs_are_there():
    of = machine(job("a"), job("b", 0), job("c"), job("d", 0, 2))
    first = of.handle(Ticked(0.0))
    assert sorted(names(first, of)) == ["a", "c"]
    a, c = sorted(sends(first), key=lambda send: send.job)
    assert names(answer(of, a), of) == ["b"]
    assert names(answer(of, c), of) == ["d"]


def test_the_intent_of_an_effect_comes_with_its_request_and_reads_have_none():
    lists = Job("list", "list", "listed", ListSpec("connections", ("[headgate:",)))
    of = machine(job("a"), lists)
    found = {of.jobs[send.job].key: send for send in sends(of.handle(Ticked(0.0)))}
    assert found["a"].intent == Record("intent", 0, {"at": "post", "posts": 1, "faults": 0}, found["a"].intent.made)
    assert (found["a"].intent.made.id, found["a"].intent.made.marker) == ("", of.jobs[0].spec.marker)
    assert found["list"].intent is None


def test_the_longest_remaining_path_goes_first():
    of = machine(
        job("short"), job("long"), job("middle"), job("end", 1), job("x", 2), job("y", 3), concurrency=1, ahead=0
    )
    assert names(of.handle(Ticked(0.0)), of) == ["long"]


def test_jobs_that_start_long_runs_go_first_and_of_strangers_usual_ones_are_expected():
    lengths = Lengths()
    lengths.learn(("audience:short", "any"), 30.0)
    for audience in ("long", "middle"):
        lengths.learn((f"audience:{audience}", "any"), 3000.0 if audience == "long" else 300.0)
    audiences = ("short", "stranger", "middle", "long")
    jobs = [Job(name, "adhoc", "adhoc", {"pairs": [[0, "flow", name]]}) for name in audiences]
    of = Machine(plan(*jobs), Rules(), now_s=0.0, lengths=lengths)
    assert sorted(range(4), key=lambda index: -of.path(index)) == [3, 1, 2, 0]
    plain = Machine(plan(*jobs), Rules(), now_s=0.0)
    assert len({plain.path(index) for index in range(4)}) == 1


def test_equal_priorities_go_in_the_order_of_the_plan():
    of = machine(*[job(f"j{n}") for n in range(5)], concurrency=3, ahead=0)
    assert names(of.handle(Ticked(0.0)), of) == ["j0", "j1", "j2"]


@pytest.mark.parametrize(("concurrency", "ahead"), [(1, 0), (2, 3), (10, 0)])
def test_requests_on_their_way_are_bounded(concurrency, ahead):
    of = machine(*[job(f"j{n}") for n in range(30)], concurrency=concurrency, ahead=ahead)
    first = sends(of.handle(Ticked(0.0)))
    assert len(first) == of.in_flight == concurrency + ahead
    assert len(sends(answer(of, first[0]))) == 1, "a slot that is free is filled"


def test_a_failure_skips_what_needs_it_all_the_way_down_and_names_the_root():
    of = machine(job("a"), job("b", 0), job("c", 1), job("other"), job("soft", after=(0,)))
    first = {of.jobs[send.job].key: send for send in sends(of.handle(Ticked(0.0)))}
    then = answer(of, first["a"], NO)
    endings = {of.jobs[record.job].key: record.data for record in written(then)}
    assert endings["a"]["ending"] == "failed"
    assert endings["a"]["problem"] == [400, "1400-400", "bad", "req", ""]
    assert {name: endings[name]["cause"] for name in ("b", "c")} == {"b": "a", "c": "a"}
    assert names(then, of) == ["soft"], "who only waited for it hears of it and goes"


def test_a_job_with_two_failed_needs_is_skipped_once():
    of = machine(job("a"), job("b"), job("c", 0, 1))
    a, b = sends(of.handle(Ticked(0.0)))
    assert len(written(answer(of, a, NO))) == 2
    assert len(written(answer(of, b, NO))) == 1
    assert of.open == 0


def test_a_late_or_unasked_answer_is_our_bug_and_loud():
    of = machine(job("a"))
    (send,) = sends(of.handle(Ticked(0.0)))
    answer(of, send)
    with pytest.raises(InvalidTransition):
        answer(of, send)
    of = machine(job("a"))
    (send,) = sends(of.handle(Ticked(0.0)))
    with pytest.raises(InvalidTransition):
        of.handle(Answered(0, send.attempt + 1, OK, 0.0))


def test_the_story_of_one_job_in_records():
    of = machine(job("a"))
    (send,) = sends(of.handle(Ticked(0.0)))
    commands = answer(of, send)
    (settled,) = written(commands)
    assert settled.data == {"ending": "succeeded", "output": {"id": "x", "etag": '"e"', "posts": 1}}
    assert (settled.made.id, settled.made.digest) == ("x", "d1")
    assert finish(commands) == Finish(None)


# -- retries


def test_a_retry_waits_its_time_and_holds_no_slot():
    of = machine(job("a"), job("b"), concurrency=1, ahead=0, seed=3)
    (send,) = sends(of.handle(Ticked(0.0)))
    then = answer(of, send, NOT_SENT, 10.0)
    assert names(then, of) == ["b"], "the slot went to the other"
    wake = of.next_wake()
    assert 10.0 <= wake <= 11.0
    answer(of, sends(then)[0], OK, 10.0)
    assert names(of.handle(Ticked(wake - 0.01)), of) == []
    assert names(of.handle(Ticked(wake)), of) == ["a"]


def test_waits_double_up_to_the_cap_and_then_it_gives_up():
    of = machine(job("a"), job("b"), retry=RetryPolicy(attempts=6, first_s=1.0, cap_s=4.0), seed=1)
    a, b = sends(of.handle(Ticked(0.0)))
    answer(of, b, OK)
    check = Machine(
        plan(job("c"), Job("q", "check", "c", CheckSpec(flow="f"))),
        Rules(retry=RetryPolicy(attempts=6, first_s=1.0, cap_s=4.0)),
        now_s=0.0,
    )
    first = {send.job: send for send in sends(check.handle(Ticked(0.0)))}
    answer(check, first[0])
    send, at, waits = first[1], 0.0, []
    while True:
        commands = answer(check, send, FAULT, at)
        if written(commands):
            break
        waits.append(check.next_wake() - at)
        at = check.next_wake()
        (send,) = sends(check.handle(Ticked(at)))
    assert len(waits) == 5
    assert all(wait <= bound for wait, bound in zip(waits, [1, 2, 4, 4, 4], strict=True))
    assert written(commands)[0].data["ending"] == "failed"


def test_who_was_throttled_waits_as_long_as_was_asked():
    of = machine(job("a"))
    (send,) = sends(of.handle(Ticked(0.0)))
    answer(of, send, SLOW, 5.0)
    assert 12.0 <= of.next_wake() <= 12.7


def test_a_throttled_effect_is_sent_again_as_it_is_because_it_was_not_done():
    of = machine(job("a"))
    (send,) = sends(of.handle(Ticked(0.0)))
    answer(of, send, SLOW, 0.0)
    (again,) = sends(of.handle(Ticked(of.next_wake())))
    assert again.call is send.call
    assert again.intent is None, "its intent is durable already"
    assert again.attempt != send.attempt


@pytest.mark.parametrize("what", [LOST, FAULT])
def test_an_uncertain_effect_is_looked_for_before_it_is_sent_again(what):
    of = machine(job("a"))
    (send,) = sends(of.handle(Ticked(0.0)))
    answer(of, send, what, 0.0)
    (again,) = sends(of.handle(Ticked(of.next_wake())))
    assert again.call.method == "GET"


@pytest.mark.parametrize("throttled", [1, 3, 7])
@pytest.mark.parametrize("what", [LOST, Answer(Verdict.FAULT, 502, problem=Problem(502, "", "Bad Gateway"))])
def test_an_effect_that_is_throttled_and_then_uncertain_is_looked_for_and_not_given_up(throttled, what):
    """Waiting in line has a patience of its own: it does not use up that with faults (three tries here)."""
    of = machine(job("a"))
    (send,) = sends(of.handle(Ticked(0.0)))
    for _ in range(throttled):
        answer(of, send, SLOW, of.next_wake() or 0.0)
        (send,) = sends(of.handle(Ticked(of.next_wake())))
    commands = answer(of, send, what, of.next_wake() or 100.0)
    assert finish(commands) is None
    assert of.stopped is None
    (look,) = sends(of.handle(Ticked(of.next_wake())))
    assert (look.call.method, look.call.purpose) == ("GET", "lookup")
    settled = answer(of, look, Answer(Verdict.OK, 200, {"items": [{"id": "x", "description": of.jobs[0].spec.marker}]}))
    assert finish(settled) == Finish(None)
    assert of.counts_failed() == 0


@pytest.mark.parametrize("what", [FAULT, NOT_SENT])
def test_a_look_that_was_throttled_has_all_its_tries_with_faults_left(what):
    lists = Job("list", "list", "listed", ListSpec("connections", ("[headgate:",)))
    of = machine(lists)
    (send,) = sends(of.handle(Ticked(0.0)))
    for said in (SLOW, SLOW, SLOW, SLOW, what, SLOW, what):
        commands = answer(of, send, said, of.next_wake() or 0.0)
        assert finish(commands) is None, "three tries with faults, and two were had"
        (send,) = sends(of.handle(Ticked(of.next_wake())))
    answer(of, send, EMPTY, 100.0)
    assert of.counts_failed() == 0
    assert of.open == 0


def test_every_retry_is_told():
    of = machine(job("a"))
    (send,) = sends(of.handle(Ticked(0.0)))
    (tell,) = [command for command in answer(of, send, FAULT) if isinstance(command, Tell)]
    assert (tell.name, tell.fields["verdict"], tell.fields["status"], tell.fields["endpoint"]) == (
        "retry",
        "fault",
        500,
        "POST /connections",
    )


def test_the_retry_budget_of_a_run_is_one_for_all():
    of = machine(
        job("ok"), *[job(f"j{n}") for n in range(6)], retry=RetryPolicy(attempts=50, budget_ratio=0.0, budget_floor=4)
    )
    first = sends(of.handle(Ticked(0.0)))
    answer(of, first[0])
    commands = [command for send in first[1:] for command in answer(of, send, LOST, 1.0)]
    assert [command.name for command in commands if isinstance(command, Tell)] == ["retry"] * 4 + ["stop"]
    (finish,) = [command for command in commands if isinstance(command, Finish)]
    assert finish.stop is Stop.PLATFORM
    assert "too many requests fail" in finish.detail
    assert not written(commands), "nothing is called failed for it: a resume goes on"
    assert of.open == 6


def test_throttling_does_not_use_up_the_budget():
    of = machine(job("ok"), *[job(f"j{n}") for n in range(6)], retry=RetryPolicy(budget_ratio=0.0, budget_floor=0))
    first = sends(of.handle(Ticked(0.0)))
    answer(of, first[0])
    assert not [record for send in first[1:] for record in written(answer(of, send, SLOW, 1.0))]


# -- stops


def test_a_drain_starts_nothing_new_and_lets_what_is_out_come_back():
    of = machine(job("a"), job("b"), job("c", 0), concurrency=2, ahead=0)
    a, b = sends(of.handle(Ticked(0.0)))
    commands = of.handle(StopAsked(Stop.INTERRUPTED, 0.0, "ctrl-c"))
    assert not sends(commands)
    assert finish(commands) is None
    assert finish(answer(of, a)) is None
    last = answer(of, b)
    assert finish(last) == Finish(Stop.INTERRUPTED, "ctrl-c")
    assert of.open == 1
    assert not sends(last)


def test_a_second_stop_does_not_change_the_reason():
    of = machine(job("a"))
    (send,) = sends(of.handle(Ticked(0.0)))
    of.handle(StopAsked(Stop.FINISH_BY, 0.0))
    of.handle(StopAsked(Stop.INTERRUPTED, 0.0))
    assert finish(answer(of, send, FAULT)).stop is Stop.FINISH_BY


def test_a_stop_when_the_last_answer_is_the_end_of_the_work_is_no_stop():
    of = machine(job("a"))
    (send,) = sends(of.handle(Ticked(0.0)))
    of.handle(StopAsked(Stop.INTERRUPTED, 0.0))
    assert finish(answer(of, send)) == Finish(None)


def test_a_stop_before_anything_is_out_ends_at_once():
    of = machine(job("a"))
    commands = of.handle(StopAsked(Stop.FINISH_BY, 0.0, "late"))
    assert finish(commands) == Finish(Stop.FINISH_BY, "late")
    assert of.handle(Ticked(1.0)) == []


def test_on_error_stop_stops_at_the_first_failure():
    of = machine(job("a", item=0), job("b", item=1), job("c", 1, item=1), items=2, stop_on_error=True)
    a, b = sorted(sends(of.handle(Ticked(0.0))), key=lambda send: send.job)
    answer(of, a, NO)
    assert of.stopped.reason is Stop.ON_ERROR
    assert "a failed" in of.stopped.detail
    assert finish(answer(of, b)).stop is Stop.ON_ERROR


@pytest.mark.parametrize(
    ("tolerance", "stops_at"), [(Tolerance(count=0), 1), (Tolerance(count=2), 3), (Tolerance(ratio=0.5), 3), (None, 99)]
)
def test_more_failed_items_than_tolerated_stop_the_run(tolerance, stops_at):
    of = machine(*[job(f"j{n}", item=n) for n in range(5)], items=5, tolerance=tolerance)
    for count, send in enumerate(sends(of.handle(Ticked(0.0))), 1):
        answer(of, send, NO)
        assert (of.stopped is not None) == (count >= stops_at)


def test_several_failures_of_one_item_count_once():
    of = machine(job("a", item=0), job("b", item=0), job("c", item=1), items=2, tolerance=Tolerance(count=1))
    a, b, _ = sends(of.handle(Ticked(0.0)))
    answer(of, a, NO)
    answer(of, b, NO)
    assert of.stopped is None


def test_failures_of_what_items_share_are_each_counted():
    of = machine(job("base1"), job("base2"), items=5, tolerance=Tolerance(count=1))
    one, two = sends(of.handle(Ticked(0.0)))
    answer(of, one, NO)
    assert of.stopped is None
    answer(of, two, NO)
    assert of.stopped.reason is Stop.TOLERATE


def test_what_is_skipped_is_not_counted_as_failed():
    of = machine(job("a", item=0), job("b", 0, item=0), job("c", 1, item=0), items=1, tolerance=Tolerance(count=1))
    answer(of, sends(of.handle(Ticked(0.0)))[0], NO)
    assert of.failed_rows == 1


FLOW = {
    "id": "f",
    "transformations": [
        {
            "params": {
                "segmentSelectors": {"selectors": [{"value": {"id": audience, "createTime": "1"}} for audience in "ab"]}
            }
        }
    ],
}


def adhoc(pairs=(("f", "a"), ("f", "b"))):
    spec = {"pairs": [[row, *pair] for row, pair in enumerate(pairs)], "version": 2, "wait": True}
    return (
        Job("check:f", "check", "check", CheckSpec(facts=True, flow="f")),
        Job("adhoc:x:1", "adhoc", "adhoc", spec, after={"f": 0}),
    )


def ad_hoc_machine(**rules):
    rules.setdefault("retry", RetryPolicy(attempts=2, first_s=0.0, cap_s=0.0, budget_floor=50))
    of = Machine(
        Plan("m", "dev", adhoc(), (), (PairRow("x", "f", "a", 0, 1), PairRow("x", "f", "b", 0, 1)), (), "f"),
        Rules(**rules),
        now_s=1e9,
    )
    (check,) = sends(of.handle(Ticked(0.0)))
    (look,) = sends(granted(of, answer(of, check, Answer(Verdict.OK, 200, FLOW))))
    return of, look


def test_an_ad_hoc_job_that_is_given_up_counts_its_pairs_as_failed_rows():
    """Else --tolerate and --on-error would not see the failure of eighty activations."""
    of, look = ad_hoc_machine(stop_on_error=True)
    answer(of, look, FAULT)
    (look,) = sends(of.handle(Ticked(of.next_wake())))
    assert written(answer(of, look, FAULT))[0].data["ending"] == "failed"
    assert of.failed_rows == 2
    assert of.stopped is not None


# -- the platform as a whole


def test_a_platform_that_cannot_be_reached_ends_the_run_and_leaves_its_jobs_open():
    of = machine(*[job(f"j{n}") for n in range(3)], retry=RetryPolicy(attempts=2, first_s=0.0, cap_s=0.0))
    commands, at = of.handle(Ticked(0.0)), 0.0
    for _ in range(20):
        found = sends(commands)
        if not found:
            break
        commands = [command for send in found for command in answer(of, send, NOT_SENT, at)]
        at = of.next_wake() or at
        commands += of.handle(Ticked(at))
    assert of.stopped.reason is Stop.PLATFORM
    assert of.open == 3
    assert of.counts_failed() == 0


def test_before_the_first_answer_no_job_fails_for_what_never_left():
    of = machine(job("a"), retry=RetryPolicy(attempts=1))
    (send,) = sends(of.handle(Ticked(0.0)))
    commands = answer(of, send, NOT_SENT)
    assert finish(commands).stop is Stop.PLATFORM
    assert of.open == 1


@pytest.mark.parametrize("what", [LOST, FAULT])
def test_what_may_have_been_done_is_looked_up_even_when_no_attempt_is_left(what):
    of = machine(job("a"), retry=RetryPolicy(attempts=1))
    (send,) = sends(of.handle(Ticked(0.0)))
    commands = answer(of, send, what)
    (look,) = sends(commands) or sends(of.handle(Ticked(of.next_wake())))
    assert look.call.method == "GET"
    assert of.open == 1


def test_not_sent_later_on_stops_the_run_too():
    of = machine(job("a"), job("b"), retry=RetryPolicy(attempts=1))
    a, b = sends(of.handle(Ticked(0.0)))
    answer(of, a)
    assert finish(answer(of, b, NOT_SENT)).stop is Stop.PLATFORM


@pytest.mark.parametrize(("status", "answered"), [(401, False), (401, True), (403, False)])
def test_refused_credentials_stop_the_run_and_fail_nothing(status, answered):
    of = machine(job("a"), job("b"))
    a, b = sends(of.handle(Ticked(0.0)))
    if answered:
        answer(of, a)
    refused = Answer(Verdict.REFUSED, status, problem=Problem(status, "", "no"))
    commands = answer(of, b, refused)
    assert of.stopped.reason is Stop.PLATFORM
    assert "no" in of.stopped.detail
    assert not written(commands)


def test_a_missing_right_for_one_thing_fails_that_one():
    of = machine(job("a"), job("b"))
    a, b = sends(of.handle(Ticked(0.0)))
    answer(of, a)
    refused = Answer(Verdict.REFUSED, 403, problem=Problem(403, "", "no right"))
    assert written(answer(of, b, refused))[0].data["ending"] == "failed"
    assert of.stopped is None


# -- known objects


def mark(name):
    return marker("dev", "m", name)


def test_a_known_object_is_used_again_without_a_request():
    of = machine(job("a"), job("b", 0), known={mark("a"): ("id-a", "d1")})
    commands = of.handle(Ticked(0.0))
    (settled,) = written(commands)
    assert settled.data == {"ending": "succeeded", "output": {"id": "id-a", "found": "store"}}
    assert settled.made is None
    assert names(commands, of) == ["b"]


def test_an_object_in_doubt_is_looked_for_first():
    of = machine(job("a"), known={mark("a"): ("", "d1")})
    (send,) = sends(of.handle(Ticked(0.0)))
    assert send.call.method == "GET"
    theirs = {"id": "x", "name": "a", "description": mark("a"), "connectionSpec": {"id": "s"}}
    (read,) = sends(answer(of, send, Answer(Verdict.OK, 200, {"items": [theirs]})))
    assert read.call.path == "/connections/x"
    (found,) = written(answer(of, read, Answer(Verdict.OK, 200, {"items": [theirs]})))
    assert found.data["output"]["id"] == "x"
    assert found.made.id == "x"


def test_everything_known_is_finished_without_a_request():
    of = machine(job("a"), job("b", 0), known={mark("a"): ("1", "d1"), mark("b"): ("2", "d1")})
    commands = of.handle(Ticked(0.0))
    assert not sends(commands)
    assert finish(commands) == Finish(None)
    assert of.durable() == {
        0: ("settled", {"ending": "succeeded", "output": {"id": "1", "found": "store"}}),
        1: ("settled", {"ending": "succeeded", "output": {"id": "2", "found": "store"}}),
    }


def test_what_is_known_of_others_changes_nothing():
    of = machine(job("a"), known={mark("zzz"): ("1", "d1")})
    assert sends(of.handle(Ticked(0.0)))[0].call.method == "POST"


# -- restored


def test_a_restored_run_goes_on_where_it_was():
    records = [
        Record("intent", 0, {"at": "post", "posts": 1}),
        Record("settled", 0, {"ending": "succeeded", "output": {"id": "x"}}),
        Record("intent", 1, {"at": "post", "posts": 1}),
    ]
    of = machine(job("a"), job("b", 0), job("c", 0), past=fold(records))
    found = {of.jobs[send.job].key: send.call.method for send in sends(of.handle(Ticked(0.0)))}
    assert found == {"b": "GET", "c": "POST"}


def test_a_crash_between_a_failure_and_its_skips_is_made_up_for():
    of = machine(
        job("a"),
        job("b", 0),
        job("c", 1),
        past=fold([Record("settled", 0, {"ending": "failed", "problem": [400, "", "m", "", ""]})]),
    )
    commands = of.handle(Ticked(0.0))
    assert [record.data for record in written(commands)] == [{"ending": "skipped", "cause": "a"}] * 2
    assert finish(commands) == Finish(None)


def test_a_resumed_run_is_not_stopped_again_by_what_stopped_it():
    of = machine(
        job("a", item=0),
        job("b", item=1),
        items=2,
        stop_on_error=True,
        past=fold([Record("settled", 0, {"ending": "failed"})]),
    )
    assert of.stopped is None
    assert names(of.handle(Ticked(0.0)), of) == ["b"]
    assert of.counts_failed() == 1


def test_restored_children_keep_their_numbers():
    spec = {"pairs": [[1, "f", "b"]], "version": 2, "wait": True}
    records = [
        Record("settled", 0, {"ending": "succeeded", "output": {"id": "f", "segments": {}}}),
        Record(
            "settled",
            1,
            {"ending": "succeeded", "output": {"pairs": [], "runs": []}, "children": [["adhoc:x:1.b", "adhoc", spec]]},
        ),
        Record("step", 2, {"at": "runs", "of": {"1": "r"}, "runs": ["r"], "look": 0}),
    ]
    of = Machine(Plan("m", "dev", adhoc(), (), (), (), "f"), Rules(), now_s=0.0, past=fold(records))
    assert of.jobs[2].key == "adhoc:x:1.b"
    (send,) = sends(granted(of, of.handle(Ticked(0.0))))
    assert (send.job, dict(send.call.query)["property"]) == (2, "id==r")


def test_restored_jobs_hold_the_audiences_of_their_runs():
    jobs = (
        Job("check:f", "check", "check", CheckSpec(facts=True, flow="f")),
        *(
            Job(
                f"adhoc:x:{n}", "adhoc", "adhoc", {"pairs": [[n, "f", "a"]], "version": 2, "wait": True}, after={"f": 0}
            )
            for n in (1, 2)
        ),
    )
    records = [
        Record(
            "settled", 0, {"ending": "succeeded", "output": {"id": "f", "segments": {"a": ["n", "", "", 0.0, "a"]}}}
        ),
        Record("step", 1, {"at": "runs", "of": {"1": "r"}, "runs": ["r"], "look": 0}),
    ]
    of = Machine(Plan("m", "dev", jobs, (), (), (), "f"), Rules(), now_s=1e9, past=fold(records))
    (send,) = sends(granted(of, of.handle(Ticked(0.0))))
    assert send.job == 1
    assert of.live[2].state is State.WAITING


# -- leases that other runs may hold


def waiting_for_keys():
    """An ad-hoc machine that has asked the store for its audiences."""
    of = Machine(Plan("m", "dev", adhoc(), (), (), (), "f"), Rules(), now_s=1e9)
    (check,) = sends(of.handle(Ticked(0.0)))
    commands = answer(of, check, Answer(Verdict.OK, 200, FLOW))
    (lease,) = [command for command in commands if isinstance(command, Lease)]
    assert not sends(commands), "nothing is asked of the platform before the audiences are ours"
    return of, lease


def test_audiences_are_asked_of_the_store_with_the_flows_they_are_for():
    _, lease = waiting_for_keys()
    assert (lease.keys, lease.note) == (("audience:a", "audience:b"), ("f",))


def test_what_another_run_holds_is_asked_for_again_a_moment_later():
    of, lease = waiting_for_keys()
    assert not sends(of.handle(Claimed(lease.job, 1.0, by="run other, driven by process 7")))
    assert "run other, driven by process 7" in of.live[lease.job].reason
    assert of.live[lease.job].state is State.PAUSED
    commands = of.handle(Ticked(of.next_wake()))
    assert [(again.job, again.keys) for again in commands if isinstance(again, Lease)] == [(lease.job, lease.keys)]
    assert sends(granted(of, commands))


def test_the_flows_of_a_dead_holder_are_looked_at_before_anything_is_sent():
    of, lease = waiting_for_keys()
    (own,) = sends(of.handle(Claimed(lease.job, 0.0, notes=("f", "theirs"))))
    assert dict(own.call.query)["property"] == "flowId==f"
    (left,) = sends(answer(of, own, EMPTY))
    assert dict(left.call.query)["property"] == "flowId==theirs"
    going = {
        "items": [
            {"id": "r", "flowId": "theirs", "createdAt": 1, "metrics": {"statusSummary": {"status": "inProgress"}}}
        ]
    }
    assert not sends(answer(of, left, Answer(Verdict.OK, 200, going)))
    assert "flow theirs has a run in progress" in of.live[lease.job].reason
    (poll,) = sends(of.handle(Ticked(of.next_wake())))
    assert dict(poll.call.query)["property"] == "id==r"
    over = {"items": [{"id": "r", "flowId": "theirs", "metrics": {"statusSummary": {"status": "success"}}}]}
    (own,) = sends(answer(of, poll, Answer(Verdict.OK, 200, over)))
    (left,) = sends(answer(of, own, EMPTY))
    (post,) = sends(answer(of, left, EMPTY))
    assert post.call.method == "POST"


def test_leases_are_given_back_with_the_end_of_their_job_and_passed_on_through_the_store():
    jobs = (*adhoc(), Job("adhoc:x:2", "adhoc", "adhoc", adhoc()[1].spec, after={"f": 0}))
    of = Machine(Plan("m", "dev", jobs, (), (), (), "f"), Rules(retry=RetryPolicy(attempts=1)), now_s=1e9)
    (check,) = sends(of.handle(Ticked(0.0)))
    (look,) = sends(granted(of, answer(of, check, Answer(Verdict.OK, 200, FLOW))))
    commands = answer(of, look, FAULT)
    (settled,) = written(commands)
    assert settled.frees == ("audience:a", "audience:b")
    (next_one,) = [command for command in commands if isinstance(command, Lease)]
    assert next_one.job == 2
    assert commands.index(next_one) > commands.index(next(each for each in commands if isinstance(each, Write)))


def test_a_resumed_job_asks_for_its_leases_before_it_looks_what_became_of_its_request():
    records = [
        Record("settled", 0, {"ending": "succeeded", "output": {"id": "f", "segments": {}}}),
        Record("intent", 1, {"at": "post", "since": 0, "lost": False, "rounds": 0, "waits": 0}),
    ]
    of = Machine(Plan("m", "dev", adhoc(), (), (), (), "f"), Rules(), now_s=0.0, past=fold(records))
    commands = of.handle(Ticked(0.0))
    assert not sends(commands)
    (look,) = sends(granted(of, commands, notes=("f",)))
    assert look.call.path == "/runs"


# -- time


def test_the_platforms_clock_is_taken_from_its_date_header():
    of = machine(job("a"), time_scale=1.0)
    (send,) = sends(of.handle(Ticked(0.0)))
    of.handle(Answered(0, send.attempt, Answer(Verdict.NOT_SENT, date_s=5000.0), 1.0))
    assert 5000.0 <= of.platform_now(1.0) <= 5001.0
    assert of.platform_now(11.0) - of.platform_now(1.0) == pytest.approx(10.0)


def test_a_date_within_its_second_does_not_move_the_clock():
    of = machine(job("a"))
    (send,) = sends(of.handle(Ticked(0.0)))
    of.handle(Answered(0, send.attempt, Answer(Verdict.NOT_SENT, date_s=1000.0), 0.5))
    assert of.platform_now(0.5) == 1000.5


def test_pauses_are_of_the_platforms_clock():
    of = Machine(
        Plan("m", "dev", (Job("c", "check", "c", CheckSpec(flow="f")),), (), (), (), "f"),
        Rules(time_scale=3600.0),
        now_s=0.0,
    )
    (send,) = sends(of.handle(Ticked(0.0)))
    answer(of, send, Answer(Verdict.OK, 200, {"id": "f", "state": "updating"}), 5.0)
    assert of.next_wake() == pytest.approx(5.0 + 3.0 / 3600)


def test_pauses_hold_no_slot():
    jobs = tuple(Job(f"c{n}", "check", "c", CheckSpec(flow="f")) for n in range(4))
    of = Machine(Plan("m", "dev", jobs, (), (), (), "f"), Rules(concurrency=1, ahead=0), now_s=0.0)
    busy, seen = Answer(Verdict.OK, 200, {"id": "f", "state": "updating"}), []
    commands = of.handle(Ticked(0.0))
    for _ in range(4):
        (send,) = sends(commands)
        seen.append(send.job)
        commands = answer(of, send, busy)
    assert seen == [0, 1, 2, 3]
    assert of.in_flight == 0
    assert of.states()[State.PAUSED] == 4


def test_four_times_the_jobs_are_four_times_the_work():
    """The walk must not be what a run waits for: no scan of all jobs per event."""

    def walk(size):
        of = machine(*[job(f"j{n}", *([n - 1] if n % 4 else [])) for n in range(size)])

        def walked():
            commands, count = sends(of.handle(Ticked(0.0))), 0
            while commands:
                send = commands.pop()
                count += 1
                commands += sends(answer(of, send))
            assert count == size

        return walked

    assert grows(walk, 500) < 1.1


def test_the_same_seed_tells_the_same_story():
    def story(seed):
        rng = Random(5)
        of = machine(
            *[job(f"j{n}", *([n - 1] if n % 3 else [])) for n in range(12)], seed=seed, retry=RetryPolicy(attempts=40)
        )
        from tests.property.model import Trouble

        driver = Driver(of, Remote(rng, Trouble(0.4)), Disk(), rng)
        driver.run()
        return [(at, call.method, call.path) for at, _, call in driver.sent]

    assert story(1) == story(1)
    assert story(1) != story(2)


# -- given back


def resumed(*commands_of_a_life, jobs):
    records = [
        entry.intent if isinstance(entry, Send) else entry.record
        for commands in commands_of_a_life
        for entry in commands
        if isinstance(entry, Write) or (isinstance(entry, Send) and entry.intent)
    ]
    return machine(*jobs, past=fold(records)), records


def stop(of):
    return of.handle(StopAsked(Stop.INTERRUPTED, 0.0, "interrupted"))


def test_what_is_given_back_unsent_begins_anew_and_leaves_no_doubt():
    of = machine(job("a"))
    first = of.handle(Ticked(0.0))
    (send,) = sends(first)
    back = stop(of) + of.handle(Returned(send.job, send.attempt, 0.0))
    again, records = resumed(first, back, jobs=[job("a")])
    assert [(one.kind, dict(one.data), one.made.id) for one in records[1:]] == [("step", {}, "")]
    (send,) = sends(again.handle(Ticked(0.0)))
    assert (send.call.method, send.call.path) == ("POST", "/connections")
    assert send.intent is not None


def test_a_refused_token_leaves_no_doubt_either():
    of = machine(job("a"), job("b"))
    first = of.handle(Ticked(0.0))
    a, b = sends(first)
    refused = answer(of, a, Answer(Verdict.REFUSED, 401, problem=Problem(401, "", "no")))
    lost = answer(of, b, LOST)
    again, _ = resumed(first, refused, lost, jobs=[job("a"), job("b")])
    asked = {again.jobs[send.job].key: send.call.method for send in sends(again.handle(Ticked(0.0)))}
    assert asked == {"a": "POST", "b": "GET"}


def test_what_was_lost_once_is_looked_up_even_if_its_second_try_is_given_back():
    of = machine(job("a"))
    first = of.handle(Ticked(0.0))
    lost = answer(of, sends(first)[0], LOST)
    commands, at = [], 0.0
    while not any(send.call.effect for send in sends(commands)):
        for send in sends(commands):
            commands = answer(of, send, EMPTY, at)
            break
        else:
            at = of.next_wake()
            commands = of.handle(Ticked(at))
    (post,) = sends(commands)
    back = stop(of) + of.handle(Returned(post.job, post.attempt, at))
    again, _ = resumed(first, lost, commands, back, jobs=[job("a")])
    (send,) = sends(again.handle(Ticked(0.0)))
    assert send.call.method == "GET"


def test_an_object_an_earlier_run_may_have_made_stays_in_doubt_when_given_back():
    of = machine(job("a"), known={marker("dev", "m", "a"): ("", "d1")})
    commands, at = of.handle(Ticked(0.0)), 0.0
    while not any(send.call.effect for send in sends(commands)):
        if found := sends(commands):
            commands = answer(of, found[0], EMPTY, at)
        else:
            at = of.next_wake()
            commands = of.handle(Ticked(at))
    (post,) = sends(commands)
    back = stop(of) + of.handle(Returned(post.job, post.attempt, at))
    assert not written(back, "step")


# -- listings


def listed_job(name, at=0):
    made = job(name)
    made.needs[LISTED] = at
    return made


LISTS = Job("list:connections", "list", "listed", ListSpec("connections", ("[headgate:",)))


def test_what_the_store_lost_is_found_by_its_mark_and_kept_for_the_next_run():
    of = machine(LISTS, listed_job("a"), listed_job("b"))
    (send,) = sends(of.handle(Ticked(0.0)))
    assert (send.call.method, send.call.path) == ("GET", "/connections")
    body = {"items": [{"id": "old", "description": marker("dev", "m", "a")}]}
    commands = answer(of, send, Answer(Verdict.OK, 200, body))
    read, made = sends(commands)
    assert (read.call.path, made.call.body["name"]) == ("/connections/old", "b")
    theirs = {"id": "old", "name": "a", "description": marker("dev", "m", "a"), "connectionSpec": {"id": "s"}}
    (one,) = written(answer(of, read, Answer(Verdict.OK, 200, {"items": [theirs]})))
    assert (one.made.id, one.made.marker, one.data["output"]["found"]) == ("old", marker("dev", "m", "a"), "same")


def test_a_list_that_nobody_needs_is_not_asked_for():
    known = {marker("dev", "m", name): (f"id-{name}", "d1") for name in "ab"}
    of = machine(LISTS, listed_job("a"), listed_job("b"), known=known)
    assert finish(of.handle(Ticked(0.0))) == Finish(None)
    del known[marker("dev", "m", "b")]
    of = machine(LISTS, listed_job("a"), listed_job("b"), known=known)
    assert names(of.handle(Ticked(0.0)), of) == ["list:connections"]


def test_nothing_is_made_when_the_list_cannot_be_read():
    of = machine(LISTS, listed_job("a"))
    (send,) = sends(of.handle(Ticked(0.0)))
    commands = answer(of, send, Answer(Verdict.OK, 200, {"oops": 1}))
    assert not sends(commands)
    assert [dict(record.data).get("cause") for record in written(commands)] == [None, "list:connections"]


# -- made from other content


def test_what_was_made_from_other_content_is_read_changed_and_read_again():
    of = machine(job("a"), known={mark("a"): ("x", "d0")})
    (read,) = sends(of.handle(Ticked(0.0)))
    assert (read.call.method, read.call.path) == ("GET", "/connections/x")
    theirs = {"id": "x", "name": "old", "description": mark("a"), "connectionSpec": {"id": "s"}, "etag": '"1"'}
    (patch,) = sends(answer(of, read, Answer(Verdict.OK, 200, {"items": [theirs]})))
    assert patch.call.body == [{"op": "replace", "path": "/name", "value": "a"}]
    assert dict(patch.call.headers) == {"If-Match": '"1"'}
    assert patch.intent.data["id"] == "x"
    (again,) = sends(answer(of, patch, Answer(Verdict.OK, 202)))
    theirs = {**theirs, "name": "a", "etag": '"2"'}
    (settled,) = written(answer(of, again, Answer(Verdict.OK, 200, {"items": [theirs]})))
    assert settled.data["output"]["found"] == "updated"
    assert (settled.made.id, settled.made.digest) == ("x", "d1"), "the next run finds it as it is now"


def test_refresh_compares_what_is_unchanged_too():
    of = machine(job("a"), known={mark("a"): ("x", "d1")}, refresh=True)
    assert sends(of.handle(Ticked(0.0)))[0].call.path == "/connections/x"


def test_a_change_that_was_given_back_is_still_a_change_after_a_resume():
    """Its object exists: made from START again there would be two."""
    first = machine(job("a"), known={job("a").spec.marker: ("id-a", "another.digest")})
    (read,) = sends(first.handle(Ticked(0.0)))
    assert read.call.method == "GET"
    records = [Record("intent", 0, {"at": "patch", "id": "id-a"}), Record("step", 0, {})]
    again = machine(job("a"), known={job("a").spec.marker: ("id-a", "another.digest")}, past=fold(records))
    (read,) = sends(again.handle(Ticked(0.0)))
    assert (read.call.method, read.call.path) == ("GET", "/connections/id-a")


def test_entries_take_turns_and_those_with_a_higher_priority_go_first():
    items = 3 * VANGUARD
    jobs = [job(f"{entry}{number}", item=place * items + number)
            for place, entry in enumerate("abc") for number in range(items)]  # fmt: skip
    rows = tuple(ItemRow(one.key[0], one.key, "audience-export", "f:1", {}) for one in jobs)
    made = replace(plan(*jobs), items=rows, priorities={"c": 1})
    of = Machine(made, Rules(concurrency=len(jobs)), now_s=1000.0)
    order = [jobs[send.job] for send in sends(of.handle(Ticked(0.0)))]
    assert {one.item for one in order[:VANGUARD]} == set(range(VANGUARD)), "the first of all, whosever they are"
    after = "".join(one.key[0] for one in order[VANGUARD:])
    assert after[:items] == "c" * items
    assert abs(after[items : 2 * items].count("a") - items / 2) <= 1
