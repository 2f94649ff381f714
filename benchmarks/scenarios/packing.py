"""Ad-hoc activation of many pairs: into how few jobs they go, and how long it takes if no audience is in two at once.

The real plan and the real machine, in virtual time: nothing depends on this machine. The bounds follow from the rules
alone, not from how anything is packed.
"""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import TYPE_CHECKING

import orjson

from benchmarks.measure import Figure, middle
from benchmarks.virtual_pairs import Activated, Pair, fewest, packed, soonest, spread_pairs
from benchmarks.virtual_runs import drive
from headgate.manifest.kinds import GRAMMARS
from headgate.manifest.load import load
from headgate.workflows.compile import compile_plan

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchmarks.bench import Bench
    from headgate.planning.model import Plan

PAIRS = 20_000
RATE = 50.0
#: Flows of each audience, where all are in as many: more than half of what a job takes.
EVEN = 50
#: How long runs take, in seconds, evenly between the two.
SHORTEST_S, LONGEST_S = 30.0, 300.0


async def run(bench: Bench) -> list[Figure]:
    """Jobs and time, where an audience's runs all take as long, and where each takes as long as it likes."""
    count, rounds = bench.size(PAIRS), bench.times(5)
    jobs: list[float] = []
    beside: dict[str, list[float]] = {}
    schedules: dict[str, list[tuple[float, float]]] = {}
    for seed in range(rounds):
        bench.say(f"packing: {count} pairs, the {seed + 1}. of {rounds}")
        pairs = spread_pairs(count, seed)
        plan = _planned(bench, pairs)
        made = packed(plan)
        jobs.append(len(made) / fewest(pairs))
        for name, value in _counts(made).items():
            beside.setdefault(name, []).append(value)
        for name, takes in _lengths(pairs, seed).items():
            schedules.setdefault(name, []).append(_schedule(plan, takes, seed))
    return [
        Figure(
            "packing",
            f"ad-hoc jobs ÷ minimum, {count:,} pairs",
            jobs,
            "<= 1.02",
            {name: middle(values) for name, values in beside.items()},
        ),
        *(
            Figure(
                "packing",
                f"schedule ÷ lower bound, {name}",
                [ratio for ratio, _ in found],
                goal,
                {"s": middle([seconds for _, seconds in found])},
            )
            for (name, found), goal in zip(schedules.items(), ("<= 1.10", ""), strict=True)
        ),
        *_together(bench, count),
    ]


def _together(bench: Bench, count: int) -> list[Figure]:
    """What it costs that an audience's pairs stay together: no two of these fit one job, and each is in one only."""
    pairs = spread_pairs(count, 0, EVEN)
    plan = _planned(bench, pairs)
    made = packed(plan)
    ratio, seconds = _schedule(plan, next(iter(_lengths(pairs, 0).values())), 0)
    name = f"every audience in {EVEN} flows and kept together"
    return [
        Figure("packing", f"ad-hoc jobs ÷ minimum, {name}", [len(made) / fewest(pairs)], "", _counts(made)),
        Figure("packing", f"schedule ÷ lower bound, {name}", [ratio], "", {"s": middle([seconds])}),
    ]


def _counts(made: Sequence[Sequence[Pair]]) -> dict[str, float]:
    times = Counter(audience for job in made for audience in {audience for _, audience in job})
    return {
        "jobs": len(made),
        "audiences": len(times),
        "in several jobs": sum(1 for jobs in times.values() if jobs > 1),
    }


def _schedule(plan: Plan, takes: Mapping[Pair, float], seed: int) -> tuple[float, float]:
    """How long it takes, as a multiple of the bound and in seconds."""
    platform = Activated((), seed, takes=takes)
    out = drive(plan, platform, RATE)
    if len(platform.runs) != len(takes):
        raise RuntimeError(f"{len(platform.runs)} pairs were activated, not {len(takes)}")
    # Each flow is read, each job looks what runs there already, and asks.
    requests = len({flow for flow, _ in takes}) + 2 * fewest(list(takes))
    return out.makespan_s / soonest(takes, requests, RATE), out.makespan_s


def _lengths(pairs: Sequence[Pair], seed: int) -> dict[str, Mapping[Pair, float]]:
    rng = Random(seed)
    of = {audience: rng.uniform(SHORTEST_S, LONGEST_S) for _, audience in sorted(pairs)}
    return {
        "runs as long as the audience's others": {pair: of[pair[1]] for pair in pairs},
        "each run its own length, known to the bound alone": {
            pair: rng.uniform(SHORTEST_S, LONGEST_S) for pair in sorted(pairs)
        },
    }


def _planned(bench: Bench, pairs: Sequence[Pair]) -> Plan:
    """As the command plans it."""
    wanted: dict[str, list[str]] = {}
    for flow, audience in pairs:
        wanted.setdefault(flow, []).append(audience)
    place = bench.room / "packing.json"
    entry = {"kind": "activation", "name": "now", "destinations": wanted}
    place.write_bytes(orjson.dumps({"headgate": 1, "name": "packing", "entries": [entry]}))
    try:
        return compile_plan(load(place, grammars=GRAMMARS), "dev")
    finally:
        place.unlink()
