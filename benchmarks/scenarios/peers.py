"""The same objects made by what people have today: ``aepp`` and ``requests`` with 32 threads, at a server of 20 ms.

A thousand chains of four POSTs, each of which needs the id of the one before. The engine has its own way: a hundred
slots, a durable journal, a limiter whose rate is not reached. The server counts that all make as many objects. Beside
it stands what a bare client does that waits for nothing but the server: as many slots, no chains, no journal.
"""

from __future__ import annotations

import gc
from functools import partial
from typing import TYPE_CHECKING

import aiohttp
import orjson

from benchmarks.driving import Setting, drive, over_http
from benchmarks.measure import Figure, Lap, Pair, alternate, middle
from benchmarks.peers import absent, by_aepp, by_requests, chains_of, shared, threaded
from benchmarks.plain import posts
from benchmarks.plans import bodies, chains
from benchmarks.serving import served

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from benchmarks.bench import Bench

CHAINS, LENGTH = 1000, 4
THREADS = 32
SLOTS = 100
LATENCY_MS = 20
#: The module of each peer, what makes its client for a URL, and the goal against it.
PEERS = {
    f"aepp, a client for each of {THREADS} threads": ("aepp", by_aepp, "<= 0.25"),
    f"aepp, one client for {THREADS} threads": ("aepp", shared(by_aepp), "<= 0.25"),
    f"requests, a session for each of {THREADS} threads": ("requests", by_requests, ""),
}


async def run(bench: Bench) -> list[Figure]:
    """Wall time and CPU against each peer that is installed."""
    figures: list[Figure] = []
    plan, few = chains(bench.size(CHAINS), LENGTH), chains(bench.size(CHAINS // 10), LENGTH)
    setting = Setting(SLOTS, state=bench.state())
    for name, (module, client, goal) in PEERS.items():
        if absent(module):
            bench.say(f"peers: no {module}, it is not installed: pip install '.[peers]'")
            continue
        bench.say(f"peers: {name}, {len(plan.jobs)} POSTs at {LATENCY_MS} ms")
        with served(LATENCY_MS) as url:
            make, opened = client(url), over_http(url, SLOTS)
            gc.collect()
            gc.freeze()  # what was imported is to burden nobody's lap
            await threaded(make, chains_of(few), THREADS)
            await drive(few, opened, setting)
            await _made(url)
            count = len(plan.jobs)
            bare: list[Lap] = []

            async def ours() -> Lap:
                found = await _counted(url, count, partial(drive, plan, opened, setting))  # noqa: B023 -- awaited below
                bare.append(await _counted(url, count, partial(posts, url, bodies(plan), SLOTS)))  # noqa: B023
                return found

            theirs = partial(_counted, url, count, partial(threaded, make, chains_of(plan), THREADS))
            pairs = await alternate(bench.times(5), theirs, ours)
        figures += _figures(name, pairs, bare, goal)
    gc.unfreeze()
    return figures


async def _counted(url: str, wanted: int, what: Callable[[], Awaitable[Lap]]) -> Lap:
    found = await what()
    if (made := await _made(url)) != wanted:
        raise RuntimeError(f"the server got {made} requests, not {wanted}")
    return found


async def _made(url: str) -> int:
    """Requests that the server got since it was last asked."""
    async with aiohttp.ClientSession() as session, session.get(f"{url}/arrivals") as response:
        return len(orjson.loads(await response.read()))


def _figures(name: str, pairs: list[Pair], bare: list[Lap], goal: str) -> list[Figure]:
    ours, theirs = [pair.ours for pair in pairs], [pair.plain for pair in pairs]
    return [
        Figure(
            "peers",
            f"wall time ÷ {name}",
            [pair.ours.wall_us / pair.plain.wall_us for pair in pairs],
            goal,
            {
                "requests/s": middle([one.per_s for one in ours]),
                "requests/s of theirs": middle([one.per_s for one in theirs]),
            },
        ),
        Figure(
            "peers",
            f"CPU ÷ {name}",
            [pair.ours.cpu_us / pair.plain.cpu_us for pair in pairs],
            "",
            {
                "µs per request": middle([one.cpu_us for one in ours]),
                "µs of theirs": middle([one.cpu_us for one in theirs]),
            },
        ),
        Figure(
            "peers",
            f"wall time of bare aiohttp, {SLOTS} slots ÷ {name}",
            [lapped.wall_us / pair.plain.wall_us for lapped, pair in zip(bare, pairs, strict=True)],
            "",
            {"requests/s": middle([one.per_s for one in bare]), "µs per request": middle([one.cpu_us for one in bare])},
        ),
    ]
