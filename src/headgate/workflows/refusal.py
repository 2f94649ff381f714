"""What an ad-hoc refusal says: which audience is running where, or which names are not part of the flow.

Both are a 400 with ``{message}``; old texts say segment, newer ones audience (facts 4.3, traps 14 and 69).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from headgate.classes import frozen

if TYPE_CHECKING:
    from collections.abc import Collection

_RUNNING = re.compile(
    r"run already going on for (?:audience|segment)\s+(\S+)\s+for order\s+(\S+)\s+with run id\s+([^\s.]+)",
    re.IGNORECASE,
)
_UNMAPPED = re.compile(
    r"(?:segments?|audiences?)\s+(.*?)\s+(?:are|is) not part of this dataflow or out of schedule range",
    re.IGNORECASE | re.DOTALL,
)
#: Texts the documents do not give, for something else that is going on (a scheduled export, say).
_BUSY = re.compile(r"still running|in progress|already running|already going on", re.IGNORECASE)


@frozen
class Running:
    """An ad-hoc run of ``audience`` on ``flow`` is in progress: ``run``."""

    audience: str
    flow: str
    run: str


@frozen
class Unmapped:
    """Audiences, by *name* and in one text, that are unmapped or out of their schedule."""

    names: str


@frozen
class Busy:
    """Something is going on that has to end first; the text does not say what can be attached to."""


def read_refusal(message: str) -> Running | Unmapped | Busy | None:
    """The refusal in ``message``, or ``None`` for any other text."""
    if found := _RUNNING.search(message):
        return Running(found[1], found[2], found[3])
    if found := _UNMAPPED.search(message):
        return Unmapped(found[1].strip().removeprefix("[").removesuffix("]"))
    return Busy() if _BUSY.search(message) else None


def named(text: str, names: Collection[str]) -> set[str]:
    """Which of ``names`` the comma-separated ``text`` lists. Names may hold commas; the longest match wins."""
    found: set[str] = set()
    at = 0
    ordered = sorted((name for name in names if name), key=len, reverse=True)
    while at < len(text):
        for name in ordered:
            end = at + len(name)
            if text.startswith(name, at) and (end == len(text) or text[end] == ","):
                found.add(name)
                at = end
                break
        else:
            comma = text.find(",", at)
            at = len(text) if comma < 0 else comma
        at += len(text[at:]) - len(text[at:].lstrip(", "))
    return found
