"""What a job costs when the platform answers at once: machine and runner, with and without a journal."""

from __future__ import annotations

import gc
import sqlite3
import tracemalloc
from collections import deque
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING

from benchmarks.driving import RUN, Setting, drive, drive_into, over_nothing, stored
from benchmarks.measure import Figure, Pair, alternate, middle
from benchmarks.nothing import NullJournal, NullPlatform
from benchmarks.plain import turns
from benchmarks.plans import BODY_BYTES, bodies, grove, items_for
from headgate.clock import SystemClock
from headgate.engine.gate import Gate
from headgate.engine.live import Rules
from headgate.engine.machine import Machine
from headgate.engine.runner import Limits, Runner
from headgate.engine.tally import Tally

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.bench import Bench

SLOTS = 100
JOBS = 100_000
#: Memory grows evenly with jobs, and tracing is slow: fewer of them will do.
TRACED_JOBS = 20_000


async def run(bench: Bench) -> list[Figure]:
    """Microseconds and bytes per job."""
    plan, small = grove(items_for(bench.size(JOBS))), grove(items_for(bench.size(JOBS // 20)))
    figures: list[Figure] = []
    for name, setting in (
        ("no journal", Setting(SLOTS)),
        ("SQLite journal", Setting(SLOTS, state=bench.state())),
    ):
        bench.say(f"jobs: {len(plan.jobs)}, {name}")
        await drive(small, over_nothing(), setting)
        pairs = await alternate(
            bench.times(3),
            partial(turns, len(plan.jobs), SLOTS),
            partial(drive, plan, over_nothing(), setting),
        )
        figures += _times(name, pairs)
    del plan
    bench.say("jobs: memory")
    figures.append(await _memory(items_for(bench.size(TRACED_JOBS))))
    figures.append(await _journal_bytes(bench, items_for(bench.size(TRACED_JOBS))))
    return figures


def _times(name: str, pairs: list[Pair]) -> list[Figure]:
    return [
        Figure(
            "jobs",
            f"CPU per job ÷ bare worker pool, {name}",
            [pair.ours.cpu_us / pair.plain.cpu_us for pair in pairs],
            "",
            {
                "µs CPU": middle([pair.ours.cpu_us for pair in pairs]),
                "µs wall": middle([pair.ours.wall_us for pair in pairs]),
                "bare µs": middle([pair.plain.cpu_us for pair in pairs]),
            },
        )
    ]


async def _memory(items: int) -> Figure:
    """Bytes per job of the plan, of the machine beside it, and of what a finished run leaves in it."""
    gc.collect()
    tracemalloc.start()
    try:
        marks = [_traced()]
        pool = deque(bodies(grove(items)))
        marks.append(_traced())
        count = len(pool)
        plain = (marks[1] - marks[0]) / count
        del pool
        marks = [_traced()]
        plan = grove(items)
        marks.append(_traced())
        clock, tally = SystemClock(), Tally()
        machine = Machine(plan, Rules(concurrency=SLOTS), now_s=clock.now(), at=clock.mono())
        marks.append(_traced())
        gate = Gate(1e7, clock)
        runner = Runner(machine, NullPlatform(), NullJournal(), clock, gate, tally, limits=Limits(1e7, SLOTS))
        await runner.run()
        del runner
        marks.append(_traced())
    finally:
        tracemalloc.stop()
    planned, linked, finished = ((mark - marks[0]) / count for mark in marks[1:])
    return Figure(
        "jobs",
        "bytes per job, plan + machine ÷ its body as a dict",
        [linked / plain],
        "",
        {
            "B plan": round(planned),
            "B machine": round(linked - planned),
            "B settled": round(finished - linked),
            "B body": round(plain),
        },
    )


def _traced() -> int:
    gc.collect()
    return tracemalloc.get_traced_memory()[0]


async def _journal_bytes(bench: Bench, items: int) -> Figure:
    """Bytes of the store per job, the object table included, against those of the body that was sent."""
    plan, state = grove(items), bench.state()
    with stored(plan, state) as store:
        empty = _store_bytes(state)
        await drive_into(plan, over_nothing(), Setting(SLOTS), lambda: store.journal(RUN))
        size = (_store_bytes(state) - empty) / len(plan.jobs)
    return Figure(
        "jobs",
        f"store bytes per job ÷ {BODY_BYTES} B body",
        [size / BODY_BYTES],
        "<= 0.50",
        {"B": round(size)},
    )


def _store_bytes(state: Path) -> int:
    with closing(sqlite3.connect(state)) as store:
        pages, size = (int(store.execute(f"PRAGMA {name}").fetchone()[0]) for name in ("page_count", "page_size"))
    return pages * size
