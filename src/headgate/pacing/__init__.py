"""Pacing: when to ask again, how fast, and when to stop asking. Pure arithmetic, synchronous.

Owns the retry decision and its budget, rates and shares as people write them, the brake that a
``Retry-After`` pulls, the limits that nobody tells, and the timing of polls. Never awaits, sleeps or reads a
clock: times come in as numbers, randomness as an injected :class:`random.Random`. The limiter of the
configured rate belongs to the engine's gate, which asks here for its size.
"""

from __future__ import annotations

from headgate.pacing.brake import Brake
from headgate.pacing.pacer import Change, Found, Pacer
from headgate.pacing.poll import PollPolicy
from headgate.pacing.rate import Tolerance, burst, parse_rate, parse_share
from headgate.pacing.retry import RetryBudget, RetryPolicy
from headgate.pacing.seeker import Seeker

__all__ = [
    "Brake",
    "Change",
    "Found",
    "Pacer",
    "PollPolicy",
    "RetryBudget",
    "RetryPolicy",
    "Seeker",
    "Tolerance",
    "burst",
    "parse_rate",
    "parse_share",
]
