"""Named moments at which a test may have this process killed, as ``kill -9`` would, and at no other.

Off, which it always is outside tests, a point costs one look at a name. ``HEADGATE_CRASH_AT`` arms one point of one
process: ``name``, ``name:nth`` (the nth time it is reached, from 1), or ``name:nth:pattern``, where only times count
whose subject (an endpoint, or the records of a group) has the regular expression in it.
"""

from __future__ import annotations

import os
import re
from enum import StrEnum
from typing import Final

#: What arms a point. Read once, when this module is first imported.
VARIABLE: Final = "HEADGATE_CRASH_AT"
#: ``signal.SIGKILL``; a number, for not every system has a name for it.
_SIGKILL: Final = 9


class Point(StrEnum):
    """Where a crash matters. Subjects are in brackets."""

    #: A new run's row is written, and not committed.
    BEGINNING = "beginning"
    #: A new run's row is durable, and there is nothing else of it.
    BEGUN = "begun"
    #: An existing run is taken over, and that is not committed.
    CLAIMING = "claiming"
    #: An existing run is taken over; its journal is not read yet.
    CLAIMED = "claimed"
    #: An intent waits for the next group of the journal (endpoint).
    INTENT_QUEUED = "intent-queued"
    #: A group of records is written, and not committed (its records).
    GROUP_OPEN = "group-open"
    #: A group of records is durable, and nobody has been told (its records).
    GROUP_DURABLE = "group-durable"
    #: A request may leave: if it is an effect, its intent is durable (endpoint).
    MAY_LEAVE = "may-leave"
    #: A request has leave to go, and is not sent (endpoint).
    LEAVING = "leaving"
    #: A request was sent, and the platform has begun to answer; nothing of it is read (endpoint).
    SENT = "sent"
    #: An answer is read and classified, and the machine knows nothing of it (endpoint).
    ANSWERED = "answered"
    #: What an answer means waits for the next group of the journal (endpoint).
    ANSWER_QUEUED = "answer-queued"
    #: Nothing is left to do and all of that is durable; how the run ended is written, and not committed.
    FINISHING = "finishing"
    #: How the run ended is durable; nobody has been told.
    FINISHED = "finished"


class _Trap:
    """Counts how often its point is reached, and ends the process when it is time."""

    def __init__(self, text: str) -> None:
        name, _, rest = text.partition(":")
        nth, _, pattern = rest.partition(":")
        if name not in set(Point) or not (nth or "1").isdigit() or int(nth or 1) < 1:
            raise ValueError(f"{VARIABLE}: '{text}' is not name, name:nth or name:nth:pattern of {', '.join(Point)}")
        self._point, self._left, self._pattern = Point(name), int(nth or 1), re.compile(pattern)

    def reached(self, point: Point, subject: object) -> None:
        if point is not self._point or not self._pattern.search(str(subject)):
            return
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), _SIGKILL)


_trap: _Trap | None = None


def arm(text: str) -> None:
    """Set the trap that ``text`` describes, in the form of the variable; an empty one takes it away.

    Raises:
        ValueError: there is no such point, or the form is another.
    """
    global _trap  # noqa: PLW0603 -- one process, one trap; and nothing cheaper to look at
    _trap = _Trap(text) if text else None


def reach(point: Point, subject: object = "") -> None:
    """Say that this is ``point``: the end of the process, if it is armed."""
    if _trap is not None:
        _trap.reached(point, subject)


arm(os.environ.get(VARIABLE, ""))
