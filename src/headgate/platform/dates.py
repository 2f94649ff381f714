"""The two ways HTTP writes times: the ``Date`` header and ``Retry-After``."""

from __future__ import annotations

import math
from email.utils import parsedate_to_datetime
from functools import lru_cache

#: Nobody is asked to wait longer than a day; more is a broken clock, not advice.
LONGEST_S = 86_400.0


@lru_cache(maxsize=64)  # one-second resolution: at any rate worth the name most answers share a string
def http_date(text: str) -> float | None:
    """Epoch seconds of an HTTP date, or ``None`` when it is not one."""
    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError, OverflowError, OSError):
        return None


def retry_after(header: str | None, now_s: float) -> float | None:
    """Seconds to wait, ``0 .. LONGEST_S``, or ``None`` when the header is absent or nonsense.

    Args:
        header: ``Retry-After``: seconds (a fraction is tolerated) or an HTTP date.
        now_s: The platform's own time, epoch seconds, against which a date is read.
    """
    if not header:
        return None
    text = header.strip()
    seconds = number(text)
    if seconds is None:
        date_s = http_date(text)
        seconds = None if date_s is None else date_s - now_s
    return None if seconds is None else min(LONGEST_S, max(0.0, seconds))


def number(value: object) -> float | None:
    """A finite number from a JSON number or its text (facts 1.4 k: ``"500"``), else ``None``."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None
