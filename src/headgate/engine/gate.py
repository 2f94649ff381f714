"""Where requests wait for leave: all in one place, let go one by one, by one timer."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from operator import attrgetter
from typing import TYPE_CHECKING, Final

from headgate.pacing import Found, Pacer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from headgate.clock import Clock
    from headgate.exchange import Answer, Call
    from headgate.pacing import Change, RetryPolicy
    from headgate.pacing.pacer import Way

#: The scope of everything, in words.
ALL: Final = "all"


class _Waiter:
    """One request that waits, and its place in the order of arrival."""

    __slots__ = ("endpoint", "leave", "place")

    def __init__(self, endpoint: str, place: int) -> None:
        self.endpoint, self.place = endpoint, place
        self.leave: asyncio.Future[None] = asyncio.get_running_loop().create_future()


class Gate:
    """Lets requests out one by one, as the pacer allows.

    The configured rate is a hard ceiling. ``endpoints`` are further configured rates under it, by what they are for:
    an endpoint (``POST /flows``), a method (``POST``), a path (``/flows``), or a sandbox (``sandbox dev``). ``retry``
    is the run's patience: so far apart, at most, single requests ask whether a limit that lets nothing through is
    open again.

    Requests that have to pass the same limits stand in one line; of the lines whose first may leave, the one that has
    waited longest goes. Nobody who comes later overtakes, and whoever may leave at once costs no more than asking.
    """

    def __init__(
        self,
        rate_per_s: float,
        clock: Clock,
        endpoints: Mapping[str, float] | None = None,
        *,
        sandbox: str = "",
        retry: RetryPolicy | None = None,
    ) -> None:
        self.pacer = Pacer(rate_per_s, endpoints, sandbox=sandbox, retry=retry)
        #: Hears what becomes of the rate.
        self.listener: Callable[[Change], object] | None = None
        self._clock = clock
        self._lines: dict[Way, deque[_Waiter]] = {}
        self._places = 0
        self._ways = self.pacer.ways
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = math.inf
        self._held_until = -math.inf

    async def pass_one(self, endpoint: str) -> None:
        """Wait for leave to send one request."""
        if not self.passes(endpoint, self._clock.mono()):
            await self._stand(endpoint)

    def passes(self, endpoint: str, now: float) -> bool:
        """Whether a request may leave at once; then it has left. For who would rather not wait in a task.

        Args:
            endpoint: What it asks.
            now: Monotonic seconds.
        """
        return not self._lines and now >= self._held_until and self.pacer.passes(endpoint, now)

    async def _stand(self, endpoint: str) -> None:
        """Stand in line for leave to send one request."""
        pacer = self.pacer
        self._places += 1
        waiter = _Waiter(endpoint, self._places)
        self._lines.setdefault(pacer.way(endpoint), deque()).append(waiter)
        self._let_go()
        try:
            await waiter.leave
        except asyncio.CancelledError:
            if not waiter.leave.cancelled():
                pacer.out -= 1  # it was let go, and does not leave
            raise

    def hold(self, seconds: float) -> None:
        """Let nobody go for ``seconds`` from now, whatever the limits say; 0 ends that."""
        self._held_until = self._clock.mono() + seconds
        self._let_go()

    def _let_go(self) -> None:
        """Everybody who may leave leaves; for the next one a timer is set."""
        if self._ways != self.pacer.ways:
            self._stand_anew()
        pacer, now = self.pacer, self._clock.mono()
        if now < self._held_until:
            self._wake_in(self._held_until - now, now)
            return
        while True:
            chosen, soonest = None, math.inf
            for first in self._firsts():
                left = pacer.wait(first.endpoint, now)
                if left <= 0:
                    chosen = first
                    break
                soonest = min(soonest, left)
            if chosen is None:
                break
            pacer.leave(chosen.endpoint, now)
            chosen.leave.set_result(None)  # and so is passed over from now on
        self._wake_in(soonest, now)

    def _firsts(self) -> list[_Waiter]:
        """The first of each line, who came first before the others. Lines that nobody stands in are forgotten."""
        firsts = []
        for way, line in list(self._lines.items()):
            while line and line[0].leave.done():
                line.popleft()
            if line:
                firsts.append(line[0])
            else:
                del self._lines[way]
        if len(firsts) > 1:
            firsts.sort(key=attrgetter("place"))
        return firsts

    def _stand_anew(self) -> None:
        """A limit was found that some of those who wait have to pass, or one has gone."""
        self._ways = self.pacer.ways
        waiting = sorted((waiter for line in self._lines.values() for waiter in line), key=attrgetter("place"))
        self._lines.clear()
        for waiter in waiting:
            self._lines.setdefault(self.pacer.way(waiter.endpoint), deque()).append(waiter)

    def _wake_in(self, left: float, now: float) -> None:
        # One that is set too early looks, and is set anew.
        if left == math.inf or (self._timer is not None and self._timer_at <= now + left):
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer, self._timer_at = asyncio.get_running_loop().call_later(left, self._woken), now + left

    def _woken(self) -> None:
        self._timer = None
        self._let_go()

    @property
    def rate(self) -> float:
        """Requests per second that may leave at present; 0.0 while nothing passes."""
        return self.pacer.rate

    def found(self) -> dict[str, float]:
        """The limits found, requests per second by scope: ``all``, a method or an endpoint."""
        return {scope or ALL: rate for scope, rate in self.pacer.found().items()}

    def learned(self) -> tuple[dict[str, float], list[str]]:
        """What the next run should know: limits that showed in this one, and scopes that have none any more."""
        found, gone = self.pacer.learned()
        return {scope or ALL: rate for scope, rate in found.items()}, [scope or ALL for scope in gone]

    def restore(self, known: Mapping[str, tuple[float, float]]) -> None:
        """Begin with limits of earlier runs: requests per second and seconds ago. Call before anything leaves."""
        self.pacer.restore({"" if scope == ALL else scope: Found(*found) for scope, found in known.items()})

    def answered(self, call: Call, answer: Answer, of: int = -1) -> bool:
        """An answer came in just now: what it says of the platform's limits holds for everybody who waits.

        Args:
            call: What was asked.
            answer: What came of it.
            of: Whose request it was (the number of its job): what one alone meets again and again is no overload.

        Returns:
            Whether it was refused because of the rate, as far as is known.
        """
        refused = self.pacer.answered(call, answer, self._clock.mono(), of)
        if self.pacer.news and self.listener is not None:
            for change in self.pacer.told():
                self.listener(change)
        if self._lines:
            self._let_go()  # it may have opened what was closed
        return refused
