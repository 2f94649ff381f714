"""The live page of a run of 10,000 jobs in headless Chromium: how soon it is of use, and whether it ever freezes."""

from __future__ import annotations

import asyncio
import time
from functools import partial
from typing import TYPE_CHECKING, Any

from benchmarks import browsing
from benchmarks.journaled import planned, records_of
from benchmarks.measure import Figure, middle
from headgate.engine.tally import Tally
from headgate.exchange import Answer, Call, Verdict
from headgate.planning.outline import Outline
from headgate.store import RunRow, open_store
from headgate.web.looks import Reader
from headgate.web.server import LivePage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.bench import Bench
    from headgate.planning.model import Job

JOBS = 10_000
#: Jobs that end in a second, for so many seconds, of a run that has come so far.
A_SECOND = 50
SECONDS = 20
COME = 0.7
_STEP_S = 0.25
_WAIT_S = 60.0
#: Run before the page's own scripts: what blocks it, when its rows are there, and what the server sends.
_PROBE = """
(() => {
  const probe = window.probe = { tasks: [], frames: [], bytes: 0, rows: 0 };
  const note = (list) => { for (const one of list.getEntries()) probe.tasks.push([one.startTime, one.duration]); };
  new PerformanceObserver(note).observe({ type: "longtask", buffered: true });
  let last = 0;
  const frame = (now) => {
    if (last) probe.frames.push([last, now - last]);
    last = now;
    if (!probe.rows && document.querySelector("#table tbody tr")) probe.rows = performance.now();
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
  window.EventSource = class extends EventSource {
    constructor(...all) {
      super(...all);
      const count = (event) => { probe.bytes += event.data.length; };
      for (const name of ["state", "delta"]) super.addEventListener(name, count);
    }
  };
})();
"""
_READY = """
return probe.rows && document.documentElement.dataset.ready === "charts" ? [probe.rows, performance.now()] : null
"""


class _Going:
    """A run whose jobs end one after the other, as its process would write it."""

    def __init__(self, bench: Bench) -> None:
        self._plan = planned(bench.room, bench.size(JOBS))
        self.place = bench.state()
        self._store = open_store(self.place)
        row = RunRow("benchmark", self._plan.manifest, "", self._plan.sandbox, "f", "running", time.time())
        self._store.begin(row, Outline.of(self._plan).packed())
        self._journal = self._store.journal(row.id)
        self._tally, self._done, self._at = Tally(), 0, 0.0
        self._tally.begin(time.time())
        self._tally.ceiling.set(0.0, float(A_SECOND))

    async def end(self, jobs: Sequence[Job]) -> None:
        """So many jobs more have come to their end."""
        for index, job in enumerate(jobs, self._done):
            self._at += 1 / A_SECOND
            for record in records_of(index, job):
                if record.kind == "settled" and isinstance(record.data, dict):
                    record.data["t"] = [round(self._at, 3), round(self._at + 0.2, 3)]
                self._journal.append(record)
            call = Call("POST", "flow", "/x", f"POST /{job.role}s", "create")
            self._tally.answered(call, Answer(Verdict.OK, 201, elapsed_s=0.2), self._at)
        self._done += len(jobs)
        self._journal.count(self._tally.as_dict(self._at))
        self._journal.tell(
            {"left": "2 to 3 min left", "jobs": [self._done, len(self._plan.jobs)], "why": "", "waits": []}
        )
        await self._journal.flush()

    async def come(self) -> None:
        """It has come far when the page is opened."""
        await self.end(self._plan.jobs[: int(len(self._plan.jobs) * COME)])

    async def go(self) -> None:
        """It goes on."""
        for _ in range(round(SECONDS / _STEP_S)):
            began = time.monotonic()
            await self.end(self._plan.jobs[self._done : self._done + round(A_SECOND * _STEP_S)])
            await asyncio.sleep(max(0.0, _STEP_S - (time.monotonic() - began)))

    def close(self) -> None:
        self._journal.close()
        self._store.close()


async def run(bench: Bench) -> list[Figure]:
    """Milliseconds, seconds and kilobytes: absolute values, because there is nothing plain to hold them against."""
    if trouble := browsing.missing():
        bench.say(f"web: no browser: {trouble}")
        return []
    bench.say("web: the live page of a run of 10,000 jobs in Chromium")
    found = [await _one(bench, number) for number in range(bench.times(2))]
    rows, charts, tasks, frames, sent, whole, cpu = zip(*found, strict=True)
    return [
        Figure(
            "web", "live page in Chromium, s until rows are searched", rows, "<= 2", {"s until charts": middle(charts)}
        ),
        Figure("web", "longest task while it goes, ms", tasks, "<= 200", {"ms, longest frame": middle(frames)}),
        Figure("web", "sent by SSE in a second, kB", sent, "<= 50", {"kB at first": middle(whole)}),
        Figure("web", "the page's CPU while it goes, of one core", cpu, "<= 0.3"),
    ]


async def _one(bench: Bench, number: int) -> tuple[float, ...]:
    going = _Going(bench)
    reader = Reader(partial(open_store, going.place, readonly=True), "state.db")
    try:
        await going.come()
        async with LivePage(reader) as page:
            with browsing.chromium(bench.room / f"live-{number}") as browser:
                browser.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": _PROBE})
                rows, ready = await asyncio.to_thread(_opened, browser, f"{page.url}/runs/benchmark")
                at = await asyncio.to_thread(browser.execute_script, "return [probe.bytes, performance.now()]")
                cpu, began = browsing.busy_s(browser), time.monotonic()
                await going.go()
                took, cpu = time.monotonic() - began, await asyncio.to_thread(browsing.busy_s, browser) - cpu
                seen = await asyncio.to_thread(browser.execute_script, "return probe")
    finally:
        going.close()
    tasks = [length for start, length in seen["tasks"] if start >= at[1]]
    frames = [length for start, length in seen["frames"] if start >= at[1]]
    return (
        rows / 1000,
        ready / 1000,
        max(tasks, default=0.0),
        max(frames, default=0.0),
        (seen["bytes"] - at[0]) / took / 1000,
        at[0] / 1000,
        cpu / took,
    )


def _opened(browser: Any, address: str) -> tuple[float, float]:
    """Milliseconds until rows are there, and charts."""
    browser.get(address)
    end = time.monotonic() + _WAIT_S
    while time.monotonic() < end:
        if ready := browser.execute_script(_READY):
            return float(ready[0]), float(ready[1])
        time.sleep(0.05)
    raise RuntimeError("the page did not become ready")
