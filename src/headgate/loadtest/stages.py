"""Stages of a load test, and the arrivals they make: pure arithmetic over rates and seconds.

Arrivals are even in expectation: the number of them until second ``t`` is the integral of the rate, and arrival ``k``
comes when that reaches ``k``. Spaced ``poisson``, it comes when the integral reaches the ``k``-th point of a Poisson
process of rate one instead, as when many people act without knowing of each other.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_right
from itertools import accumulate
from random import Random
from typing import TYPE_CHECKING, Final, Literal

from headgate.classes import frozen

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Spacing = Literal["even", "poisson"]
#: Arrivals of one test. All of them are planned, at about ten kilobytes each.
MOST_ARRIVALS: Final = 50_000

_NUMBER = r"\d+(?:\.\d+)?"
_STAGE = re.compile(
    rf"\s*(?:(?P<begin>{_NUMBER})?\s*(?P<ramp>\.\.))?\s*(?P<end>{_NUMBER})\s*/\s*(?P<unit>s|min|m|h)\s*:(?P<lasts>.+)",
    re.ASCII,
)
_PART = re.compile(rf"({_NUMBER})\s*(ms|s|min|m|h)", re.ASCII)
_SECONDS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}
#: Rounding of a rate that was given as a decimal fraction, in arrivals.
_EPSILON: Final = 1e-6


@frozen
class Stage:
    """Arrivals per second from ``begin_per_s`` to ``end_per_s``, in a straight line, for ``seconds``.

    A ``warm_up`` is offered as any other, and counts for nothing.
    """

    begin_per_s: float
    end_per_s: float
    seconds: float
    warm_up: bool = False

    @property
    def expected(self) -> float:
        """Arrivals that it makes, as a fraction."""
        return (self.begin_per_s + self.end_per_s) / 2 * self.seconds

    def until(self, count: float) -> float:
        """Seconds from its beginning until ``count`` (0 to :attr:`expected`) have arrived."""
        slope = (self.end_per_s - self.begin_per_s) / self.seconds
        root = math.sqrt(max(0.0, self.begin_per_s**2 + 2 * slope * count))
        # This form of the root does not lose its digits where the slope is next to nothing.
        below = self.begin_per_s + root
        return min(self.seconds, 2 * count / below) if below > 0 else 0.0

    def __str__(self) -> str:
        if self.begin_per_s == self.end_per_s:
            rates = f"{self.end_per_s:.4g}"
        else:
            rates = f"{self.begin_per_s:.4g}..{self.end_per_s:.4g}"
        return f"{rates}/s:{spelled(self.seconds)}"


@frozen
class Arrival:
    """One arrival: ``at_s`` seconds after the beginning, in stage number ``stage`` (from 0)."""

    at_s: float
    stage: int


def parse_stages(texts: Sequence[str], warm_up: str | None = None) -> tuple[Stage, ...]:
    """The stages that ``texts`` write, one after the other, behind the warm-up if there is one.

    Args:
        texts: ``10/s:60s`` keeps a rate, ``10..50/s:5m`` goes from one to another, ``..50/s:5m`` from where the stage
            before ended (from 0 at the beginning). Rates are per ``s``, ``min`` or ``h``; ``0/s:30s`` is a pause.
        warm_up: Likewise.

    Raises:
        ValueError: one of them is none, nobody arrives, or more than :data:`MOST_ARRIVALS` do.
    """
    stages: list[Stage] = []
    for text, warm in [*([(warm_up, True)] if warm_up else []), *((text, False) for text in texts)]:
        stages.append(parse_stage(text, stages[-1].end_per_s if stages else 0.0, warm_up=warm))
    if not any(stage.expected > 0 for stage in stages if not stage.warm_up):
        raise ValueError("in these stages nobody arrives")
    if (count := sum(stage.expected for stage in stages)) > MOST_ARRIVALS:
        raise ValueError(f"{count:,.0f} arrivals are too many for one test: {MOST_ARRIVALS:,} at most")
    return tuple(stages)


def parse_stage(text: str, before_per_s: float = 0.0, *, warm_up: bool = False) -> Stage:
    """One stage; a ramp that names no beginning begins at ``before_per_s``.

    Raises:
        ValueError: it is none.
    """
    match = _STAGE.fullmatch(text)
    if match is None:
        raise ValueError(f"'{text}' is not a stage; write it like 10/s:60s, 10..50/s:5m or ..50/s:5m")
    per = _SECONDS[match["unit"]]
    end = float(match["end"]) / per
    begin = end
    if match["ramp"]:
        begin = before_per_s if match["begin"] is None else float(match["begin"]) / per
    return Stage(begin, end, parse_seconds(match["lasts"]), warm_up)


def parse_seconds(text: str) -> float:
    """Seconds meant by ``90s``, ``500ms``, ``5m``, ``1m30s``, ``2h``.

    Raises:
        ValueError: it is no duration, or none above zero.
    """
    rest = text.strip()
    parts = _PART.findall(rest)
    if not parts or _PART.sub("", rest).strip():
        raise ValueError(f"'{text}' is not a duration; write it like 90s, 5m or 1m30s")
    seconds = sum(float(number) * _SECONDS[unit] for number, unit in parts)
    if not 0 < seconds < math.inf:
        raise ValueError(f"'{text}' is not a duration: it must be above zero")
    return seconds


def spelled(seconds: float) -> str:
    """Seconds as :func:`parse_seconds` reads them: ``1m30s``."""
    whole, text = seconds, ""
    for unit in ("h", "m"):
        count, whole = divmod(whole, _SECONDS[unit])
        text += f"{count:.0f}{unit}" if count else ""
    return f"{text}{whole:.4g}s" if whole > _EPSILON or not text else text


def length(stages: Sequence[Stage]) -> float:
    """Seconds that all ``stages`` take."""
    return sum(stage.seconds for stage in stages)


def starts(stages: Sequence[Stage]) -> list[float]:
    """The second at which each stage begins."""
    return [0.0, *accumulate(stage.seconds for stage in stages)][:-1]


def arrivals(stages: Sequence[Stage], spacing: Spacing = "even", seed: int = 0) -> list[Arrival]:
    """All arrivals of ``stages``, in order of time; the same for the same arguments."""
    sums = [0.0, *accumulate(stage.expected for stage in stages)]
    begins = starts(stages)
    found = []
    for count in _counts(sums[-1], spacing, seed):
        # Behind whatever pauses there are: at the very end of one stage is the beginning of the next that has any.
        number = min(bisect_right(sums, count) - 1, len(stages) - 1)
        found.append(Arrival(begins[number] + stages[number].until(count - sums[number]), number))
    return found


def _counts(total: float, spacing: Spacing, seed: int) -> Iterator[float]:
    """How many have arrived, as the rates say, when each of them does."""
    if spacing == "even":
        yield from map(float, range(math.ceil(total - _EPSILON)))
        return
    draws, count = Random(seed), 0.0
    while (count := count + draws.expovariate(1.0)) < total:
        yield count
