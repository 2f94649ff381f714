"""All runs, a line each."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from headgate.report.render_table import seconds, table

if TYPE_CHECKING:
    from headgate.store.contract import RunRow

Rows = Sequence[tuple["RunRow", "str | None"]]


def state_of(run: RunRow, holder: str | None) -> str:
    """The run's status in a word; a run nobody drives any more is not running."""
    return "abandoned" if run.status == "running" and holder is None else run.status


def text(rows: Rows) -> str:
    """A table, newest first."""
    lines = [["run", "status", "sandbox", "began (UTC)", "took", "open", "requests"]]
    lines += [
        [
            run.id,
            state_of(run, holder),
            run.sandbox,
            f"{datetime.fromtimestamp(run.started_at, UTC):%Y-%m-%d %H:%M:%S}",
            seconds(float(run.counters.get("seconds", 0.0))),
            f"{run.open:,}" if run.open else "·",
            f"{int(run.counters.get('sent', 0)):,}",
        ]
        for run, holder in rows
    ]
    return "\n".join(table(lines, right=(4, 5, 6)))


def as_json(rows: Rows) -> str:
    """A list, newest first."""
    import orjson

    return orjson.dumps([row_json(run, holder) for run, holder in rows], option=orjson.OPT_INDENT_2).decode()


def row_json(run: RunRow, holder: str | None) -> dict[str, Any]:
    """One run as data."""
    from headgate.bulletin import stamp

    return {
        "runId": run.id,
        "manifest": run.manifest,
        "path": run.path,
        "sandbox": run.sandbox,
        "status": state_of(run, holder),
        "startedAt": stamp(run.started_at),
        "finishedAt": None if run.finished_at is None else stamp(run.finished_at),
        "open": run.open,
        "unfinished": run.unfinished,
        "holder": holder,
        "fingerprint": run.fingerprint,
        "args": dict(run.args),
        "counters": dict(run.counters),
    }
