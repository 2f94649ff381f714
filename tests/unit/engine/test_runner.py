"""The runner: an effect leaves only after its intent is durable, and what breaks ends the run in order."""

from __future__ import annotations

import asyncio

import pytest

from headgate.clock import SystemClock
from headgate.engine.events import Stop
from headgate.engine.gate import Gate
from headgate.engine.live import Rules
from headgate.engine.machine import Machine
from headgate.engine.runner import Limits, Runner
from headgate.engine.tally import Tally
from headgate.errors import StoreError
from headgate.exchange import Answer, Verdict
from headgate.pacing import RetryPolicy
from headgate.store.contract import Leased

from tests.unit.engine.test_machine import job, plan


class Paper:
    """A journal that becomes durable when it is told to, or at once."""

    fresh_until_mono = float("inf")

    def __init__(self, *, at_once=True):
        self.at_once, self.pending, self.durable, self.counters, self.lengths = at_once, [], [], {}, {}
        self.broken = asyncio.get_running_loop().create_future()

    def append(self, record, then=None):
        self.pending.append((record, then))
        if self.at_once:
            asyncio.get_running_loop().call_soon(self.write)

    def write(self):
        pending, self.pending = self.pending, []
        for record, then in pending:
            self.durable.append(record)
            if then:
                then()

    def lease(self, keys, note, then):
        asyncio.get_running_loop().call_soon(then, Leased())

    def learn(self, lengths):
        self.lengths.update(lengths)

    def count(self, counters):
        self.counters = dict(counters)

    async def flush(self):
        if self.broken.done():
            raise self.broken.result()
        self.write()

    def close(self):
        pass


class Script:
    """A platform that answers as it is told; it notes what was durable when a request came."""

    def __init__(self, journal, answer=None):
        self.journal, self.answer, self.seen = journal, answer, []
        self.gate = asyncio.Event()
        self.gate.set()

    async def perform(self, call):
        self.seen.append(
            (call.method, call.body and call.body.get("name"), [record.job for record in self.journal.durable])
        )
        await self.gate.wait()
        return self.answer(call) if self.answer else Answer(Verdict.OK, 201, {"id": f"id-{len(self.seen)}"})


def runner(journal, platform, *jobs, observers=(), concurrency=3, **rules):
    clock, tally = SystemClock(), Tally()
    rules.setdefault("retry", RetryPolicy(attempts=3, first_s=0.0, cap_s=0.0))
    of = Machine(plan(*jobs), Rules(concurrency=concurrency, ahead=1, **rules), now_s=clock.now(), at=clock.mono())
    return Runner(
        of,
        platform,
        journal,
        clock,
        Gate(10_000.0, clock),
        tally,
        limits=Limits(10_000.0, concurrency),
        observers=observers,
    ), of


async def test_a_run_ends_with_everything_durable():
    journal = Paper()
    platform = Script(journal)
    of, machine = runner(journal, platform, job("a"), job("b", 0), job("c", 0))
    finish = await asyncio.wait_for(of.run(), 5)
    assert finish.stop is None
    assert machine.open == 0
    assert not journal.pending
    assert [record.kind for record in journal.durable].count("settled") == 3
    assert journal.counters["sent"] == 3


async def test_no_effect_leaves_before_its_intent_is_durable():
    journal = Paper(at_once=False)
    platform = Script(journal)
    of, _ = runner(journal, platform, job("a"), job("b"))
    task = asyncio.create_task(of.run())
    for _ in range(20):
        await asyncio.sleep(0)
    assert platform.seen == [], "sent while its intent was still in memory"
    while not task.done():
        journal.write()
        await asyncio.sleep(0)
    assert len(platform.seen) == 2
    for _, name, durable in platform.seen:
        assert "ab".index(name) in durable
    await task


async def test_no_more_requests_at_once_than_allowed():
    journal = Paper()
    platform = Script(journal)
    platform.gate.clear()
    of, _ = runner(journal, platform, *[job(f"j{n}") for n in range(10)], concurrency=3)
    task = asyncio.create_task(of.run())
    for _ in range(50):
        await asyncio.sleep(0)
    assert of.flying == len(platform.seen) == 3
    platform.gate.set()
    await asyncio.wait_for(task, 5)
    assert len(platform.seen) == 10


async def test_a_broken_journal_ends_the_run_and_nothing_is_sent_after_it():
    journal = Paper(at_once=False)
    platform = Script(journal)
    of, _ = runner(journal, platform, job("a"))
    task = asyncio.create_task(of.run())
    await asyncio.sleep(0)
    journal.broken.set_result(StoreError("the disk is full"))
    with pytest.raises(StoreError):
        await asyncio.wait_for(task, 5)
    assert platform.seen == []


