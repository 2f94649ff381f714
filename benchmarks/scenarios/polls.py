"""Runs that are waited for: what asking for them costs, how soon their end is seen, and what order makes of lengths.

In virtual time against a platform of a few lines, where nothing depends on this machine; and in real time against the
embedded platform, whose clock runs faster: there the runs' own ends, as it shows them, are the measure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.embedded_runs import embedded
from benchmarks.measure import Figure, middle
from benchmarks.virtual_runs import Outcome, Virtual, drive, ideal, known, lasting, trials

if TYPE_CHECKING:
    from benchmarks.bench import Bench

RUNS = 1000
#: Runs against the embedded platform, and how fast its clock is.
EMBEDDED_RUNS = 1000
TIME_SCALE = 5.0


async def run(bench: Bench) -> list[Figure]:
    """Polls, lag and makespan."""
    count, rounds = bench.size(RUNS), bench.times(5)
    bench.say(f"polls: {count} runs of 30 to 300 s in virtual time, {rounds} times")
    plan, plain, blind, learnt = trials(count), [], [], []
    ideals = []
    for seed in range(rounds):
        lasts = lasting(count, seed)
        ideals.append(ideal(lasts))
        plain.append(drive(plan, Virtual(lasts, seed)))
        blind.append(drive(plan, Virtual(lasts, seed, filters=False)))
        learnt.append(drive(plan, Virtual(lasts, seed), lengths=known(lasts)))
    figures = [
        *_asked("virtual", plain, ideals),
        *_asked("virtual, no filter by time", blind, ideals, goals=False),
        Figure(
            "polls",
            "lengths learnt: makespan ÷ ideal in manifest order",
            [one.makespan_s / best for one, best in zip(learnt, ideals, strict=True)],
            "<= 0.88",
            {"s": middle([one.makespan_s for one in learnt]), "s ideal": middle(ideals)},
        ),
    ]
    return [*figures, *await embedded(bench, bench.size(EMBEDDED_RUNS), TIME_SCALE)]


def _asked(name: str, found: list[Outcome], ideals: list[float], *, goals: bool = True) -> list[Figure]:
    return [
        Figure(
            "polls",
            f"polls per run, {name}",
            [one.per_run for one in found],
            "<= 0.40",
            {"polls": middle([float(one.platform.polls) for one in found])},
        ),
        Figure("polls", f"polls ÷ all requests, {name}", [one.share for one in found], "<= 0.10" if goals else "", {}),
        Figure(
            "polls",
            f"p99 detection lag ÷ 6 s, {name}",
            [one.lag(0.99) / 6.0 for one in found],
            "<= 1.00" if goals else "",
            {"s p99": middle([one.lag(0.99) for one in found]), "s p50": middle([one.lag(0.5) for one in found])},
        ),
        Figure(
            "polls",
            f"makespan ÷ ideal, {name}",
            [one.makespan_s / best for one, best in zip(found, ideals, strict=True)],
            "<= 1.02",
            {"s": middle([one.makespan_s for one in found]), "s ideal": middle(ideals)},
        ),
    ]
