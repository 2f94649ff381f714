import asyncio

import pytest

from headgate.platform.deadlines import Deadlines

from tests.virtual import VirtualLoop


async def test_who_stays_too_long_is_told_and_nobody_else():
    limits, never = Deadlines(0.05), asyncio.Event()

    async def stay(event):
        with limits:
            await event.wait()
        return "in time"

    soon = asyncio.Event()
    tasks = [asyncio.create_task(stay(never)), asyncio.create_task(stay(soon)), asyncio.create_task(stay(never))]
    await asyncio.sleep(0)
    soon.set()
    ends = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(end) for end in ends] == [TimeoutError, str, TimeoutError]
    assert [task.cancelling() for task in tasks] == [0, 0, 0]
    limits.close()


def test_each_stay_has_its_whole_time():
    async def stays():
        limits, loop = Deadlines(0.1), asyncio.get_running_loop()
        with limits:
            await asyncio.sleep(0.06)
        began = loop.time()
        with pytest.raises(TimeoutError):
            with limits:
                await asyncio.Event().wait()
        return loop.time() - began

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        assert runner.run(stays()) == pytest.approx(0.1, abs=0.005)


async def test_a_cancellation_by_others_stays_one():
    limits = Deadlines(10.0)

    async def stay():
        with limits:
            await asyncio.Event().wait()

    task = asyncio.create_task(stay())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    limits.close()


async def test_an_error_in_the_block_is_its_own():
    limits = Deadlines(1.0)
    with pytest.raises(ValueError, match="mine"), limits:
        raise ValueError("mine")
    with limits:  # and the task may come again
        pass
    limits.close()
