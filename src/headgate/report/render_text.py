"""A report on one screen: what became of what, what was asked, why some of it failed, what to do next."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

from headgate.report.model import Report
from headgate.report.render_causes import causes_of
from headgate.report.render_table import clip, entry_name, plural, seconds, table, wrapped

#: Entries shown one by one, and causes; what is more is summed up.
MOST_ENTRIES: Final = 8
MOST_CAUSES: Final = 3
_ITEM_STATES: Final = ("created", "updated", "replaced", "reused", "unchanged", "deleted", "failed", "skipped", "held")
_PAIR_STATES: Final = ("activated", "failed", "held", "unmapped", "out-of-schedule", "skipped")
_ALWAYS: Final = frozenset({"created", "reused", "activated", "failed"})
_RATE_FROM: Final = 20
#: What takes less is not worth a word on how long it was thought to take, in seconds.
_FORECAST_FROM_S: Final = 60.0


def render(report: Report, *, width: int = 80, notes: Sequence[str] = ()) -> str:
    """The report as text of at most ``width`` columns; ``notes`` (the report's file, the next command) come last."""
    parts = [_head(report, width)]
    if report.items:
        rows = [(row.entry, row.status) for row in report.items]
        parts.append(_counts("items", rows, _ITEM_STATES, width))
    if report.activations:
        pairs = [(row.entry, row.outcome) for row in report.activations]
        parts.append(_counts("pairs", pairs, _PAIR_STATES, width))
    if not report.items and not report.activations and report.status == "succeeded":
        parts.append(["nothing was chosen: no flow fits what the manifest selects"])
    parts.append(_requests(report, width))
    causes = _causes(report, width)
    if causes:
        parts.append(causes)
    if notes:
        parts.append(list(notes))
    return "\n\n".join("\n".join(part) for part in parts) + "\n"


def _head(report: Report, width: int) -> list[str]:
    took = seconds(report.wall_s)
    if report.forecast is not None and max(report.wall_s, report.forecast_s) >= _FORECAST_FROM_S:
        took += f" (forecast {seconds(report.forecast_s)})"
    lines = [clip(f"{report.status.upper()}  {report.run_id}  in sandbox {report.sandbox}, {took}", width)]
    if report.stop:
        lines += wrapped(f"stopped: {report.stop}", width, "  ")
    if report.stop_hint:
        lines += wrapped(f"hint: {report.stop_hint}", width, "  ")
    return lines


def _counts(noun: str, rows: Sequence[tuple[str, str]], states: Sequence[str], width: int) -> list[str]:
    by_entry: dict[str, Counter[str]] = {}
    for entry, state in rows:
        by_entry.setdefault(entry, Counter())[state] += 1
    total: Counter[str] = sum(by_entry.values(), Counter())
    undoing = total["deleted"] and not total["created"]
    shown = [state for state in states if total[state] or (state in _ALWAYS and not undoing)]
    lines: list[list[str]] = [[noun, "total", *shown]]
    entries = list(by_entry.items())
    cut = MOST_ENTRIES if len(entries) <= MOST_ENTRIES else MOST_ENTRIES - 1
    lines += [_count_row(entry_name(entry), count, shown) for entry, count in entries[:cut]]
    if len(entries) > cut:
        rest: Counter[str] = sum((count for _, count in entries[cut:]), Counter())
        lines.append(_count_row(f"… {len(entries) - cut} more entries", rest, shown))
    if len(entries) > 1:
        lines.append(_count_row("all", total, shown))
    room = width - sum(max(8, len(state)) + 2 for state in ("total", *shown))
    return table(lines, right=range(1, len(shown) + 2), most=[max(16, room)])


def _count_row(name: str, count: Counter[str], shown: Iterable[str]) -> list[str]:
    return [name, f"{sum(count.values()):,}", *(f"{count[state]:,}" if count[state] else "·" for state in shown)]


def _requests(report: Report, width: int) -> list[str]:
    asked = report.requests
    sent = int(asked.get("sent", 0))
    # A rate of a handful says nothing.
    rate = f" ({sent / report.wall_s:.1f} a second)" if report.wall_s >= 1 and sent >= _RATE_FROM else ""
    line = (
        f"{plural(sent, 'request')}{rate}: {asked.get('throttled', 0):,} throttled, "
        f"{asked.get('retried', 0):,} retried, {asked.get('polls', 0):,} polls"
    )
    if runs := asked.get("polling"):
        lag = runs.get("lagSeconds", {}).get("p99")
        line += f" ({runs['pollsPerRun']:.2g} a run" + (f", ends seen within {lag:g} s)" if lag is not None else ")")
    by_endpoint = sorted(
        ((endpoint, count) for endpoint, count in asked.get("byEndpoint", {}).items() if count),
        key=lambda item: -item[1],
    )
    spelled = " · ".join(f"{endpoint.replace(' ', chr(160))}{chr(160)}{count:,}" for endpoint, count in by_endpoint)
    # Hard spaces keep an endpoint and its count on one line.
    return [line, *(text.replace(chr(160), " ") for text in _joined(spelled, width))]


def _joined(text: str, width: int) -> list[str]:
    lines: list[str] = []
    line = ""
    for word in text.split(" "):
        if line and 2 + len(line) + 1 + len(word) > width:
            lines.append(f"  {line}")
            line = "" if word == "·" else word
        else:
            line = f"{line} {word}" if line else word
    return [*lines, f"  {line}"] if line else lines


def _causes(report: Report, width: int) -> list[str]:
    causes = causes_of(report)
    if not causes:
        return []
    lines = ["why it failed"]
    for cause in causes[:MOST_CAUSES]:
        what = " ".join(part for part in (str(cause.status) if cause.status else "", cause.code) if part)
        said = f"{what}: {cause.message}" if what else cause.message
        lines += [clip(line, width) for line in wrapped(f"{cause.count:,} × {said}", width, "  ")[:3]]
        lines.append(clip(f"      such as: {cause.example}", width))
        if cause.advice:
            lines += wrapped(f"hint: {cause.advice}", width, "      ")[:2]
    if len(causes) > MOST_CAUSES:
        lines.append(f"  … and {len(causes) - MOST_CAUSES} more causes")
    return lines
