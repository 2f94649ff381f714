"""A configured rate, kept to the letter. Pure: time comes in with every call.

Requests have slots, one after another (the generic cell rate algorithm): whoever comes late has until :func:`burst`
of them have gone by, so that a busy loop does not cost rate; in no second do more than the rate and the burst leave.
"""

from __future__ import annotations

import math

from headgate.pacing.rate import burst


class Slots:
    """Room for ``rate_per_s`` requests a second. Times are monotonic seconds."""

    __slots__ = ("_due", "_gap_s", "_slack_s")

    def __init__(self, rate_per_s: float) -> None:
        self._gap_s = 1.0 / rate_per_s
        self._slack_s = (burst(rate_per_s) - 1.0) * self._gap_s
        self._due = -math.inf

    def wait(self, now: float) -> float:
        """Seconds until the next request may leave: 0.0 or less if it may now."""
        return self._due - self._slack_s - now

    def take(self, now: float) -> None:
        """One request leaves."""
        self._due = max(self._due, now) + self._gap_s
