"""Schedules whose numbers are written as text: the tutorial's sample of an ingestion has them, and aepp's exports.

They are taken and kept as what the schemas say they are (trap 44); what cannot be read as that is left to the rules.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_NUMBERS = ("startTime", "endTime", "interval")
_FLAGS = {"true": True, "false": False}


def typed(schedule: Any) -> Any:
    """``scheduleParams`` of a new flow with integers and booleans where it has their texts."""
    if not isinstance(schedule, Mapping):
        return schedule
    kept = dict(schedule)
    for name in _NUMBERS:
        value = kept.get(name)
        if isinstance(value, str) and value.isascii() and value.isdigit():
            kept[name] = int(value)
    if isinstance(kept.get("backfill"), str):
        kept["backfill"] = _FLAGS.get(kept["backfill"], kept["backfill"])
    return kept
