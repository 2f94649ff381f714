"""Paths into a manifest, as tuples for the program and as dotted keys for people."""

from __future__ import annotations

import re
from typing import Any

#: Mapping keys and list positions from the top of the document.
Path = tuple[str | int, ...]

_PLAIN = re.compile(r"[^.\[\]\"\s]+")
_PART = re.compile(r"\[(\d+)\]|\[\"([^\"]*)\"\]|([^.\[]+)")


def key_text(path: Path) -> str:
    """``("entries", 2, "target")`` as ``entries[2].target``; odd keys are quoted: ``pairs["a b"]``."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        elif _PLAIN.fullmatch(part):
            text += f".{part}" if text else part
        else:
            text += f'["{part}"]'
    return text


def key_path(text: str) -> Path:
    """The inverse of :func:`key_text`, for the keys of findings."""
    return tuple(
        int(match.group(1)) if match.group(1) else match.group(2) if match.group(2) is not None else match.group(3)
        for match in _PART.finditer(text)
    )


def value_at(value: Any, path: Path) -> Any:
    """What stands at ``path`` below ``value``; the last value found when the path leads nowhere."""
    for part in path:
        inside = isinstance(value, dict) and part in value
        inside = inside or (isinstance(value, list) and isinstance(part, int) and part < len(value))
        if not inside:
            return value
        value = value[part]
    return value
