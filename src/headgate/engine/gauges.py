"""Small, bounded aggregates of a run: how long answers take, and how many requests left when.

Both are pure, cost well under a microsecond a request, and keep a few kilobytes however long the run is: a histogram
has buckets of a fixed ratio, a series a fixed number of slots that become wider. Times are seconds the run has been
going, all its lives together, so that a night between a crash and its resume takes no room.
"""

from __future__ import annotations

from math import log2
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

#: Buckets of a histogram for each doubling of time: each is 19 % wide, so a percentile is right to a tenth.
PER_OCTAVE: Final = 4
#: The end of the first bucket, in seconds, and the number of buckets: to 0.1 ms … 3 h.
FIRST_S: Final = 1e-4
BUCKETS: Final = 27 * PER_OCTAVE
#: Slots of a series before they are merged in pairs, and the width they begin with, in seconds.
SLOTS: Final = 600
WIDTH_S: Final = 1.0
#: Changes of the ceiling, and lives, that are kept.
CHANGES: Final = 400
LIVES: Final = 50


class Histogram:
    """Durations in buckets of a fixed ratio."""

    __slots__ = ("counts",)

    def __init__(self, stored: Sequence[int] = ()) -> None:
        """``stored`` is what :meth:`packed` gave."""
        self.counts = [0] * BUCKETS
        if stored:
            first, *counts = stored
            for at, count in enumerate(counts, int(first)):
                if at < BUCKETS:
                    self.counts[at] = int(count)

    def add(self, seconds: float, count: int = 1) -> None:
        """``count`` durations of ``seconds``."""
        at = int(log2(seconds / FIRST_S) * PER_OCTAVE) + 1 if seconds > FIRST_S else 0
        self.counts[at if at < BUCKETS else BUCKETS - 1] += count

    @property
    def total(self) -> int:
        """How many durations."""
        return sum(self.counts)

    def quantile(self, share: float) -> float | None:
        """Seconds that ``share`` of all durations do not exceed, to about a tenth; ``None`` when there are none."""
        total = self.total
        if not total:
            return None
        wanted, seen = share * total, 0
        for at, count in enumerate(self.counts):
            if count and seen + count >= wanted:
                low = 0.0 if at == 0 else edge(at - 1)
                return low + (edge(at) - low) * max(0.0, wanted - seen) / count
            seen += count
        return edge(BUCKETS - 1)

    def packed(self) -> list[int]:
        """The first bucket that holds something, then the counts up to the last; empty when there are none."""
        filled = [at for at, count in enumerate(self.counts) if count]
        return [filled[0], *self.counts[filled[0] : filled[-1] + 1]] if filled else []


def edge(bucket: int) -> float:
    """The upper end of a bucket, in seconds."""
    return float(FIRST_S * 2 ** (bucket / PER_OCTAVE))


class Series:
    """Requests, throttles and troubles (no usable answer) by the second in which the request left."""

    __slots__ = ("sent", "throttled", "troubled", "width_s")

    def __init__(self, stored: Mapping[str, Any] | None = None) -> None:
        """``stored`` is what :meth:`packed` gave."""
        stored = stored or {}
        self.width_s = float(stored.get("width", WIDTH_S))
        self.sent: list[int] = list(stored.get("sent", ()))
        self.throttled: list[int] = list(stored.get("throttled", ()))
        self.troubled: list[int] = list(stored.get("troubled", ()))

    def add(self, at_s: float, sent: int, throttled: int, troubled: int) -> None:
        """Count ``sent`` requests at ``at_s``, ``throttled`` and ``troubled`` ones among them."""
        slot = int(at_s / self.width_s) if at_s > 0 else 0
        while slot >= SLOTS:
            self._merge()
            slot = int(at_s / self.width_s)
        missing = slot + 1 - len(self.sent)
        if missing > 0:
            for counts in (self.sent, self.throttled, self.troubled):
                counts.extend([0] * missing)
        self.sent[slot] += sent
        if throttled:
            self.throttled[slot] += throttled
        if troubled:
            self.troubled[slot] += troubled

    def _merge(self) -> None:
        self.width_s *= 2
        for name in ("sent", "throttled", "troubled"):
            counts = getattr(self, name)
            counts[:] = [sum(counts[at : at + 2]) for at in range(0, len(counts), 2)]

    def packed(self) -> dict[str, Any]:
        """For the store."""
        return {"width": self.width_s, "sent": self.sent, "throttled": self.throttled, "troubled": self.troubled}


class Steps:
    """A value that changes now and then (the ceiling of the rate), as ``[second, value]`` at every change."""

    __slots__ = ("changes",)

    def __init__(self, stored: Iterable[Sequence[float]] = ()) -> None:
        """``stored`` is what ``changes`` held."""
        self.changes: list[list[float]] = [list(change) for change in stored]

    def set(self, at_s: float, value: float) -> None:
        """The value from ``at_s`` on. When there are too many changes, every other one is forgotten."""
        if self.changes and self.changes[-1][1] == value:
            return
        self.changes.append([round(at_s, 1), round(value, 3)])
        if len(self.changes) > CHANGES:
            self.changes = [*self.changes[:-1:2], self.changes[-1]]
