"""The only room that reads the time or sleeps. Everything else is given a :class:`Clock` or a number."""

from __future__ import annotations

import asyncio
import time
from typing import Protocol


class Clock(Protocol):
    """Time as the engine sees it."""

    def mono(self) -> float:
        """Monotonic seconds; only differences mean anything."""
        ...

    def now(self) -> float:
        """Wall time, epoch seconds UTC."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait ``seconds`` (>= 0) of this clock."""
        ...


class SystemClock:
    """The machine's own clock."""

    def mono(self) -> float:
        """Monotonic seconds."""
        return time.monotonic()

    def now(self) -> float:
        """Epoch seconds."""
        return time.time()

    async def sleep(self, seconds: float) -> None:
        """Wait, yielding to other tasks."""
        await asyncio.sleep(max(0.0, seconds))


class ScaledClock:
    """A clock that runs ``scale`` times as fast as ``base``, starting at ``origin`` (epoch seconds).

    The embedded platform lives on one, so that an hour passes in seconds.
    """

    def __init__(self, scale: float, *, origin: float | None = None, base: Clock | None = None) -> None:
        if scale <= 0:
            raise ValueError("scale must be positive")
        self.scale = scale
        self._base = base or SystemClock()
        self._origin = self._base.now() if origin is None else origin
        self._start = self._base.mono()

    def mono(self) -> float:
        """Scaled monotonic seconds since this clock was made."""
        return (self._base.mono() - self._start) * self.scale

    def now(self) -> float:
        """Scaled epoch seconds."""
        return self._origin + self.mono()

    async def sleep(self, seconds: float) -> None:
        """Wait ``seconds`` of scaled time."""
        await self._base.sleep(max(0.0, seconds) / self.scale)
