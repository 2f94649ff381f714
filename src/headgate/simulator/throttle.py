"""The gateway's rate limit, and how fast callers really were. Real time, not the platform's."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from headgate.simulator.limits import made

if TYPE_CHECKING:
    from collections.abc import Sequence

_PERIODS = {
    "s": 1.0,
    "sec": 1.0,
    "second": 1.0,
    "min": 60.0,
    "m": 60.0,
    "minute": 60.0,
    "h": 3600.0,
    "hour": 3600.0,
}


def read_rate(rate: str | float | None) -> tuple[float, float] | None:
    """``(requests, seconds)`` of ``"50/s"``, ``"3000/min"`` or a bare number per second.

    Raises:
        ValueError: not a rate.
    """
    if rate is None:
        return None
    text, _, period = str(rate).partition("/")
    try:
        count, seconds = float(text), _PERIODS[period.strip() or "s"]
    except (ValueError, KeyError):
        count, seconds = 0.0, 1.0
    if not count > 0:
        raise ValueError(f"rate_limit must look like 50/s or 3000/min, not {rate!r}")
    return count, seconds


class Throttle:
    """One of the limits of :mod:`headgate.simulator.limits`, and the witness of how fast callers were.

    ``changes`` are (seconds since the first request, factor): from then on factor times ``rate`` is allowed.
    """

    def __init__(
        self,
        rate: str | float | None,
        model: str = "bucket",
        burst: float | None = None,
        changes: Sequence[tuple[float, float]] = (),
    ) -> None:
        self._rate = read_rate(rate)
        self._limit = made(model, *self._rate, burst) if self._rate else None
        self._changes = deque(sorted(changes))
        self._began: float | None = None
        self._recent: deque[float] = deque()
        self.worst = 0

    @property
    def limit(self) -> float | None:
        """Requests per second allowed at first, or ``None``."""
        return self._rate[0] / self._rate[1] if self._rate else None

    def admit(self, now_mono: float) -> bool:
        """Whether this request may pass. Counts it in the sliding second either way."""
        recent = self._recent
        recent.append(now_mono)
        while recent[0] <= now_mono - 1.0:
            recent.popleft()
        self.worst = max(self.worst, len(recent))
        if self._limit is None:
            return True
        if self._began is None:
            self._began = now_mono
        while self._changes and now_mono >= self._began + self._changes[0][0]:
            self._limit.scale(self._changes.popleft()[1], now_mono)
        return self._limit.admit(now_mono)
