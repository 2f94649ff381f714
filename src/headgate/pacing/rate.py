"""Rates and shares as people write them: ``50/s``, ``3000/min``, ``5%``, ``10``."""

from __future__ import annotations

import math
import re

from headgate.classes import frozen

_SECONDS = {
    "s": 1, "sec": 1, "second": 1,
    "m": 60, "min": 60, "minute": 60,
    "h": 3600, "hour": 3600,
}  # fmt: skip
_NUMBER = r"(\d+(?:\.\d+)?|\.\d+)"
_RATE = re.compile(rf"\s*{_NUMBER}\s*(?:/\s*([a-z]+)\s*)?", re.IGNORECASE | re.ASCII)
_SHARE = re.compile(rf"\s*{_NUMBER}\s*(%?)\s*", re.ASCII)

#: The burst of a configured rate as time: long enough to ride out a busy loop, short enough that the worst one-second
#: window stays within 5 % of the rate.
BURST_S = 0.05


def parse_rate(text: str | float) -> float:
    """Requests per second.

    Args:
        text: ``"50/s"``, ``"3000/min"``, ``"3600/h"``; a bare number is per second.

    Raises:
        ValueError: for anything else, and for zero: a rate of nothing would never end.
    """
    match = _RATE.fullmatch(_text(text))
    if match is None:
        raise ValueError(f"{text!r} is not a rate; write it like 50/s or 3000/min")
    number, unit = match.groups()
    seconds = _SECONDS.get((unit or "s").lower())
    if seconds is None:
        raise ValueError(f"{text!r} is not a rate: the unit is s, min or h")
    rate = float(number) / seconds
    if not 0 < rate < math.inf:
        raise ValueError(f"{text!r} is not a rate: it must be above zero")
    return rate


@frozen
class Tolerance:
    """How many failures a run may have: a ``ratio`` (0..1) of its jobs or a ``count``; one of them is set."""

    ratio: float | None = None
    count: int | None = None

    def __post_init__(self) -> None:
        if (self.ratio is None) == (self.count is None):
            raise ValueError("a tolerance is either a ratio or a count")
        if self.ratio is not None and not 0 <= self.ratio <= 1:
            raise ValueError("a tolerance lies between 0% and 100%")
        if self.count is not None and self.count < 0:
            raise ValueError("a tolerance is not negative")

    def exceeded(self, failed: int, total: int) -> bool:
        """Whether ``failed`` of ``total`` jobs is more than is tolerated; exactly as many is still well."""
        if self.count is not None:
            return failed > self.count
        # One part in 10^9 absorbs the rounding of e.g. 0.07 * 100, and no run has that many jobs.
        return failed > (self.ratio or 0.0) * total + 1e-9 * max(1, total)

    def __str__(self) -> str:
        return str(self.count) if self.ratio is None else f"{self.ratio * 100:g}%"


def parse_share(text: str | float) -> Tolerance:
    """The tolerance meant by ``"5%"`` (a ratio of all jobs) or ``"10"`` (a count).

    Raises:
        ValueError: for anything else, for more than 100 %, and for a fraction of a job.
    """
    match = _SHARE.fullmatch(_text(text))
    if match is None:
        raise ValueError(f"{text!r} is not a share; write it like 5% or 10")
    number, percent = match.groups()
    if percent:
        return Tolerance(ratio=float(number) / 100)
    if not float(number).is_integer():
        raise ValueError(f"{text!r} is not a share: a count is a whole number (5% is a share)")
    return Tolerance(count=int(float(number)))


def burst(rate_per_s: float) -> float:
    """How many requests a rate of ``rate_per_s`` may let go at once: 5 % of the rate, at least 1."""
    return max(1.0, rate_per_s * BURST_S)


def _text(value: str | float) -> str:
    """``value`` as text; a YAML number may arrive as one. Booleans are numbers to Python, not to people."""
    if isinstance(value, bool):
        raise ValueError(f"{value} is not a number")
    return f"{value:f}" if isinstance(value, float) else str(value)
