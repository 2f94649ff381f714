"""``watch``: follow the runs of existing flows until they are over."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Final

from pydantic import BaseModel, ConfigDict, Field

from headgate.catalogue import Finding
from headgate.manifest.field import fixed, shaped
from headgate.manifest.kinds.flow_selection import (
    FLOWS,
    ONE_OF_TWO,
    SELECT,
    check_selection,
    complete_selection,
    flows_form,
    select_form,
    written,
)
from headgate.manifest.references import UNRESOLVED

if TYPE_CHECKING:
    from headgate.manifest.grammar import Desk, Draft
    from headgate.manifest.model import Connection, Item

_TIME: Final = re.compile(r"(\d+(?:\.\d+)?)\s*(s|m|min|h|d)?")
_UNITS: Final = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86_400, None: 1}
_DAY_S: Final = 86_400.0
#: The longest watch: a month.
_MOST_S: Final = 31 * _DAY_S


class WatchBody(BaseModel):
    """The own keys of a ``watch`` entry. ``within``: when to stop waiting, on the platform's clock."""

    model_config = ConfigDict(extra="forbid", json_schema_extra=ONE_OF_TWO)

    select: Any = Field(None, description=SELECT, json_schema_extra=shaped(select_form))
    flows: Any = Field(None, description=FLOWS, json_schema_extra=shaped(flows_form))
    until: Any = Field(
        "terminal",
        description="What is waited for: that the runs are over.",
        json_schema_extra=fixed({"type": "string", "enum": ["terminal"]}),
    )
    within: Any = Field(
        "24h",
        description="How long, on the platform's clock: 90s, 15m, 24h, 2d, or seconds; what lasts longer has failed.",
        json_schema_extra=fixed(
            {"type": ["string", "number"], "pattern": rf"^\s*{_TIME.pattern}\s*$", "minimum": 1, "maximum": _MOST_S}
        ),
    )


class Watch:
    """The grammar of ``watch``."""

    kind: ClassVar[str] = "watch"
    summary: ClassVar[str] = "Follows the runs of existing flows until they are over; a failed one makes its row fail."
    example: ClassVar[str] = """\
- kind: watch
  name: tonight
  flows: [8256cfb4-17e6-432c-a469-6aedafb16cd5]
  until: terminal
  within: 6h
"""
    action: ClassVar[bool] = True
    connected: ClassVar[bool] = False
    alone: ClassVar[bool] = False
    model: ClassVar[type[BaseModel]] = WatchBody

    def complete(self, body: dict[str, Any], desk: Desk) -> Mapping[str, Any]:
        """The selection in one form, and the deadline in seconds."""
        within = seconds_of(body.get("within", "24h")) or _DAY_S
        return complete_selection(body, desk, until="terminal", within=within)

    def check_connection(self, connection: Connection) -> Iterator[Finding]:
        """Takes no connection."""
        del connection
        return iter(())

    def check(self, item: Item, draft: Draft) -> Iterator[Finding]:
        """The selection and the two words that say how long."""
        yield from check_selection(item, draft)
        raw = written(item, draft)
        until, within = raw.get("until", "terminal"), raw.get("within", "24h")
        if until not in ("terminal", UNRESOLVED):
            yield Finding("until", f"'{until}' is not known", "until: terminal (the only one)")
        if within is not UNRESOLVED and seconds_of(within) is None:
            yield Finding("within", f"'{within}' is no time between a second and a month", "within: 90m, 24h or 2d")


def seconds_of(text: Any) -> float | None:
    """``90s``, ``15m``, ``24h``, ``2d`` or a number of seconds; ``None`` for anything else."""
    match = _TIME.fullmatch(str(text).strip()) if isinstance(text, (str, int, float)) else None
    if match is None or isinstance(text, bool):
        return None
    found = float(match[1]) * _UNITS[match[2]]
    return found if 1 <= found <= _MOST_S else None
