"""The SQLite journal of one run: a writer thread with a connection of its own that commits in groups.

Grouping, not the driver, decides the cost (measured: 40 times dearer with a commit per record). A record given while
a commit is under way joins the next one; when many come at once the writer lingers a moment so that groups are large.
"""

from __future__ import annotations

import asyncio
import queue
import sqlite3
import threading
import time
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import orjson

from headgate.engine.record import Record
from headgate.errors import StoreError
from headgate.faultpoint import Point, reach
from headgate.store.trouble import plainly

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

#: A process that has not said it lives for this long is dead to others.
LEASE_S: Final = 15.0
#: How long after a commit this process may still act on its claim: less than others wait before they take it over.
FRESH_S: Final = 2 / 3 * LEASE_S
#: How long the writer waits for more when a group has at least this many records.
LINGER_S: Final = 0.002
LINGER_FROM: Final = 8

#: A group is one statement per table: every row of an ``executemany`` would hand the interpreter lock over once.
_APPEND = """
INSERT INTO journal (run, seq, kind, job, data)
SELECT ?1, json_extract(value, '$[0]'), json_extract(value, '$[1]'), json_extract(value, '$[2]'),
       json_extract(value, '$[3]')
FROM json_each(?2)
"""
_OBJECTS = """
INSERT INTO object (sandbox, run, marker, collection, id, name, digest, found)
SELECT ?1, ?2, json_extract(value, '$[0]'), json_extract(value, '$[1]'), json_extract(value, '$[2]'),
       json_extract(value, '$[3]'), json_extract(value, '$[4]'), json_extract(value, '$[5]')
FROM json_each(?3) WHERE true ON CONFLICT (sandbox, marker)
"""
#: An intent leaves an object in doubt, unless it is known already; an answer ends the doubt.
_DOUBT = _OBJECTS + "DO NOTHING"
#: Who made it, and how it was found, stays as it was first known: a later run may have changed it, and no more.
_MADE = (
    _OBJECTS
    + """DO UPDATE SET id = excluded.id, digest = excluded.digest,
    run = CASE object.id WHEN excluded.id THEN object.run ELSE excluded.run END,
    found = CASE object.id WHEN excluded.id THEN object.found ELSE excluded.found END
"""
)
_UNDONE = "DELETE FROM object WHERE sandbox = ?1 AND id = '' AND marker IN (SELECT value FROM json_each(?2))"
#: What exists no more is forgotten by its id, whoever made it.
_GONE = """
DELETE FROM object WHERE sandbox = ?1 AND (id, collection) IN (
    SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM json_each(?2)
)
"""


