"""Picking up a run again: its journal read and folded, the machine restored, against one bare POST."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from benchmarks.driving import RUN, Setting, drive_into, over_nothing, stored
from benchmarks.measure import Figure, Lap, alternate, lap, middle
from benchmarks.plain import posts
from benchmarks.plans import bodies, grove, items_for
from benchmarks.serving import served
from headgate.engine.live import Rules
from headgate.engine.machine import Machine
from headgate.engine.record import fold

if TYPE_CHECKING:
    from benchmarks.bench import Bench
    from headgate.planning.model import Plan
    from headgate.store import Store

JOBS = 100_000
POSTS = 1500
SLOTS = 50


async def run(bench: Bench) -> list[Figure]:
    """CPU of a restored record as a share of a bare POST."""
    plan = grove(items_for(bench.size(JOBS)))
    sent = bodies(grove(items_for(bench.size(POSTS))))
    with stored(plan, bench.state()) as store, served() as url:
        bench.say(f"resume: writing a journal of {len(plan.jobs)} jobs")
        await drive_into(plan, over_nothing(), Setting(100), lambda: store.journal(RUN))
        records = sum(1 for _ in store.records(RUN))
        bench.say(f"resume: {records} records")
        await posts(url, sent, SLOTS)
        pairs = await alternate(
            bench.times(3), partial(posts, url, sent, SLOTS), partial(_restore, plan, store, records)
        )
    return [
        Figure(
            "resume",
            "CPU per restored record ÷ bare aiohttp POST",
            [pair.ours.cpu_us / pair.plain.cpu_us for pair in pairs],
            "<= 0.02",
            {
                "µs": middle([pair.ours.cpu_us for pair in pairs]),
                "bare µs": middle([pair.plain.cpu_us for pair in pairs]),
                "records": records,
                "s in all": middle([pair.ours.wall_s for pair in pairs]),
            },
        )
    ]


async def _restore(plan: Plan, store: Store, records: int) -> Lap:
    with lap(records) as found:
        past = fold(store.records(RUN))
        machine = Machine(plan, Rules(), now_s=0.0, past=past, known=store.known(plan.sandbox))
    if machine.open:
        raise RuntimeError(f"{machine.open} jobs of a finished run are open after a restore")
    return found
