"""The platform's limits, found: one for everything, and one for each method or endpoint that turns out to have its own.

Pure arithmetic over :class:`~headgate.pacing.seeker.Seeker`. A refusal does not say whose limit it was: it is taken
for everybody's until so many of them hit one method or endpoint only, while others went through beside it, that chance
cannot explain it. A scope is named by ``""`` (all), ``"POST"`` or ``"POST /flows"``.

The pacer alone decides what answers mean for the rate. Everybody waits where the platform names a time, or while
nothing passes; else the rate is lowered. Configured rates are kept above all that.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import replace
from typing import Final, Literal

from headgate.classes import frozen, mutable
from headgate.exchange import NO_TOKEN, Answer, Call, Verdict
from headgate.pacing.lag import Lag
from headgate.pacing.retry import RetryPolicy
from headgate.pacing.seeker import TUNING, Seeker
from headgate.pacing.slots import Slots
from headgate.pacing.suspicion import Meaning, Suspicion

EVERYTHING: Final = ""
#: The limits that a request has to pass, configured ones first. Who has the same stands in one line.
Way = tuple[Slots | Seeker, ...]
#: Answers over which it is judged whose limit it is, and the chance below which it is not everybody's.
MEMORY: Final = 1000
CHANCE: Final = 1e-4
#: Statuses that may mean overload without saying so. A 503 says so.
DOUBTFUL: Final = frozenset({500, 502, 504})
#: A rate is told anew when it has moved by this share.
WORTH_TELLING: Final = 0.1
#: How long a limit found by an earlier run is believed, in seconds.
MEMORY_S: Final = 24 * 3600.0


@frozen
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


@frozen
class Found:
    """A limit as an earlier run left it: requests per second, and how many seconds ago it was found."""

    per_s: float
    age_s: float


@mutable
class _Seen:
    """One answer, as far as it matters to whose limit it is."""

    endpoint: str
    refused: bool
    rate: float


class Pacer:
    """All limits of one run. Rates are in requests per second; times are monotonic seconds unless named.

    ``ceiling`` holds for all together. ``configured`` are further rates under it, by what they are for: an endpoint
    (``POST /flows``), a method (``POST``), a path (``/flows``), or a sandbox (``sandbox dev``). Who retries sooner than
    usual also asks a closed limit sooner (``retry``).
    """

    def __init__(
        self,
        ceiling: float,
        configured: Mapping[str, float] | None = None,
        *,
        sandbox: str = "",
        retry: RetryPolicy | None = None,
    ) -> None:
        self.ceiling = ceiling
        self._tuning = TUNING
        if retry is not None:
            probe_s, probes_s = min(TUNING.probe_s, retry.first_s), min(TUNING.probes_s, retry.cap_s)
            self._tuning = replace(TUNING, probe_s=probe_s, probes_s=probes_s)
        #: Requests on their way.
        self.out = 0
        #: How often the ways have changed.
        self.ways = 0
        #: What has changed since it was last told.
        self.news: list[Change] = []
        self._top = Slots(ceiling)
        self._configured = {what: Slots(rate) for what, rate in (configured or {}).items()}
        self._sandbox = f"sandbox {sandbox}"
        self._all = Seeker(ceiling, tuning=self._tuning)
        self._own: dict[str, Seeker] = {}
        self._lanes: dict[str, tuple[tuple[str, Seeker], ...]] = {}
        self._ways: dict[str, Way] = {}
        self._seen: deque[_Seen] = deque(maxlen=MEMORY)
        #: What refusals mean: those that speak of a rate by scope, bare faults by endpoint.
        self._throttles: dict[str, Suspicion] = {}
        self._faults: dict[str, Suspicion] = {}
        self._lag = Lag()
        self._told: dict[str, float] = {}
        self._why = ""
        self._restored: list[str] = []

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

    def way(self, endpoint: str) -> Way:
        """All limits that a request to ``endpoint`` has to pass."""
        found = self._ways.get(endpoint)
        if found is None:
            method, _, path = endpoint.partition(" ")
            names = (endpoint, path, method, self._sandbox)
            configured = [self._configured[name] for name in names if name in self._configured]
            lanes = [lane for _, lane in self.lanes(endpoint)]
            found = self._ways[endpoint] = (self._top, *configured, *lanes)
        return found

    def wait(self, endpoint: str, now: float) -> float:
        """Seconds until a request to ``endpoint`` may leave: 0.0 or less if it may now."""
        longest = 0.0
        for lane in self._ways.get(endpoint) or self.way(endpoint):
            left = lane.wait(now)
            if left > longest:  # noqa: PLR1730 -- this is asked for every request
                longest = left
        return longest

    def passes(self, endpoint: str, now: float) -> bool:
        """Whether a request to ``endpoint`` may leave at once; then it has left."""
        if self.wait(endpoint, now) > 0:
            return False
        self.leave(endpoint, now)
        return True

    def leave(self, endpoint: str, now: float) -> None:
        """A request to ``endpoint`` leaves."""
        for lane in self._ways.get(endpoint) or self.way(endpoint):
            lane.take(now)
        self.out += 1

    def _changed_ways(self) -> None:
        self._lanes.clear()
        self._ways.clear()
        self.ways += 1

    # -- answers ------------------------------------------------------------------------------------------------------

    def answered(self, call: Call, answer: Answer, now: float, of: int = -1) -> bool:
        """An answer came in at ``now``; its request left ``answer.elapsed_s`` ago, for job ``of`` (-1: not told).

        Returns:
            Whether it was refused because of the rate, as far as is known.
        """
        made = answer.requests - answer.tokens or 1
        self.out = self.out - made if self.out > made else 0
        sent, endpoint, problem = now - answer.elapsed_s, call.endpoint, answer.problem
        if answer.verdict is Verdict.OK and not (self._seen or self._throttles or self._faults):  # almost every answer
            for _, lane in self._lanes.get(endpoint) or self.lanes(endpoint):
                lane.passed(sent, now)
            if made == 1:
                self._watch_lag(endpoint, answer.elapsed_s, now)
            if self._told or not self._all.idle:
                self._tell()
            return False
        lost = answer.verdict in (Verdict.LOST, Verdict.NOT_SENT) or not answer.requests
        if lost or (problem is not None and problem.code == NO_TOKEN):
            for _, lane in self.lanes(endpoint):
                lane.lost(sent, now)  # it says nothing of a limit
            return False
        refused = self._refuses(endpoint, answer, now, of)
        if refused:
            self._why = str(answer.status)
            self._refused(endpoint, sent, now, answer)
        else:
            for _, lane in self._lanes.get(endpoint) or self.lanes(endpoint):
                lane.passed(sent, now)
            if self._seen:  # only what comes after a refusal says whose it was
                self._seen.append(_Seen(endpoint, refused=False, rate=self._all.rate))
            if made == 1 and answer.verdict is Verdict.OK:
                self._watch_lag(endpoint, answer.elapsed_s, now)
        if refused or self._told or not self._all.idle:
            self._tell()
        return refused

    def _refuses(self, endpoint: str, answer: Answer, now: float, of: int) -> bool:
        if answer.verdict is Verdict.OK and not self._throttles and not self._faults:  # for almost every answer
            return False
        scope, lane = self.lanes(endpoint)[0]
        timed = bool(answer.retry_after_s)
        throttled = answer.verdict is Verdict.THROTTLED or answer.status == 503 or timed
        faulty = not throttled and answer.verdict is Verdict.FAULT and answer.status in DOUBTFUL
        if throttled and scope not in self._throttles:
            self._throttles[scope] = Suspicion(Meaning.RATE, lane.rate)
        if faulty and endpoint not in self._faults:
            self._faults[endpoint] = Suspicion()
        # Who names a time is heeded whatever he means by it.
        refuses = timed
        for doubt, met in ((self._throttles.get(scope), throttled), (self._faults.get(endpoint), faulty)):
            if doubt is not None and self._means_rate(doubt, lane, now, of if met else None):
                refuses = True
        if self._faults:
            lane.floor = max(doubt.floor for doubt in self._faults.values())
        return refuses

    def _means_rate(self, doubt: Suspicion, lane: Seeker, now: float, of: int | None) -> bool:
        """Whether an answer that is a refusal of job ``of`` (``None``: is none) means that the rate was too high."""
        if lane.closed:  # single requests that ask on say nothing of a rate
            return of is not None and doubt.meaning in (Meaning.TRIED, Meaning.RATE)
        counts = False
        if of is None:
            doubt.passed(lane.rate, now)
        else:
            known = any(other.meaning is Meaning.RATE for other in self._faults.values())
            counts = doubt.fault(lane.rate, now, of, known=known)
        if doubt.innocent(lane.rate, now):
            lane.pardon(doubt.rate_then)
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
        lane = self._own[own] = Seeker(self.ceiling, start=max(0.5, share * self._all.rate), tuning=self._tuning)
        (self._own.get(wide) or self._all).pardon(whole)
        self._changed_ways()
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

    def told(self) -> list[Change]:
        """The news, which are then no news any more."""
        news, self.news = self.news, []
        return news

    def _tell(self) -> None:
        why = self._why
        if not self._all.idle or EVERYTHING in self._told:
            self._note(EVERYTHING, self._all, why)
        for scope, lane in list(self._own.items()):
            self._note(scope, lane, why)
            if lane.idle:  # it has grown back to where nothing holds it
                del self._own[scope]
                self._changed_ways()

    def _note(self, scope: str, lane: Seeker, why: str) -> None:
        told, now = self._told.get(scope, self.ceiling), 0.0 if lane.closed else lane.rate
        if lane.closed and not told:
            return
        if lane.closed:
            self.news.append(Change(scope, now, "closed", why))
        elif abs(now - told) > WORTH_TELLING * max(told, now) or (lane.idle and told < self.ceiling):
            lower = now < told
            self.news.append(Change(scope, now, "lowered" if lower else "raised", why if lower else ""))
        else:
            return
        self._told[scope] = now

    # -- memory -------------------------------------------------------------------------------------------------------

    def found(self) -> dict[str, float]:
        """Limits found so far, requests per second by scope; empty when nothing was refused."""
        lanes = [(EVERYTHING, self._all), *self._own.items()]
        return {scope: limit for scope, lane in lanes if (limit := lane.found) is not None}

    def learned(self) -> tuple[dict[str, float], list[str]]:
        """What the next run should know: limits that showed in this one, by scope, and scopes that have none any more.

        What was only taken over, and neither met nor outgrown, is neither: it is no newer for that.
        """
        lanes = {EVERYTHING: self._all, **self._own}
        found = {scope: limit for scope, limit in self.found().items() if lanes[scope].moved}
        return found, [scope for scope in self._restored if scope not in lanes or lanes[scope].found is None]

    def restore(self, known: Mapping[str, Found]) -> None:
        """Begin with what earlier runs found, unless that is long ago. Call before anything leaves."""
        for scope, found in known.items():
            if not 0 <= found.age_s <= MEMORY_S or found.per_s >= self.ceiling:
                continue
            lane = Seeker(self.ceiling, start=found.per_s, tuning=self._tuning)
            if scope == EVERYTHING:
                self._all = lane
            else:
                self._own[scope] = lane
            self._restored.append(scope)
            self._told[scope] = lane.rate
            self.news.append(Change(scope, lane.rate, "begins"))
        self._changed_ways()


def _scopes(endpoint: str) -> tuple[str, str]:
    """The narrower scopes of an endpoint, the narrowest first."""
    return endpoint, endpoint.partition(" ")[0]


def _within(endpoint: str, scope: str) -> bool:
    return not scope or endpoint == scope or endpoint.partition(" ")[0] == scope
