"""The whole engine against a bare aiohttp pool: same server, same bytes, as many slots."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from benchmarks.driving import Setting, drive, over_http
from benchmarks.measure import Figure, Pair, alternate, middle
from benchmarks.plain import posts
from benchmarks.plans import bodies, grove, items_for
from benchmarks.serving import served

if TYPE_CHECKING:
    from benchmarks.bench import Bench

SLOTS = 50
#: Latency of the server in ms -> requests of a lap, usual rounds, goals of requests/s and CPU. CPU is that of the whole
#: process with its threads, the journal's among them: the engine has no other process.
CASES = {0: (4000, 15, ">= 0.85", "<= 1.20"), 100: (2000, 5, ">= 0.98", "")}


async def run(bench: Bench) -> list[Figure]:
    """Requests per second and CPU per request, at each latency."""
    figures: list[Figure] = []
    for latency_ms, (requests, rounds, speed, cost) in CASES.items():
        bench.say(f"engine: {latency_ms} ms")
        pairs = await _pairs(bench, latency_ms, bench.size(requests), bench.times(rounds))
        figures += _figures(f"{latency_ms} ms", pairs, speed, cost)
    return figures


async def _pairs(bench: Bench, latency_ms: int, requests: int, rounds: int) -> list[Pair]:
    plan, small = grove(items_for(requests)), grove(items_for(max(1, requests // 10)))
    sent, few = bodies(plan), bodies(small)
    setting = Setting(SLOTS, state=bench.state())
    with served(latency_ms) as url:
        opened = over_http(url, SLOTS)
        await posts(url, few, SLOTS)  # warm: imports, code, the server's own start
        await drive(small, opened, setting)
        return await alternate(rounds, partial(posts, url, sent, SLOTS), partial(drive, plan, opened, setting))


def _figures(name: str, pairs: list[Pair], speed: str, cost: str) -> list[Figure]:
    return [
        Figure(
            "engine",
            f"requests/s ÷ bare aiohttp, {name}",
            [pair.ours.per_s / pair.plain.per_s for pair in pairs],
            speed,
            {
                "req/s": middle([pair.ours.per_s for pair in pairs]),
                "bare req/s": middle([pair.plain.per_s for pair in pairs]),
            },
        ),
        Figure(
            "engine",
            f"CPU per request ÷ bare aiohttp, {name}",
            [pair.ours.cpu_us / pair.plain.cpu_us for pair in pairs],
            cost,
            {
                "µs": middle([pair.ours.cpu_us for pair in pairs]),
                "bare µs": middle([pair.plain.cpu_us for pair in pairs]),
            },
        ),
    ]
