"""Whether a 500 means "too fast" or is a trouble of its own. Pure counting.

The platform's own words for a 500 are that too many calls may have been made at once (facts 1.4), and they may be
wrong. So it is tried: once many of the last answers were faults the rate gives way as for a 429. If the faults go
with it they meant the rate, and from then on each one does. If they stay though the rate has fallen, they are not
about the rate: it is given back, and such faults slow nobody down until there are many more of them.
"""

from __future__ import annotations

from collections import deque
from enum import Enum
from typing import Final

#: Answers looked at before a trial, faults among them that begin one, and of how many jobs they must be: one object
#: that the platform chokes on is no overload, however often it is asked for.
WINDOW: Final = 20
ENOUGH: Final = 3
JOBS: Final = 3
#: Answers and seconds after the rate gave way that are waited for, then those that judge.
SETTLING: Final = 30
SETTLING_S: Final = 1.5
TRIAL: Final = 40
TRIAL_S: Final = 1.0
#: Answers over which faults that mean the rate are watched, and the share at which they cannot.
LONG: Final = 300
STUBBORN: Final = 0.035


class Meaning(Enum):
    """What faults mean, as far as known."""

    UNKNOWN = "unknown"
    TRIED = "tried"
    RATE = "rate"
    OTHER = "other"


class Suspicion:
    """Faults of one endpoint."""

    def __init__(self) -> None:
        self.meaning = Meaning.UNKNOWN
        #: Of the last answers, whose the faults were; ``None`` for the others.
        self._last: deque[int | None] = deque(maxlen=WINDOW)
        self._nobody = 0
        self._long: deque[bool] = deque(maxlen=LONG)
        self._before = 0.0
        self._base = 0.0
        #: The rate at which the trial began.
        self.rate_then = 0.0
        self._began = self._judging = 0.0
        self._since = self._judged = self._faults = 0

    def passed(self, now: float) -> None:
        """An answer that was no fault."""
        self._last.append(None)
        self._add(now, fault=False)

    def fault(self, rate: float, now: float, of: int = -1, *, known: bool = False) -> bool:
        """A fault at a rate of ``rate`` a second, met by job ``of`` (-1: not told); whether it counts as a refusal.

        ``known``: that faults of other endpoints mean the rate.
        """
        self._nobody -= 1
        self._last.append(of if of >= 0 else self._nobody)
        self._add(now, fault=True)
        if self.meaning is Meaning.UNKNOWN and known:
            self._begin(rate, now, Meaning.RATE)
        elif self.meaning in (Meaning.UNKNOWN, Meaning.OTHER):
            faults = [each for each in self._last if each is not None]
            share = len(faults) / WINDOW
            several = len(faults) >= ENOUGH and len(set(faults)) >= JOBS
            if several and share >= 3 * self._base + (ENOUGH / WINDOW if self._base else 0.0):
                self._begin(rate, now, Meaning.TRIED)
        return self.meaning in (Meaning.TRIED, Meaning.RATE)

    def innocent(self, rate: float, now: float) -> bool:
        """Asked after an answer: whether it has just come out that the faults are not about the rate."""
        if self.meaning is Meaning.TRIED and self._judged >= TRIAL and now >= self._judging + TRIAL_S:
            share = self._faults / self._judged
            if share <= self._before / 2:
                self.meaning = Meaning.RATE
                self._long.clear()
                return False
            return self._acquit(share)
        if self.meaning is Meaning.RATE:
            if rate >= 0.6 * self.rate_then:
                self._long.clear()  # only what comes at a much lower rate says that it was not the rate
            elif len(self._long) == LONG:
                share = sum(self._long) / LONG
                return share > STUBBORN and self._acquit(share)
        return False

    def _begin(self, rate: float, now: float, meaning: Meaning) -> None:
        self.meaning, self.rate_then, self._began = meaning, rate, now
        self._before = sum(1 for each in self._last if each is not None) / max(1, len(self._last))
        self._since = self._judged = self._faults = 0
        self._long.clear()

    def _acquit(self, share: float) -> bool:
        self.meaning, self._base = Meaning.OTHER, share
        self._last.clear()
        return True

    def _add(self, now: float, *, fault: bool) -> None:
        self._long.append(fault)
        self._since += 1
        if self._since > SETTLING and now > self._began + SETTLING_S:
            if not self._judged:
                self._judging = now
            self._judged += 1
            self._faults += fault
