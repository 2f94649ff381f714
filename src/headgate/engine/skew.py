"""The platform's clock, as far as its answers tell: ours may differ from it by hours, and single answers may lie.

Pure. The ``Date`` of an answer has whole seconds. One that fits what was heard before sets the clock finely; one that
is far off only does when most of the last few say the same, so that one proxy whose clock is wrong moves nothing.
"""

from __future__ import annotations

from collections import deque

#: Answers that are remembered, and platform seconds by which a date may be off before it is doubted. A faster clock
#: (of an embedded platform) is read less exactly: by as many seconds as pass there in half a second of ours.
HEARD = 5
DOUBTED_S = 60.0


class PlatformClock:
    """``now_s`` (epoch seconds) at monotonic second ``at`` is where it begins; ``scale`` is how fast it runs."""

    def __init__(self, now_s: float, at: float, scale: float) -> None:
        self._at, self._now_s, self._scale = at, now_s, scale
        self._doubted_s = DOUBTED_S + 0.5 * scale
        #: What the last answers' dates would have made of the clock at ``at`` 0.
        self._heard: deque[float] = deque(maxlen=HEARD)
        #: Whether any answer has told the time yet.
        self.heard = False

    def now(self, at: float) -> float:
        """The platform's time at monotonic second ``at``, epoch seconds."""
        return self._now_s + (at - self._at) * self._scale

    def hear(self, at: float, date_s: float) -> None:
        """Take in the ``Date`` of an answer that came at monotonic second ``at``."""
        now = self.now(at)
        self._heard.append(date_s - at * self._scale)
        if self.heard and abs(date_s - now) > self._doubted_s:
            from statistics import median  # it takes long to load, and few runs need it

            date_s = median(self._heard) + at * self._scale
            if abs(date_s - now) <= self._doubted_s:
                return  # the others bear out what was known
        self.heard = True
        if not date_s <= now <= date_s + 1.0:
            self._at, self._now_s = at, date_s if now < date_s else date_s + 1.0
