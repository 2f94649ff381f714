"""The gate: the ceiling is kept to the letter, the pacer works below it, and no request waits for another's limit."""

from __future__ import annotations

import asyncio

import pytest

from headgate.clock import SystemClock
from headgate.engine.gate import Gate
from headgate.exchange import Answer, Call, Verdict

POST = Call("POST", "flow", "/flows", "POST /flows", "create")
GET = Call("GET", "flow", "/flows", "GET /flows", "read")


def refused(hint=None):
    return Answer(Verdict.THROTTLED, 429, retry_after_s=hint, elapsed_s=0.01)


def gate(rate=10_000.0, **more):
    return Gate(rate, SystemClock(), **more)


@pytest.mark.parametrize("what", ["POST /flows", "POST", "/flows", "sandbox dev"])
async def test_a_rate_may_be_that_of_an_endpoint_a_method_a_path_or_a_sandbox(what):
    of = gate(endpoints={what: 50.0}, sandbox="dev")
    began = of._clock.mono()
    await asyncio.gather(*(of.pass_one("POST /flows") for _ in range(11)))
    assert 0.15 < of._clock.mono() - began < 1.0


@pytest.mark.parametrize("what", ["GET /flows", "PATCH", "/runs", "sandbox prod"])
async def test_a_rate_of_something_else_holds_nobody(what):
    of = gate(endpoints={what: 1.0}, sandbox="dev")
    await asyncio.wait_for(asyncio.gather(*(of.pass_one("POST /flows") for _ in range(50))), 1.0)


async def test_without_a_refusal_only_the_ceiling_counts():
    of = gate(200.0)
    began = of._clock.mono()
    for _ in range(50):
        await of.pass_one("POST /flows")
        of.answered(POST, Answer(Verdict.OK, 201, elapsed_s=0.0))
    assert 0.15 <= of._clock.mono() - began < 1.0
    assert of.rate == 200.0
    assert of.found() == {}


async def test_a_refusal_with_a_time_holds_all_who_wait():
    of = gate()
    await of.pass_one("POST /flows")
    of.answered(POST, refused(0.2))
    began = of._clock.mono()
    await asyncio.gather(of.pass_one("POST /flows"), of.pass_one("GET /flows"))
    assert of._clock.mono() - began >= 0.15


async def test_what_becomes_of_the_rate_is_told():
    heard, of = [], gate(100.0)
    of.listener = heard.append
    for _ in range(20):
        of.answered(POST, refused())
    assert [str(change) for change in heard] == ["rate: nothing passes after 429; asking now and then"]
    assert of.rate == 0.0


async def test_while_nothing_passes_one_asks_and_the_others_wait_for_its_answer():
    of = gate(100.0)
    for _ in range(5):
        of.answered(POST, refused())
    waiting = [asyncio.create_task(of.pass_one("POST /flows")) for _ in range(3)]
    await asyncio.sleep(0.6)
    assert sum(task.done() for task in waiting) == 1
    of.answered(POST, Answer(Verdict.OK, 201, elapsed_s=0.01))
    await asyncio.sleep(0)
    done, _ = await asyncio.wait(waiting, timeout=5)
    assert len(done) == 3


async def test_limits_go_from_one_run_to_the_next_in_words():
    of = gate(100.0)
    of.restore({"all": (40.0, 60.0), "POST /flows": (10.0, 60.0)})
    assert of.rate == 40.0
    assert of.found() == {"all": 40.0, "POST /flows": 10.0}
    began = of._clock.mono()
    await asyncio.gather(*(of.pass_one("POST /flows") for _ in range(4)))
    slow = of._clock.mono() - began
    began = of._clock.mono()
    await asyncio.gather(*(of.pass_one("GET /flows") for _ in range(4)))
    assert slow >= 0.19
    assert of._clock.mono() - began < slow


async def test_a_hold_lets_nobody_go_until_it_is_over_or_ended():
    of = gate()
    of.hold(5.0)
    began = of._clock.mono()
    await of.pass_one("POST /flows")
    assert of._clock.mono() - began == pytest.approx(5.0, abs=0.01)
    of.hold(5.0)
    waiting = asyncio.create_task(of.pass_one("POST /flows"))
    await asyncio.sleep(1.0)
    assert not waiting.done()
    of.hold(0.0)
    await asyncio.wait_for(waiting, 0.1)
