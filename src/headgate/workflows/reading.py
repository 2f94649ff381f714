"""Reading answers of any shape: what is absent, or not what was expected, reads as empty and never raises.

An answer that made a procedure raise would end the whole run, and not just the job that asked.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

#: What ids are made of: UUIDs, numbers, URIs. They go into paths, filters and bodies; what could lead a request to
#: another object (``..``, blanks, commas, quotes) is in none of the documents' ids.
_ID: Final = re.compile(r"(?!.*\.\.)[A-Za-z0-9_@-][A-Za-z0-9_.:/@%~+=-]{0,511}", re.ASCII)


def part(value: Any, *path: str) -> Mapping[str, Any]:
    """The object at ``path`` inside ``value``, or an empty one."""
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value if isinstance(value, Mapping) else {}


def rows(value: Any, key: str) -> list[dict[str, Any]]:
    """The objects in the list at ``key`` of ``value``; anything else in it is left out."""
    found = value.get(key) if isinstance(value, Mapping) else None
    return [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []


def ident(value: Any) -> str:
    """``value`` if it is a text that can be an id, else an empty one."""
    return value if isinstance(value, str) and _ID.fullmatch(value) else ""


def text(value: Any) -> str:
    """``value`` if it is a text, else an empty one."""
    return value if isinstance(value, str) else ""
