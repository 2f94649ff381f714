"""Ad-hoc activation of many pairs: into how few jobs they go, and how long it takes if no audience is in two at once.

The real plan and the real machine, in virtual time: nothing depends on this machine. The bounds follow from the rules
alone, not from how anything is packed.
"""

from __future__ import annotations

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
#: How long runs take, in seconds, evenly between the two.
SHORTEST_S, LONGEST_S = 30.0, 300.0


async def run(bench: Bench) -> list[Figure]:
    """Jobs and time, where an audience's runs all take as long, and where each takes as long as it likes."""
    count, rounds = bench.size(PAIRS), bench.times(5)
    jobs: list[float] = []
    beside: dict[str, list[float]] = {"jobs": [], "audiences": [], "in several jobs": []}
    ratios: dict[str, list[float]] = {}
    lengths: dict[str, list[float]] = {}
    for seed in range(rounds):
        bench.say(f"packing: {count} pairs, the {seed + 1}. of {rounds}")
        pairs = spread_pairs(count, seed)
        plan = _planned(bench, pairs)
        made = packed(plan)
        jobs.append(len(made) / fewest(pairs))
        several = [audience for job in made for audience in {audience for _, audience in job}]
        beside["jobs"].append(len(made))
        beside["audiences"].append(len(set(several)))
        beside["in several jobs"].append(sum(1 for one in set(several) if several.count(one) > 1))
        flows = len({flow for flow, _ in pairs})
        for name, takes in _lengths(pairs, seed).items():
            platform = Activated((), seed, takes=takes)
            out = drive(plan, platform, RATE)
            if len(platform.runs) != count:
                raise RuntimeError(f"{len(platform.runs)} pairs were activated, not {count}")
            # Each flow is read, each job looks what runs there already, and asks.
            bound = soonest(takes, flows + 2 * fewest(pairs), RATE)
            ratios.setdefault(name, []).append(out.makespan_s / bound)
            lengths.setdefault(name, []).append(out.makespan_s)
    return [
        Figure(
            "packing",
            f"ad-hoc jobs ÷ minimum, {count:,} pairs",
            jobs,
            "<= 1.02",
            {name: middle(values) for name, values in beside.items()},
        ),
        *(
            Figure("packing", f"schedule ÷ lower bound, {name}", found, goal, {"s": middle(lengths[name])})
            for (name, found), goal in zip(ratios.items(), ("<= 1.10", ""), strict=True)
        ),
    ]


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
