"""Picking up a run again: its journal read and folded, the machine restored, against one bare POST.

And the whole of it as a person meets it: ``headgate resume`` until its first request, Python's start included.
"""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING

from benchmarks.driving import RUN, Setting, drive_into, over_nothing, stored
from benchmarks.first_request import first_request
from benchmarks.journaled import journaled, planned
from benchmarks.measure import Figure, Lap, alternate, lap, middle
from benchmarks.plain import posts
from benchmarks.plans import bodies, grove, items_for
from benchmarks.serving import served
from headgate.engine.live import Rules
from headgate.engine.machine import Machine
from headgate.engine.record import fold_latest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.bench import Bench
    from headgate.planning.model import Plan
    from headgate.store import Store

JOBS = 100_000
POSTS = 1500
SLOTS = 50
#: A person should not wait longer for a resume to begin, in seconds.
LIMIT_S = 2.0


async def run(bench: Bench) -> list[Figure]:
    """CPU of a restored record as a share of a bare POST; seconds to the first request as a share of two."""
    return [await _restored(bench), *await _first_requests(bench)]


async def _restored(bench: Bench) -> Figure:
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
    return Figure(
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


async def _restore(plan: Plan, store: Store, records: int) -> Lap:
    with lap(records) as found:
        past = fold_latest(store.latest(RUN))
        machine = Machine(plan, Rules(), now_s=0.0, past=past, known=store.known(plan.sandbox))
    if machine.open:
        raise RuntimeError(f"{machine.open} jobs of a finished run are open after a restore")
    return found


async def _first_requests(bench: Bench) -> list[Figure]:
    """The installed command on each store."""
    folder = bench.room / "resume"
    folder.mkdir(exist_ok=True)
    plan = planned(folder, bench.size(JOBS))
    figures = []
    try:
        with _postgres(bench) as url:
            for name, where in (("SQLite", str(bench.state())), *((("PostgreSQL", url),) if url else ())):
                bench.say(f"resume: a run of {len(plan.jobs)} jobs in {name}")
                records = await journaled(plan, where)
                found = [first_request(folder, where) for _ in range(bench.times(5))]
                figures.append(
                    Figure(
                        "resume",
                        f"command to first request ÷ {LIMIT_S:.0f} s, {name}",
                        [one.wall_s / LIMIT_S for one in found],
                        "<= 1.00",
                        {
                            "s": middle([one.wall_s for one in found]),
                            "s CPU": middle([one.cpu_s for one in found]),
                            "jobs": len(plan.jobs),
                            "records": records,
                        },
                    )
                )
    finally:
        for file in (*folder.iterdir(), *bench.room.glob("state-*")):
            file.unlink()
        folder.rmdir()
    return figures


@contextmanager
def _postgres(bench: Bench) -> Iterator[str | None]:
    """An empty database on a server of the tests'; ``None`` where there is none to be had."""
    try:
        server = import_module("tests.postgres_server").Server(durable=True)
    except (ImportError, RuntimeError) as error:
        bench.say(f"resume: without PostgreSQL: {error}")
        yield None
        return
    try:
        yield str(server.url(server.database()))
    finally:
        server.stop()
