"""A report as rows: one CSV for items and pairs together, or one JSON document a line."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any, Final

import orjson

from headgate.report.model import Report

COLUMNS: Final = (
    "row", "entry", "item", "status", "baseConnection", "sourceConnection", "schema", "dataset", "targetConnection",
    "mappingSet", "flow",
    "destinationId", "segmentId", "outcome", "adhocJob", "runId", "runState", "attempts", "reason", "error", "advice",
)  # fmt: skip


def csv_text(report: Report) -> str:
    """Items, then pairs, in manifest order. ``row`` says which; columns that do not apply are empty."""
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, restval="", extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows({key: _cell(value) for key, value in row.items()} for row in _rows(report))
    return out.getvalue()


def _rows(report: Report) -> Iterator[dict[str, Any]]:
    for item in report.items:
        error = item.error or {}
        yield {
            "row": "item",
            "entry": item.entry,
            "item": item.item,
            "status": item.status,
            **item.ids,
            **{key: getattr(item, key, None) for key in ("runId", "runState", "reason")},
            "error": error.get("message"),
            "advice": error.get("advice"),
        }
    for pair in report.activations:
        yield {"row": "activation", **asdict(pair)}


def _cell(value: Any) -> Any:
    """A value that no spreadsheet takes for a formula."""
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r"):
        return f"'{value}"
    return value


def jsonl_text(report: Report) -> str:
    """The report without its rows first, then every row on a line of its own with ``row`` saying what it is."""
    whole = report.as_json()
    rows = [{"row": "report", **{key: value for key, value in whole.items() if not isinstance(value, list)}}]
    rows += [
        {"row": name, **row}
        for key, name in (("items", "item"), ("activations", "activation"), ("failures", "failure"))
        for row in whole[key]
    ]
    return "".join(orjson.dumps(row).decode() + "\n" for row in rows)
