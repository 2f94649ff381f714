"""The whole engine against a bare aiohttp pool: same server, same bytes, as many slots. And what each part costs."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from benchmarks.ceiling import CLIENTS, ceiling
from benchmarks.driving import Setting, calls, drive, over_http
from benchmarks.measure import Figure, Lap, Pair, alternate, middle
from benchmarks.plain import posts
from benchmarks.plans import bodies, grove, items_for
from benchmarks.serving import served

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from benchmarks.bench import Bench

SLOTS = 50
#: Latency of the server in ms -> requests of a lap, usual rounds, goal of requests/s, goals of CPU. CPU is that of the
#: whole process with its threads, the journal's among them, and the engine has no other process: what the main process
#: takes and what all take is one figure, which has two goals.
CASES: dict[int, tuple[int, int, str, tuple[str, ...]]] = {
    0: (4000, 15, ">= 0.85", ("<= 1.20", "<= 1.30")),
    100: (2000, 5, ">= 0.98", ("",)),
}
WHOSE = ("", ", all processes: it has one")
#: Usual rounds of what only explains the others.
EXPLAINING = 5


async def run(bench: Bench) -> list[Figure]:
    """Requests per second and CPU per request, at each latency."""
    figures: list[Figure] = []
    for latency_ms, (requests, rounds, speed, costs) in CASES.items():
        bench.say(f"engine: {latency_ms} ms")
        requests, rounds = bench.size(requests), bench.times(rounds)  # noqa: PLW2901
        with served(latency_ms) as url:
            pairs = await _pairs(bench, url, requests, rounds)
            figures += _figures(f"{latency_ms} ms", pairs, speed, costs)
            if latency_ms == 0:
                figures += await _parts(bench, url, requests)
                figures += await _ceiling(bench, url, requests)
    return figures


async def _pairs(bench: Bench, url: str, requests: int, rounds: int) -> list[Pair]:
    plan, small = grove(items_for(requests)), grove(items_for(max(1, requests // 10)))
    setting = Setting(SLOTS, state=bench.state())
    opened = over_http(url, SLOTS)
    await posts(url, bodies(small), SLOTS)  # warm: imports, code, the server's own start
    await drive(small, opened, setting)
    return await alternate(rounds, partial(posts, url, bodies(plan), SLOTS), partial(drive, plan, opened, setting))


async def _parts(bench: Bench, url: str, requests: int) -> list[Figure]:
    """The same with less and less of the engine: the differences are what its parts cost."""
    plan, opened = grove(items_for(requests)), over_http(url, SLOTS)
    sent = bodies(plan)
    less: dict[str, Callable[[], Awaitable[Lap]]] = {
        "without journal": partial(drive, plan, opened, Setting(SLOTS)),
        "without journal and listeners": partial(drive, plan, opened, Setting(SLOTS, observed=False)),
        "its transport alone": partial(calls, opened, sent, SLOTS),
    }
    figures: list[Figure] = []
    for name, ours in less.items():
        bench.say(f"engine: {name}")
        pairs = await alternate(bench.times(EXPLAINING), partial(posts, url, sent, SLOTS), ours)
        figures += _figures(f"0 ms, {name}", pairs, "", ("",))
    return figures


async def _ceiling(bench: Bench, url: str, requests: int) -> list[Figure]:
    sent = bodies(grove(items_for(requests)))
    found = ceiling(url, sent[0], SLOTS, bench.room)
    if found is None:
        bench.say(f"engine: no ceiling of the loopback: none of {', '.join(CLIENTS)} is installed")
        return []
    client, most = found
    bare = await posts(url, sent, SLOTS)
    beside = {"req/s": middle([bare.per_s]), f"{client} req/s": middle([most])}
    return [Figure("engine", f"requests/s of bare aiohttp ÷ {client}, 0 ms", [bare.per_s / most], "", beside)]


def _figures(name: str, pairs: list[Pair], speed: str, costs: tuple[str, ...]) -> list[Figure]:
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
        *(
            Figure(
                "engine",
                f"CPU per request ÷ bare aiohttp, {name}{whose}",
                [pair.ours.cpu_us / pair.plain.cpu_us for pair in pairs],
                cost,
                {
                    "µs": middle([pair.ours.cpu_us for pair in pairs]),
                    "bare µs": middle([pair.plain.cpu_us for pair in pairs]),
                },
            )
            for cost, whose in zip(costs, WHOSE, strict=False)
        ),
    ]
