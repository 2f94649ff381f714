"""Thresholds of a load test: what is written, and a count for each that tells, after every answer, whether it is met.

A percentile is judged by counting: ``p95<800ms`` is met while at least 95 % of the latencies are below 0.8 s (nearest
rank). So a judgement is exact, costs the same after a million answers, and is the same in the middle and at the end.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from headgate.catalogue.words import suggestion
from headgate.classes import frozen

#: What a latency may be of, beside an endpoint: whole arrivals, from when they were due to the end of their last job.
ARRIVALS: Final = "arrivals"
#: Metrics that count, and what they count among.
COUNTS: Final[Mapping[str, str]] = {
    "errors": "requests",
    "throttled": "requests",
    "failed": "arrivals",
    "dropped": "arrivals",
}
#: Arrivals that went well, per second of the stages that count.
ACHIEVED: Final = "achieved"
#: Samples without which a share or a percentile is not judged before the end.
ENOUGH: Final = 20

_COMPARE: Final[Mapping[str, Callable[[float, float], bool]]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_TEXT = re.compile(
    r"\s*(?P<metric>[a-z]+(?:\d+(?:\.\d+)?)?)\s*(?:\((?P<of>[^)]*)\))?\s*(?P<sign><=|>=|<|>)\s*"
    r"(?P<number>\d+(?:\.\d+)?)\s*(?P<unit>ms|s|m|%|/s|/min|/h)?\s*",
    re.ASCII,
)
_PERCENTILE = re.compile(r"p(\d+(?:\.\d+)?)", re.ASCII)
_UNITS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0}
_PER: Final = {"/s": 1.0, "/min": 60.0, "/h": 3600.0}
_EXAMPLES: Final = "write it like p95<800ms, 'p99(POST /flows)<2s', errors<1%, dropped<=0 or achieved>9/s"


@frozen
class Threshold:
    """``metric`` (of ``of``, where that is not everything) is to stand ``sign`` to ``limit``.

    ``limit`` is seconds for a latency (``quantile`` is set), a share (0..1) where ``share``, per second for
    :data:`ACHIEVED`, else a number. ``text`` is as it was written.
    """

    text: str
    metric: str
    sign: str
    limit: float
    of: str = ""
    quantile: float | None = None
    share: bool = False

    def holds(self, value: float) -> bool:
        """Whether ``value`` is on the right side."""
        return _COMPARE[self.sign](value, self.limit)

    def __str__(self) -> str:
        return self.text


def parse_threshold(text: str) -> Threshold:
    """The threshold that ``text`` writes.

    Raises:
        ValueError: it is none.
    """
    match = _TEXT.fullmatch(text)
    if match is None:
        raise ValueError(f"'{text}' is not a threshold; {_EXAMPLES}")
    metric, sign, number, unit = match["metric"], match["sign"], float(match["number"]), match["unit"] or ""
    of, shown = (match["of"] or "").strip(), " ".join(text.split())
    if metric == "max" or _PERCENTILE.fullmatch(metric):
        return _latency(shown, metric, sign, number, unit, of)
    if metric not in (*COUNTS, ACHIEVED):
        near = suggestion(metric, ["p50", "p95", "p99", "max", *COUNTS, ACHIEVED], noun="metrics", most=8)
        raise ValueError(f"'{text}': unknown metric '{metric}'; {near}")
    if of:
        raise ValueError(f"'{text}': only latencies are of an endpoint")
    if metric == ACHIEVED:
        if unit not in _PER or sign not in (">", ">="):
            raise ValueError(f"'{text}': what is achieved is a rate to be above, such as achieved>9/s")
        return Threshold(shown, metric, sign, number / _PER[unit])
    if unit not in ("", "%") or sign not in ("<", "<="):
        raise ValueError(f"'{text}': {metric} are to be below a share or a number, such as {metric}<1% or {metric}<=5")
    share = unit == "%"
    return Threshold(shown, metric, sign, number / 100 if share else number, share=share)


def _latency(text: str, metric: str, sign: str, number: float, unit: str, of: str) -> Threshold:
    if unit not in _UNITS or sign not in ("<", "<="):
        raise ValueError(f"'{text}': a latency is to be below a time, such as {metric}<800ms")
    quantile = 1.0 if metric == "max" else float(metric[1:]) / 100
    if not 0 < quantile <= 1:
        raise ValueError(f"'{text}': a percentile lies above 0 and up to 100")
    return Threshold(text, metric, sign, number * _UNITS[unit], " ".join(of.split()), quantile)


def unmeasured(thresholds: Sequence[Threshold], endpoints: Sequence[str]) -> str:
    """What is wrong with thresholds about endpoints that are never asked; empty when nothing is."""
    known = [ARRIVALS, *endpoints]
    for one in thresholds:
        if one.of and one.of not in known:
            return f"'{one}': this test asks no '{one.of}'; {suggestion(one.of, known, noun='endpoints', most=12)}"
    return ""


class Gauge:
    """One threshold, and how it stands. Told of everything, it keeps what is its own."""

    __slots__ = ("good", "threshold", "total")

    def __init__(self, threshold: Threshold) -> None:
        self.threshold = threshold
        #: Samples: latencies, or the requests or arrivals among which something is counted.
        self.total = 0
        #: Of them: latencies on the right side, or what is counted.
        self.good = 0

    def latency(self, of: str, seconds: float) -> None:
        """A latency of an endpoint, or of :data:`ARRIVALS`."""
        threshold = self.threshold
        if threshold.quantile is None or (threshold.of != of if threshold.of else of == ARRIVALS):
            return
        self.total += 1
        self.good += threshold.holds(seconds)

    def count(self, among: str, metric: str = "") -> None:
        """One more of ``among`` (requests, arrivals), which is a ``metric`` where one is named."""
        if COUNTS.get(self.threshold.metric) == among:
            self.total += 1
            self.good += metric == self.threshold.metric

    def late(self, metric: str) -> None:
        """Something that was counted already turned out to be a ``metric``."""
        self.good += metric == self.threshold.metric

    def met(self, achieved_per_s: float = 0.0) -> bool:
        """Whether it is met, all told. Where nothing was measured no latency is."""
        threshold = self.threshold
        if threshold.quantile is not None:
            return self.total > 0 and self.good >= _rank(threshold.quantile, self.total)
        if threshold.metric == ACHIEVED:
            return threshold.holds(achieved_per_s)
        return threshold.holds(self.good / self.total if threshold.share and self.total else float(self.good))

    @property
    def broken(self) -> bool:
        """Whether it is missed so clearly, in the middle of a test, that the test may be stopped for it."""
        threshold = self.threshold
        if threshold.metric == ACHIEVED or self.met():
            return False
        # So many that a single one, the greatest of them or the first that fails, is not all that is judged by.
        rest = 1 - threshold.quantile if threshold.quantile is not None else threshold.limit if threshold.share else 1.0
        return self.total >= (max(ENOUGH, math.ceil(1 / rest - 1e-9)) if 0 < rest < 1 else 1)


def _rank(quantile: float, total: int) -> int:
    """The rank, from 1, of the value that ``quantile`` of ``total`` values do not exceed."""
    return max(1, math.ceil(quantile * total - 1e-9))


def quantile_of(ordered: Sequence[float], quantile: float) -> float | None:
    """The value at ``quantile`` of values in ascending order, by nearest rank; ``None`` when there are none."""
    return ordered[_rank(quantile, len(ordered)) - 1] if ordered else None


def as_json(gauge: Gauge, value: float | None, *, met: bool) -> dict[str, Any]:
    """One threshold as the report has it; ``value`` is in the unit of ``limit``."""
    one = gauge.threshold
    return {"threshold": one.text, "limit": one.limit, "value": value, "samples": gauge.total, "met": met}
