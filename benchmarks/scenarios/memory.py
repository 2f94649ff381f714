"""What a job that waits weighs, and what a job costs, where there are a million of them: each plan in its own process.

Resident memory of the process, as the system counts it, less what it is before there is a plan. The platform answers at
once and nothing is journaled, so the CPU is that of putting the plan together, of the machine and of the runner.

Also what a row of a manifest weighs until there is a plan of it: while it is loaded, and while it is planned.
"""

from __future__ import annotations

from statistics import mean
from typing import TYPE_CHECKING

from benchmarks.journaled import JOBS_OF_ROW
from benchmarks.loading import loaded
from benchmarks.measure import Figure, middle
from benchmarks.sheets import Chart, Line, Sheet
from benchmarks.weighing import Weight, weighed

if TYPE_CHECKING:
    from benchmarks.bench import Bench

FEW, SOME, MANY = 10_000, 100_000, 1_000_000
#: Laps of few jobs, so that what is compared with many took some time too.
LAPS = 10
#: Bytes that a waiting job may weigh, and that a row may beside the jobs it makes.
LIMIT_B = 300


async def run(bench: Bench) -> list[Figure]:
    """Bytes per waiting job as a share of what is allowed, and CPU per job of many as a share of that of few."""
    few, some, many = (max(100, bench.size(jobs)) for jobs in (FEW, SOME, MANY))
    rounds: list[tuple[Weight, Weight, Weight]] = []
    before = weighed(few, LAPS)
    for number in range(bench.times(1)):
        bench.say(f"memory: {many} jobs, round {number + 1}")
        weight = weighed(many)
        after = weighed(few, LAPS)
        rounds.append((before, weight, after))
        before = after
    bench.say(f"memory: {some} jobs")
    between = weighed(some)
    bench.say(f"memory: rows of {many} jobs")
    rows = [loaded(max(2, many // JOBS_OF_ROW)) for _ in range(bench.times(1))]
    laps = [weight for _, weight, _ in rounds]
    jobs = (few, some, many)
    weights = [weight.waiting for weight in (before, between, laps[-1])]
    settled = [weight.settled for weight in (before, between, laps[-1])]
    lines = [
        Line("waiting", jobs, weights),
        Line("settled", jobs, settled, "other"),
        Line("allowed", jobs, [LIMIT_B] * 3, "bound"),
    ]
    bench.sheets["memory"] = Sheet(
        "Memory by jobs", [Chart("", "jobs", "resident bytes per job", lines, log_x=True, log_y=True)]
    )
    return [
        Figure(
            "memory",
            f"resident bytes per waiting job ÷ {LIMIT_B} B, {many:.0e} jobs",
            [weight.waiting / LIMIT_B for weight in laps],
            "<= 1.00",
            {
                "B": round(middle([weight.waiting for weight in laps])),
                f"B of {some:.0e}": round(between.waiting),
                f"B of {few:.0e}": round(before.waiting),
                "B once settled": round(middle([weight.settled for weight in laps])),
                "B at the most": round(middle([weight.peak for weight in laps])),
            },
        ),
        Figure(
            "memory",
            f"CPU per job, {many:.0e} ÷ {few:.0e} jobs",
            [weight.cpu_us / mean((one.cpu_us, other.cpu_us)) for one, weight, other in rounds],
            "<= 1.20",
            {
                "µs": middle([weight.cpu_us for weight in laps]),
                f"µs of {some:.0e}": round(between.cpu_us),
                "µs of few": middle([one.cpu_us for one, _, _ in rounds]),
                "µs to plan": middle([weight.plan_us for weight in laps]),
                "µs to plan few": middle([one.plan_us for one, _, _ in rounds]),
            },
        ),
        Figure(
            "memory",
            f"resident bytes per row at the most, at load and compile, its jobs aside ÷ {LIMIT_B} B, {many:.0e} jobs",
            [max(one.loading, one.planning) / LIMIT_B for one in rows],
            "<= 1.00",
            {
                "B at load": round(middle([one.loading for one in rows])),
                "B once loaded": round(middle([one.loaded for one in rows])),
                "B at compile": round(middle([one.planning for one in rows])),
                "B of its jobs": round(middle([one.planned for one in rows])),
                "µs to load": middle([one.load_us for one in rows]),
                "µs to compile": middle([one.plan_us for one in rows]),
            },
        ),
    ]
