"""Screens as they are drawn: the live view, a log, and the last words, at the widths of terminals. Every clock stands."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from headgate.cli import plain
from headgate.cli.eta import Eta
from headgate.cli.live import render as live
from headgate.cli.progress import EntryLine, Snapshot
from headgate.report import Failure, ItemResult, PairResult, Report
from headgate.report.render_causes import Cause
from headgate.report.render_text import render as last

FILE = Path(__file__).parent / "screens.txt"
_RUN = "spring-20261122-220014-4c6f"
_CAUSES = [
    Cause(60, 403, "2118-403", "The user does not have the permission Manage Destinations in this sandbox.",
          "Store 80", "have this permission added to the credential's product profile"),
    Cause(40, 400, "1100-400", "The request could not be processed. Error from flow provider: Not entitled.",
          "Store 112", "the organisation has no licence for it: ask your Adobe contact"),
    Cause(30, 404, "1101-404", "Error from flow provider: Resource with given id does not exist.",
          "Partner 7", "the destination's service does not know this object: check the ids"),
    Cause(20, 0, "", "no answer within 30 s", "Partner 19", ""),
]  # fmt: skip
MID = Snapshot(
    _RUN, "dev", False, 754.0, 39.8, 41.0, 37, 31_415, 12, 14,
    [EntryLine("Store *", "items", 1800, 3000, 100, 11_400, 15_000),
     EntryLine("Partner * in a country with a long name", "items", 700, 700, 50, 3500, 3500),
     EntryLine("Lapsing *", "items", 500, 500, 0, 2500, 2500),
     EntryLine("export now", "pairs", 120, 600, 0, 120, 600)],
    ["37 pairs held: audiences younger than an hour, next at 22:41:00 UTC", "2 ad-hoc jobs in line for an audience",
     "runs in progress: 120"],
    _CAUSES, 17_400, 21_600, "", 50.0, "rate lowered to 41/s after 429",
    [("POST /flows", 61), ("PATCH /flows/{id}", 22), ("GET /flows/{id}", 4)],
    Eta(1080.0, 1500.0), datetime(2026, 11, 22, 22, 41, tzinfo=UTC),
)  # fmt: skip
BEGIN = replace(
    MID, elapsed_s=0.6, rate_per_s=0.0, rate_limit=50.0, in_flight=0, sent=0, throttled=0, retried=0, waits=(), causes=(),
    entries=[EntryLine(f"Entry {n}", "items", 0, 40, 0, 0, 200) for n in range(30)], jobs_done=0, jobs_total=6000,
    pace="", flying=(), left=Eta(120.0, 240.0),
)  # fmt: skip
STOPPING = replace(MID, stopping="interrupted", left=None, over_at=None, continued=True)


def _report(items, pairs=(), failures=(), **changes):
    totals = {
        "items": len(items),
        "jobs": 0,
        "succeeded": 0,
        "failed": len(failures),
        "skipped": 0,
        "reused": 0,
        "held": 0,
    }
    requests = {"sent": 24_717, "throttled": 12, "retried": 14, "polls": 49, "byEndpoint": {
        "POST /flows": 4940, "POST /sourceConnections": 5000, "POST /targetConnections": 5000, "PATCH /flows/{id}": 4900,
        "GET /flows/{id}": 4877}}  # fmt: skip
    return replace(Report(_RUN, "spring", "dev", "succeeded", 0.0, 72.0, 72.0, totals, requests, items, pairs, failures),
                   **changes)  # fmt: skip


def _rows(entry, *counts):
    return [ItemResult(entry, f"{entry} {n}", status, {}) for status, count in counts for n in range(count)]


FAILED = _report(
    [*_rows("Store ${row}", ("created", 2900), ("failed", 100)), *_rows("Partner ${row}", ("created", 650), ("failed", 50)),
     *_rows("Lapsing ${row}", ("reused", 500))],
    [PairResult("now", "f", "a", "held", None, None, None, 0, None)] * 37,
    [Failure(cause.example, "job", cause.status, cause.code, cause.message, "r", cause.advice)
     for cause in _CAUSES for _ in range(cause.count)],
    status="failed",
)  # fmt: skip
WELL = _report([row for n in range(9) for row in _rows(f"Entry {n} ${{row}}", ("created", 30 + n), ("reused", n))])
_NEXT = [f"mend the cause, then: headgate retry {_RUN}"]


def drawn(snapshot, columns, lines=24, **options):
    """The live view on a terminal of this size."""
    out = io.StringIO()
    console = Console(file=out, width=columns, height=lines, force_terminal=True, color_system="truecolor", **options)
    console.print(live(snapshot, columns, lines))
    return out.getvalue()


def screens():
    """What is drawn, by name."""
    found = {}
    for name, snapshot in (("begins", BEGIN), ("goes", MID), ("stops", STOPPING)):
        for columns in (60, 80, 140):
            text = drawn(snapshot, columns, no_color=True)
            found[f"a run {name}: {columns} x 24, NO_COLOR"] = re.sub(r"\x1b\[\d*m", "", text)
    found["a run goes: 80 x 24, in colour"] = drawn(MID, 80).replace("\x1b", "ESC")
    found["a run goes: in a pipe"] = "\n".join([*map(plain.cause, MID.causes), plain.line(BEGIN), plain.line(STOPPING)])
    for columns in (80, 140):
        found[f"it failed: {columns} x 24"] = last(FAILED, width=columns, height=22, notes=_NEXT)
        found[f"it went well: {columns} x 24"] = last(WELL, width=columns, height=22, notes=[])
    found["it failed: 80, as long as it is"] = last(FAILED, width=80, notes=_NEXT)
    return found


def rendered():
    """All of them, for the file."""
    return "\n".join(f"=== {name}\n{_ends(text)}" for name, text in screens().items())


def _ends(text):
    return "".join(f"{line.rstrip()}\n" for line in text.splitlines())
