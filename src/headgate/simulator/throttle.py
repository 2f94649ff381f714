"""The gateway's rate limit, and how fast callers really were. Real time, not the platform's."""

from __future__ import annotations

from collections import deque

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
    """A token bucket that holds one period's worth of requests and starts full."""

    def __init__(self, rate: str | float | None) -> None:
        self._rate = read_rate(rate)
        self._tokens = self._rate[0] if self._rate else 0.0
        self._at: float | None = None
        self._recent: deque[float] = deque()
        self.worst = 0

    @property
    def limit(self) -> float | None:
        """Requests per second allowed, or ``None``."""
        return self._rate[0] / self._rate[1] if self._rate else None

    def admit(self, now_mono: float) -> bool:
        """Whether this request may pass. Counts it in the sliding second either way."""
        recent = self._recent
        recent.append(now_mono)
        while recent[0] <= now_mono - 1.0:
            recent.popleft()
        self.worst = max(self.worst, len(recent))
        if self._rate is None:
            return True
        count, seconds = self._rate
        elapsed = now_mono - self._at if self._at is not None else 0.0
        self._at = now_mono
        self._tokens = min(max(count, 1.0), self._tokens + elapsed * count / seconds)
        if self._tokens < 1.0:
            return False
        self._tokens -= 1.0
        return True
