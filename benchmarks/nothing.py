"""A platform that does everything at once, and a journal that keeps nothing."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from headgate.exchange import Answer, Call, Verdict
from headgate.store.contract import Leased

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from headgate.engine.record import Record


class NullPlatform:
    """Answers every call after one turn of the loop, as the plain pool it is measured against does."""

    def __init__(self) -> None:
        self._made = 0

    async def perform(self, call: Call) -> Answer:
        """A new object, whatever was asked."""
        del call
        await asyncio.sleep(0)
        self._made += 1
        return Answer(Verdict.OK, 201, {"id": f"{self._made:08x}-0000-4000-8000-000000000000", "etag": '"0"'})


class NullJournal:
    """Says that everything is durable at once."""

    fresh_until_mono = float("inf")

    def append(self, record: Record, then: Callable[[], None] | None = None) -> None:
        """Forget ``record``."""
        del record
        if then is not None:
            then()

    def lease(self, keys: Sequence[str], note: Sequence[str], then: Callable[[Leased], None]) -> None:
        """Everything is free."""
        del keys, note
        then(Leased())

    def learn(self, lengths: Mapping[str, Mapping[str, float]]) -> None:
        """Forget ``lengths``."""

    def count(self, counters: Mapping[str, Any]) -> None:
        """Forget ``counters``."""

    def tell(self, told: Mapping[str, Any]) -> None:
        """Forget it."""

    def heed(self, listener: Callable[[str], object]) -> None:
        """Nobody asks anything."""

    async def flush(self) -> None:
        """There is nothing to wait for."""

    def close(self) -> None:
        """There is nothing to end."""
