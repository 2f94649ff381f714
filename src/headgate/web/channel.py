"""One page's looks: taken while a browser is there and no longer, seldom enough to cost next to nothing."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, Self

from headgate.errors import HeadgateError
from headgate.web.feed import Feed, Step
from headgate.web.looks import cpu_s

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from types import TracebackType

    from headgate.web.delta import State
    from headgate.web.looks import Look

#: Seconds between looks at what changes, and at what does not.
EVERY_S: Final = 0.5
SELDOM_S: Final = 2.0
#: Looks take at most this share of a core, however many jobs there are: of a run with very many, rows come later.
SHARE: Final = 0.05


class Channel:
    """Looks while somebody listens (``async with``), and tells all who listen."""

    def __init__(
        self,
        feed: Feed,
        look: Look,
        here: Callable[[], Mapping[str, Any] | None],
        in_thread: Callable[[Callable[[], tuple[Step | None, float]]], Awaitable[tuple[Step | None, float]]],
        every_s: float = EVERY_S,
    ) -> None:
        self.feed, self._look, self._here, self._in_thread = feed, look, here, in_thread
        self._every_s = every_s
        self._listeners = 0
        self._task: asyncio.Task[None] | None = None
        self._turn = asyncio.Lock()
        self._news = asyncio.Event()
        self._rows_cost = 0.0
        self._rows_at = 0.0
        #: Looks taken so far.
        self.looks = 0

    @property
    def listened_to(self) -> bool:
        """Whether anybody is there."""
        return self._listeners > 0

    async def __aenter__(self) -> Self:
        self._listeners += 1
        if self._task is None:
            self._task = asyncio.create_task(self._keep_looking())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listeners -= 1
        if not self._listeners and self._task is not None:
            self._task.cancel()
            self._task = None

    async def news(self, number: int, patience_s: float) -> bool:
        """Wait until there is a state after ``number``, or for ``patience_s``; whether there is one."""
        if self.feed.newest.number > number:
            return True
        with suppress(TimeoutError):
            await asyncio.wait_for(self._news.wait(), patience_s)
        return self.feed.newest.number > number

    def wake(self) -> None:
        """Let all who wait go on."""
        self._news.set()
        self._news = asyncio.Event()

    async def look(self, *, rows: bool = True) -> None:
        """Look now."""
        async with self._turn:
            here = self._here()
            step, cost = await self._in_thread(lambda: self._step(here, rows=rows))
            self.looks += 1
            if rows:
                self._rows_cost = cost
            if step is not None:
                self.feed.take(step)
                self.wake()

    def _step(self, here: Mapping[str, Any] | None, *, rows: bool) -> tuple[Step | None, float]:
        """In the thread: look, and find out what has changed."""
        began = cpu_s()
        try:
            state: State = self._look.look(here, rows=rows)
        except HeadgateError as error:
            state = self._trouble(error.message)
        except Exception as error:  # noqa: BLE001 -- what goes wrong in showing a run is not the run's
            state = self._trouble(f"internal error: {type(error).__name__}; please report it")
        return self.feed.step(state), cpu_s() - began

    def _trouble(self, words: str) -> State:
        """What was last seen, and why nothing newer is."""
        before = self.feed.newest.state
        return {**before, "live": {**before.get("live", {}), "trouble": words}}

    async def _keep_looking(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            rows = began >= self._rows_at
            await self.look(rows=rows)
            if rows:
                self._rows_at = loop.time() + self._rows_cost / SHARE
            goes = self.feed.newest.state.get("run", {}).get("status", "running") == "running"
            await asyncio.sleep(self._every_s if goes else max(self._every_s, SELDOM_S))