async def test_a_drain_waits_for_what_is_out():
    journal = Paper()
    platform = Script(journal)
    platform.gate.clear()
    of, machine = runner(journal, platform, job("a"), job("b", 0))
    task = asyncio.create_task(of.run())
    while not platform.seen:
        await asyncio.sleep(0)
    of.stop(Stop.INTERRUPTED, "ctrl-c")
    for _ in range(20):
        await asyncio.sleep(0)
    assert not task.done()
    platform.gate.set()
    finish = await asyncio.wait_for(task, 5)
    assert finish.stop is Stop.INTERRUPTED
    assert machine.open == 1
    assert journal.durable[-1].kind == "settled"


async def test_a_cancel_ends_at_once_and_leaves_an_open_intent():
    journal = Paper()
    platform = Script(journal)
    platform.gate.clear()
    of, machine = runner(journal, platform, job("a"))
    task = asyncio.create_task(of.run())
    while not platform.seen:
        await asyncio.sleep(0)
    of.cancel()
    finish = await asyncio.wait_for(task, 5)
    assert finish.stop is Stop.INTERRUPTED
    assert [record.kind for record in journal.durable] == ["intent"]
    assert machine.open == 1


async def test_after_a_cancel_nothing_leaves_however_soon_it_comes():
    journal = Paper()
    platform = Script(journal)
    of, machine = runner(journal, platform, job("a"), job("b"))
    finish = await asyncio.wait_for(of.run(of.cancel), 5)
    assert finish.stop is Stop.INTERRUPTED
    assert (platform.seen, machine.open) == ([], 2)


async def test_throttling_holds_all_requests_back():
    journal, times = Paper(), []
    loop = asyncio.get_running_loop()

    def answer(call):
        times.append(loop.time())
        return (
            Answer(Verdict.THROTTLED, 429, retry_after_s=0.1)
            if len(times) == 1
            else Answer(Verdict.OK, 201, {"id": "x"})
        )

    platform = Script(journal, answer)
    of, _ = runner(journal, platform, job("a"), job("b"), job("c"), concurrency=1)
    await asyncio.wait_for(of.run(), 5)
    assert times[1] - times[0] >= 0.095
    assert len(times) == 4


async def test_observers_hear_of_every_ending_and_may_stop_the_run():
    journal, heard = Paper(), []
    platform = Script(journal)
    box = []

    def observer(tell):
        heard.append(tell.name)
        if tell.name == "settled" and box:
            box.pop().stop(Stop.FINISH_BY, "enough")

    of, machine = runner(journal, platform, job("a"), job("b", 0), job("c", 1), observers=(observer,), concurrency=1)
    box.append(of)
    finish = await asyncio.wait_for(of.run(), 5)
    assert finish.stop is Stop.FINISH_BY
    assert heard == ["settled", "stop"], "b was decided on, but had not left: it is given back"
    assert machine.open == 2


async def test_an_observer_that_raises_hears_no_more_and_harms_nothing():
    journal, heard = Paper(), []
    trouble = OSError("no space left")

    def broken(tell):
        heard.append("broken")
        raise trouble

    of, machine = runner(
        journal,
        Script(journal),
        job("a"),
        job("b", 0),
        job("c", 1),
        observers=(broken, lambda tell: heard.append(tell.name)),
    )
    finish = await asyncio.wait_for(of.run(), 5)
    assert finish.stop is None
    assert machine.open == 0
    assert of.deaf == [trouble]
    assert heard == ["broken", "settled", "settled", "settled"]


async def test_an_endpoint_with_a_rate_of_its_own_is_held_to_it_and_others_are_not():
    clock = SystemClock()
    gate = Gate(10_000.0, clock, {"POST /flows": 50.0})
    began = clock.mono()
    for _ in range(50):
        await gate.pass_one("GET /flows")
    assert clock.mono() - began < 0.1
    began = clock.mono()
    await asyncio.gather(*(gate.pass_one("POST /flows") for _ in range(11)))
    assert 0.15 < clock.mono() - began < 1.0, "the first few at once, then fifty a second"


async def test_a_request_that_waits_for_its_own_endpoint_holds_no_other_back():
    clock = SystemClock()
    gate = Gate(10_000.0, clock, {"POST /flows": 1.0})
    await gate.pass_one("POST /flows")
    waiting = asyncio.create_task(gate.pass_one("POST /flows"))
    await asyncio.sleep(0)
    await asyncio.wait_for(gate.pass_one("GET /flows"), 0.5)
    assert not waiting.done()
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)


async def test_a_platform_that_is_not_cleared_ends_the_run():
    """Its process was held up past its claim: what the store says ends the run, and nothing else is asked."""

    async def held_up(_):
        raise StoreError("run r was taken over by another process; this one has stopped")

    journal = Paper()
    platform = Script(journal)
    platform.perform = held_up
    of, machine = runner(journal, platform, job("a"), job("b"), job("c"))
    with pytest.raises(BaseExceptionGroup) as caught:
        await asyncio.wait_for(of.run(), 5)
    assert caught.group_contains(StoreError, match="taken over")
    assert machine.open == 3
