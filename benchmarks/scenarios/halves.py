"""The known limit halves while the run goes on, and says so by a bare 500 or 503. What does that cost?

A creation that is answered so may have been made: it is looked for before it is sent again. Goodput counts creations
only, though what looks for them needs leave as well.
"""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from typing import TYPE_CHECKING

from benchmarks.driving import Setting, drive, over_http
from benchmarks.measure import Figure
from benchmarks.plans import grove, items_for
from benchmarks.scenarios.pace import stalling, witnessed
from benchmarks.serving import served
from benchmarks.sheets import Chart, Line, Sheet, per_second

if TYPE_CHECKING:
    from benchmarks.bench import Bench

RATE = 50
SECONDS = 50.0
HALVES_AT = 20.0
SLOTS = 100
LATENCY_MS = 100
REFUSALS = (500, 503)
AXES = ("seconds", "requests per second")


async def run(bench: Bench) -> list[Figure]:
    """Goodput over the whole run, and the share refused; both refusals at the same time, with a server each."""
    goodput: dict[int, list[float]] = {status: [] for status in REFUSALS}
    refused: dict[int, list[float]] = {status: [] for status in REFUSALS}
    stall = 0.0
    for _ in range(bench.times(5)):
        bench.say("halves: 50/s, then 25/s")
        with ExitStack() as servers:  # neither is to wait for the other's server
            urls = [servers.enter_context(served(LATENCY_MS, _limit(bench, status))) for status in REFUSALS]
            async with stalling() as stalls:
                found = await asyncio.gather(*(_one(bench, url) for url in urls))
        stall = max(stall, *stalls)
        charts = [
            Chart(f"said by a bare {status}", *AXES, lines, top=1.6 * RATE)
            for (_, _, lines), status in zip(found, REFUSALS, strict=True)
        ]
        bench.sheets["halves"] = Sheet("A limit that halves on the way", charts)
        for status, (good, bad, _) in zip(REFUSALS, found, strict=True):
            goodput[status].append(good)
            refused[status].append(bad)
            bench.say(f"halves: {status}: goodput {good:.3f}, refused {bad:.4f}")
    beside: dict[str, float] = {"ms worst stall of this process": round(stall * 1000)}
    return [
        figure
        for status in REFUSALS
        for figure in (
            Figure("halves", f"goodput ÷ limit, bare {status}", goodput[status], ">= 0.90", beside),
            Figure("halves", f"share refused, bare {status}", refused[status], "<= 0.02"),
        )
    ]


def _limit(bench: Bench, status: int) -> tuple[str, ...]:
    change = f"{HALVES_AT * min(1.0, bench.scale)}=0.5"
    return "--limit", f"{RATE}/s", "--burst", "20", "--change", change, "--refusal", str(status)


async def _one(bench: Bench, url: str) -> tuple[float, float, list[Line]]:
    seconds, halves_at = SECONDS * min(1.0, bench.scale), HALVES_AT * min(1.0, bench.scale)
    plan = grove(items_for(round(RATE * seconds) + 100))
    await drive(plan, over_http(url, SLOTS), Setting(SLOTS, float(RATE), bench.state(), seconds))
    seen = await witnessed(url)
    ideal = RATE * (halves_at + (seconds - halves_at) / 2)
    made = sum(1 for at, method, passed in seen if passed and method == "POST" and at <= seconds)
    refused = [at for at, _, passed in seen if not passed and at <= seconds]
    lines = [
        Line("answered", *per_second((at for at, _, passed in seen if passed), min(seconds, seen[-1][0]))),
        Line("the limit", [0.0, halves_at, halves_at, seconds], [RATE, RATE, RATE / 2, RATE / 2], "bound"),
        Line("refused", refused, (), "marks"),
    ]
    return made / ideal, sum(1 for _, _, passed in seen if not passed) / len(seen), lines
