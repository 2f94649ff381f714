"""Finds a limit that nobody tells, and holds it. Pure: time comes in with every call.

What is known of a limit is what it let through and what it refused. So the rate begins at its ceiling and stays
there until something is refused. Then:

- A single refusal takes a little off the rate. A second one among those on their way stops everybody until all of
  them have been answered; the share that passed says how far the rate was off.
- When nothing passes at all the limit is *closed* (a window is used up, or the platform is down): single probes ask,
  at growing distances, whether it is open again. Once it is, what passed from one opening to the next is the rate.
- After a cut the rate returns soon to just below where the refusal came, and from there it grows, first slowly, then
  faster and faster, as long as it is used and nothing is refused: near a limit it touches it seldom, far below one it
  does not stay.

Requests leave one after another, never in a bunch: after a pause as well.
"""

from __future__ import annotations

import math
from collections import deque
from typing import Final

from headgate.classes import frozen, mutable


@frozen
class Tuning:
    """How a :class:`Seeker` behaves; chosen by simulation against every server model of the tests."""

    #: What one refusal leaves of the rate.
    cut: float = 0.97
    #: Growth over the first ``calm_s``, as a share; it doubles with every further ``calm_s``.
    grow: float = 0.03
    #: Seconds without a refusal after which growth doubles; at least the time of ``calm_requests`` requests.
    calm_s: float = 3.0
    calm_requests: float = 120.0
    #: Growth a second, at most, as a share.
    fastest: float = 0.2
    #: Time constant of the return to the rate at which the refusal came, in seconds.
    back_s: float = 0.5
    #: Requests leave this much late at most before their turn is lost, in seconds.
    slack_s: float = 0.1
    #: Shortest and longest distance of two probes of a closed limit, in seconds, and their share of its length so far.
    probe_s: float = 0.25
    probes_s: float = 5.0
    probe_share: float = 0.2


TUNING: Final = Tuning()
#: After a ``Retry-After`` of this or more a single request asks first whether it has been long enough.
LONG_PAUSE_S: Final = 3.0
#: Where a refusal means a pause for all, growth takes so many times as long: pauses are to be rare.
PAUSE_CYCLES: Final = 10.0
#: Refusals in a row, with nothing that passed between, that mean closed.
CLOSED_AFTER: Final = 3
#: Probes of a closed limit are so many of the pauses apart that it asks for, at most.
PAUSES: Final = 5.0
#: A probe without an answer for so long is lost, in seconds.
LOST_S: Final = 10.0
#: What passes between two openings tells the rate, but a cut is not deeper than this at once.
MOST_AT_ONCE: Final = 4.0
#: A limit that is closed for less, in seconds, is one that the rate has just met; such a share of what passed stays.
BRIEF_S: Final = 1.0
BRIEFLY: Final = 0.7
#: The longest window that is thought of, in seconds.
LONGEST_S: Final = 60.0
#: How far back is remembered what passed, and how close to one another cuts belong together, in seconds.
LATELY_S: Final = 2.0
CLUSTER_S: Final = 2.0
#: In the first second of such cuts the rate to go back to stays above this share of what it was before them.
AT_ONCE: Final = 0.5
#: What passed is counted by so many parts of a second.
GRAINS: Final = 20
#: How long nothing grows after a sign that it should not, in seconds.
STILL_S: Final = 0.5
#: The slowest rate, requests per second.
FLOOR_PER_S: Final = 0.05


@mutable
class _Episode:
    """From a fresh refusal until all requests that were on their way then have been answered."""

    first_sent: float
    began: float
    ends: float
    rate: float
    until: float
    answers: int = 1
    refused: int = 1
    #: Whether everybody waits for it to end.
    held: bool = False


