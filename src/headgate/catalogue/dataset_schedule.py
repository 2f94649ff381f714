"""When datasets are exported: the table of facts 7.4, as checks and as rows for people.

DAILY_FULL_EXPORT is, despite its name, one full export: there is no daily one. The hours are not those of audience
exports (trap 38). Times are epoch seconds. An export without an end is given one by the platform, six months after
its creation (trap 40): here the end is always said, six months after the start, so that a plan depends on no clock.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final, TypeGuard

from headgate.catalogue.dataset_folder import check_folder
from headgate.catalogue.finding import Finding
from headgate.catalogue.schema import type_name
from headgate.catalogue.words import clipped, either, nearest, suggestion

FULL: Final = "DAILY_FULL_EXPORT"
INCREMENTAL: Final = "FIRST_FULL_THEN_INCREMENTAL"
#: ``(exportMode, timeUnit) -> intervals``.
CADENCES: Final[Mapping[tuple[str, str], tuple[int, ...]]] = {
    (FULL, "day"): (0,),
    (INCREMENTAL, "day"): (1,),
    (INCREMENTAL, "hour"): (3, 6, 9, 12),
}
_MEANING: Final = {
    (FULL, "day"): "one full export, once",
    (INCREMENTAL, "day"): "what is new, every day",
    (INCREMENTAL, "hour"): "what is new, every so many hours",
}
_MODES: Final = (FULL, INCREMENTAL)
_UNITS: Final = ("day", "hour")
_NUMBERS: Final = ("interval", "startTime", "endTime")
#: The keys of ``scheduleParams`` and what they mean.
MEANINGS: Final[Mapping[str, str]] = {
    "exportMode": "DAILY_FULL_EXPORT is one full export, once; FIRST_FULL_THEN_INCREMENTAL then exports what is new.",
    "timeUnit": "The unit of interval.",
    "interval": "0 for one full export; 1 day, or 3, 6, 9 or 12 hours for what is new.",
    "startTime": "When the exports begin: epoch seconds.",
    "endTime": "When they end: epoch seconds; six months after startTime where it is left out.",
    "foldernameTemplate": "The folder of each export, with macros: %DATASET_NAME%/%DATETIME(YYYYMMdd_HHmmss)%.",
}
_KEYS: Final = tuple(MEANINGS)
_NEEDED: Final = _KEYS[:4]
#: Above this, "seconds" are milliseconds (trap 41); it would be the year 5138.
_TOO_LATE: Final = 100_000_000_000
#: Months that the platform exports for when it is not told an end.
_MONTHS: Final = 6


def rules() -> list[dict[str, str]]:
    """The table for ``headgate catalog``."""
    return [
        {
            "exportMode": mode,
            "timeUnit": unit,
            "interval": ", ".join(map(str, intervals)),
            "meaning": _MEANING[mode, unit],
        }
        for (mode, unit), intervals in CADENCES.items()
    ]


def form() -> dict[str, Any]:
    """``scheduleParams:`` as JSON Schema."""
    intervals = sorted({one for each in CADENCES.values() for one in each})
    # Numbers from files of text are taken, too.
    number: dict[str, Any] = {"type": ["integer", "string", "null"], "pattern": r"^\d+$"}
    properties: dict[str, Any] = {
        "exportMode": {"type": "string", "enum": list(_MODES)},
        "timeUnit": {"type": "string", "enum": list(_UNITS)},
        "interval": {"enum": [*intervals, *map(str, intervals)]},
        "startTime": {**number, "type": ["integer", "string"], "exclusiveMinimum": 0, "exclusiveMaximum": _TOO_LATE},
        "endTime": {**number, "exclusiveMinimum": 0, "exclusiveMaximum": _TOO_LATE},
        "foldernameTemplate": {"type": ["string", "null"]},
    }
    return {
        "type": "object",
        "properties": {key: {**inner, "description": MEANINGS[key]} for key, inner in properties.items()},
        "required": list(_NEEDED),
        "additionalProperties": False,
        "allOf": [
            {
                "if": {
                    "properties": {"exportMode": {"const": mode}, "timeUnit": {"const": unit}},
                    "required": [*_NEEDED],
                },
                "then": {"properties": {"interval": {"enum": [*allowed, *map(str, allowed)]}}},
            }
            for (mode, unit), allowed in CADENCES.items()
        ],
    }


def default_end(start_s: int) -> int | None:
    """Six calendar months after ``start_s`` (both epoch seconds, UTC), or ``None`` beyond all calendars."""
    try:
        start = datetime.fromtimestamp(start_s, UTC)
        month = start.month - 1 + _MONTHS
        year, month = start.year + month // 12, month % 12 + 1
        end = start.replace(year=year, month=month, day=min(start.day, monthrange(year, month)[1]))
    except (ValueError, OverflowError, OSError):
        return None
    return int(end.timestamp())


def completed(params: Mapping[str, Any]) -> dict[str, Any]:
    """``scheduleParams`` as they are sent: numbers from files of text are numbers, and the end is said."""
    done = {key: value for key, value in params.items() if value is not None}
    for key in _NUMBERS:
        value = done.get(key)
        if isinstance(value, str) and value.isascii() and value.isdigit():
            done[key] = int(value)
    start = done.get("startTime")
    meant = {nearest(str(key), _KEYS) for key in done if key not in _KEYS}
    if "endTime" not in done and "endTime" not in meant and _is_time(start):
        end = default_end(start)
        if end is not None:
            done["endTime"] = end
    return done


#: The word that ``endTime`` was filled in: the same for all rows of an entry, so that it is said once.
END_NOTICE: Final = Finding(
    "endTime",
    "missing: the exports end six months after startTime",
    "say when, in epoch seconds; `headgate expand` shows the end that is taken",
    severity="warning",
)


def check_dataset_schedule(params: Any) -> list[Finding]:
    """Everything wrong with ``scheduleParams`` (completed); keys are relative to it."""
    if not isinstance(params, Mapping):
        message = "missing" if params is None else f"must be a mapping, not {type_name(params)}"
        return [Finding("", message, f"keys: {', '.join(_KEYS)}")]
    return [*_keys(params), *_cadence(params), *_times(params), *_folder(params)]


def _keys(params: Mapping[str, Any]) -> Iterator[Finding]:
    strange = [str(key) for key in params if key not in _KEYS]
    for key in strange:
        yield Finding(key, "unknown key", suggestion(key, _KEYS, noun="known keys"))
    meant = {nearest(key, _KEYS) for key in strange}
    hints = {
        "exportMode": f"use {either(_MODES)}",
        "timeUnit": f"use {either(_UNITS)}",
        "interval": "0 for one full export, 1 day, or 3, 6, 9 or 12 hours",
        "startTime": "epoch seconds, such as 1798800000",
    }
    for key in _NEEDED:
        if key not in params and key not in meant:
            yield Finding(key, "missing", hints[key])


def _cadence(params: Mapping[str, Any]) -> Iterator[Finding]:
    found = []
    for key, choices in (("exportMode", _MODES), ("timeUnit", _UNITS)):
        value = params.get(key)
        if key in params and value not in choices:
            near = nearest(str(value), choices)
            hint = f"did you mean '{near}'? " if near else ""
            found.append(Finding(key, f"'{clipped(value)}' is not one of the choices", f"{hint}use {either(choices)}"))
    interval = params.get("interval")
    if "interval" in params and (not isinstance(interval, int) or isinstance(interval, bool)):
        hint = "0 for one full export, 1 day, or 3, 6, 9 or 12 hours"
        found.append(Finding("interval", f"must be a whole number, not {type_name(interval)}", hint))
    yield from found
    if not found and {"exportMode", "timeUnit", "interval"} <= set(params):
        yield from _together(params["exportMode"], params["timeUnit"], params["interval"])


def _together(mode: str, unit: str, interval: int) -> Iterator[Finding]:
    allowed = CADENCES.get((mode, unit))
    if allowed is None:
        hint = f"one full export: timeUnit day, interval 0; every few hours: exportMode {INCREMENTAL}"
        yield Finding("timeUnit", f"'{unit}' does not go with exportMode {mode}", hint)
    elif interval not in allowed:
        message = f"{interval} does not go with exportMode {mode} and timeUnit {unit}"
        if mode == FULL:
            hint = f"0: it is one full export, once; for exports every day use exportMode {INCREMENTAL}"
        elif unit == "day":
            hint = "1; for one full export, once: exportMode DAILY_FULL_EXPORT and interval 0"
        else:
            hint = f"use {either([str(hours) for hours in allowed])}"
        yield Finding("interval", message, hint)


def _is_time(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value < _TOO_LATE


def _times(params: Mapping[str, Any]) -> Iterator[Finding]:
    for key in ("startTime", "endTime"):
        value = params.get(key)
        if key not in params or _is_time(value):
            continue
        if isinstance(value, int) and not isinstance(value, bool) and value >= _TOO_LATE:
            yield Finding(key, f"{value} are milliseconds, and seconds are wanted", f"write {value // 1000}")
        elif isinstance(value, str):
            yield Finding(key, f"'{clipped(value)}' is not a number of epoch seconds", _seconds_of(value))
        elif isinstance(value, int) and not isinstance(value, bool):
            yield Finding(key, f"{value} is not a time after 1970", "epoch seconds, such as 1798800000")
        else:
            yield Finding(key, f"must be epoch seconds, a whole number, not {type_name(value)}", "such as 1798800000")
    start, end = params.get("startTime"), params.get("endTime")
    if _is_time(start) and _is_time(end) and end <= start:
        yield Finding("endTime", f"{end} is not after startTime {start}", "exports run from startTime to endTime")


def _seconds_of(text: str) -> str:
    """A hint for a date written as text."""
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        return "epoch seconds, such as 1798800000"
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return f"write {int(moment.timestamp())}"


def _folder(params: Mapping[str, Any]) -> Iterator[Finding]:
    if "foldernameTemplate" not in params:
        return
    template = params["foldernameTemplate"]
    if not isinstance(template, str):
        yield Finding("foldernameTemplate", f"must be text, not {type_name(template)}", "such as %DATASET_NAME%")
        return
    yield from (finding.under("foldernameTemplate") for finding in check_folder(template))
