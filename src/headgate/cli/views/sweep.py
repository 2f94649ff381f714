"""Strays: a line each, or as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from headgate.report.render_table import table
from headgate.strays import scope_of

if TYPE_CHECKING:
    from headgate.strays import Seen

SCHEMA: Final = "headgate.sweep/1"
_NAME: Final = 44


def text(found: Sequence[Seen], sandbox: str, names: Mapping[str, str]) -> str:
    """A table, by collection, the oldest first."""
    lines = [["collection", "id", "created (UTC)", "manifest", "name"]]
    lines += [
        [one.collection, one.id, _at(one, " "), scope_of(one.marker, sandbox, names) or "?", one.name] for one in found
    ]
    return "\n".join(table(lines, most=(0, 0, 0, 24, _NAME)))


def as_json(found: Sequence[Seen], scanned: int, sandbox: str, names: Mapping[str, str]) -> str:
    """``headgate.sweep/1``: what was found, and how many objects were looked at."""
    import orjson

    objects = [
        {
            "collection": one.collection,
            "id": one.id,
            "name": one.name,
            "createdAt": _at(one, "T") + "Z" if one.created_s else None,
            "marker": one.marker,
            "manifest": scope_of(one.marker, sandbox, names) or None,
        }
        for one in found
    ]
    whole = {"schema": SCHEMA, "sandbox": sandbox, "scanned": scanned, "objects": objects}
    return orjson.dumps(whole, option=orjson.OPT_INDENT_2).decode()


def _at(one: Seen, between: str) -> str:
    return f"{datetime.fromtimestamp(one.created_s, UTC):%Y-%m-%d{between}%H:%M:%S}" if one.created_s else "?"
