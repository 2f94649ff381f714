"""A known limit: is it used in full, and is it never overstepped? The server is the witness."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import aiohttp
import orjson

from benchmarks.driving import Setting, drive, over_http
from benchmarks.measure import Figure
from benchmarks.plans import grove, items_for
from benchmarks.serving import served
from headgate.pacing import burst

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from benchmarks.bench import Bench

SLOTS = 100
LATENCY_MS = 50
#: Requests per second -> seconds.
CASES = {50: 10, 500: 6}
_LOOK_EVERY_S = 0.005


async def run(bench: Bench) -> list[Figure]:
    """Steady rate and worst second, at each rate."""
    figures: list[Figure] = []
    for rate, seconds in CASES.items():
        steady: list[float] = []
        worst: list[float] = []
        stall = 0.0
        plan = grove(items_for(bench.size(rate * seconds)))
        with served(LATENCY_MS) as url:
            for _ in range(bench.times(1)):
                bench.say(f"pace: {rate}/s")
                async with _stalls() as stalls:
                    await drive(plan, over_http(url, SLOTS), Setting(SLOTS, float(rate), bench.state()))
                stall = max(stall, *stalls)
                arrivals = await _arrivals(url)
                steady.append(steady_rate(arrivals) / rate)
                worst.append(worst_second(arrivals) / (rate + burst(rate)))
        figures += [
            Figure(
                "pace",
                f"steady rate ÷ R, R = {rate}/s",
                steady,
                ">= 0.99",
                {"ms worst stall of this process": round(stall * 1000)},
            ),
            Figure(
                "pace",
                f"worst second ÷ (R + burst), R = {rate}/s",
                worst,
                "<= 1.02",
                {"in worst second": max(worst) * (rate + burst(rate))},
            ),
        ]
    return figures


@asynccontextmanager
async def _stalls() -> AsyncIterator[list[float]]:
    """How late this process was woken, in seconds: what a busy machine, or a loop that is held up, does to pacing."""
    late = [0.0]

    async def watch() -> None:
        while True:
            began = time.monotonic()
            await asyncio.sleep(_LOOK_EVERY_S)
            late.append(time.monotonic() - began - _LOOK_EVERY_S)

    watching = asyncio.create_task(watch())
    try:
        yield late
    finally:
        watching.cancel()


async def _arrivals(url: str) -> list[float]:
    async with aiohttp.ClientSession() as session, session.get(f"{url}/arrivals") as response:
        return [float(at) for at in orjson.loads(await response.read())]


def steady_rate(arrivals: list[float]) -> float:
    """Arrivals per second once the first burst is a second ago."""
    later = [at for at in arrivals if at >= arrivals[0] + 1.0]
    if len(later) < 2:
        later = arrivals  # a run of less than a second, at a small scale
    return (len(later) - 1) / max(later[-1] - later[0], 1e-9)


def worst_second(arrivals: list[float]) -> int:
    """The most arrivals in any second, wherever it begins."""
    window: deque[float] = deque()
    most = 0
    for at in arrivals:
        window.append(at)
        while window[0] <= at - 1.0:
            window.popleft()
        most = max(most, len(window))
    return most
