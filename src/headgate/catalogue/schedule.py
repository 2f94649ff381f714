"""When an audience may be exported: the table of facts 6.6, as checks and as rows for people.

``triggerType`` belongs to full exports only and defaults to SCHEDULED (Adobe's first sample leaves it out);
AFTER_SEGMENT_EVAL starts when the evaluation ends, so a ``startTime`` beside it has no meaning (trap 31).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date
from typing import TYPE_CHECKING, Any, Final

from headgate.catalogue.finding import Finding
from headgate.catalogue.meanings import hinted
from headgate.catalogue.words import clipped, either, nearest, suggestion

if TYPE_CHECKING:
    from headgate.catalogue.destination import Destination

FULL: Final = "DAILY_FULL_EXPORT"
INCREMENTAL: Final = "FIRST_FULL_THEN_INCREMENTAL"
TRIGGERS: Final = ("SCHEDULED", "AFTER_SEGMENT_EVAL")
#: Only cloud storage of the current generation has these; email marketing does not (trap 25).
CLOUD_ONLY: Final = ("WEEKLY", "MONTHLY")
FREQUENCIES: Final[Mapping[str, tuple[str, ...]]] = {
    FULL: ("ONCE", "DAILY", *CLOUD_ONLY),
    INCREMENTAL: ("DAILY", "EVERY_3_HOURS", "EVERY_6_HOURS", "EVERY_8_HOURS", "EVERY_12_HOURS"),
}
#: The keys of a schedule and what they mean.
MEANINGS: Final[Mapping[str, str]] = {
    "frequency": "How often. Which there are depends on exportMode; WEEKLY and MONTHLY are for cloud storage only.",
    "triggerType": "Full exports only. SCHEDULED starts at startTime, AFTER_SEGMENT_EVAL when the evaluation ends.",
    "startDate": "The first day, YYYY-MM-DD (UTC).",
    "startTime": "The hour of the export, HH:00 (UTC); not with AFTER_SEGMENT_EVAL.",
    "endDate": "The day after the last export, such as 2027-12-31; needed unless frequency is ONCE.",
}
_KEYS = tuple(MEANINGS)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")


def rules(*, legacy: bool) -> list[dict[str, str]]:
    """The schedule table for ``headgate catalog``: a row per allowed mode, frequency and trigger."""
    rows = []
    for mode, frequencies in FREQUENCIES.items():
        for frequency in frequencies:
            if legacy and frequency in CLOUD_ONLY:
                continue
            for trigger in _triggers(mode, frequency):
                needs = ", ".join(_needed(frequency, trigger))
                rows.append(
                    {
                        "exportMode": mode,
                        "frequency": frequency,
                        "triggerType": trigger or "-",
                        "required": needs,
                    }
                )
    return rows


def form() -> dict[str, Any]:
    """``schedule:`` as JSON Schema; what depends on the export mode is in :func:`mode_forms`."""
    text = {key: {"type": "string", "description": meaning} for key, meaning in MEANINGS.items()}
    properties: dict[str, Any] = {
        **text,
        "frequency": {**text["frequency"], "enum": sorted({one for each in FREQUENCIES.values() for one in each})},
        "triggerType": {"type": ["string", "null"], "description": MEANINGS["triggerType"], "enum": [*TRIGGERS, None]},
        "startDate": {**text["startDate"], "pattern": f"^{_DATE.pattern}$"},
        "startTime": {**text["startTime"], "pattern": "^([01]\\d|2[0-3]):00$"},
        "endDate": {**text["endDate"], "pattern": f"^{_DATE.pattern}$"},
    }
    return {
        "type": "object",
        "properties": properties,
        "required": ["frequency", "startDate"],
        "additionalProperties": False,
    }


def mode_forms() -> list[dict[str, Any]]:
    """What an audience's ``exportMode`` means for its ``schedule``: conditions of JSON Schema."""
    return [
        {
            "if": {"properties": {"exportMode": {"const": mode}}, "required": ["exportMode"]},
            "then": {
                "properties": {
                    "schedule": {
                        "properties": {"frequency": {"type": "string", "enum": list(frequencies)}},
                        "type": "object",
                    }
                }
            },
        }
        for mode, frequencies in FREQUENCIES.items()
    ]


def _triggers(mode: str, frequency: str) -> tuple[str | None, ...]:
    if mode == INCREMENTAL:
        return (None,)
    return TRIGGERS[:1] if frequency in CLOUD_ONLY else TRIGGERS


def _needed(frequency: str, trigger: str | None) -> tuple[str, ...]:
    start = ("startDate",) if trigger == "AFTER_SEGMENT_EVAL" else ("startDate", "startTime")
    return start if frequency == "ONCE" else (*start, "endDate")


