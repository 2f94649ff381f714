"""Where requests wait for leave: the configured rates, the brake, and the limits that are found on the way."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from aiolimiter import AsyncLimiter

from headgate.pacing import Brake, Found, Pacer, burst

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from headgate.clock import Clock
    from headgate.exchange import Answer, Call
    from headgate.pacing import Change, Seeker

#: The scope of everything, in words.
ALL: Final = "all"
#: Whoever waits looks this often whether it still has to, in seconds: an answer may have changed it.
LOOK_EVERY_S: Final = 0.1


class Gate:
    """Lets requests out one by one: nobody while the brake is on, then as the limits allow.

    The configured rate is a hard ceiling, guarded by a limiter of its own. Below it works the pacer, which holds
    nobody back before the platform has shown a limit. ``endpoints`` are further configured rates under the common
    one, by what they are for: an endpoint (``POST /flows``), a method (``POST``), a path (``/flows``), or a sandbox
    (``sandbox dev``).
    """

    def __init__(
        self,
        rate_per_s: float,
        clock: Clock,
        brake: Brake,
        endpoints: Mapping[str, float] | None = None,
        *,
        sandbox: str = "",
    ) -> None:
        self.pacer = Pacer(rate_per_s)
        #: Hears what becomes of the rate.
        self.listener: Callable[[Change], object] | None = None
        self._limiter = _limiter(rate_per_s)
        self._configured = {what: _limiter(rate) for what, rate in (endpoints or {}).items()}
        self._sandbox = f"sandbox {sandbox}"
        self._own: dict[str, tuple[AsyncLimiter, ...]] = {}
        self._clock = clock
        self._brake = brake
        self._line = asyncio.Lock()
        self._lines: dict[str, asyncio.Lock] = {}

    async def pass_one(self, endpoint: str) -> None:
        """Wait for leave to send one request."""
        for own in self._limiters(endpoint):
            await own.acquire()
        *narrow, (_, whole) = self.pacer.lanes(endpoint)
        for scope, lane in narrow:
            async with self._lines.setdefault(scope, asyncio.Lock()):
                await self._wait_for(lane)
        if not self._line.locked() and self._limiter.has_capacity():
            now = self._clock.mono()
            if whole.idle and self._brake.remaining(now) <= 0 and whole.wait(now) <= 0:
                # Nobody waits and nothing holds: straight through.
                await self._limiter.acquire()
                whole.take(now)
                self.pacer.out += 1
                return
        async with self._line:
            await self._limiter.acquire()
            await self._wait_for(whole)
        self.pacer.out += 1

    async def _wait_for(self, lane: Seeker) -> None:
        while True:
            now = self._clock.mono()
            left = max(self._brake.remaining(now), lane.wait(now))
            if left <= 0:
                lane.take(now)
                return
            await self._clock.sleep(min(left, LOOK_EVERY_S))

    @property
    def rate(self) -> float:
        """Requests per second that may leave at present; 0.0 while nothing passes."""
        return self.pacer.rate

    def found(self) -> dict[str, float]:
        """The limits found, requests per second by scope: ``all``, a method or an endpoint."""
        return {scope or ALL: rate for scope, rate in self.pacer.found().items()}

    def restore(self, known: Mapping[str, float], age_s: float) -> None:
        """Begin with limits that an earlier run ``found``, ``age_s`` seconds ago. Call before anything leaves."""
        scopes = {"" if scope == ALL else scope: Found(rate, -age_s) for scope, rate in known.items()}
        self.pacer.restore(scopes, 0.0)

    def _limiters(self, endpoint: str) -> tuple[AsyncLimiter, ...]:
        found = self._own.get(endpoint)
        if found is None:
            method, _, path = endpoint.partition(" ")
            names = (endpoint, path, method, self._sandbox)
            found = self._own[endpoint] = tuple(self._configured[name] for name in names if name in self._configured)
        return found

    def answered(self, call: Call, answer: Answer) -> None:
        """An answer came in just now: what it says of the platform's limits holds for everybody who waits."""
        self.pacer.answered(call, answer, self._clock.mono())
        if self.listener is not None:
            for change in self.pacer.news():
                self.listener(change)


def _limiter(rate_per_s: float) -> AsyncLimiter:
    # A small burst, asked for by one waiter at a time, keeps the rate exact: a burst of a whole second would let
    # twice the rate through in the first second.
    size = burst(rate_per_s)
    return AsyncLimiter(size, size / rate_per_s)
