"""Jobs as columns: the same walk whatever they are kept in, and an object only for those that have begun."""

from __future__ import annotations

import gc
import tracemalloc

import pytest

from benchmarks.plans import compiled, grove
from headgate.engine import lives
from headgate.engine.events import Answered, Send, Ticked
from headgate.engine.live import Rules, State
from headgate.engine.lives import Links, Lives
from headgate.engine.machine import Machine
from headgate.exchange import Answer, Verdict
from headgate.planning import builder as building


def walked(machine):
    """Every command in its order, as text."""
    said, commands = [], machine.handle(Ticked(0.0))
    while not machine.finished:
        said.append(repr(commands))
        answers = [
            Answered(send.job, send.attempt, Answer(Verdict.OK, 201, {"id": f"{send.job:08x}", "etag": '"0"'}), 0.0)
            for send in commands
            if isinstance(send, Send)
        ]
        commands = machine.handle(*answers)
    return [*said, repr(commands)]


def test_a_packed_plan_is_walked_as_any_other(monkeypatch):
    plain = grove(80)
    monkeypatch.setattr(building, "PLENTY", 1)
    monkeypatch.setattr(lives, "_FRESH", 4)
    one, other = Machine(plain, Rules(10), now_s=0.0), Machine(compiled(80), Rules(10), now_s=0.0)
    assert one.states() == other.states()
    assert walked(one) == walked(other)
    assert one.durable() == other.durable()
    assert len(one.durable()) == len(plain.jobs)


def test_looking_at_all_jobs_makes_none_of_them():
    machine = Machine(grove(80), Rules(), now_s=0.0)
    machine.handle(Ticked(0.0))
    begun = len(machine.live.begun())
    assert begun < 10
    assert {live.state for live in machine.live} == {State.HELD, State.RUNNING}
    assert (machine.waits(), machine.states()[State.RUNNING]) == ([], begun)
    assert len(machine.live.begun()) == begun


def test_what_has_begun_is_its_own_object_until_it_is_over(monkeypatch):
    monkeypatch.setattr(lives, "_FRESH", 1)
    live = Lives(4, {3: {"ending": "failed"}})
    assert live.count() == {**dict.fromkeys(State, 0), State.HELD: 3, State.SETTLED: 1}
    live.ready(0)
    live[1].state = State.PAUSED
    live[1].reason = "later"
    assert [live.state(index) for index in range(4)] == [State.READY, State.PAUSED, State.HELD, State.SETTLED]
    assert (live.look(1).reason, live.look(0).state, live.look(2).state) == ("later", State.READY, State.HELD)
    assert [index for index, _ in live.begun()] == [1]
    assert live[-1].settled == {"ending": "failed"}
    for index, data in enumerate(({"ending": "succeeded", "output": {"id": "a"}}, {"ending": "skipped", "cause": "x"})):
        live.close(index, data)
        assert live.settled(index) == data
    assert live.settled(0) == {"ending": "succeeded", "output": {"id": "a"}}, "packed by now"
    assert (live[1].cause, live[1].state, live.begun()) == ("x", State.SETTLED, [])
    assert list(live.ended) == [0, 1]
    assert live.settled(2) is None


def test_who_waits_for_whom():
    edges = [[], [0], [0, 0], [1, 2], []]
    links = Links(5, range(5), edges.__getitem__, None, lambda index, below: 1 + max(below, 9 if index == 4 else 0))
    assert [list(links.dependents(index)) for index in range(5)] == [[1, 2], [3], [3], [], []]
    assert list(links.waits_for) == [0, 1, 1, 2, 0]
    assert list(links.priority) == [3, 2, 2, 1, 10]
    links.append(2, [3])
    assert (links.waits_for[3], list(links.dependents(5)), links.waits_for[5]) == (3, [3], 0)


def test_links_of_what_is_left():
    edges = [[], [0], [0, 1], [2]]
    links = Links(4, [2, 3], edges.__getitem__, lambda index: index < 2, lambda _index, below: 1 + below)
    assert [list(links.dependents(index)) for index in range(4)] == [[2], [2], [3], []]
    assert list(links.waits_for) == [0, 0, 0, 1]


@pytest.mark.parametrize("items", [400])
def test_a_waiting_job_weighs_next_to_nothing(items):
    plan = grove(items)
    gc.collect()
    tracemalloc.start()
    try:
        machine = Machine(plan, Rules(), now_s=0.0)
        gc.collect()
        size = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert size / len(machine.jobs) < 80
