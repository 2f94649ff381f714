"""Counters of a run: what was sent, by endpoint, and how it went. Survives a crash through the store.

Beside the counts it keeps, in a bounded number of bytes, how long answers took (``latency``, a histogram for each
endpoint), how many requests left when (``series``), the ceiling of the rate and when each life began.
"""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from headgate.engine.gauges import LIVES, Histogram, Series, Steps
from headgate.exchange import Answer, Call, Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Where requests for a token are counted; they go to another host.
TOKENS: Final = "POST token"
#: Endpoints whose latency is kept apart; a platform has about thirty.
_ENDPOINTS: Final = 100


class Tally:
    """Requests of one run, all its lives together. ``before`` is what an earlier life stored."""

    def __init__(self, before: Mapping[str, Any] | None = None) -> None:
        before = before or {}
        self.sent = int(before.get("sent", 0))
        self.throttled = int(before.get("throttled", 0))
        self.retried = int(before.get("retried", 0))
        self.polls = int(before.get("polls", 0))
        #: How long the whole run was thought to take when it began; 0.0 where nobody said.
        self.forecast_s = float(before.get("forecast", 0.0))
        #: Runs seen to be over, and of how many it took how long to see that, by platform seconds.
        self.runs = int(before.get("runs", 0))
        self.lags: Counter[str] = Counter(before.get("lags", {}))
        self.seconds = float(before.get("seconds", 0.0))
        #: Limits of the platform as far as they were found, requests per second by scope.
        self.limits: Mapping[str, float] = before.get("limits", {})
        self.by_endpoint: Counter[str] = Counter(before.get("byEndpoint", {}))
        self.by_status: Counter[str] = Counter(before.get("byStatus", {}))
        self.latency = {str(name): Histogram(counts) for name, counts in before.get("latency", {}).items()}
        self.series = Series(before.get("series"))
        self.ceiling = Steps(before.get("ceiling", ()))
        self.lives: list[list[float]] = [list(life) for life in before.get("lives", ())]

    def begin(self, now_s: float) -> None:
        """A life of the run begins at epoch second ``now_s``."""
        self.lives = [*self.lives[: LIVES - 1], [round(self.seconds, 3), round(now_s, 3)]]

    def answered(self, call: Call, answer: Answer, left_s: float = 0.0, *, refused: bool = False) -> None:
        """Count one performed call that left ``left_s`` seconds after this life began.

        ``refused`` says that it was because of the rate, as far as the gate can tell.
        """
        requests, tokens, endpoint = answer.requests, answer.tokens, call.endpoint
        if not requests:
            return
        self.sent += requests
        if requests > tokens:
            self.by_endpoint[endpoint] += requests - tokens
        if tokens:
            self.by_endpoint[TOKENS] += tokens
        self.by_status[str(answer.status or answer.verdict.value)] += 1
        throttled = refused or answer.verdict is Verdict.THROTTLED
        if throttled:
            self.throttled += 1
        troubled = answer.verdict is Verdict.FAULT or answer.verdict is Verdict.LOST
        self.series.add(self.seconds + left_s, requests, throttled, troubled)
        histogram = self.latency.get(endpoint)
        if histogram is None:
            histogram = self.latency.setdefault(endpoint if len(self.latency) < _ENDPOINTS else "others", Histogram())
        histogram.add(answer.elapsed_s / requests, requests)
        if call.purpose == "poll":
            self.polls += requests - tokens

    def noticed(self, lag_s: float | None) -> None:
        """A run that was waited for is over, for ``lag_s`` platform seconds as far as is known."""
        self.runs += 1
        if lag_s is not None:
            # Tenths of a second, and whole seconds of longer ones: few different numbers.
            self.lags[f"{math.ceil(lag_s * 10) / 10 if lag_s < 10 else math.ceil(lag_s):g}"] += 1

    def as_dict(self, wall_s: float = 0.0) -> dict[str, Any]:
        """For the store and the report; ``wall_s`` is added to the seconds of earlier lives."""
        return {
            "sent": self.sent,
            "throttled": self.throttled,
            "retried": self.retried,
            "polls": self.polls,
            **({"forecast": round(self.forecast_s, 1)} if self.forecast_s else {}),
            **({"runs": self.runs, "lags": dict(self.lags)} if self.runs else {}),
            "seconds": round(self.seconds + wall_s, 3),
            "byEndpoint": dict(sorted(self.by_endpoint.items())),
            "byStatus": dict(sorted(self.by_status.items())),
            **({"limits": {scope: round(rate, 2) for scope, rate in self.limits.items()}} if self.limits else {}),
            "latency": {name: self.latency[name].packed() for name in sorted(self.latency)},
            "series": self.series.packed(),
            "ceiling": self.ceiling.changes,
            "lives": self.lives,
        }
