"""How things are measured: laps of wall and CPU time, taken in alternation, and their ratios."""

from __future__ import annotations

import gc
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Sequence


@dataclass(slots=True)
class Lap:
    """One measured stretch. CPU is that of this whole process with its threads, not of a server's."""

    count: int = 0
    wall_s: float = 0.0
    cpu_s: float = 0.0

    @property
    def per_s(self) -> float:
        """Operations per second of wall time."""
        return self.count / self.wall_s

    @property
    def wall_us(self) -> float:
        """Microseconds of wall time per operation."""
        return self.wall_s / self.count * 1e6

    @property
    def cpu_us(self) -> float:
        """Microseconds of CPU per operation."""
        return self.cpu_s / self.count * 1e6


@contextmanager
def lap(count: int) -> Iterator[Lap]:
    """Measure the block, which does ``count`` operations; it is not charged with older garbage."""
    gc.collect()
    found = Lap(count)
    wall, cpu = time.perf_counter(), time.process_time()
    yield found
    found.wall_s, found.cpu_s = time.perf_counter() - wall, time.process_time() - cpu


@dataclass(frozen=True, slots=True)
class Pair:
    """One lap of what is measured, and the mean of the laps of the plain thing right before and after it."""

    ours: Lap
    plain: Lap


async def alternate(rounds: int, plain: Callable[[], Awaitable[Lap]], ours: Callable[[], Awaitable[Lap]]) -> list[Pair]:
    """``plain ours plain ours … plain``: a drift of the machine is in both halves of each ratio."""
    pairs: list[Pair] = []
    before = await plain()
    for _ in range(rounds):
        lapped = await ours()
        after = await plain()
        mean = Lap(before.count + after.count, before.wall_s + after.wall_s, before.cpu_s + after.cpu_s)
        pairs.append(Pair(lapped, mean))
        before = after
    return pairs


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table: a ratio for each round, and absolute values beside it for orientation only."""

    scenario: str
    name: str
    ratios: Sequence[float]
    #: What is hoped for, for people: ``">= 0.90"``.
    goal: str = ""
    beside: dict[str, float] = field(default_factory=dict)

    @property
    def median(self) -> float:
        """The middle ratio."""
        return median(self.ratios)

    @property
    def low(self) -> float:
        """The lowest ratio."""
        return min(self.ratios)

    @property
    def high(self) -> float:
        """The highest ratio."""
        return max(self.ratios)

    @property
    def reached(self) -> bool | None:
        """Whether the median reaches the goal; ``None`` without one."""
        if not self.goal:
            return None
        relation, bound = self.goal.split()
        return self.median >= float(bound) if relation == ">=" else self.median <= float(bound)


def middle(values: Sequence[float]) -> float:
    """The median of absolute values that stand beside a ratio, to three digits."""
    return float(f"{median(values):.3g}")
