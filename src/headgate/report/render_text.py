"""A report on one screen: what became of what, what was asked, why some of it failed, what to do next."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from headgate.classes import frozen
from headgate.report.model import Report
from headgate.report.render_causes import Cause, brief, causes_of
from headgate.report.render_table import clip, entry_name, plural, seconds, table, wrapped

_ITEM_STATES: Final = ("created", "updated", "replaced", "reused", "unchanged", "deleted", "failed", "skipped", "held")
_PAIR_STATES: Final = ("activated", "failed", "held", "unmapped", "out-of-schedule", "skipped")
_ALWAYS: Final = frozenset({"created", "reused", "activated", "failed"})
_RATE_FROM: Final = 20
#: What takes less is not worth a word on how long it was thought to take, in seconds.
_FORECAST_FROM_S: Final = 60.0
_GAP: Final = "   "


@frozen
class _Room:
    """How much is said: at most so many entries in each table, causes, lines of one cause, lines of endpoints.

    With no entries there are no tables, but a line for items and one for pairs.
    """

    entries: int = 8
    causes: int = 5
    lines: int = 3
    endpoints: int = 8


#: From the most to the least that is said. What went wrong gives way last: it is what has to be read.
_ROOMS: Final = (
    _Room(),
    _Room(endpoints=0),
    _Room(entries=5, endpoints=0),
    _Room(entries=5, lines=2, endpoints=0),
    _Room(entries=3, lines=2, endpoints=0),
    _Room(entries=3, lines=1, endpoints=0),
    _Room(entries=0, lines=1, endpoints=0),
    _Room(entries=0, causes=4, lines=1, endpoints=0),
    _Room(entries=0, causes=3, lines=1, endpoints=0),
    _Room(entries=0, causes=2, lines=1, endpoints=0),
)


def render(report: Report, *, width: int = 80, height: int = 0, notes: Sequence[str] = ()) -> str:
    """The report as text of at most ``width`` columns.

    Args:
        report: What happened.
        width: Columns.
        height: Lines to fit into, where that is possible at all; 0 is no bound.
        notes: The report's file, the next command: they come last.
    """
    causes = causes_of(report)
    text: list[str] = []
    for room in _ROOMS:
        text = _filled(report, causes, width, notes, room)
        if not height or len(text) <= height:
            break
    return "\n".join(text) + "\n"


def _filled(report: Report, causes: Sequence[Cause], width: int, notes: Sequence[str], room: _Room) -> list[str]:
    parts = [[*_head(report, width), *_requests(report, width, room.endpoints)]]
    rows = [(row.entry, row.status) for row in report.items]
    pairs = [(row.entry, row.outcome) for row in report.activations]
    if room.entries:
        parts += [_counts("items", rows, _ITEM_STATES, width, room.entries)] if rows else []
        parts += [_counts("pairs", pairs, _PAIR_STATES, width, room.entries)] if pairs else []
    elif rows or pairs:
        parts.append([*_spelled("items", rows, _ITEM_STATES, width), *_spelled("pairs", pairs, _PAIR_STATES, width)])
    if not report.items and not report.activations and report.status == "succeeded":
        parts.append(["nothing was chosen: no flow fits what the manifest selects"])
    if causes:
        parts.append(_causes(causes, width, room))
    if notes:
        parts.append([line for note in notes for line in _note(note, width)])
    return list(_spaced(parts))


def _note(text: str, width: int) -> list[str]:
    """A command stays on its line, so that it can be copied; words before it may stand above it."""
    words, colon, command = text.partition(": ")
    return [text] if len(text) <= width or not colon else [f"{words}:", f"  {command}"]


def _spaced(parts: Sequence[Sequence[str]]) -> Iterator[str]:
    for at, part in enumerate(parts):
        if at:
            yield ""
        yield from part


def _head(report: Report, width: int) -> list[str]:
    run, where = f"{report.status.upper()}  {report.run_id}", f"  in sandbox {report.sandbox}, {_took(report)}"
    lines = [run + where] if len(run + where) <= width else [clip(run, width), clip(where, width)]
    if report.stop:
        lines += wrapped(f"stopped: {report.stop}", width, "  ")
    if report.stop_hint:
        lines += wrapped(f"hint: {report.stop_hint}", width, "  ")
    return lines


def _took(report: Report) -> str:
    """How long it took, and how far off the forecast was: ``6 min 00 s (forecast 5 min 00 s: 20 % over)``."""
    took, said = seconds(report.wall_s), report.forecast
    if said is None or max(report.wall_s, report.forecast_s) < _FORECAST_FROM_S:
        return took
    off = round(100 * (said["ratio"] - 1))
    by = f": {abs(off)} % {'over' if off > 0 else 'under'}" if off else ""
    return f"{took} (forecast {seconds(report.forecast_s)}{by})"


def _counts(noun: str, rows: Sequence[tuple[str, str]], states: Sequence[str], width: int, most: int) -> list[str]:
    by_entry: dict[str, Counter[str]] = {}
    for entry, state in rows:
        by_entry.setdefault(entry, Counter())[state] += 1
    total: Counter[str] = sum(by_entry.values(), Counter())
    undoing = total["deleted"] and not total["created"]
    shown = [state for state in states if total[state] or (state in _ALWAYS and not undoing)]
    lines: list[list[str]] = [[noun, "total", *shown]]
    entries = list(by_entry.items())
    cut = most if len(entries) <= most else most - 1
    lines += [_count_row(entry_name(entry), count, shown) for entry, count in entries[:cut]]
    if len(entries) > cut:
        rest: Counter[str] = sum((count for _, count in entries[cut:]), Counter())
        lines.append(_count_row(f"… {len(entries) - cut} more entries", rest, shown))
    if len(entries) > 1:
        lines.append(_count_row("all", total, shown))
    room = width - sum(max(8, len(state)) + 2 for state in ("total", *shown))
    return table(lines, right=range(1, len(shown) + 2), most=[max(16, room)])


def _spelled(noun: str, rows: Sequence[tuple[str, str]], states: Sequence[str], width: int) -> list[str]:
    """All entries in one line: ``items  5,000: 4,850 created, 150 failed``."""
    count = Counter(state for _, state in rows)
    said = ", ".join(f"{count[state]:,} {state}" for state in states if count[state])
    return [clip(f"{noun}  {len(rows):,}: {said}", width)] if rows else []


def _count_row(name: str, count: Counter[str], shown: Iterable[str]) -> list[str]:
    return [name, f"{sum(count.values()):,}", *(f"{count[state]:,}" if count[state] else "·" for state in shown)]


def _requests(report: Report, width: int, endpoints: int) -> list[str]:
    asked = report.requests
    sent = int(asked.get("sent", 0))
    # A rate of a handful says nothing.
    rate = f" ({sent / report.wall_s:.1f} a second)" if report.wall_s >= 1 and sent >= _RATE_FROM else ""
    line = (
        f"{plural(sent, 'request')}{rate}: {asked.get('throttled', 0):,} throttled, "
        f"{asked.get('retried', 0):,} retried, {asked.get('polls', 0):,} polls"
    )
    if limits := asked.get("limits"):
        found = ", ".join(f"{rate:g}/s{'' if scope == 'all' else f' for {scope}'}" for scope, rate in limits.items())
        line += f"; limit found: {found}"
    by_endpoint = sorted(
        ((endpoint, count) for endpoint, count in asked.get("byEndpoint", {}).items() if count),
        key=lambda item: -item[1],
    )
    spelled = " · ".join(f"{endpoint.replace(' ', chr(160))}{chr(160)}{count:,}" for endpoint, count in by_endpoint)
    # Hard spaces keep an endpoint and its count on one line.
    lines = [*wrapped(line, width, "  "), *wrapped(_waiting(asked.get("polling", {})), width, "  ")]
    return [*lines, *(text.replace(chr(160), " ") for text in _joined(spelled, width)[:endpoints])]


def _waiting(polling: Mapping[str, Any]) -> str:
    """What waiting for runs cost: ``80 runs waited for: 0.17 polls each, 99 % of ends seen within 3.1 s``."""
    if not polling:
        return ""
    lag = polling.get("lagSeconds", {}).get("p99")
    seen = f", 99 % of ends seen within {lag:g} s" if lag is not None else ""
    return f"{plural(polling['runs'], 'run')} waited for: {polling['pollsPerRun']:.2g} polls each{seen}"


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


def _causes(causes: Sequence[Cause], width: int, room: _Room) -> list[str]:
    lines = ["why it failed"]
    for cause in causes[: room.causes]:
        what = "".join(f" {part}" for part in (str(cause.status) if cause.status else "", cause.code) if part)
        lines.append(clip(f"  {cause.count:,} ×{what}{_GAP}such as: {cause.example}", width))
        lines += _at_most(room.lines, cause.message if room.lines > 1 else brief(cause.message), width, "      ")
        if cause.advice:
            lines += _at_most(min(room.lines, 2), f"hint: {cause.advice}", width, "      ")
    if len(causes) > room.causes:
        lines.append(f"  … and {plural(len(causes) - room.causes, 'more cause', 'more causes')}")
    return lines


def _at_most(most: int, text: str, width: int, indent: str) -> list[str]:
    """``text`` in so many lines: what does not fit into the last of them is cut, and seen to be."""
    lines = wrapped(text, width, indent)
    if len(lines) > most:
        lines[most - 1] = indent + " ".join(line.strip() for line in lines[most - 1 :])
    return [clip(line, width) for line in lines[:most]]
