"""The loop on which the runs of this room are played."""

from __future__ import annotations

import asyncio
import time

import pytest

from headgate.clock import SystemClock

DAY_S = 86400.0


async def test_a_day_of_waiting_takes_no_day():
    clock, before = SystemClock(), (SystemClock().mono(), SystemClock().now())
    await clock.sleep(DAY_S)
    assert clock.mono() - before[0] == pytest.approx(DAY_S, abs=1)
    assert clock.now() - before[1] == pytest.approx(DAY_S, abs=1)


async def test_waits_that_end_at_once_are_over():
    """A timer that lies nearer than a float can tell must not keep the loop turning for ever."""
    clock = SystemClock()
    end = clock.mono() + 1e-12
    while clock.mono() < end:
        await clock.sleep(0.0)


async def test_no_time_passes_while_a_thread_is_at_work():
    async with asyncio.timeout(1.0):
        await asyncio.to_thread(time.sleep, 0.05)
        assert SystemClock().mono() == asyncio.get_running_loop().time()
