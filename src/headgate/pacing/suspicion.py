"""Whether refusals mean "too fast" or are a trouble of their own. Pure counting.

The platform's own words for a 500 are that too many calls may have been made at once (facts 1.4), and they may be
wrong. So it is tried: once many of the last answers were faults the rate gives way as for a 429. If the faults go
with it they meant the rate, and from then on each one does. If they stay though the rate has fallen, they are not
about the rate: it is given back, and such faults slow nobody down until there are many more of them.

The same holds for what says that it is about the rate (429, 503), only that it is believed at first: where others use
up a common limit, or somebody throws dice, to ask less and less would not help, and end in asking nothing.
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
#: During a trial the rate falls no deeper than to this share, or it would never end.
DEEPEST: Final = 0.1
#: A rate below this share of what it was is a much lower one. When it falls on, to such a share, the count begins anew,
#: so often: on the way down to a limit much is refused.
LOWER: Final = 0.4
FALL: Final = 0.6
ANEW: Final = 3
#: Answers and faults at a much lower rate that judge those that were taken for the rate's, and the share of them (of
#: all, and of what it was before) from which on they are not.
LOW: Final = 60
LOW_FAULTS: Final = 8
STUBBORN: Final = 0.03
HALF: Final = 0.5
#: The share from which on it is sooner looked at anew, with what came at the low rate as what was before.
MANY: Final = 0.1
#: Answers after which such faults are looked at anew, with hardly any among them: from the rate that it is then.
LONG: Final = 300


class Meaning(Enum):
    """What faults mean, as far as known."""

    UNKNOWN = "unknown"
    TRIED = "tried"
    RATE = "rate"
    OTHER = "other"


class Suspicion:
    """Refusals of one kind: faults of one endpoint, or what says of one limit that it was too much."""

    def __init__(self, meaning: Meaning = Meaning.UNKNOWN, rate: float = 0.0) -> None:
        """Begin with ``meaning``; if that is the rate, at ``rate`` requests a second."""
        self.meaning = meaning
        #: Of the last answers, whose the faults were; ``None`` for the others.
        self._last: deque[int | None] = deque(maxlen=WINDOW)
        self._nobody = 0
        self._before = 0.0
        self._base = 0.0
        #: The rate at which the trial began, or from which on faults that mean it are looked at.
        self.rate_then = rate
        self._began = self._judging = 0.0
        self._since = self._judged = self._faults = 0
        #: Answers and faults since, at about that rate and at much lower ones.
        self._high = [0, 0]
        self._low = [0, 0]
        self._low_from = LOWER * rate
        self._falls = 0

    @property
    def floor(self) -> float:
        """The rate below which a trial must not fall, requests a second."""
        return DEEPEST * self.rate_then if self.meaning is Meaning.TRIED else 0.0

    def passed(self, rate: float, now: float) -> None:
        """An answer that was no fault, at a rate of ``rate`` a second."""
        self._last.append(None)
        self._add(rate, now, fault=False)

    def fault(self, rate: float, now: float, of: int = -1, *, known: bool = False) -> bool:
        """A fault at a rate of ``rate`` a second, met by job ``of`` (-1: not told); whether it counts as a refusal.

        ``known``: that faults of other endpoints mean the rate.
        """
        self._nobody -= 1
        self._last.append(of if of >= 0 else self._nobody)
        self._add(rate, now, fault=True)
        if self.meaning is Meaning.UNKNOWN and known:
            self._begin(rate, now, Meaning.RATE)
        elif self.meaning in (Meaning.UNKNOWN, Meaning.OTHER):
            faults = [each for each in self._last if each is not None]
            share = len(faults) / WINDOW
            several = len(faults) >= ENOUGH and len(set(faults)) >= JOBS
            if several and share >= min(3 * self._base + ENOUGH / WINDOW, (1 + self._base) / 2) * bool(self._base):
                self._begin(rate, now, Meaning.TRIED)
        return self.meaning in (Meaning.TRIED, Meaning.RATE)

    def innocent(self, rate: float, now: float) -> bool:
        """Asked after an answer: whether it has just come out that the faults are not about the rate."""
        if self.meaning is Meaning.TRIED and self._judged >= TRIAL and now >= self._judging + TRIAL_S:
            share = self._faults / self._judged
            if share <= HALF * min(self._before, self._base or 1.0):
                self.meaning = Meaning.RATE
                return False
            return self._acquit(share)
        if self.meaning is Meaning.RATE:
            answers, faults = self._low
            before = self._high[1] / max(1, self._high[0])
            if answers >= LOW and faults >= LOW_FAULTS and faults > answers * max(STUBBORN, HALF * before):
                return self._acquit(faults / answers)
            if answers >= 2 * LOW and faults > answers * (STUBBORN if answers >= LONG else MANY):
                self._high, self._low = self._low, [0, 0]  # it fell all the time: from here on it should not
            elif answers >= LONG or self._high[0] >= LONG * 3:
                self._look_from(rate)
        return False

    def _look_from(self, rate: float) -> None:
        self.rate_then, self._low_from, self._falls = rate, LOWER * rate, 0
        self._high, self._low = [0, 0], [0, 0]

    def _begin(self, rate: float, now: float, meaning: Meaning) -> None:
        self.meaning, self._began = meaning, now
        self._before = sum(1 for each in self._last if each is not None) / max(1, len(self._last))
        self._since = self._judged = self._faults = 0
        self._look_from(rate)

    def _acquit(self, share: float) -> bool:
        self.meaning, self._base = Meaning.OTHER, share
        self._last.clear()
        return True

    def _add(self, rate: float, now: float, *, fault: bool) -> None:
        if rate < FALL * self._low_from and self._falls < ANEW:
            self._low, self._low_from, self._falls = [0, 0], FALL * self._low_from, self._falls + 1
        counted = self._low if rate < LOWER * self.rate_then else self._high
        counted[0] += 1
        counted[1] += fault
        self._since += 1
        if self._since > SETTLING and now > self._began + SETTLING_S:
            if not self._judged:
                self._judging = now
            self._judged += 1
            self._faults += fault
