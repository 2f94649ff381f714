"""Texts on their way into a manifest."""

from __future__ import annotations

import re
from typing import Any

_MARK = re.compile(r"\s*\[headgate:[0-9a-f]{24}\]")


def is_marked(text: str) -> bool:
    """Whether a description bears the mark of an object that headgate made."""
    return _MARK.search(text) is not None


def unmarked(text: str) -> str:
    """A description without our mark: the next run gives its own."""
    return _MARK.sub("", text).strip()


def escaped(value: Any) -> Any:
    """``value`` so that a manifest gives it back as it was: a dollar stands for itself only when doubled."""
    if isinstance(value, str):
        return value.replace("$", "$$")
    if isinstance(value, dict):
        return {key: escaped(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [escaped(inner) for inner in value]
    return value
