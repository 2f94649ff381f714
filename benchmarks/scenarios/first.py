"""From the command to its first request, in a process started for it, against one POST by bare aiohttp likewise."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.first_request import First, first_post, first_request
from benchmarks.journaled import JOBS_OF_ROW, planned
from benchmarks.measure import Figure, middle

if TYPE_CHECKING:
    from benchmarks.bench import Bench

#: Items of a manifest as people have them, and of a large one.
FEW, MANY = 10, 10_000
#: A person should not wait longer for a large manifest to begin, in seconds.
LIMIT_S = 3.0


async def run(bench: Bench) -> list[Figure]:
    """Wall time of the few, as a share of a bare POST's, and how low that could be; of the many, of three seconds."""
    few = _begun(bench, FEW, bench.times(9))
    floor = [(first_post(built_on=True), first_post()) for _ in range(bench.times(9) + 1)][1:]
    many = _begun(bench, bench.size(MANY), bench.times(5))
    return [
        Figure(
            "first",
            f"command to first request ÷ one bare aiohttp POST from a cold start, {FEW} items",
            [ours.wall_s / bare.wall_s for ours, bare in few],
            "<= 1.50",
            _beside(few),
        ),
        Figure(
            "first",
            "the same POST after loading what the command is built on ÷ one bare aiohttp POST from a cold start",
            [ours.wall_s / bare.wall_s for ours, bare in floor],
            "",
            _beside(floor),
        ),
        Figure(
            "first",
            f"command to first request ÷ {LIMIT_S:.0f} s, {bench.size(MANY):,} items",
            [ours.wall_s / LIMIT_S for ours, _ in many],
            "<= 1.00",
            _beside(many),
        ),
    ]


def _begun(bench: Bench, items: int, rounds: int) -> list[tuple[First, First]]:
    """For each round a new run of a manifest of ``items``, and a bare POST right before it."""
    bench.say(f"first: a manifest of {items} items")
    folder = bench.room / "first"
    folder.mkdir()
    try:
        planned(folder, items * JOBS_OF_ROW)
        found = []
        for number in range(rounds + 1):
            bare = first_post()
            ours = first_request(folder, str(folder / f"state-{number}.db"), "run", "manifest.yaml")
            found.append((ours, bare))
        return found[1:]  # the first has written what Python compiles
    finally:
        for file in folder.iterdir():
            file.unlink()
        folder.rmdir()


def _beside(found: list[tuple[First, First]]) -> dict[str, float]:
    return {
        "s": middle([ours.wall_s for ours, _ in found]),
        "s CPU": middle([ours.cpu_s for ours, _ in found]),
        "bare s": middle([bare.wall_s for _, bare in found]),
        "bare s CPU": middle([bare.cpu_s for _, bare in found]),
    }
