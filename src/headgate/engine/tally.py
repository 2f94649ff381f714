"""Counters of a run: what was sent, by endpoint, and how it went. Survives a crash through the store."""

from __future__ import annotations

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
        self.seconds = float(before.get("seconds", 0.0))
        #: Limits of the platform as far as they were found, requests per second by scope.
        self.limits: Mapping[str, float] = before.get("limits", {})
        self.by_endpoint: Counter[str] = Counter(before.get("byEndpoint", {}))
        self.by_status: Counter[str] = Counter(before.get("byStatus", {}))

    def answered(self, call: Call, answer: Answer, *, refused: bool = False) -> None:
        """Count one performed call; ``refused`` because of the rate, as the gate saw it."""
        if not answer.requests:
            return
        self.sent += answer.requests
        if answer.requests > answer.tokens:
            self.by_endpoint[call.endpoint] += answer.requests - answer.tokens
        if answer.tokens:
            self.by_endpoint[TOKENS] += answer.tokens
        self.by_status[str(answer.status or answer.verdict.value)] += 1
        if refused or answer.verdict is Verdict.THROTTLED:
            self.throttled += 1
        if call.purpose == "poll":
            self.polls += answer.requests - answer.tokens

    def as_dict(self, wall_s: float = 0.0) -> dict[str, Any]:
        """For the store and the report; ``wall_s`` is added to the seconds of earlier lives."""
        return {
            "sent": self.sent,
            "throttled": self.throttled,
            "retried": self.retried,
            "polls": self.polls,
            "seconds": round(self.seconds + wall_s, 3),
            "byEndpoint": dict(sorted(self.by_endpoint.items())),
            "byStatus": dict(sorted(self.by_status.items())),
            **({"limits": {scope: round(rate, 2) for scope, rate in self.limits.items()}} if self.limits else {}),
        }
