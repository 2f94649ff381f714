"""What a sweep makes of the objects it sees: whose mark they bear, how old they are, and what they use."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from headgate.workflows.collections import COLLECTIONS
from headgate.workflows.reading import part, rows, text
from headgate.workflows.runs import LATEST_MS

if TYPE_CHECKING:
    from collections.abc import Mapping

#: The collections that are swept: of Flow Service, where descriptions bear the mark.
SWEPT: Final = tuple(name for name, where in COLLECTIONS.items() if where.marked and where.service == "flow")
_MARK = re.compile(r"\[headgate:[0-9a-f]{24}\]")


def mark_of(item: Mapping[str, Any]) -> str:
    """The mark in an object's description; empty for what is not headgate's."""
    marks = _MARK.findall(text(item.get("description")))
    return marks[-1] if marks else ""


def created_s(item: Mapping[str, Any]) -> float:
    """When the object was made, epoch seconds; 0 when that cannot be told."""
    created = item.get("createdAt")
    return created / 1000 if isinstance(created, (int, float)) and 0 <= created < LATEST_MS else 0.0


def used_by(item: Mapping[str, Any]) -> list[str]:
    """The ids of what an object uses, sorted."""
    inherited = part(item, "inheritedAttributes")
    found = {text(item.get("baseConnectionId")), text(part(inherited, "baseConnection").get("id"))}
    for key in ("sourceConnectionIds", "targetConnectionIds"):
        ids = item.get(key)
        found |= {text(one) for one in ids} if isinstance(ids, list) else set()
    for key in ("sourceConnections", "targetConnections"):
        found |= {text(part(row, "baseConnection").get("id")) for row in rows(inherited, key)}
    return sorted(found - {""})
