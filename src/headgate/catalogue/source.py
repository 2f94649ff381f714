"""A source that is read into the data lake: its ids, its credentials, and what its schedule may say (facts 8)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from headgate.catalogue.destination import AuthSpec, auth_findings
from headgate.catalogue.finding import Finding
from headgate.catalogue.schema import type_name
from headgate.catalogue.words import clipped, either, suggestion
from headgate.secret import revealed

#: The flow spec of customer success and CRM sources. The tutorial looks its id up, and so do we.
CRM_FLOW: Final = "CRMToAEP"
#: Its id as the tutorial's answer shows it: by it a live flow's spec is told from others, never chosen.
CRM_FLOW_ID: Final = "14518937-270c-4525-bdec-c2ba7cce3860"
#: The least ``interval`` of each frequency. The tutorial's prose asks for 15 everywhere, its schema of minutes only
#: (trap 43).
FREQUENCIES: Final = {"once": 0, "minute": 15, "hour": 1, "day": 1, "week": 1}
#: The one date format whose support is documented; the tutorial's own sample has another (trap 46).
DATE_FORMAT: Final = "yyyy-MM-dd HH:mm:ss"
#: Epoch seconds beyond this are milliseconds (trap 41).
_MILLISECONDS: Final = 1e11


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """One source. ``auth`` is ``None`` where only the id of its connection spec is known."""

    ID: ClassVar[re.Pattern[str]] = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")

    key: str
    name: str
    connection_spec_id: str
    flow_spec_name: str
    auth: tuple[AuthSpec, ...] | None
    version: str = "1.0"

    def check_auth(self, auth: Any) -> list[Finding]:
        """Everything wrong with a base connection's ``auth``; keys start there. No value is ever quoted."""
        if self.auth is not None:
            return auth_findings(auth, self.auth, self.name)
        if not isinstance(auth, Mapping):
            message = "missing" if auth is None else f"must be a mapping, not {type_name(revealed(auth))}"
            return [Finding("auth", message, "keys: specName, params")]
        found = [
            Finding(f"auth.{key}", "unknown key", suggestion(str(key), ("specName", "params"), noun="keys"))
            for key in auth
            if key not in ("specName", "params", "type")
        ]
        for key, kind, word in (("specName", str, "text"), ("params", Mapping, "a mapping")):
            value = revealed(auth.get(key))
            if not isinstance(value, kind):
                message = "missing" if value is None else f"must be {word}, not {type_name(value)}"
                found.append(Finding(f"auth.{key}", message, "as Adobe's documentation of the source gives it"))
        return found


def check_ingestion(schedule: Mapping[str, Any]) -> Iterator[Finding]:
    """What is wrong with ``scheduleParams`` of the right types; keys are relative to it (facts 8, trap 47)."""
    start, frequency, interval = (schedule.get(key) for key in ("startTime", "frequency", "interval"))
    if type(start) is int and not 0 < start < _MILLISECONDS:
        hint = f"that may be milliseconds: {start // 1000}" if start > 0 else "such as 1798800000"
        yield Finding("startTime", "must be epoch seconds", hint)
    if not isinstance(frequency, str) or frequency not in FREQUENCIES:
        return
    if frequency == "once":
        for key in ("interval", "backfill"):
            if schedule.get(key) is not None:
                yield Finding(key, "does not go with frequency once", "leave it out")
        return
    least = FREQUENCIES[frequency]
    if interval is None:
        yield Finding("interval", f"missing, and needed with frequency {frequency}", f"at least {least}")
    elif type(interval) is int and interval < least:
        yield Finding("interval", f"{interval} is too short for frequency {frequency}", f"at least {least}")


def interval_forms() -> list[dict[str, Any]]:
    """What ``frequency`` means for ``interval`` and ``backfill``: conditions of JSON Schema."""
    conditions: list[dict[str, Any]] = []
    for frequency, least in FREQUENCIES.items():
        asked = {"properties": {"frequency": {"const": frequency}}, "required": ["frequency"]}
        if frequency == "once":
            absent = {"type": "null", "description": "Does not go with frequency once."}
            conditions.append({"if": asked, "then": {"properties": {"interval": absent, "backfill": absent}}})
        else:
            then: dict[str, Any] = {"required": ["interval"], "properties": {"interval": {"minimum": least}}}
            conditions.append({"if": asked, "then": then})
    return conditions


def check_delta(delta: Mapping[str, Any]) -> Iterator[Finding]:
    """What is wrong with ``deltaColumn``; keys are relative to it."""
    written = delta.get("dateFormat")
    if isinstance(written, str) and written != DATE_FORMAT:
        yield Finding(
            "dateFormat",
            f"'{clipped(written)}' is not a supported format",
            f"use {DATE_FORMAT!r}, the only one documented, or leave it out",
        )


def ingestion_rules() -> list[dict[str, str]]:
    """The rules of schedules, for people."""
    names = [name for name in FREQUENCIES if name != "once"]
    return [
        {"key": "startTime", "rule": "epoch seconds"},
        {"key": "frequency", "rule": either(FREQUENCIES)},
        {"key": "interval", "rule": "; ".join(f"{name} at least {FREQUENCIES[name]}" for name in names)},
        {"key": "backfill", "rule": "true or false; neither it nor interval goes with once"},
        {"key": "deltaColumn.dateFormat", "rule": DATE_FORMAT},
    ]
