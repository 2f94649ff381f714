"""When bare 5xx answers mean overload: told from one broken object by how many different requests get them.

A 503 always means overload. The platform's own documents say of 500 that too many calls may have come at once
(facts 1.4), and proxies say the same by 502 and 504; but a 500 may also be one object that the platform chokes on, and
a run of a hundred thousand must not be slowed by it. So a bare 5xx brakes everybody only when, of the last answers,
a quarter are such and they are of several jobs. Each time it comes to that again, everybody waits twice as long.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from random import Random

#: Answers that are looked at, the share of them that must be 5xx, and of how many jobs.
WINDOW: Final = 20
SHARE: Final = 0.25
JOBS: Final = 3
FIRST_S: Final = 0.5
CAP_S: Final = 30.0


class Overload:
    """What the last answers say. Times are monotonic seconds."""

    def __init__(self, first_s: float = FIRST_S, cap_s: float = CAP_S) -> None:
        self._first_s, self._cap_s = first_s, cap_s
        self._last: deque[int] = deque(maxlen=WINDOW)  # the job of a 5xx, -1 for a good answer
        self._bad = 0
        self._level = 0
        self._until = 0.0

    def good(self) -> None:
        """An answer that is no 5xx."""
        if not self._bad:  # nothing to forget: this is called for every answer
            self._level = 0
            return
        self._put(-1)

    def bad(self, job: int, at: float, rng: Random) -> float:
        """A bare 5xx for ``job``: seconds for which everybody shall wait, mostly 0."""
        self._put(job)
        jobs = {each for each in self._last if each >= 0}
        if at < self._until or len(jobs) < JOBS or self._bad < SHARE * len(self._last):
            return 0.0
        ceiling = min(self._cap_s, self._first_s * 2.0 ** min(self._level, 30))
        self._level += 1
        seconds = ceiling * (0.5 + 0.5 * rng.random())
        self._until = at + seconds
        return seconds

    def _put(self, job: int) -> None:
        if len(self._last) == WINDOW:
            self._bad -= self._last[0] >= 0
        self._last.append(job)
        self._bad += job >= 0
