"""Time limits of many tasks that all have the same time: one timer for all, where each having its own would cost ten
times as much (and nearly all of those would be taken back).
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from types import TracebackType


class Deadlines:
    """A block entered by many tasks, each at most once at a time; ``TimeoutError`` for who stays too long in it.

    The same as ``asyncio.timeout`` around each block, cancellation by others included.
    """

    def __init__(self, seconds: float) -> None:
        """``seconds``: for each stay."""
        self._seconds = seconds
        self._loop = asyncio.get_running_loop()
        #: When each stay ends, in the order in which they began, and how often its task was cancelled before.
        self._until: dict[asyncio.Task[object], tuple[float, int]] = {}
        self._late: set[asyncio.Task[object]] = set()
        self._timer: asyncio.TimerHandle | None = None

    def __enter__(self) -> Self:
        task = asyncio.current_task(self._loop)
        assert task is not None
        until = self._loop.time() + self._seconds
        self._until[task] = (until, task.cancelling())
        if self._timer is None:
            self._timer = self._loop.call_at(until, self._look)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        task = asyncio.current_task(self._loop)
        assert task is not None
        _, cancelled = self._until.pop(task)
        if task in self._late:
            self._late.remove(task)
            if task.uncancel() <= cancelled and kind is asyncio.CancelledError:
                raise TimeoutError from error

    def close(self) -> None:
        """Nobody will enter any more."""
        if self._timer is not None:
            self._timer.cancel()

    def _look(self) -> None:
        """Somebody's time is up, or would have been."""
        self._timer = None
        now = self._loop.time()
        for task, (until, _) in self._until.items():
            if until > now:
                self._timer = self._loop.call_at(until, self._look)
                return
            if task not in self._late:
                self._late.add(task)
                task.cancel()
