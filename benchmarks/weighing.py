"""One plan of so many jobs, weighed and driven in a process of its own: ``python -m benchmarks.weighing JOBS LAPS``.

Prints JSON: resident memory of the process, and CPU of putting the plan together and driving it to its end.
"""

from __future__ import annotations

import asyncio
import gc
import os
import resource
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import orjson

from benchmarks.driving import NO_LIMIT, settled
from benchmarks.nothing import NullJournal, NullPlatform
from benchmarks.plans import compiled, items_for
from headgate.clock import SystemClock
from headgate.engine.gate import Gate
from headgate.engine.live import Rules
from headgate.engine.machine import Machine
from headgate.engine.runner import Limits, Runner
from headgate.engine.tally import Tally
from headgate.garbage import gc_paused

SLOTS = 100
#: Jobs of the run before all others, which imports and allocates what is there once.
_WARM = 500


@dataclass(frozen=True, slots=True)
class Weight:
    """Bytes are resident memory (Linux), per job; ``cpu_us`` is CPU per job.

    ``planned``: the plan alone. ``waiting``: plan and machine, when every job waits. ``settled``: when all are over.
    ``peak``: the most there ever was, while the plan was made or driven.
    """

    jobs: int
    planned: float
    waiting: float
    settled: float
    peak: float
    plan_us: float
    cpu_us: float


def weighed(jobs: int, laps: int = 1) -> Weight:
    """Weigh in another process.

    Raises:
        RuntimeError: it failed.
    """
    found = subprocess.run(  # noqa: S603 -- ourselves
        [sys.executable, "-m", "benchmarks.weighing", str(jobs), str(laps)],
        stdout=subprocess.PIPE,
        check=False,
        cwd=Path(__file__).parents[1],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    if found.returncode:
        raise RuntimeError(f"weighing {jobs} jobs failed")
    return Weight(**orjson.loads(found.stdout))


def _weigh(jobs: int, laps: int) -> Weight:
    asyncio.run(_drive(items_for(_WARM)))
    empty = resident()
    marks, cpu_s, plan_s, count = (0, 0, 0), 0.0, 0.0, 0
    for _ in range(laps):
        lap = asyncio.run(_drive(items_for(jobs)))
        marks = marks if any(marks) else lap.marks
        cpu_s, plan_s, count = cpu_s + lap.cpu_s, plan_s + lap.plan_s, count + lap.count
    each = count / laps
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    planned, waiting, settled, most = ((mark - empty) / each for mark in (*marks, peak))
    return Weight(int(each), planned, waiting, settled, most, plan_s / count * 1e6, cpu_s / count * 1e6)


@dataclass(frozen=True, slots=True)
class _Lap:
    marks: tuple[int, int, int]
    plan_s: float
    cpu_s: float
    count: int


async def _drive(items: int) -> _Lap:
    gc.collect()
    began = time.process_time()
    with gc_paused():  # as the command does it
        plan = compiled(items)
    plan_s = time.process_time() - began
    planned = resident()
    began = time.process_time()
    clock, tally = SystemClock(), Tally()
    with gc_paused():
        machine = Machine(plan, Rules(concurrency=SLOTS), now_s=clock.now(), at=clock.mono())
    made_s = time.process_time() - began
    waiting = resident()
    began = time.process_time()
    limits = Limits(NO_LIMIT, SLOTS)
    runner = Runner(machine, NullPlatform(), NullJournal(), clock, Gate(NO_LIMIT, clock), tally, limits=limits)
    with settled():
        await runner.run()
    drive_s = time.process_time() - began
    if machine.open or tally.sent != len(plan.jobs):
        raise RuntimeError(f"{machine.open} jobs are open, {tally.sent} requests were sent")
    return _Lap((planned, waiting, resident()), plan_s, plan_s + made_s + drive_s, len(plan.jobs))


def resident() -> int:
    """Bytes of this process in memory, garbage not among them."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


if __name__ == "__main__":
    sys.stdout.buffer.write(orjson.dumps(asdict(_weigh(int(sys.argv[1]), int(sys.argv[2])))))
