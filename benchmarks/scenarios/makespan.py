"""How much longer a run takes than anybody could at the known rate, in real time, with latencies as real ones spread.

The bound is taken from what the server gave: so many requests at the rate, less the burst that the rate allows; or the
longest way through the plan by the latencies that the server drew for its very objects, if that is more. The time is
the whole of the run's, from the plan that is ready to the journal that is closed.
"""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

import aiohttp
import orjson

from benchmarks.driving import Setting, drive, over_http
from benchmarks.measure import Figure, middle
from benchmarks.plans import chains, grove
from benchmarks.scenarios.pace import stalling, witnessed
from benchmarks.serving import served
from headgate.pacing import burst

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmarks.bench import Bench
    from headgate.planning.model import Plan

FLOWS = 1000
CHAINS, LENGTH = 10, 300
RATE = 50.0
SLOTS = 100
#: Of each latency the median in ms, and sigma of its logarithm.
LATENCY_MS, SPREAD = 100, 0.5
#: Two minutes each.
ROUNDS = 3


@dataclass(frozen=True, slots=True)
class Measured:
    """One run: seconds it took, seconds it could not be faster than by rate and by its longest way, and refusals."""

    wall_s: float
    paced_s: float
    path_s: float
    refused: int

    @property
    def ratio(self) -> float:
        """The time taken, as a multiple of the bound."""
        return self.wall_s / max(self.paced_s, self.path_s)


async def run(bench: Bench) -> list[Figure]:
    """The flows alone, and with long chains among them: at the same time, each with its server."""
    flows = grove(bench.size(FLOWS))
    plans = {
        f"{bench.size(FLOWS):,} flows": flows,
        f"the same and {CHAINS} chains of {bench.size(LENGTH)}": chains(CHAINS, bench.size(LENGTH), flows),
    }
    found: dict[str, list[Measured]] = {name: [] for name in plans}
    stall = 0.0
    for number in range(bench.times(ROUNDS)):
        seconds = max(len(plan.jobs) for plan in plans.values()) / RATE
        bench.say(f"makespan: {', '.join(plans)}, at {RATE:.0f}/s: {seconds:.0f} s")
        with ExitStack() as servers:
            urls = [servers.enter_context(served(LATENCY_MS, _server(number))) for _ in plans]
            async with stalling() as stalls:
                lapped = await asyncio.gather(*(_one(bench, *each) for each in zip(plans.values(), urls, strict=True)))
        stall = max(stall, *stalls)
        for name, one in zip(plans, lapped, strict=True):
            found[name].append(one)
    return [
        Figure(
            "makespan",
            f"makespan ÷ lower bound, {name}",
            [one.ratio for one in ones],
            "<= 1.02",
            {
                "s": middle([one.wall_s for one in ones]),
                "s by rate": middle([one.paced_s for one in ones]),
                "s by the longest way": middle([one.path_s for one in ones]),
                "refused": max(one.refused for one in ones),
                "ms worst stall of this process": round(stall * 1000),
            },
        )
        for name, ones in found.items()
    ]


def longest_way(plan: Plan, latencies: Mapping[str, float]) -> float:
    """Seconds that the plan takes at least if each of its jobs is begun at once when all it needs is there."""
    ends: list[float] = []
    for job in plan.jobs:  # edges point backwards
        ends.append(max((ends[edge] for edge in job.needs.values()), default=0.0) + latencies[job.key])
    return max(ends)


def _server(seed: int) -> tuple[str, ...]:
    limit = ("--limit", f"{RATE}/s", "--burst", str(max(20.0, 2 * burst(RATE))))
    return (*limit, "--spread", str(SPREAD), "--seed", str(seed))


async def _one(bench: Bench, plan: Plan, url: str) -> Measured:
    lapped = await drive(plan, over_http(url, SLOTS), Setting(SLOTS, RATE, bench.state()))
    seen = await witnessed(url)
    async with aiohttp.ClientSession() as session, session.get(f"{url}/draws") as response:
        latencies = {str(name): float(latency) for _, latency, name in orjson.loads(await response.read())}
    refused = sum(1 for _, _, passed in seen if not passed)
    paced_s = (len(seen) - refused - burst(RATE)) / RATE
    return Measured(lapped.wall_s, paced_s, longest_way(plan, latencies), refused)
