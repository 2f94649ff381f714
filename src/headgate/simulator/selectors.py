"""Rules of audience and attribute selectors, and what the server adds to them (facts 6.5, 6.6). Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

from headgate.simulator.reply import Refusal, problem

if TYPE_CHECKING:
    from headgate.simulator.specs import Destination

_INCREMENTAL = ("DAILY", "EVERY_3_HOURS", "EVERY_6_HOURS", "EVERY_8_HOURS", "EVERY_12_HOURS")
_FULL = ("ONCE", "DAILY", "WEEKLY", "MONTHLY")
_TIME = re.compile(r"^([01]\d|2[0-3]):00$")  # minutes are 00 (trap 33)
_DATE = re.compile(r"^\d{4}-\d{2}-\d{2}$")
_MACRO = re.compile(r"%([^%]+)%")
_LEGACY_MACROS = frozenset({"DESTINATION_NAME", "SEGMENT_ID", "SEGMENT_NAME", "TIMESTAMP"})
_CURRENT_MACROS = _LEGACY_MACROS | {
    "DESTINATION",
    "DESTINATION_INSTANCE_ID",
    "DESTINATION_INSTANCE_NAME",
    "ORGANIZATION_NAME",
    "SANDBOX_NAME",
}


def _invalid(detail: str, violation: str) -> Refusal:
    text = f"An error has occurred while validating patch instructions: {detail}."
    return problem("1455-400", text, violation=violation)


def settle_transformations(
    transformations: Any, before: list[dict[str, Any]], destination: Destination, now: float
) -> None:
    """Check every new or changed selector, and fill in what the server adds; changes ``transformations`` in
    place.

    Args:
        transformations: the flow's, after a create or a patch.
        before: audience selector values before it; they keep their ``createTime``.
        destination: whose schedule and file name rules hold.
        now: platform epoch seconds; becomes ``createTime``/``updateTime`` (seconds, as strings).
    """
    if not isinstance(transformations, list):
        raise _invalid("'transformations' must be a list", "transformations")
    for step in transformations:
        if not isinstance(step, Mapping) or step.get("name") != "GeneralTransform":
            raise _invalid("unknown transformation; expected GeneralTransform", "transformations")
        params = step.get("params")
        if not isinstance(params, Mapping):
            raise _invalid('Missing field "params"', "transformations")
        _settle_audiences(_selectors_of(params, "segmentSelectors"), before, destination, now)
        _settle_profile(_selectors_of(params, "profileSelectors"))
        for holder in (params, params.get("profileSelectors") or {}):
            _check_fields(holder)


def _selectors_of(params: Mapping[str, Any], key: str) -> list[Any]:
    group = params.get(key)
    if group is None:
        return []
    selectors = group.get("selectors") if isinstance(group, Mapping) else None
    if not isinstance(selectors, list):
        raise _invalid(f"'{key}.selectors' must be a list", "transformations")
    return selectors


def _settle_audiences(selectors: list[Any], before: list[dict[str, Any]], destination: Destination, now: float) -> None:
    known = {value["id"]: value for value in before}
    seen: set[str] = set()
    stamp = str(int(now))
    for selector in selectors:
        value = selector.get("value") if isinstance(selector, Mapping) else None
        if not isinstance(value, dict) or selector.get("type") != "PLATFORM_SEGMENT":
            raise _invalid("an audience selector is {type: PLATFORM_SEGMENT, value: {...}}", "selector")
        audience = value.get("id")
        if not isinstance(audience, str) or not audience.strip():
            raise _invalid('Missing field "id"', "selector")
        if audience in seen:
            raise _invalid(f"audience {audience} is mapped twice", "duplicate-audience")
        seen.add(audience)
        old = known.get(audience)
        if old is not None and value == old:
            continue
        _check_filename(value.get("filenameTemplate", value.get("fileNameTemplate")), destination)
        check_schedule(value.get("exportMode"), value.get("schedule"), destination)
        value["createTime"] = old["createTime"] if old is not None else stamp
        value["updateTime"] = stamp


def _settle_profile(selectors: list[Any]) -> None:
    for selector in selectors:
        value = selector.get("value") if isinstance(selector, Mapping) else None
        if not isinstance(value, dict) or selector.get("type") != "JSON_PATH":
            raise _invalid("a profile selector is {type: JSON_PATH, value: {path}}", "selector")
        path = value.get("path")
        if not isinstance(path, str) or not path.strip():
            raise _invalid('Missing field "path"', "selector")
        if "mapping" not in value:
            value["operator"] = "EXISTS"
            value["mapping"] = {
                "sourceType": "text/x.schema-path",
                "source": path,
                "destination": path,
                "identity": False,
                "primaryIdentity": False,
                "functionVersion": 0,
                "copyModeMapping": False,
                "sourceAttribute": path,
                "destinationXdmPath": path,
            }


def _check_fields(holder: Any) -> None:
    mandatory = holder.get("mandatoryFields", [])
    if not isinstance(mandatory, list) or not all(isinstance(path, str) and path for path in mandatory):
        raise _invalid("'mandatoryFields' must be a list of attribute paths", "selector")
    primary = holder.get("primaryFields", [])
    wanted = {"ATTRIBUTE": "attributePath", "IDENTITY": "identityNamespace"}
    if not isinstance(primary, list) or not all(
        isinstance(row, Mapping) and row.get("fieldType") in wanted and row.get(wanted[row["fieldType"]])
        for row in primary
    ):
        text = "'primaryFields' holds {fieldType, attributePath} or {fieldType, identityNamespace} objects"
        raise _invalid(text, "selector")


def _check_filename(template: Any, destination: Destination) -> None:
    if template is None and destination.current:
        return
    if not isinstance(template, str) or not template or len(template) > 255:
        raise _invalid("'filenameTemplate' must be a text of 1 to 255 characters", "filename")
    macros = _MACRO.findall(template)
    known = _CURRENT_MACROS if destination.current else _LEGACY_MACROS
    for macro in macros:
        if macro not in known and not re.fullmatch(r"DATETIME\([^)]+\)", macro):
            raise _invalid(f"'filenameTemplate' has an unknown macro %{macro}%", "filename")
    if "TIMESTAMP" in macros and any(macro.startswith("DATETIME") for macro in macros):
        raise _invalid("'filenameTemplate' takes DATETIME or TIMESTAMP, not both", "filename")
    if not destination.current and not {"DESTINATION_NAME", "SEGMENT_ID"} <= set(macros):
        raise _invalid("'filenameTemplate' needs %DESTINATION_NAME% and %SEGMENT_ID%", "filename")


def check_schedule(mode: Any, schedule: Any, destination: Destination) -> None:
    """The table of facts 6.6. ``startTime`` with AFTER_SEGMENT_EVAL is contradictory there for DAILY:
    allowed.
    """
    if not isinstance(schedule, Mapping):
        raise _invalid('Missing field "schedule"', "schedule")
    frequency, trigger = schedule.get("frequency"), schedule.get("triggerType")
    if mode == "DAILY_FULL_EXPORT":
        if frequency not in _FULL:
            raise _invalid(f"frequency {frequency} does not go with {mode}", "schedule")
        trigger = trigger or "SCHEDULED"
        if trigger not in ("SCHEDULED", "AFTER_SEGMENT_EVAL"):
            raise _invalid(f"unknown triggerType {trigger}", "schedule")
        if frequency in ("WEEKLY", "MONTHLY") and (destination.email or trigger != "SCHEDULED"):
            raise _invalid(f"{frequency} is for scheduled exports to cloud storage", "schedule")
    elif mode == "FIRST_FULL_THEN_INCREMENTAL":
        if frequency not in _INCREMENTAL:
            raise _invalid(f"frequency {frequency} does not go with {mode}", "schedule")
        if trigger not in (
            None,
            "SCHEDULED",
        ):  # the text says to omit it; the published examples carry SCHEDULED
            raise _invalid("AFTER_SEGMENT_EVAL goes with DAILY_FULL_EXPORT only", "schedule")
    else:
        raise _invalid("'exportMode' must be DAILY_FULL_EXPORT or FIRST_FULL_THEN_INCREMENTAL", "schedule")
    once = frequency == "ONCE"
    start = _day(schedule.get("startDate"), "startDate")
    if once and schedule.get("endDate") is not None:
        raise _invalid("endDate does not go with ONCE", "schedule")
    if not once and _day(schedule.get("endDate"), "endDate") < start:
        raise _invalid("endDate lies before startDate", "schedule")
    time = schedule.get("startTime")
    if trigger == "AFTER_SEGMENT_EVAL" and (time is None or not once):
        return
    if trigger == "AFTER_SEGMENT_EVAL":
        raise _invalid("startTime does not go with AFTER_SEGMENT_EVAL", "schedule")
    if not isinstance(time, str) or not _TIME.match(time):
        raise _invalid("startTime must be HH:00 (UTC)", "schedule")


def _day(text: Any, name: str) -> date:
    try:
        if isinstance(text, str) and _DATE.match(text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise _invalid(f"{name} must be YYYY-MM-DD", "schedule")


def in_schedule(value: Mapping[str, Any], today: str) -> bool:
    """Whether an audience's schedule includes ``today`` (``YYYY-MM-DD``, UTC); ONCE has no end (facts
    4.2).
    """
    schedule = value["schedule"]
    return bool(schedule["startDate"] <= today <= schedule.get("endDate", today))
