"""A thread with an event loop of its own for the connections of one PostgreSQL store.

The store's methods are called with and without a running loop, and a heartbeat must go on while the caller's loop is
busy with something long; so what talks to the database runs here, and callers wait for it or are called back.
"""

from __future__ import annotations

import asyncio
import threading
import time
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar

import asyncpg

from headgate.store.postgres_trouble import in_the_way, lost, plainly

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine
    from concurrent.futures import Future

T = TypeVar("T")
Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

#: Seconds to wait for a connection, and for the answer to one statement.
CONNECT_S: Final = 10.0
ANSWER_S: Final = 60.0
#: For how long a lost connection is tried to be replaced before a method of the store gives up, and how often.
PATIENCE_S: Final = 10.0
AGAIN_S: Final = 0.2


class Line:
    """Connections to one database. ``call`` from any thread but its own."""

    def __init__(self, url: str, *, readonly: bool = False) -> None:
        self.url, self._readonly = url, readonly
        self.loop = asyncio.new_event_loop()
        self._connection: Connection | None = None
        self._turn = asyncio.Lock()
        self._thread = threading.Thread(target=self._live, name="headgate-postgres", daemon=True)
        self._thread.start()

    def _live(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_forever()

    def spawn(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """Start ``work`` on the line's loop."""
        return asyncio.run_coroutine_threadsafe(work, self.loop)

    def call(self, ask: Callable[[Connection, bool], Awaitable[T]], *, patient: bool = True) -> T:
        """The result of ``ask(connection, again)``.

        ``again`` is true when an earlier try lost its connection: whether that one took effect nobody knows.

        Raises:
            StoreError: the database refuses or cannot be reached.
        """
        return self.start(ask, patient=patient)()

    def start(self, ask: Callable[[Connection, bool], Awaitable[T]], *, patient: bool = True) -> Callable[[], T]:
        """As :meth:`call`, in two steps: ask now, and wait for the result when what this gives is called."""
        coming = self.spawn(self._ask(ask, patient=patient))

        def result() -> T:
            with plainly(self.url):
                return coming.result()

        return result

    async def _ask(self, ask: Callable[[Connection, bool], Awaitable[T]], *, patient: bool) -> T:
        until_mono = time.monotonic() + (PATIENCE_S if patient else 0.0)
        again = False
        async with self._turn:
            while True:
                try:
                    if self._connection is None:
                        self._connection = await self.connect()
                    return await ask(self._connection, again)
                except Exception as error:
                    if lost(error):
                        self._drop()
                        again = True
                    elif not in_the_way(error):
                        raise
                    if time.monotonic() > until_mono:
                        raise
                await asyncio.sleep(AGAIN_S)

    async def connect(self) -> Connection:
        """A new connection, on which a commit is on disk before it is answered."""
        settings = {
            "application_name": "headgate",
            # A process that is frozen in the middle of a transaction must not hold its locks for ever.
            "idle_in_transaction_session_timeout": "10s",
            "client_min_messages": "warning",
            "jit": "off",
        }
        if self._readonly:
            settings["default_transaction_read_only"] = "on"
        connection = await asyncpg.connect(
            self.url, timeout=CONNECT_S, command_timeout=ANSWER_S, server_settings=settings
        )
        await connection.execute(
            "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'"
        )
        return connection

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None

    def close(self) -> None:
        """End the connection and the thread."""
        if self.loop.is_closed():
            return
        self.spawn(self._end()).result()
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()

    async def _end(self) -> None:
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        if self._connection is not None:
            try:
                await self._connection.close(timeout=2.0)
            except Exception:  # noqa: BLE001 -- it is gone already
                self._connection.terminate()
            self._connection = None