class SqliteJournal:
    """One run's journal. Every group is gated by the process row: a process that was declared dead writes nothing."""

    def __init__(self, path: Path, run_id: str, sandbox: str, process: int, last: int) -> None:
        self._path, self._run, self._sandbox, self._process = path, run_id, sandbox, process
        self._seq = last
        self._queue: queue.SimpleQueue[tuple[Record | None, Callable[[], None] | None]] = queue.SimpleQueue()
        self._counters: bytes | None = None
        self._loop = asyncio.get_running_loop()
        self.broken: asyncio.Future[StoreError] = self._loop.create_future()
        self.fresh_until_mono = time.monotonic() + FRESH_S / 2
        self._thread = threading.Thread(target=self._write, name="headgate-journal", daemon=True)
        self._thread.start()

    def append(self, record: Record, then: Callable[[], None] | None = None) -> None:
        """Queue one record for the next group."""
        self._queue.put((record, then))

    def count(self, counters: Mapping[str, Any]) -> None:
        """Counters for the next group (and the next heartbeat)."""
        self._counters = orjson.dumps(counters)

    async def flush(self) -> None:
        """Wait until all queued records are durable."""
        done: asyncio.Future[None] = self._loop.create_future()
        self._queue.put((None, partial(_resolve, done, None)))
        waits: list[asyncio.Future[Any]] = [done, self.broken]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        if self.broken.done():
            raise self.broken.result()

    def close(self) -> None:
        """End the writer. Call after ``flush``."""
        self._queue.put((None, None))
        self._thread.join()

    # -- the writer thread -----------------------------------------------------------------------------------------

    def _write(self) -> None:
        try:
            with plainly(self._path):
                db = sqlite3.connect(self._path, timeout=10.0, isolation_level=None)
                db.execute("PRAGMA synchronous = FULL")
                try:
                    while self._group(db):
                        pass
                finally:
                    db.close()
        except StoreError as error:
            self._on_loop(partial(_resolve, self.broken, error))
        except Exception as error:  # noqa: BLE001 -- a writer that ends unheard would leave everybody waiting
            broken = StoreError(f"run {self._run}: a record cannot be written ({type(error).__name__})")
            self._on_loop(partial(_resolve, self.broken, broken))

    def _group(self, db: sqlite3.Connection) -> bool:
        """Write one group; ``False`` when the journal is to be closed."""
        try:
            group = [self._queue.get(timeout=LEASE_S / 3)]
        except queue.Empty:
            group = []
        self._drain(group)
        if len(group) >= LINGER_FROM:
            time.sleep(LINGER_S)
            self._drain(group)
        closing = any(record is None and then is None for record, then in group)
        self._commit(db, [record for record, _ in group if record is not None])
        callbacks = [then for _, then in group if then is not None]
        if callbacks:
            self._on_loop(lambda: [then() for then in callbacks])
        return not closing

    def _drain(self, group: list[tuple[Record | None, Callable[[], None] | None]]) -> None:
        while True:
            try:
                group.append(self._queue.get_nowait())
            except queue.Empty:
                return

    def _commit(self, db: sqlite3.Connection, records: list[Record]) -> None:
        counters, self._counters = self._counters, None
        db.execute("BEGIN IMMEDIATE")
        asked_mono = time.monotonic()
        alive = db.execute(
            "UPDATE process SET expires_at = ? WHERE id = ? AND dead = 0",
            (time.time() + LEASE_S, self._process),
        ).rowcount
        if not alive:
            db.execute("ROLLBACK")
            raise StoreError(
                f"run {self._run} was taken over by another process; this one has stopped",
                hint="`headgate runs` shows who has it",
            )
        rows: list[list[Any]] = []
        doubts: list[list[str]] = []
        made: list[list[str]] = []
        undone: list[str] = []
        gone: list[list[str]] = []
        for record in records:
            self._seq += 1
            rows.append([self._seq, record.kind, record.job, orjson.dumps(record.data).decode()])
            if (thing := record.made) is not None:
                row = [thing.marker, thing.collection, thing.id, thing.name, thing.digest, thing.found]
                if thing.gone and thing.id:
                    gone.append([thing.id, thing.collection])
                if (record.kind != "intent" and not thing.id) or thing.gone:
                    undone.append(thing.marker)
                else:
                    (made if thing.id else doubts).append(row)
        if rows:
            db.execute(_APPEND, (self._run, orjson.dumps(rows).decode()))
        for statement, objects in ((_DOUBT, doubts), (_MADE, made)):
            if objects:
                db.execute(statement, (self._sandbox, self._run, orjson.dumps(objects).decode()))
        if gone:
            db.execute(_GONE, (self._sandbox, orjson.dumps(gone).decode()))
        if undone:
            db.execute(_UNDONE, (self._sandbox, orjson.dumps(undone).decode()))
        if counters is not None:
            db.execute("UPDATE run SET counters = ? WHERE id = ?", (counters.decode(), self._run))
        reach(Point.GROUP_OPEN, records)
        db.execute("COMMIT")
        reach(Point.GROUP_DURABLE, records)
        self.fresh_until_mono = asked_mono + FRESH_S

    def _on_loop(self, callback: Callable[[], object]) -> None:
        try:
            self._loop.call_soon_threadsafe(callback)
        except RuntimeError:
            return  # the loop has ended: nobody waits for this any more


def _resolve(future: asyncio.Future[Any], value: object) -> None:
    if not future.done():
        future.set_result(value)
