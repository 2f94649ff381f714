"""Requests a second by how many may be on their way at once: the engine, and bare aiohttp beside it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from benchmarks.driving import Setting, drive, over_http
from benchmarks.measure import Figure, alternate, middle
from benchmarks.plain import posts
from benchmarks.plans import bodies, grove, items_for
from benchmarks.serving import served
from benchmarks.sheets import Chart, Line, Sheet

if TYPE_CHECKING:
    from benchmarks.bench import Bench

SLOTS = (1, 2, 5, 10, 20, 50, 100, 200)
LATENCY_MS = 20
#: A lap lasts about so long where nothing but the latency takes time, and has so many requests at most.
LAP_S, MOST = 1.5, 4000
ROUNDS = 3


async def run(bench: Bench) -> list[Figure]:
    """A ratio for each number of slots."""
    figures: list[Figure] = []
    rates: list[tuple[float, float]] = []
    with served(LATENCY_MS) as url:
        for slots in SLOTS:
            bench.say(f"slots: {slots}")
            requests = min(MOST, round(slots * LAP_S * 1000 / LATENCY_MS))
            plan = grove(items_for(bench.size(requests)))
            opened, setting = over_http(url, slots), Setting(slots, state=bench.state())
            pairs = await alternate(
                bench.times(ROUNDS),
                partial(posts, url, bodies(plan), slots),
                partial(drive, plan, opened, setting),
            )
            rates.append((middle([pair.ours.per_s for pair in pairs]), middle([pair.plain.per_s for pair in pairs])))
            figures.append(
                Figure(
                    "slots",
                    f"requests/s ÷ bare aiohttp, {LATENCY_MS} ms, {slots} slot{'s' if slots > 1 else ''}",
                    [pair.ours.per_s / pair.plain.per_s for pair in pairs],
                    "",
                    {"req/s": rates[-1][0], "bare req/s": rates[-1][1], "by latency": slots * 1000 / LATENCY_MS},
                )
            )
    bench.sheets["concurrency"] = _sheet(rates)
    return figures


def _sheet(rates: list[tuple[float, float]]) -> Sheet:
    ours, bare = zip(*rates, strict=True)
    top = 2.0 * max(*ours, *bare)
    ideal = [slots * 1000 / LATENCY_MS for slots in SLOTS]
    lines = [
        Line("headgate, durable journal", SLOTS, ours),
        Line("bare aiohttp", SLOTS, bare, "other"),
        Line(f"slots ÷ {LATENCY_MS} ms", SLOTS, ideal, "bound"),
    ]
    title = f"Throughput by concurrency, server at {LATENCY_MS} ms"
    axes = ("requests on their way at once (slots)", "requests per second")
    return Sheet(title, [Chart("", *axes, lines, log_x=True, log_y=True, top=top)])
