"""Server-side rate limits, as gateways keep them: pure, each told the time by whoever asks. Real seconds.

The platform says nothing of which one it has (facts 1.6), so a client has to live with any of them.
"""

from __future__ import annotations

from collections import deque
from typing import Protocol

MODELS = ("bucket", "fixed", "sliding", "gcra")
#: How much a GCRA lets through at once, as a share of one second's worth.
_GCRA_BURST_S = 0.1


class Limit(Protocol):
    """Says of each request whether it may pass. Times never go backwards."""

    def admit(self, now_s: float) -> bool:
        """Whether a request that arrives at ``now_s`` passes; if it does, it counts."""
        ...

    def scale(self, factor: float, now_s: float) -> None:
        """From ``now_s`` on allow ``factor`` times what was allowed at the beginning."""
        ...


class Bucket:
    """Tokens drip in at ``rate`` a second, at most ``burst`` (>= 1) are kept, each request takes one. Starts full."""

    def __init__(self, rate: float, burst: float) -> None:
        self._rate = self._first = rate
        self._burst = max(1.0, burst)
        self._tokens = self._burst
        self._at: float | None = None

    def admit(self, now_s: float) -> bool:
        """Take a token if there is one."""
        self._drip(now_s)
        if self._tokens < 1.0:
            return False
        self._tokens -= 1.0
        return True

    def scale(self, factor: float, now_s: float) -> None:
        """Tokens drip otherwise; those that are there stay."""
        self._drip(now_s)
        self._rate = self._first * factor

    def _drip(self, now_s: float) -> None:
        if self._at is not None:
            self._tokens = min(self._burst, self._tokens + (now_s - self._at) * self._rate)
        self._at = now_s


class Fixed:
    """``count`` requests in each window of ``seconds``; the first window begins with the first request."""

    def __init__(self, count: float, seconds: float) -> None:
        self._count = self._first = count
        self._seconds = seconds
        self._began: float | None = None
        self._used = 0

    def admit(self, now_s: float) -> bool:
        """Count it, unless the window is used up."""
        if self._began is None:
            self._began = now_s
        elif now_s >= self._began + self._seconds:
            self._began += (now_s - self._began) // self._seconds * self._seconds
            self._used = 0
        if self._used + 1 > self._count:
            return False
        self._used += 1
        return True

    def scale(self, factor: float, now_s: float) -> None:
        """The window that is running counts too."""
        del now_s
        self._count = self._first * factor


class Sliding:
    """``count`` requests in any ``seconds``, wherever they begin. Remembers each one that passed."""

    def __init__(self, count: float, seconds: float) -> None:
        self._count = self._first = count
        self._seconds = seconds
        self._passed: deque[float] = deque()

    def admit(self, now_s: float) -> bool:
        """Count it, unless too many have passed lately."""
        passed = self._passed
        while passed and passed[0] <= now_s - self._seconds:
            passed.popleft()
        if len(passed) + 1 > self._count:
            return False
        passed.append(now_s)
        return True

    def scale(self, factor: float, now_s: float) -> None:
        """What has passed still counts."""
        del now_s
        self._count = self._first * factor


class Queue:
    """No refusals: requests are worked off at ``rate`` a second, one after the other, and wait for their turn."""

    def __init__(self, rate: float) -> None:
        self._rate = self._first = rate
        self._free_at = float("-inf")

    def delay(self, now_s: float) -> float:
        """Seconds that a request arriving at ``now_s`` waits."""
        self._free_at = max(self._free_at, now_s) + 1.0 / self._rate
        return self._free_at - now_s

    def scale(self, factor: float, now_s: float) -> None:
        """Work on at another pace."""
        del now_s
        self._rate = self._first * factor


def made(model: str, count: float, seconds: float, burst: float | None = None) -> Limit:
    """The limit of ``count`` requests per ``seconds``.

    Args:
        model: One of :data:`MODELS`.
        count: Requests.
        seconds: The time they are for, and the length of a window.
        burst: What a bucket holds: a whole period's worth, unless given. A GCRA is a bucket that hardly holds any.

    Raises:
        ValueError: no such model.
    """
    match model:
        case "bucket":
            return Bucket(count / seconds, count if burst is None else burst)
        case "gcra":
            return Bucket(count / seconds, count / seconds * _GCRA_BURST_S if burst is None else burst)
        case "fixed":
            return Fixed(count, seconds)
        case "sliding":
            return Sliding(count, seconds)
        case _:
            raise ValueError(f"limit_model must be one of {', '.join(MODELS)}, not {model!r}")
