"""Pacing: when to ask again, how fast, and when to stop asking. Pure arithmetic, synchronous.

Owns the retry decision and its budget, rates and shares as people write them, when the next request may leave
(configured rates, the limits that nobody tells, the pause that a ``Retry-After`` asks for), and the timing of polls.
Never awaits, sleeps or reads a clock: times come in as numbers, randomness as an injected :class:`random.Random`.
Those who wait stand in the engine's gate.
"""

from __future__ import annotations

from headgate.pacing.pacer import Change, Found, Pacer
from headgate.pacing.poll import PollPolicy
from headgate.pacing.rate import Tolerance, burst, parse_rate, parse_share
from headgate.pacing.retry import RetryBudget, RetryPolicy
from headgate.pacing.seeker import Seeker
from headgate.pacing.slots import Slots

__all__ = [
    "Change",
    "Found",
    "Pacer",
    "PollPolicy",
    "RetryBudget",
    "RetryPolicy",
    "Seeker",
    "Slots",
    "Tolerance",
    "burst",
    "parse_rate",
    "parse_share",
]