class Seeker:
    """One limit below ``ceiling`` (requests per second). Times are monotonic seconds, and never go backwards."""

    def __init__(self, ceiling: float, *, start: float | None = None, tuning: Tuning = TUNING) -> None:
        self.ceiling = ceiling
        self._tuning = tuning
        self.rate = ceiling if start is None else min(ceiling, max(FLOOR_PER_S, start))
        self._start = start
        self.refusals = 0
        #: Below this no cut goes, requests per second.
        self.floor = 0.0
        #: Where the fast return ends and the slow growth begins.
        self._target = self.rate
        #: Seconds of use without a refusal.
        self._calm = 0.0
        #: Whether somebody waited since the last request left.
        self._wanted = False
        self._grown_at = self._still_until = -math.inf
        self._next = -math.inf
        self._hold = -math.inf
        self._episode: _Episode | None = None
        #: Refusals of requests sent before this are old news.
        self._fresh = -math.inf
        self._row = 0
        #: When the last cut was judged, when the first one that belongs to it began, and what passed lately.
        self._judged = self._cluster = -math.inf
        self._cluster_rate = 0.0
        self._recent: deque[list[int]] = deque(maxlen=math.ceil(LATELY_S * GRAINS))
        self._closed: float | None = None
        self._probe_at = -math.inf
        self._probing = False
        self._refused_at = -math.inf
        #: What passed since the limit was last seen to open, and since when.
        self._passed = 0
        self._opened: float | None = None
        #: How long it takes from one opening to the next, where it closes: growth takes its time.
        self._cycle = 0.0
        self._closings = 0

    # -- leaving ------------------------------------------------------------------------------------------------------

    @property
    def idle(self) -> bool:
        """Whether it holds nobody back: nothing was refused, or the ceiling has been reached again."""
        return self.rate >= self.ceiling and self._closed is None and self._episode is None

    @property
    def found(self) -> float | None:
        """The limit as far as it is known, requests per second; ``None`` when nothing was refused."""
        if self.idle or (not self.refusals and self._start is None):
            return None
        return self._target if self.rate < 1.1 * self._target else 0.9 * self.rate

    @property
    def moved(self) -> bool:
        """Whether the limit has shown: by a refusal, or by letting more through than it began with."""
        return self.refusals > 0 or (self._start is not None and self.rate > 1.01 * self._start)

    @property
    def closed(self) -> bool:
        """Whether nothing passes at present."""
        return self._closed is not None

    def wait(self, now: float) -> float:
        """Seconds until the next request may leave; 0.0 if it may now."""
        if self._episode is not None:
            self._judge_if_over(now)
        if self._closed is not None:
            if self._probing:
                # Its answer says how to go on; one that gets lost must not stop everything.
                return max(0.0, self._probe_at + LOST_S - now)
            return max(0.0, self._probe_at - now)
        left = self._hold - now
        if self.rate < self.ceiling or self._episode is not None:
            left = max(left, self._next - now)
            self._wanted = self._wanted or left > 0
        return left if left > 0.0 else 0.0  # noqa: FURB136 -- asked for every request, and a call costs three times that

    def take(self, now: float) -> None:
        """One request leaves."""
        if self._opened is None:
            self._opened = now
        if self._closed is not None:
            self._probing, self._probe_at = True, now
            return
        since, self._grown_at = now - self._grown_at, now
        # A rate that nobody waited for is not known to be kept.
        if self._wanted:
            self._wanted = False
            if self.rate < self.ceiling and now >= self._still_until:
                self._grow(min(since, 2.0 / self.rate + self._tuning.slack_s))
        due, late = self._next, now - self._tuning.slack_s
        self._next = max(due, late) + 1.0 / self.rate

    def _grow(self, since: float) -> None:
        """The rate after ``since`` seconds in which requests waited and none was refused."""
        if self.rate < self._target:
            self.rate += (self._target - self.rate) * -math.expm1(-since / self._tuning.back_s)
            if self.rate < self._target * 0.99:
                return
        span = max(self._tuning.calm_s, self._tuning.calm_requests / self.rate, self._cycle)
        self._calm += since
        faster = min(self._tuning.fastest, self._tuning.grow / span * 2.0 ** min(30.0, self._calm / span))
        self.rate = min(self.ceiling, self.rate * math.exp(faster * since))

    # -- answers ------------------------------------------------------------------------------------------------------

    def passed(self, sent: float, now: float) -> None:
        """A request that left at ``sent`` was not refused."""
        self._passed += 1
        self._row = 0
        grain = int(now * GRAINS)
        recent = self._recent
        if recent and recent[-1][0] == grain:
            recent[-1][1] += 1
        else:
            recent.append([grain, 1])
        if self._closed is not None:
            if sent >= self._closed:
                self._open(now)
            return
        if self._episode is not None:
            self._note(sent, now, refused=False)

    def refused(self, sent: float, now: float, pause_s: float | None = None) -> None:
        """A request that left at ``sent`` was refused; ``pause_s`` is how long the platform asks to wait."""
        pause = pause_s or 0.0
        self.refusals += 1
        if self._closed is not None:
            if sent >= self._probe_at:
                self._probe_again(now, pause)
            elif pause >= LONG_PAUSE_S and not self._probing:
                self._probe_at = max(self._probe_at, now + pause)
            return
        if pause > 0:
            self._hold = max(self._hold, now + pause)
            self._cycle = max(self._cycle, PAUSE_CYCLES * min(pause, LONG_PAUSE_S))
        if pause >= LONG_PAUSE_S:
            self._close(now, now, pause)
            return
        if sent < self._fresh:
            self._note(sent, now, refused=True)
            return
        self._row += 1
        episode = self._episode
        if episode is None:
            length = 1.25 * max(0.02, now - sent)
            self._episode = _Episode(sent, now, now + length, self.rate, now)
            self._cut(self.rate * self._tuning.cut, self.rate * self._tuning.cut)
        else:
            self._note(sent, now, refused=True)
            if not episode.held:
                # Not the only one: nobody leaves until all who are out have been answered.
                episode.held = True
                episode.until, episode.ends = now, now + 1.25 * max(0.02, now - sent)
                self._hold = max(self._hold, episode.ends)
        if self._row >= CLOSED_AFTER and self._episode is not None and self._row >= self._episode.answers:
            self._close(self._episode.began, now, pause)

    def slowed(self, per_s: float, now: float) -> None:
        """The platform keeps up with only ``per_s`` requests a second, without refusing any."""
        self.refusals += 1
        if self._closed is None and per_s < self.rate:
            self._judge_if_over(now)
            self._cut(per_s, per_s)

    def lost(self, sent: float, now: float) -> None:
        """A request that left at ``sent`` ended without saying anything of this limit."""
        if self._closed is not None and self._probing and sent >= self._probe_at:
            self._probe_again(now, 0.0)

    def pardon(self, rate: float) -> None:
        """What was refused was no concern of this limit: go back to ``rate``."""
        self.rate = self._target = min(self.ceiling, max(self.rate, rate))
        self._closed = self._episode = None
        self._probing, self._row, self._hold = False, 0, -math.inf
        if self.rate >= self.ceiling:
            self.refusals = 0

    def still(self, now: float) -> None:
        """Do not grow just now."""
        self._still_until, self._calm = now + STILL_S, 0.0

    def _note(self, sent: float, now: float, *, refused: bool) -> None:
        episode = self._episode
        if episode is not None and episode.first_sent <= sent <= episode.until:
            episode.answers += 1
            episode.refused += refused
        self._judge_if_over(now)

    def _judge_if_over(self, now: float) -> None:
        episode = self._episode
        if episode is None or now < episode.ends:
            return
        self._episode = None
        self._fresh = episode.until
        if episode.refused < 2:
            return
        share = 1.0 - episode.refused / episode.answers
        # A handful says little: the end of a window refuses a few in a row of a rate that is nearly right.
        self._lower(episode.rate, max(0.7 if episode.refused < 4 else 0.2, share), episode.began, now)
        self._next = now

    def _lower(self, rate: float, share: float, began: float, now: float) -> None:
        """Cut to ``share`` of ``rate``, which was too much from ``began`` on, and go back to what is known to pass."""
        if began > self._judged + CLUSTER_S:
            # The first for a while: what passed until then was not too much, and is soon to be tried again.
            passed = self._mean(max(self._judged, began - LATELY_S), began)
            self._cluster, self._cluster_rate = began, rate
        else:
            # And again: what passes since the first of them is the rate. It is a count, so not all is believed at once.
            passed = self._mean(self._cluster, now)
            if now < self._cluster + 1.0:
                passed = max(passed, 0.7 * self._target, AT_ONCE * self._cluster_rate)
        self._cut(rate * share, min(rate * self._tuning.cut, max(rate * share, passed)))
        self._judged = now

    def _mean(self, begin: float, end: float) -> float:
        """What passed per second from ``begin`` to ``end``, as far as is remembered."""
        passed = sum(count for grain, count in self._recent if begin < (grain + 0.5) / GRAINS <= end)
        return passed / max(0.25, end - begin)

    def _cut(self, rate: float, target: float) -> None:
        self.rate = max(FLOOR_PER_S, min(self.rate, max(rate, self.floor)))
        self._target = max(self.rate, target)
        self._calm = 0.0

    # -- closed -------------------------------------------------------------------------------------------------------

    def _close(self, since: float, now: float, pause: float) -> None:
        self._closed, self._probing = since, False
        if self._episode is not None:
            self._target = self._episode.rate * self._tuning.cut
            self._episode = None
        self._probe_at = now + (pause or max(self._tuning.probe_s, 1.0 / self.rate))

    def _probe_again(self, now: float, pause: float) -> None:
        closed = self._closed if self._closed is not None else now
        own = min(self._tuning.probes_s, max(self._tuning.probe_s, (now - closed) * self._tuning.probe_share))
        if pause > 0:  # whoever says when to come back is not kept waiting much longer
            own = min(own, PAUSES * pause)
        self._probing, self._refused_at = False, now
        self._probe_at = now + max(own, pause)

    def _open(self, now: float) -> None:
        closed, opened = self._closed or now, self._opened if self._opened is not None else now
        length = now - closed
        # It opened between two probes.
        late = (now - self._refused_at) / 2 if self._refused_at > opened and length >= BRIEF_S else 0.0
        cycle = max(1e-3, now - late - opened)
        # What is left of the time until it closes again is to be enough for as much again.
        mean = self._passed / max(cycle - late, cycle / 2)
        if mean < self.rate / MOST_AT_ONCE:
            mean = self.rate / MOST_AT_ONCE  # the rate was not used: it closed for another reason
        elif length >= BRIEF_S:
            # Once may have been an outage.
            self._cycle = min(LONGEST_S, max(cycle if self._closings else cycle / 3, self._cycle / 2))
            self._closings += 1
        self._closed, self._probing, self._row = None, False, 0
        if length < BRIEF_S and not self._cycle:
            # No window, as far as is known: what passed lately says more than what passed since it was last closed.
            mean = max(mean, BRIEFLY * self._mean(closed - LATELY_S, closed))
        self._cut(mean, mean)
        self._passed, self._opened = 0, now - late
        self._fresh, self._next, self._hold = now, now + 1.0 / self.rate, now
