"""One run as it stands."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from headgate.cli.views.runs import row_json, state_of
from headgate.cli.wiring import near
from headgate.report.render_causes import causes_of
from headgate.report.render_table import plural, seconds, table, wrapped

if TYPE_CHECKING:
    from headgate.report.model import Report
    from headgate.store.contract import RunRow

_WIDTH = 100
_LAST = 5


def as_json(run: RunRow, report: Report, holder: str | None) -> str:
    """The run, its totals, and what became of items and pairs so far."""
    import orjson

    whole = report.as_json()
    return orjson.dumps(
        {
            **row_json(run, holder),
            "totals": whole["totals"],
            "requests": whole["requests"],
            "items": dict(Counter(row.status for row in report.items)),
            "activations": dict(Counter(row.outcome for row in report.activations)),
            "stop": report.stop or None,
            "failures": whole["failures"][-_LAST:],
        },
        option=orjson.OPT_INDENT_2,
    ).decode()


def text(run: RunRow, report: Report, holder: str | None) -> str:
    """Half a screen."""
    return "\n".join([*_head(run, report, holder), "", *_counts(report), *_failures(report), *_next(run, holder)])


def _head(run: RunRow, report: Report, holder: str | None) -> list[str]:
    driven = f"driven by {holder}" if holder else ""
    lines = [
        f"{state_of(run, holder).upper()}  {run.id}  in sandbox {run.sandbox}",
        "  " + ", ".join(part for part in (f"manifest {near(run.path)}", seconds(report.wall_s), driven) if part),
    ]
    if report.stop:
        lines += wrapped(f"stopped: {report.stop}", _WIDTH, "  ")
    return lines


def _counts(report: Report) -> list[str]:
    rows = []
    if report.items:
        rows.append(["items", f"{len(report.items):,}", _spelled(Counter(row.status for row in report.items))])
    if report.activations:
        rows.append(
            ["pairs", f"{len(report.activations):,}", _spelled(Counter(row.outcome for row in report.activations))]
        )
    totals = report.totals
    rows.append(
        [
            "jobs",
            f"{totals['jobs']:,}",
            _spelled(
                Counter(
                    {
                        "succeeded": totals["succeeded"],
                        "failed": totals["failed"],
                        "skipped": totals["skipped"],
                        "open": totals["held"],
                    }
                )
            ),
        ]
    )
    asked = report.requests
    rows.append(
        [
            "requests",
            f"{asked['sent']:,}",
            f"{asked['throttled']:,} throttled, {asked['retried']:,} retried, {asked['polls']:,} polls",
        ]
    )
    return table(rows, right=(1,))


def _spelled(count: Counter[str]) -> str:
    return ", ".join(f"{number:,} {name}" for name, number in count.most_common() if number) or "none yet"


def _failures(report: Report) -> list[str]:
    causes = causes_of(report)
    if not causes:
        return []
    lines = ["", "failures"]
    for cause in causes[:_LAST]:
        what = " ".join(part for part in (str(cause.status) if cause.status else "", cause.code) if part)
        lines += wrapped(
            f"{cause.count:,} × {f'{what}: ' if what else ''}{cause.message} (such as {cause.example})", _WIDTH, "  "
        )[:2]
    if len(causes) > _LAST:
        lines.append(f"  … and {plural(len(causes) - _LAST, 'more cause', 'more causes')}")
    return lines


def _next(run: RunRow, holder: str | None) -> list[str]:
    if holder is None and run.unfinished and run.command == "loadtest":
        return ["", f"delete what it made with: headgate destroy {run.id}"]
    if holder is None and run.unfinished:
        return ["", f"resume with: headgate resume {run.id}"]
    return []
