"""Counters of a run: what was sent, by endpoint, and how it went. Survives a crash through the store."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from headgate.exchange import Answer, Call, Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Where requests for a token are counted; they go to another host.
TOKENS: Final = "POST token"


class Tally:
    """Requests of one run, all its lives together. ``before`` is what an earlier life stored."""

    def __init__(self, before: Mapping[str, Any] | None = None) -> None:
        before = before or {}
        self.sent = int(before.get("sent", 0))
        self.throttled = int(before.get("throttled", 0))
        self.retried = int(before.get("retried", 0))
        self.polls = int(before.get("polls", 0))
        #: Runs seen to be over, and of how many it took how long to see that, by platform seconds.
        #: How long the whole run was thought to take when it began; 0.0 where nobody said.
        self.forecast_s = float(before.get("forecast", 0.0))
        self.runs = int(before.get("runs", 0))
        self.lags: Counter[str] = Counter(before.get("lags", {}))
        self.seconds = float(before.get("seconds", 0.0))
        self.by_endpoint: Counter[str] = Counter(before.get("byEndpoint", {}))
        self.by_status: Counter[str] = Counter(before.get("byStatus", {}))

    def answered(self, call: Call, answer: Answer) -> None:
        """Count one performed call."""
        if not answer.requests:
            return
        self.sent += answer.requests
        if answer.requests > answer.tokens:
            self.by_endpoint[call.endpoint] += answer.requests - answer.tokens
        if answer.tokens:
            self.by_endpoint[TOKENS] += answer.tokens
        self.by_status[str(answer.status or answer.verdict.value)] += 1
        if answer.verdict is Verdict.THROTTLED:
            self.throttled += 1
        if call.purpose == "poll":
            self.polls += answer.requests - answer.tokens

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
        }
