"""The judge in the machine: walls, shares of entries, and what a resumed run is not stopped by again."""

from __future__ import annotations

from headgate.engine.events import Answered, Stop, Ticked, Write
from headgate.engine.live import Rules
from headgate.engine.machine import Machine
from headgate.engine.record import fold
from headgate.exchange import Answer, Problem, Verdict
from headgate.pacing import RetryPolicy, Tolerance
from headgate.pacing.circuit import VANGUARD, WINDOW
from headgate.planning.model import ItemRow, Plan

from tests.unit.engine.test_machine import job, sends

NO = Answer(Verdict.REJECTED, 400, problem=Problem(400, "1418-400", "no", advice="do something else"))
OTHER = Answer(Verdict.REJECTED, 400, problem=Problem(400, "1416-400", "no"))
YES = Answer(Verdict.OK, 201, {"id": "x", "etag": "e"})


def started(*jobs, entries, past=None, **rules):
    items = [ItemRow(entry, f"i{n}", "audience-export", "f:1", {}) for n, entry in enumerate(entries)]
    plan = Plan("m", "dev", jobs, tuple(items), (), (), "f")
    rules.setdefault("retry", RetryPolicy(attempts=3, first_s=1.0, cap_s=8.0))
    return Machine(plan, Rules(**rules), now_s=1000.0, past=past)


def told(machine, story):
    """Answer request after request as ``story(n)`` says, until nothing comes any more; how many, and the records."""
    waiting = []
    records = []

    def take(commands):
        waiting.extend(sends(commands))
        records.extend(command.record for command in commands if isinstance(command, Write))

    take(machine.handle(Ticked(0.0)))
    count = 0
    while waiting:
        send = waiting.pop(0)
        take(machine.handle(Answered(send.job, send.attempt, story(send.job), 0.0)))
        count += 1
    return count, records


def many(count, **rules):
    return started(
        *[job(f"j{n}", item=n) for n in range(count)], entries=["e"] * count, concurrency=1, ahead=0, **rules
    )


def test_a_wall_stops_the_run_after_a_window():
    machine = many(10_000)
    count, _ = told(machine, lambda _: NO)
    assert count == WINDOW
    assert machine.stopped.reason is Stop.WALL
    assert machine.stopped.detail.startswith(
        f"a wall: {WINDOW} times in a row the same refusal to create connections, 400 1418-400"
    )
    assert machine.stopped.hint.startswith("do something else; mend the cause, then `headgate resume`")


def test_fewer_than_a_window_of_bad_rows_are_failures_and_no_wall():
    machine = many(WINDOW - 1)
    told(machine, lambda _: NO)
    assert machine.stopped is None
    assert machine.failed_rows == WINDOW - 1


def test_different_refusals_and_successes_between_are_no_wall():
    machine = many(10 * WINDOW)
    told(machine, lambda n: (NO, OTHER)[n % 2])
    assert machine.stopped is None
    machine = many(10 * WINDOW)
    told(machine, lambda n: YES if n % (WINDOW - 1) == 0 else NO)
    assert machine.stopped is None


def test_who_tolerates_everything_goes_through():
    machine = many(3 * WINDOW, tolerance=Tolerance(ratio=1.0))
    told(machine, lambda _: NO)
    assert machine.stopped is None
    assert machine.finished


def test_a_wall_that_stopped_a_run_does_not_stop_its_next_life():
    first = many(2 * WINDOW + 10)
    _, records = told(first, lambda _: NO)
    assert first.stopped.reason is Stop.WALL
    second = many(2 * WINDOW + 10, past=fold(records))
    assert second.stopped is None
    told(second, lambda _: YES)
    assert second.stopped is None
    assert second.open == 0


def test_an_entry_is_judged_by_its_own_share_and_a_small_one_is_not():
    entries = ["few"] * 10 + ["some"] * 40 + ["most"] * 1000
    jobs = [job(f"j{n}", item=n) for n in range(len(entries))]
    rules = {"concurrency": 1, "ahead": 0, "tolerance": Tolerance(ratio=0.05)}
    machine = started(*jobs, entries=entries, **rules)
    told(machine, lambda n: NO if n in (1, 2, 3) else YES)  # 3 of 10, and of 1,050
    assert machine.stopped is None
    machine = started(*jobs, entries=entries, **rules)
    count, _ = told(machine, lambda n: NO if n in (12, 13, 14) else YES)  # 3 of 40
    assert machine.stopped.reason is Stop.TOLERATE
    assert machine.stopped.detail == "3 of 40 of 'some' failed, 5% tolerated"
    assert count == 30  # once twenty of its rows had ended


def test_the_vanguard_goes_all_its_way_before_the_others_begin():
    count = VANGUARD + 20
    jobs = [job(f"first{n}", item=n) for n in range(count)]
    jobs += [job(f"then{n}", n, item=n) for n in range(count)]
    machine = started(*jobs, entries=["e"] * count, concurrency=1, ahead=0)
    order = []
    told(machine, lambda n: order.append(n) or YES)
    assert {n % count for n in order[: 2 * VANGUARD]} == set(range(VANGUARD))
