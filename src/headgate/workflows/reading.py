"""Reading answers of any shape: what is absent, or not what was expected, reads as empty and never raises.

An answer that made a procedure raise would end the whole run, and not just the job that asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def part(value: Any, *path: str) -> Mapping[str, Any]:
    """The object at ``path`` inside ``value``, or an empty one."""
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value if isinstance(value, Mapping) else {}


def rows(value: Any, key: str) -> list[dict[str, Any]]:
    """The objects in the list at ``key`` of ``value``; anything else in it is left out."""
    found = value.get(key) if isinstance(value, Mapping) else None
    return [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []


def text(value: Any) -> str:
    """``value`` if it is a text, else an empty one."""
    return value if isinstance(value, str) else ""
