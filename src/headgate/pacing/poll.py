"""How long to wait between two looks at something that is still going on."""

from __future__ import annotations

import math

from headgate.classes import frozen


@frozen
class PollPolicy:
    """Waits that grow from ``first_s`` by ``factor`` up to ``cap_s``; platform seconds.

    Raises:
        ValueError: for waits that are not positive, a cap below the first wait, or a factor below 1.
    """

    first_s: float = 30.0
    cap_s: float = 120.0
    factor: float = 1.5

    def __post_init__(self) -> None:
        if not (0 < self.first_s < math.inf):
            raise ValueError("first_s must be a positive number of seconds")
        if not (self.first_s <= self.cap_s < math.inf):
            raise ValueError("cap_s must be a number of seconds not below first_s")
        if not (1 <= self.factor < math.inf):
            raise ValueError("factor must be at least 1")

    def wait(self, polls: int) -> float:
        """Seconds to wait before the next poll when ``polls`` (>= 0) have been made: first_s .. cap_s."""
        if self.factor == 1:
            return self.first_s
        # Past this many steps the power could overflow, and the cap has long been reached.
        steps = math.log(self.cap_s / self.first_s, self.factor)
        return self.cap_s if polls >= steps else min(self.cap_s, self.first_s * self.factor ** max(0, polls))
