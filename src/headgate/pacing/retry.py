"""Whether to ask again after a bad answer, and after how long.

Exponential back-off with full jitter: a wait is drawn evenly between nothing and the current ceiling, so
that a thousand requests that failed together do not come back together. A budget bounds all retries of a
run: when much fails, retrying everything is what keeps a platform down.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from headgate.classes import frozen, mutable
from headgate.exchange import Verdict

if TYPE_CHECKING:
    from random import Random

#: Throttling is not failing: the platform said when to come back, so patience is larger.
THROTTLED_ATTEMPTS = 30
#: On top of a Retry-After, so that those who were told the same second spread out.
HINT_JITTER = 0.1

_RETRYABLE = frozenset({Verdict.THROTTLED, Verdict.FAULT, Verdict.LOST, Verdict.NOT_SENT})


@frozen
class RetryPolicy:
    """How often and how long; seconds and ratios.

    Attributes:
        attempts: Tries in all, the first included; throttled ones may take up to 30 in all.
        first_s: Ceiling of the first wait; it doubles with each attempt.
        cap_s: Highest ceiling. A ``Retry-After`` may be longer and is honoured.
        budget_ratio: Retries allowed per request made, over the whole run.
        budget_floor: Retries allowed however few requests were made.

    Raises:
        ValueError: for values that make no sense.
    """

    attempts: int = 6
    first_s: float = 0.5
    cap_s: float = 30.0
    budget_ratio: float = 0.2
    budget_floor: int = 50

    def __post_init__(self) -> None:
        if self.attempts < 1:
            raise ValueError("attempts must be at least 1")
        if not (0 <= self.first_s < math.inf):
            raise ValueError("first_s must be a number of seconds, 0 or more")
        if not (self.first_s <= self.cap_s < math.inf):
            raise ValueError("cap_s must be a number of seconds not below first_s")
        if not (0 <= self.budget_ratio < math.inf):
            raise ValueError("budget_ratio must be 0 or more")
        if self.budget_floor < 0:
            raise ValueError("budget_floor must be 0 or more")

    def delay(self, verdict: Verdict, attempt: int, retry_after_s: float | None, rng: Random) -> float | None:
        """Seconds to wait before asking again, or ``None`` to give up.

        Args:
            verdict: What the answer meant. Only throttled, fault, lost and not-sent may be asked again.
            attempt: Number of the attempt that was just answered, from 1.
            retry_after_s: What the platform asked for, if it did: the least that is returned.
            rng: Source of the jitter.

        Returns:
            Without a hint ``0 .. min(cap_s, first_s * 2 ** (attempt - 1))``; with one,
            ``hint .. 1.1 * hint``.
        """
        if verdict not in _RETRYABLE or attempt >= self.limit(verdict):
            return None
        if retry_after_s is not None and 0 < retry_after_s < math.inf:
            return retry_after_s * (1 + HINT_JITTER * rng.random())
        # 2 ** 60 half-seconds is past any cap; the clamp keeps a long patience from overflowing.
        ceiling = min(self.cap_s, self.first_s * 2.0 ** min(60, max(0, attempt - 1)))
        return ceiling * rng.random()

    def limit(self, verdict: Verdict) -> int:
        """How many attempts an answer of this kind allows in all."""
        return max(self.attempts, THROTTLED_ATTEMPTS) if verdict is Verdict.THROTTLED else self.attempts

    def budget(self) -> RetryBudget:
        """A fresh budget of this policy."""
        return RetryBudget(ratio=self.budget_ratio, floor=self.budget_floor)


@mutable
class RetryBudget:
    """Retries spent against retries allowed, over a whole run. Counters only; nobody waits here."""

    ratio: float = 0.2
    floor: int = 50
    #: First attempts made so far.
    requests: int = 0
    #: Retries taken so far; never above :attr:`allowed` at the moment they were taken.
    spent: int = 0

    @property
    def allowed(self) -> int:
        """Retries allowed so far: the floor plus a share of the requests made."""
        return self.floor + int(self.ratio * self.requests)

    @property
    def left(self) -> int:
        """Retries that may still be taken, >= 0."""
        return max(0, self.allowed - self.spent)

    def request(self, count: int = 1) -> None:
        """Count ``count`` first attempts."""
        self.requests += count

    def spend(self) -> bool:
        """Take one retry; ``False`` when none is left, and then nothing was taken."""
        if self.spent >= self.allowed:
            return False
        self.spent += 1
        return True
