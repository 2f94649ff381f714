"""What a report costs: its counters per request, the page's size, and how soon a browser shows it."""

from __future__ import annotations

import time
import uuid
from importlib.util import find_spec
from random import Random
from typing import TYPE_CHECKING, Any

from benchmarks import browsing
from benchmarks.measure import Figure, lap, middle
from headgate.engine.tally import Tally
from headgate.exchange import Answer, Call, Verdict
from headgate.report import Failure, ItemResult, PairResult, Report
from headgate.report.story import JobTime, Story

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.bench import Bench

JOBS = 10_000
REQUESTS = 200_000
WAIT_S = 120.0
_ROLES = ("sourceConnection", "targetConnection", "flow", "selectors", "check")


async def run(bench: Bench) -> list[Figure]:
    """Microseconds, megabytes and seconds: absolute values, because there is nothing plain to hold them against."""
    bench.say("report: counters")
    costs = [_tally(bench.size(REQUESTS)) for _ in range(bench.times(5))]
    figures = [Figure("report", "counters, µs CPU per request", costs, "<= 10")]
    if find_spec("bokeh") is None:
        bench.say("report: no page, bokeh is not installed")
        return figures
    from headgate.report.page import page

    told = _story(bench.size(JOBS))
    page(told)  # the library is read once
    bench.say(f"report: a page of {len(told.jobs)} jobs")
    with lap(1) as made:
        text = page(told)
    figures.append(
        Figure("report", "page of 10,000 jobs, MB", [len(text.encode()) / 1e6], "<= 5", {"s to make": made.wall_s})
    )
    place = bench.room / "page.html"
    place.write_text(text, encoding="utf-8")
    return figures + _browser(bench, place)


def _tally(requests: int) -> float:
    """CPU of counting one answer, in microseconds."""
    tally, rng = Tally(), Random(1)
    calls = [Call("POST", "flow", "/x", f"POST /{n}", "create") for n in range(20)]
    answers = [Answer(Verdict.OK, 201, elapsed_s=rng.lognormvariate(-1.7, 0.7)) for _ in range(100)]
    with lap(requests) as found:
        for n in range(requests):
            tally.answered(calls[n % 20], answers[n % 100], n / 50)
    return found.cpu_us


def _browser(bench: Bench, place: Path) -> list[Figure]:
    """Seconds from the start of loading until the rows can be searched, and until the charts are drawn."""
    if trouble := browsing.missing():
        bench.say(f"report: no browser: {trouble}")
        return []
    rows, charts, cpu = [], [], []
    for number in range(bench.times(3)):
        with browsing.chromium(bench.room / f"chromium-{number}") as browser:
            browser.get(place.as_uri())
            times = _ready(browser)
            cpu.append(browsing.busy_s(browser))
        rows.append(times[0])
        charts.append(times[1])
    return [
        Figure("report", "page in Chromium, s until rows are searched", rows, "<= 2"),
        Figure("report", "page in Chromium, s until charts are drawn", charts, "<= 2", {"s CPU": middle(cpu)}),
    ]


def _ready(browser: Any) -> tuple[float, float]:
    end = time.monotonic() + WAIT_S
    while time.monotonic() < end:
        rows, charts = browser.execute_script(
            "const told = document.documentElement.dataset; return [told.rowsMs, told.chartsMs]"
        )
        if rows and charts:
            return int(rows) / 1000, int(charts) / 1000
        time.sleep(0.02)
    raise RuntimeError("the page did not become ready")


def _story(jobs: int) -> Story:
    """A run of ``jobs`` jobs, 3 % of its items failed of four causes, with an activation of each item."""
    rng, tally = Random(7), Tally()
    tally.begin(1_800_000_000.0)
    tally.ceiling.set(0.0, 50.0)
    timed: list[JobTime] = []
    rows: list[ItemResult] = []
    failures: list[Failure] = []
    pairs: list[PairResult] = []
    ids = iter(lambda: str(uuid.UUID(int=rng.getrandbits(128))), "")
    at = 0.0
    for n in range(jobs // len(_ROLES)):
        name, bad = f"Loyalty campaign number {n}", n % 33 == 0
        made: dict[str, str] = {"baseConnection": "3a08bada-9b20-4440-82d0-08833990d505"}
        for step, role in enumerate(_ROLES):
            at += 1 / 50
            ending = "succeeded" if not bad or step < 2 else "failed" if step == 2 else "skipped"
            key = f"{role}:{name}"
            if ending == "skipped":
                timed.append(JobTime(key, "create", role, n, ending))
                continue
            took = rng.lognormvariate(-1.2, 0.6)
            tally.answered(
                Call("POST", "flow", "/x", f"POST /{role}s", "create"), Answer(Verdict.OK, 201, elapsed_s=took), at
            )
            timed.append(JobTime(key, "create", role, n, ending, round(at, 3), round(at + took, 3)))
            if step < 3 and ending == "succeeded":
                made[role] = next(ids)
        error = None
        if bad:
            cause = f"cause number {'abcd'[n % 4]}: the platform said no, and why, in a sentence of the usual length"
            failure = Failure(
                name, f"flow:{name}", 400, f"140{n % 4}-400", cause, rng.randbytes(16).hex(), "what to do"
            )
            failures.append(failure)
            error = {"job": failure.job, "message": cause, "requestId": failure.requestId}
        rows.append(ItemResult("Loyalty ${row.n}", name, "failed" if bad else "created", made, error))
        flow = made.get("flow", name)
        audience = "9f7d37fd-7039-4454-94ef-2b0cd6c3206a"
        outcome = "skipped" if bad else "activated"
        pairs.append(PairResult("now", flow, audience, outcome, n // 80 + 1, next(ids), "success", 1, None))
    totals = {"items": len(rows), "jobs": len(timed), "failed": len(failures)}
    requests = {"sent": tally.sent, "throttled": 0, "retried": 0, "polls": 0, "byEndpoint": dict(tally.by_endpoint)}
    report = Report(
        "spring-1", "spring", "dev", "failed", 1.8e9, 1.8e9 + at, at, totals, requests, rows, pairs, failures
    )
    return Story(report, timed, tally.as_dict(at))
