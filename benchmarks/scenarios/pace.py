"""A known limit: is it used in full, and is it never overstepped? The server is the witness, and has that limit."""

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
    """Steady rate, worst second and refusals, at each rate."""
    figures: list[Figure] = []
    for rate, seconds in CASES.items():
        steady: list[float] = []
        worst: list[float] = []
        refused: list[float] = []
        stall = 0.0
        plan = grove(items_for(bench.size(rate * seconds)))
        for _ in range(bench.times(5)):
            with served(LATENCY_MS, ("--limit", f"{rate}/s", "--burst", str(max(20.0, 2 * burst(rate))))) as url:
                bench.say(f"pace: {rate}/s")
                async with stalling() as stalls:
                    await drive(plan, over_http(url, SLOTS), Setting(SLOTS, float(rate), bench.state()))
                stall = max(stall, *stalls)
                seen = await witnessed(url)
                arrivals = [at for at, _, _ in seen]
                refused.append(sum(1 for _, _, passed in seen if not passed) / len(seen))
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
            Figure("pace", f"share of 429, R = {rate}/s", refused, "<= 0"),
        ]
    return figures


@asynccontextmanager
async def stalling() -> AsyncIterator[list[float]]:
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


async def witnessed(url: str) -> list[tuple[float, str, bool]]:
    """What the server saw: seconds since the first request, method, and whether it passed."""
    async with aiohttp.ClientSession() as session, session.get(f"{url}/witness") as response:
        return [(float(at), str(method), bool(passed)) for at, method, passed in orjson.loads(await response.read())]


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
