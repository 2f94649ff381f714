"""What a journal is given, in order, and how it answers; writing it is each store's own."""

from __future__ import annotations

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

import orjson

from headgate.classes import frozen
from headgate.engine.record import Record
from headgate.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headgate.store.contract import Leased
    from headgate.store.holder import Taker


@frozen
class Asked:
    """Keys that are asked for."""

    keys: tuple[str, ...]
    note: tuple[str, ...]
    then: Callable[[Leased], None]


@frozen
class Learnt:
    """Lengths of runs that are to be kept."""

    lengths: Mapping[str, Mapping[str, float]]


#: A record and its callback; a callback alone is a flush.
Entry = tuple[Record | Asked | Learnt | None, Callable[[], None] | None]


class Teller(Protocol):
    """A store's desk, as far as a journal passes on to it."""

    def tell(self, told: Mapping[str, Any]) -> None:
        """How the run stands."""


class Inbox(ABC):
    """The runner's side of one run's journal; used on its loop alone."""

    def __init__(self, who: Taker, desk: Teller, lease_s: float, fresh_until_mono: float) -> None:
        self._who, self._lease_s, self._teller = who, lease_s, desk
        self._counters: bytes | None = None
        self._listener: Callable[[str], object] = _nobody
        self._beat_at = time.monotonic() + lease_s / 6
        self._loop = asyncio.get_running_loop()
        self.broken: asyncio.Future[StoreError] = self._loop.create_future()
        self.fresh_until_mono = fresh_until_mono

    def append(self, record: Record, then: Callable[[], None] | None = None) -> None:
        """Put one record into the next group."""
        self._put((record, then))

    def lease(self, keys: Sequence[str], note: Sequence[str], then: Callable[[Leased], None]) -> None:
        """Ask for keys with the next group."""
        self._put((Asked(tuple(keys), tuple(note), then), None))

    def learn(self, lengths: Mapping[str, Mapping[str, float]]) -> None:
        """Lengths of runs for the next group."""
        self._put((Learnt(lengths), None))

    def count(self, counters: Mapping[str, Any]) -> None:
        """Counters for the next group (and the next heartbeat)."""
        self._counters = orjson.dumps(counters)

    def tell(self, told: Mapping[str, Any]) -> None:
        """How the run stands, now and then."""
        self._teller.tell(told)

    def heed(self, listener: Callable[[str], object]) -> None:
        """Whom to tell what others ask."""
        self._listener = listener

    async def flush(self) -> None:
        """Wait until everything given is durable.

        Raises:
            StoreError: it could not be written.
        """
        done: asyncio.Future[None] = self._loop.create_future()
        self._put((None, partial(_resolve, done, None)))
        waits: list[asyncio.Future[Any]] = [done, self.broken]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        if self.broken.done():
            raise self.broken.result()

    @abstractmethod
    def _put(self, entry: Entry) -> None:
        """Take one entry in."""

    # -- what the writer says, on whatever thread it is ----------------------------------------------------------------

    def _break(self, error: Exception) -> None:
        """Nothing is written any more: everybody who waits hears why."""
        broken = error if isinstance(error, StoreError) else self._unwritten(error)
        self._on_loop(partial(_resolve, self.broken, broken))

    def _unwritten(self, error: Exception) -> StoreError:
        """Never with the error's text: it may show what could not be written."""
        return StoreError(
            f"run {self._who.run}: a record cannot be written ({type(error).__name__}); everything journaled "
            "before is kept",
            hint="`headgate resume` goes on from there; please report it",
        )

    def _on_loop(self, callback: Callable[[], object]) -> None:
        try:
            self._loop.call_soon_threadsafe(callback)
        except RuntimeError:
            return  # the loop has ended: nobody waits for this any more


def _nobody(_action: str) -> None:
    """Nobody listens."""


def _resolve(future: asyncio.Future[Any], value: object) -> None:
    if not future.done():
        future.set_result(value)
