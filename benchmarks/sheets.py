"""What a scenario wants drawn: plain numbers, so that who asks for no pictures needs nothing to draw them with.

A scenario puts a sheet under its file's name, and the last one stands::

    chart = Chart("", "jobs", "megabytes", [Line("plan and machine", jobs, megabytes)], log_x=True)
    bench.sheets["memory"] = Sheet("Memory by jobs", [chart])
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


@dataclass(frozen=True, slots=True)
class Line:
    """Points, in order. ``kind``: what was measured, what it is held against, or marks on the ground without height."""

    label: str
    xs: Sequence[float]
    ys: Sequence[float] = ()
    kind: Literal["measured", "other", "bound", "marks"] = "measured"


@dataclass(frozen=True, slots=True)
class Chart:
    """One pair of axes, with units in their labels."""

    title: str
    x: str
    y: str
    lines: Sequence[Line]
    log_x: bool = False
    log_y: bool = False
    #: What the vertical axis ends with, where that is not left to the numbers.
    top: float | None = None


@dataclass(frozen=True, slots=True)
class Sheet:
    """One picture: charts side by side, with one legend for all."""

    title: str
    charts: Sequence[Chart]


def per_second(at: Iterable[float], end: float, width_s: float = 1.0) -> tuple[list[float], list[float]]:
    """How many of the times ``at`` lie in each stretch of ``width_s`` before ``end``, by the second, and its middle."""
    counts = Counter(int(second // width_s) for second in at)
    bins = range(max(1, int(end / width_s)))
    return [(number + 0.5) * width_s for number in bins], [counts[number] / width_s for number in bins]
