"""Overload that only shows in how long answers take. Pure.

A platform that takes in more than it can do lets requests queue. Those of ours in its queue are those that are out
beyond what its usual time explains. Slow answers alone are no overload: it is one when there is a queue and the
answers come clearly slower than the requests were meant to go.

Two things look the same and are not. A process of ours that is held up takes answers in late: then none come for a
while and all at once after it, where a platform that works off a queue lets them come one by one. And a platform that
is slow by itself does not become quicker by being asked less: when that shows, nothing is eased for a while.
"""

from __future__ import annotations

from collections import deque
from dataclasses import field
from typing import Final

from headgate.classes import mutable

#: Answers of one endpoint that make a sample of its time.
SAMPLE: Final = 25
#: Samples remembered: the lowest is its usual time.
SAMPLES: Final = 40
#: How much longer than usual answers must take: a factor, and seconds on top.
FACTOR: Final = 3.0
MORE_S: Final = 0.2
#: Seconds over which answers are counted.
SPAN_S: Final = 2.0
#: The smallest queue that is one: requests, and seconds' worth of answers.
QUEUE: Final = 10.0
QUEUE_S: Final = 0.5
#: Answers that come one by one are at most so far apart, in times of their mean distance and in seconds. After a
#: longer silence nothing is judged for some time.
APART: Final = 5.0
APART_S: Final = 0.15
SILENT_S: Final = 2 * SPAN_S
#: What is kept up with must not fall below this share of what it was when last eased; else this long nothing is.
KEPT: Final = 0.8
TRUCE_S: Final = 60.0
#: It is looked for so often at most, in seconds.
LOOK_S: Final = 0.1
#: Share of the rate that must not have been reached, and what of the reached one is asked for then.
REACHED: Final = 0.9
EASE: Final = 0.9
#: At once the rate is not eased below this share of itself.
DEEPEST: Final = 0.5


@mutable
class _Times:
    """How long one endpoint takes. ``usual`` is ``None`` until that is known."""

    fresh: list[float] = field(default_factory=list)
    medians: deque[float] = field(default_factory=lambda: deque(maxlen=SAMPLES))
    usual: float | None = None

    def sample(self) -> None:
        from statistics import median  # it takes long to load, and the first requests need none

        self.medians.append(median(self.fresh))
        self.fresh.clear()
        self.usual = min(self.medians)


class Lag:
    """Watches answers; says when the platform does not keep up, and what it does keep up with."""

    def __init__(self) -> None:
        #: Whether requests of ours queue at the platform, as far as the last answers tell.
        self.queueing = False
        self._times: dict[str, _Times] = {}
        self._answers: deque[tuple[float, float, float]] = deque()
        self._looked_at = self._eased_at = self._truce_until = float("-inf")
        self._last_at = self._silence_at = float("-inf")
        self._queueing_since = float("-inf")
        self._eased_from = 0.0
        #: What the rate was before it was eased in vain, for whoever asks once; ``None`` otherwise.
        self.in_vain: float | None = None
        self._rate_before = 0.0

    def answered(self, endpoint: str, took_s: float, out: int, rate: float, now: float) -> float | None:
        """An answer came.

        Args:
            endpoint: What was asked.
            took_s: Seconds it took.
            out: Requests that are on their way.
            rate: Requests per second that may leave.
            now: Monotonic seconds.

        Returns:
            Requests per second to slow down to, or ``None``.
        """
        times = self._times.get(endpoint)
        if times is None:
            times = self._times[endpoint] = _Times()
        usual = times.usual
        times.fresh.append(took_s)
        if len(times.fresh) >= SAMPLE:
            times.sample()
        if usual is None:
            return None
        answers = self._answers
        silent_s = now - self._last_at
        if silent_s > APART_S and silent_s > APART * SPAN_S / (len(answers) or 1):
            self._silence_at = now
        self._last_at = now
        answers.append((now, took_s, usual))
        while answers[0][0] <= now - SPAN_S:
            answers.popleft()
        if out <= QUEUE or took_s <= FACTOR * usual + MORE_S:
            self.queueing, self._queueing_since = False, now
            return None
        if now - self._looked_at < LOOK_S:
            return None
        self._looked_at = now
        per_s = len(answers) / SPAN_S
        took = sum(answer[1] for answer in answers) / len(answers)
        normal = sum(answer[2] for answer in answers) / len(answers)
        queue = out - per_s * normal
        self.queueing = (
            now >= max(self._truce_until, self._silence_at + SILENT_S)
            and took > FACTOR * normal + MORE_S
            and queue > max(QUEUE, QUEUE_S * per_s)
        )
        if not self.queueing:
            self._queueing_since = now
        # Only what was counted while they queued tells what is kept up with.
        if now - max(self._eased_at, self._queueing_since) < SPAN_S:
            return None
        first = now - self._eased_at >= TRUCE_S
        if per_s * (1.0 if first else EASE) >= rate * (REACHED if first else 1.0):
            return None
        if first:
            self._rate_before, self._eased_from = rate, per_s
        elif per_s < KEPT * self._eased_from:
            self._truce_until, self.queueing, self.in_vain = now + TRUCE_S, False, self._rate_before
            return None
        self._eased_at = now
        return max(per_s * EASE, rate * DEEPEST)
