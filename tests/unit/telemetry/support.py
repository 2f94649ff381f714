"""A run in progress without a run, and reports of it."""

from __future__ import annotations

from types import SimpleNamespace

from headgate.engine.tally import Tally
from headgate.planning.model import Job
from headgate.report.model import Failure, ItemResult, PairResult, Report

JOBS = [
    Job("base:x", "create", "baseConnection", None),
    Job("flow:a", "create", "flow", None, 0, {"base": 0}),
    Job("adhoc:now:1", "adhoc", "adhoc", None, after={"a": 1}),
]


def watch(**more):
    tally = Tally({"byEndpoint": {"POST /flows": 3, "GET /runs": 2}, "throttled": 4})
    machine = SimpleNamespace(jobs=JOBS, open=2)
    run = SimpleNamespace(id="m-1", manifest="m", sandbox="dev")
    return SimpleNamespace(
        **{"tally": tally, "machine": machine, "run": run, "runner": SimpleNamespace(flying=1)} | more
    )


def report(status="failed", *, failures=2, message="no <such> @channel & spec", stop="", items=40):
    totals = dict.fromkeys(("items", "jobs", "succeeded", "failed", "skipped", "reused", "held"), 1)
    rows = [ItemResult("E", f"I{n}", "failed" if n < failures else "created", {}) for n in range(items)]
    pairs = [PairResult("now", "f", "a", "activated", 1, "r", "success", 1, None)]
    failed = [
        Failure(f"I{n}", f"flow:I{n}", 400, "1413-400", message, "req", "check the spec") for n in range(failures)
    ]
    asked = {"sent": 1234, "throttled": 5, "retried": 1, "polls": 0, "byEndpoint": {}}
    return Report("m-1", "m", "dev", status, 1.0, 2.0, 65.0, totals, asked, rows, pairs, failed, stop)
