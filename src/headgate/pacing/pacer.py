"""The platform's limits, found: one for everything, and one for each method or endpoint that turns out to have its own.

Pure arithmetic over :class:`~headgate.pacing.seeker.Seeker`. A refusal does not say whose limit it was: it is taken
for everybody's until so many of them hit one method or endpoint only, while others went through beside it, that chance
cannot explain it. A scope is named by ``""`` (all), ``"POST"`` or ``"POST /flows"``.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from headgate.exchange import NO_TOKEN, Answer, Call, Verdict
from headgate.pacing.lag import Lag
from headgate.pacing.seeker import Seeker
from headgate.pacing.suspicion import Meaning, Suspicion

if TYPE_CHECKING:
    from collections.abc import Iterator

EVERYTHING: Final = ""
#: Answers over which it is judged whose limit it is, and the chance below which it is not everybody's.
MEMORY: Final = 1000
CHANCE: Final = 1e-4
#: Statuses that may mean overload without saying so. A 503 says so.
DOUBTFUL: Final = frozenset({500, 502, 504})
#: A rate is told anew when it has moved by this share.
WORTH_TELLING: Final = 0.1
#: How long a limit found by an earlier run is believed, in seconds.
MEMORY_S: Final = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Change:
    """News for people: the rate of ``scope`` is ``per_s`` requests a second from now on.

    ``what`` has happened: it was ``lowered``, or ``raised`` again, the limit is ``closed`` (nothing passes; single
    requests ask on), or the run ``begins`` with what an earlier one found. ``why`` is what showed it.
    """

    scope: str
    per_s: float
    what: Literal["lowered", "raised", "closed", "begins"]
    why: str = ""

    def __str__(self) -> str:
        of = f" of {self.scope}" if self.scope else ""
        after = f" after {self.why}" if self.why else ""
        match self.what:
            case "closed":
                return f"rate{of}: nothing passes{after}; asking now and then"
            case "begins":
                return f"rate{of} begins at {self.per_s:.3g}/s, which an earlier run found"
            case _:
                return f"rate{of} {self.what} to {self.per_s:.3g}/s{after}"


@dataclass(frozen=True, slots=True)
class Found:
    """A limit as an earlier run left it: requests per second, and when it was found (epoch seconds)."""

    per_s: float
    at_s: float


@dataclass(slots=True)
class _Seen:
    """One answer, as far as it matters to whose limit it is."""

    endpoint: str
    refused: bool
    rate: float


class Pacer:
    """All limits of one run. ``ceiling`` is in requests per second; times are monotonic seconds unless named."""

    def __init__(self, ceiling: float) -> None:
        self.ceiling = ceiling
        #: Requests on their way.
        self.out = 0
        self._all = Seeker(ceiling)
        self._own: dict[str, Seeker] = {}
        self._lanes: dict[str, tuple[tuple[str, Seeker], ...]] = {}
        self._seen: deque[_Seen] = deque(maxlen=MEMORY)
        self._faults: dict[str, Suspicion] = {}
        self._lag = Lag()
        self._told: dict[str, float] = {}
        self._news: list[Change] = []

    # -- leaving ------------------------------------------------------------------------------------------------------

    @property
    def rate(self) -> float:
        """Requests per second that all together may make."""
        return 0.0 if self._all.closed else self._all.rate

    def lanes(self, endpoint: str) -> tuple[tuple[str, Seeker], ...]:
        """The limits a request to ``endpoint`` has to pass, by scope, the narrowest first; the last is everybody's."""
        found = self._lanes.get(endpoint)
        if found is None:
            own = [(scope, self._own[scope]) for scope in _scopes(endpoint) if scope in self._own]
            found = self._lanes[endpoint] = (*own, (EVERYTHING, self._all))
        return found

    # -- answers ------------------------------------------------------------------------------------------------------

    def answered(self, call: Call, answer: Answer, now: float) -> None:
        """An answer came in at ``now``. It left ``answer.elapsed_s`` ago."""
        made = max(1, answer.requests - answer.tokens)
        self.out = max(0, self.out - made)
        sent, endpoint = now - answer.elapsed_s, call.endpoint
        problem = answer.problem
        lost = answer.verdict in (Verdict.LOST, Verdict.NOT_SENT) or not answer.requests
        if lost or (problem is not None and problem.code == NO_TOKEN):
            for _, lane in self.lanes(endpoint):
                lane.lost(sent, now)  # it says nothing of a limit
            return
        if self._refuses(endpoint, answer, now):
            self._refused(endpoint, sent, now, answer)
        else:
            for _, lane in self.lanes(endpoint):
                lane.passed(sent, now)
            if self._seen:  # only what comes after a refusal says whose it was
                self._seen.append(_Seen(endpoint, refused=False, rate=self._all.rate))
            if made == 1 and answer.verdict is Verdict.OK:
                self._watch_lag(endpoint, answer.elapsed_s, now)
        self._tell(answer)

    def _refuses(self, endpoint: str, answer: Answer, now: float) -> bool:
        suspicion = self._faults.get(endpoint)
        if answer.verdict is Verdict.FAULT and answer.status in DOUBTFUL:
            if suspicion is None:
                suspicion = self._faults[endpoint] = Suspicion()
            known = any(each.meaning is Meaning.RATE for each in self._faults.values())
            counts = suspicion.fault(self._all.rate, now, known=known)
        else:
            counts = answer.verdict is Verdict.THROTTLED or (answer.verdict is Verdict.FAULT and answer.status == 503)
            if suspicion is None:
                return counts
            suspicion.passed(now)
        if suspicion.innocent(self._all.rate, now):
            self._all.pardon(suspicion.rate_then)
            return False
        return counts

    def _refused(self, endpoint: str, sent: float, now: float, answer: Answer) -> None:
        self._seen.append(_Seen(endpoint, refused=True, rate=self._all.rate))
        lanes = self.lanes(endpoint)
        scope, lane = lanes[0]
        if scope != endpoint and (own := self._whose(endpoint, scope)) != scope:
            lane.lost(sent, now)
            lane = self._split(own, scope)
            lanes = self.lanes(endpoint)
        lane.refused(sent, now, answer.retry_after_s)
        for _, other in lanes:
            if other is not lane:
                other.lost(sent, now)

    def _whose(self, endpoint: str, scope: str) -> str:
        """The narrowest scope that the refusals within ``scope`` are about."""
        found = scope
        for narrow in reversed(_scopes(endpoint)):
            if len(narrow) <= len(found):
                continue
            within = [seen for seen in self._seen if _within(seen.endpoint, found)]
            first = next((index for index, seen in enumerate(within) if seen.refused), len(within))
            within = within[first:]
            refused = [seen for seen in within if seen.refused]
            share = sum(1 for seen in within if _within(seen.endpoint, narrow)) / max(1, len(within))
            if all(_within(seen.endpoint, narrow) for seen in refused) and share ** len(refused) < CHANCE:
                found = narrow
        return found

    def _split(self, own: str, wide: str) -> Seeker:
        """Give ``own`` a limit of its own, and back to ``wide`` what was taken from it on its account."""
        within = [seen for seen in self._seen if _within(seen.endpoint, wide)]
        first = next(index for index, seen in enumerate(within) if seen.refused)
        after = within[first:]
        mine = [seen for seen in after if _within(seen.endpoint, own)]
        share = sum(1 for seen in mine if not seen.refused) / max(1, len(after))
        whole = max((seen.rate for seen in after), default=self.ceiling)
        lane = self._own[own] = Seeker(self.ceiling, start=max(0.5, share * self._all.rate))
        (self._own.get(wide) or self._all).pardon(whole)
        self._lanes.clear()
        self._seen.clear()
        return lane

    def _watch_lag(self, endpoint: str, took_s: float, now: float) -> None:
        slower = self._lag.answered(endpoint, took_s, self.out, self._all.rate, now)
        if self._lag.queueing:
            self._all.still(now)
        if self._lag.in_vain is not None:
            self._all.pardon(self._lag.in_vain)
            self._lag.in_vain = None
        if slower is not None:
            self._all.slowed(slower, now)
            self._note(EVERYTHING, self._all, "slow answers")

    # -- news ---------------------------------------------------------------------------------------------------------

    def news(self) -> Iterator[Change]:
        """What has changed since this was last asked."""
        news, self._news = self._news, []
        return iter(news)

    def _tell(self, answer: Answer) -> None:
        why = str(answer.status)
        if not self._all.idle or EVERYTHING in self._told:
            self._note(EVERYTHING, self._all, why)
        for scope, lane in list(self._own.items()):
            self._note(scope, lane, why)
            if lane.idle:  # it has grown back to where nothing holds it
                del self._own[scope]
                self._lanes.clear()

    def _note(self, scope: str, lane: Seeker, why: str) -> None:
        told, now = self._told.get(scope, self.ceiling), 0.0 if lane.closed else lane.rate
        if lane.closed and not told:
            return
        if lane.closed:
            self._news.append(Change(scope, now, "closed", why))
        elif abs(now - told) > WORTH_TELLING * max(told, now) or (lane.idle and told < self.ceiling):
            lower = now < told
            self._news.append(Change(scope, now, "lowered" if lower else "raised", why if lower else ""))
        else:
            return
        self._told[scope] = now

    # -- memory -------------------------------------------------------------------------------------------------------

    def found(self) -> dict[str, float]:
        """Limits found so far, requests per second by scope; empty when nothing was refused."""
        lanes = [(EVERYTHING, self._all), *self._own.items()]
        return {scope: limit for scope, lane in lanes if (limit := lane.found) is not None}

    def remembered(self, now_s: float) -> dict[str, Found]:
        """What the next run should know; ``now_s`` is epoch seconds."""
        return {scope: Found(limit, now_s) for scope, limit in self.found().items()}

    def restore(self, known: Mapping[str, Found], now_s: float) -> None:
        """Begin with what an earlier run found, unless that is long ago. Call before anything leaves."""
        for scope, found in known.items():
            if not 0 <= now_s - found.at_s <= MEMORY_S or found.per_s >= self.ceiling:
                continue
            lane = Seeker(self.ceiling, start=found.per_s)
            if scope == EVERYTHING:
                self._all = lane
            else:
                self._own[scope] = lane
            self._told[scope] = lane.rate
            self._news.append(Change(scope, lane.rate, "begins"))
        self._lanes.clear()


def _scopes(endpoint: str) -> tuple[str, str]:
    """The narrower scopes of an endpoint, the narrowest first."""
    return endpoint, endpoint.partition(" ")[0]


def _within(endpoint: str, scope: str) -> bool:
    return not scope or endpoint == scope or endpoint.partition(" ")[0] == scope