def completed(export_mode: str, schedule: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schedule as it is sent: ``triggerType`` spelt out for full exports. Itself if nothing is added."""
    if export_mode == FULL and "triggerType" not in schedule:
        return {"triggerType": "SCHEDULED", **schedule}
    return schedule


def check_schedule(export_mode: Any, schedule: Any, destination: Destination | None = None) -> list[Finding]:
    """Everything wrong with one audience's ``exportMode`` and ``schedule``.

    Args:
        export_mode: As written; its findings have the key ``exportMode``.
        schedule: As written; its findings have keys such as ``schedule.frequency``.
        destination: Where it goes, for what only some destinations can do; ``None`` asks only the table.
    """
    found: list[Finding] = []
    mode = export_mode if isinstance(export_mode, str) and export_mode in FREQUENCIES else None
    if mode is None:
        message = "missing" if export_mode is None else f"unknown export mode '{clipped(export_mode)}'"
        found.append(Finding("exportMode", message, f"use {either(FREQUENCIES)}"))
    if not isinstance(schedule, Mapping):
        message = "missing" if schedule is None else "must be a mapping"
        return [*found, Finding("schedule", message, f"keys: {', '.join(_KEYS)}")]
    inner = [*_unknown(schedule)]
    inner += _frequency(mode, schedule, destination)
    inner += _trigger(mode, schedule)
    inner += _moments(schedule)
    return found + [finding.under("schedule") for finding in inner]


def _unknown(schedule: Mapping[str, Any]) -> Iterator[Finding]:
    for key in schedule:
        if key not in _KEYS:
            yield Finding(str(key), "unknown key", suggestion(str(key), _KEYS, noun="known keys"))


def _frequency(mode: str | None, schedule: Mapping[str, Any], destination: Destination | None) -> Iterator[Finding]:
    frequency = schedule.get("frequency")
    allowed = FREQUENCIES[mode] if mode else tuple(dict.fromkeys(sum(FREQUENCIES.values(), ())))
    if destination is not None and destination.legacy:
        allowed = tuple(name for name in allowed if name not in CLOUD_ONLY)
    if frequency is None:
        if "frequency" in {nearest(str(key), _KEYS) for key in schedule if key not in _KEYS}:
            return
        yield Finding("frequency", "missing", f"use {either(allowed)}")
    elif frequency == "CHAINED":
        # Adobe's specification shows it in an example; the service has no such frequency (trap 32).
        yield Finding(
            "frequency",
            "'CHAINED' is not a frequency",
            "to export after the evaluation: frequency DAILY, triggerType AFTER_SEGMENT_EVAL",
        )
    elif frequency not in allowed:
        if frequency in CLOUD_ONLY and mode != INCREMENTAL and destination is not None:
            yield Finding(
                "frequency",
                f"{destination.name} has no {frequency} exports",
                f"only cloud storage destinations do; use {either(allowed)}",
            )
            return
        where = f" with exportMode {mode}" if mode else ""
        near = nearest(str(frequency), allowed)
        hint = f"did you mean '{near}'? " if near else ""
        yield Finding("frequency", f"'{clipped(frequency)}' is not allowed{where}", f"{hint}use {either(allowed)}")


def _trigger(mode: str | None, schedule: Mapping[str, Any]) -> Iterator[Finding]:
    trigger, frequency = schedule.get("triggerType"), schedule.get("frequency")
    if trigger is not None:
        if mode == INCREMENTAL:
            yield Finding("triggerType", f"does not go with exportMode {INCREMENTAL}", "leave it out")
        elif trigger not in TRIGGERS:
            yield Finding("triggerType", f"unknown trigger '{clipped(trigger)}'", f"use {either(TRIGGERS)}")
        elif frequency in CLOUD_ONLY and trigger != "SCHEDULED":
            yield Finding("triggerType", f"{frequency} exports can only be SCHEDULED", "use SCHEDULED")
    evaluated = trigger == "AFTER_SEGMENT_EVAL" and mode != INCREMENTAL
    meant = {nearest(str(key), _KEYS) for key in schedule if key not in _KEYS}
    known = frequency in FREQUENCIES[FULL] or frequency in FREQUENCIES[INCREMENTAL]
    for key in _needed(str(frequency), "AFTER_SEGMENT_EVAL" if evaluated else None):
        if key not in schedule and key not in meant and (known or key != "endDate"):
            hint = hinted(MEANINGS[key])
            yield Finding(key, f"missing, and needed with frequency {frequency}" if known else "missing", hint)
    if evaluated and "startTime" in schedule:
        yield Finding(
            "startTime",
            "does not go with triggerType AFTER_SEGMENT_EVAL",
            "leave it out: the export starts when the evaluation ends",
        )
    if frequency == "ONCE" and "endDate" in schedule:
        yield Finding("endDate", "does not go with frequency ONCE", "leave it out")


def _day(value: Any) -> date | None:
    if not isinstance(value, str) or not _DATE.fullmatch(value):
        return None
    try:
        return date.fromisoformat(value)
    except ValueError:
        return None


def _moments(schedule: Mapping[str, Any]) -> Iterator[Finding]:
    days: dict[str, date] = {}
    for key in ("startDate", "endDate"):
        if key not in schedule:
            continue
        day = _day(schedule[key])
        if day is None:
            yield Finding(key, f"'{clipped(schedule[key])}' is not a date", "write YYYY-MM-DD, such as 2026-12-20")
        else:
            days[key] = day
    if len(days) == 2 and days["endDate"] <= days["startDate"]:
        yield Finding(
            "endDate",
            f"'{schedule['endDate']}' is not after startDate '{schedule['startDate']}'",
            "the end day itself is not exported",
        )
    if "startTime" in schedule:
        value = schedule["startTime"]
        match = _TIME.fullmatch(value) if isinstance(value, str) else None
        if match is None:
            yield Finding("startTime", f"'{clipped(value)}' is not a time", "write HH:MM in UTC, such as 17:00")
        elif match.group(2) != "00":
            yield Finding(
                "startTime",
                f"'{clipped(value)}' is not a full hour",
                f"exports start at minute 00: {match.group(1)}:00",
            )
