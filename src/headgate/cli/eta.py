"""When a run will be over, as far as anyone can say while it goes: a span of time, never a single second. Pure.

Three parts: requests that are still to be sent, at the rates seen of late; audiences that are held until a time; and
rounds of ad-hoc runs, of which only experience says how long they take.
"""

from __future__ import annotations

import math
from collections import deque
from itertools import pairwise
from typing import Final

from headgate.classes import frozen

#: Rates are taken over so long, in seconds, and the last so many of them are compared.
_STRETCH_S: Final = 10.0
_STRETCHES: Final = 6
#: Before there is a rate of its own, a run may go at this share of its ceiling.
_CAUTION: Final = 0.5
#: Requests after which it shows how many more are needed than planned.
_ENOUGH: Final = 50
#: Rounding, in seconds, of times that are at least so long.
_STEPS: Final = ((3 * 3600.0, 900.0), (3600.0, 300.0), (600.0, 60.0), (120.0, 30.0), (0.0, 5.0))


@frozen
class Eta:
    """The run will be over in ``low_s`` to ``high_s`` seconds."""

    low_s: float
    high_s: float

    def __str__(self) -> str:
        """``about 40 s left``, ``12 to 15 min left``, ``1 h 10 min to 1 h 30 min left``."""
        step = next(step for least, step in _STEPS if self.high_s >= least)
        low, high = (math.floor(self.low_s / step) * step, math.ceil(self.high_s / step) * step)
        if high <= 10:
            return "seconds left"
        if not low:
            return f"up to {_words(high)} left"
        if high - low <= step:
            return f"about {_words(high)} left"
        return f"{_span(low, high)} left"


@frozen
class Ahead:
    """What is left of a run. Requests as planned; seconds of real time.

    ``held_s`` until the last hold that is known is over; ``hold_s`` more from when the last request of the first kind
    has left, where flows are still to be made whose audiences will be held; ``runs_s`` in which ad-hoc jobs wait for
    their runs, one round after another, at least and at most.
    """

    requests: float
    held_s: float = 0.0
    hold_s: float = 0.0
    runs_s: tuple[float, float] = (0.0, 0.0)


class Pace:
    """How fast requests have left of late, and how many it took. Times are monotonic seconds."""

    def __init__(self) -> None:
        self._marks: deque[tuple[float, int]] = deque(maxlen=_STRETCHES + 1)
        self._planned = 0
        self._needed = 0

    def add(self, now: float, sent: int) -> None:
        """``sent`` requests have left by ``now``."""
        if not self._marks or now - self._marks[-1][0] >= _STRETCH_S:
            self._marks.append((now, sent))

    def took(self, planned: int, needed: int) -> None:
        """What is done by now was planned with so many requests, and needed so many."""
        self._planned, self._needed = planned, needed

    def rates(self, now: float, sent: int, ceiling: float) -> tuple[float, float]:
        """The slowest and the fastest rate of late, requests per second."""
        marks = list(self._marks)
        if marks and now - marks[-1][0] >= _STRETCH_S / 2:
            marks.append((now, sent))
        seen = [
            (after[1] - before[1]) / (after[0] - before[0]) for before, after in pairwise(marks) if after[1] > before[1]
        ]
        if not seen:
            return ceiling * _CAUTION, ceiling
        return min(seen), max(seen)

    def left(self, ahead: Ahead, now: float, sent: int, ceiling: float) -> Eta:
        """When all that is ``ahead`` will be done, if ``ceiling`` requests may leave in a second at most."""
        slow, fast = self.rates(now, sent, max(ceiling, 0.1))
        more = self._needed / self._planned if self._planned >= _ENOUGH and self._needed else 1.0
        low, high = ahead.requests * min(more, 1.0) / fast, ahead.requests * max(more, 1.0) / slow
        ends = [
            max(asking + ahead.hold_s, ahead.held_s) + runs
            for asking, runs in zip((low, high), ahead.runs_s, strict=True)
        ]
        return Eta(ends[0], ends[1])


def _words(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60, 1)
    if minutes < 60:
        return f"{minutes:g} min"
    hours, minutes = divmod(round(minutes), 60)
    return f"{hours} h {minutes:02.0f} min" if minutes else f"{hours} h"


def _span(low: float, high: float) -> str:
    one, other = _words(low), _words(high)
    unit = other.rpartition(" ")[2]
    if one.count(" ") == other.count(" ") == 1 and one.endswith(f" {unit}"):
        one = one.partition(" ")[0]
    return f"{one} to {other}"
