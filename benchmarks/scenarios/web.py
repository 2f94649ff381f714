"""What the live page costs: the process that serves it, by the look, and the browser that shows it (``live``)."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING

from benchmarks.journaled import planned, records_of
from benchmarks.measure import Figure
from benchmarks.scenarios import live
from headgate.planning.outline import Outline
from headgate.store import RunRow, open_store
from headgate.web.channel import SHARE
from headgate.web.feed import Feed
from headgate.web.looks import OneRun, Reader

if TYPE_CHECKING:
    from benchmarks.bench import Bench
    from headgate.store import Store

JOBS = 10_000
#: Jobs that end between two looks: half a second at 50 requests a second.
BETWEEN = 25
#: How far the run has come when it is first looked at.
_COME: float = 0.7


async def run(bench: Bench) -> list[Figure]:
    """Milliseconds and kilobytes: absolute values, because there is nothing plain to hold them against."""
    bench.say("web: looks at a run of 10,000 jobs")
    state = bench.state()
    store = open_store(state)
    try:
        found = await _looks(bench, store, Reader(partial(open_store, state, readonly=True), "state.db"))
    finally:
        store.close()
    return found + await live.run(bench)


async def _looks(bench: Bench, store: Store, reader: Reader) -> list[Figure]:
    plan = planned(bench.room, bench.size(JOBS))
    store.begin(
        RunRow("benchmark", plan.manifest, "", plan.sandbox, plan.fingerprint, "running", time.time()),
        Outline.of(plan).packed(),
    )
    journal, feed, page = store.journal("benchmark"), Feed("benchmark"), OneRun(reader, "benchmark")
    done, costs, sizes, whole = 0, [], [], 0.0
    rounds = bench.times(10)
    for until in (int(len(plan.jobs) * _COME) + number * BETWEEN for number in range(rounds + 1)):
        for index in range(done, min(until, len(plan.jobs))):
            for record in records_of(index, plan.jobs[index]):
                if record.kind == "settled" and isinstance(record.data, dict):
                    record.data["t"] = [index / 50, index / 50 + 0.2]
                journal.append(record)
        done = until
        await journal.flush()
        began = time.thread_time()
        step = feed.step(page.look(None, rows=True))
        cost = time.thread_time() - began
        if step is not None:
            feed.take(step)
            if step.event:
                costs.append(1000 * cost)
                sizes.append(len(step.event) / 1000)
            else:
                whole = len(step.whole) / 1e6
    journal.close()
    reader.close()
    return [
        Figure("web", "a look at a run of 10,000 jobs, ms CPU", costs, "<= 150", {"of the time, at most": SHARE}),
        Figure("web", "what is sent of a look, kB", sizes, "<= 50", {"MB at first": whole}),
    ]
