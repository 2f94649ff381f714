"""The brake: one ``Retry-After`` stops everybody, because the limit it speaks of is everybody's."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(slots=True)
class Brake:
    """Until when nothing may leave. It only ever moves later, so answers may arrive in any order."""

    #: Monotonic seconds; ``-inf`` when it was never pulled.
    paused_until_mono: float = -math.inf

    def hold(self, now_mono: float, retry_after_s: float) -> None:
        """Hold until ``now_mono + retry_after_s``, unless a longer hold is already there.

        Args:
            now_mono: Monotonic seconds.
            retry_after_s: Seconds asked for; zero, negative or NaN changes nothing.
        """
        if retry_after_s > 0:
            self.paused_until_mono = max(self.paused_until_mono, now_mono + retry_after_s)

    def remaining(self, now_mono: float) -> float:
        """Seconds left to hold at ``now_mono``: >= 0.0, and 0.0 when nothing holds."""
        return max(0.0, self.paused_until_mono - now_mono)
