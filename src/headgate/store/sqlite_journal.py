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
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import orjson

from headgate.engine.record import Record
from headgate.errors import StoreError
from headgate.faultpoint import Point, reach
from headgate.store import sqlite_leases as leases
from headgate.store.contract import Leased
from headgate.store.desk import LOOK_S
from headgate.store.group import gathered
from headgate.store.holder import Taker, fenced, fresh_for_s
from headgate.store.sqlite_desk import Desk
from headgate.store.trouble import plainly

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

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
INSERT INTO object (org, sandbox, run, marker, collection, id, name, digest, found)
SELECT ?1, ?2, ?3, json_extract(value, '$[0]'), json_extract(value, '$[1]'), json_extract(value, '$[2]'),
       json_extract(value, '$[3]'), json_extract(value, '$[4]'), json_extract(value, '$[5]')
FROM json_each(?4) WHERE true ON CONFLICT (org, sandbox, marker)
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
_UNDONE = """
DELETE FROM object WHERE org = ?1 AND sandbox = ?2 AND id = '' AND marker IN (SELECT value FROM json_each(?3))
"""
#: What exists no more is forgotten by its id, whoever made it.
_GONE = """
DELETE FROM object WHERE org = ?1 AND sandbox = ?2 AND (id, collection) IN (
    SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM json_each(?3)
)
"""


_ALIVE = """
UPDATE process SET expires_at = ?1 WHERE id = ?2 AND dead = 0
AND EXISTS (SELECT 1 FROM run WHERE run.id = ?3 AND run.holder = process.id)
"""
_TAKEN_BY = """
SELECT 'process ' || pid || ' on ' || host FROM run JOIN process ON process.id = run.holder
WHERE run.id = ? AND process.id != ?
"""


@dataclass(frozen=True, slots=True)
class _Asked:
    """Keys that are asked for."""

    keys: tuple[str, ...]
    note: tuple[str, ...]
    then: Callable[[Leased], None]


#: A record and its callback; a callback alone is a flush; neither ends the journal.
_Entry = tuple[Record | _Asked | None, Callable[[], None] | None]


class SqliteJournal:
    """One run's journal. Every group is gated by the process row: a process that was declared dead writes nothing."""

    def __init__(self, path: Path, who: Taker, last: int, lease_s: float, fresh_until_mono: float) -> None:
        self._path, self._who, self._seq, self._lease_s = path, who, last, lease_s
        self._queue: queue.SimpleQueue[_Entry] = queue.SimpleQueue()
        self._counters: bytes | None = None
        self._desk = Desk(who)
        self._listener: Callable[[str], object] = _nobody
        self._beat_at = time.monotonic() + lease_s / 6
        self._loop = asyncio.get_running_loop()
        self.broken: asyncio.Future[StoreError] = self._loop.create_future()
        self.fresh_until_mono = fresh_until_mono
        self._thread = threading.Thread(target=self._write, name="headgate-journal", daemon=True)
        self._thread.start()

    def append(self, record: Record, then: Callable[[], None] | None = None) -> None:
        """Queue one record for the next group."""
        self._queue.put((record, then))

    def lease(self, keys: Sequence[str], note: Sequence[str], then: Callable[[Leased], None]) -> None:
        """Ask for keys with the next group."""
        self._queue.put((_Asked(tuple(keys), tuple(note), then), None))

    def count(self, counters: Mapping[str, Any]) -> None:
        """Counters for the next group (and the next heartbeat)."""
        self._counters = orjson.dumps(counters)

    def tell(self, told: Mapping[str, Any]) -> None:
        """How the run stands, now and then."""
        self._desk.tell(told)

    def heed(self, listener: Callable[[str], object]) -> None:
        """Whom to tell what others ask."""
        self._listener = listener

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
            broken = StoreError(
                f"run {self._who.run}: a record cannot be written ({type(error).__name__}); everything journaled "
                "before is kept",
                hint="`headgate resume` goes on from there; please report it",
            )
            self._on_loop(partial(_resolve, self.broken, broken))

    def _group(self, db: sqlite3.Connection) -> bool:
        """Write one group; ``False`` when the journal is to be closed."""
        try:
            group = [self._queue.get(timeout=min(self._lease_s / 6, LOOK_S))]
        except queue.Empty:
            group = []
        for action in self._desk.visit(db):
            self._on_loop(partial(self._listener, action))
        if not group and time.monotonic() < self._beat_at:
            return True
        self._drain(group)
        if len(group) >= LINGER_FROM:
            time.sleep(LINGER_S)
            self._drain(group)
        closing = any(what is None and then is None for what, then in group)
        callbacks = self._commit(db, group)
        if callbacks:
            self._on_loop(lambda: [then() for then in callbacks])
        return not closing

    def _drain(self, group: list[_Entry]) -> None:
        while True:
            try:
                group.append(self._queue.get_nowait())
            except queue.Empty:
                return

    def _commit(self, db: sqlite3.Connection, entries: list[_Entry]) -> list[Callable[[], object]]:
        """Write one group; what is to be called now that it is durable, in order."""
        counters, self._counters = self._counters, None
        callbacks: list[Callable[[], object]] = []
        who = self._who
        asked_mono = time.monotonic()
        db.execute("BEGIN IMMEDIATE")
        now = time.time()
        if not db.execute(_ALIVE, (now + self._lease_s, who.process, who.run)).rowcount:
            by = db.execute(_TAKEN_BY, (who.run, who.process)).fetchone()
            db.execute("ROLLBACK")
            raise fenced(who.run, by and by[0])
        records: list[Record] = []
        for what, then in entries:
            if isinstance(what, _Asked):
                self._put(db, records)  # what was freed before is free
                records = []
                leased = leases.take(db, who, what.keys, what.note, now)
                callbacks.append(partial(what.then, leased))
            elif what is not None:
                records.append(what)
            if then is not None:
                callbacks.append(then)
        self._put(db, records)
        if counters is not None:
            db.execute("UPDATE run SET counters = ? WHERE id = ?", (counters.decode(), who.run))
        reach(Point.GROUP_OPEN, entries)
        db.execute("COMMIT")
        reach(Point.GROUP_DURABLE, entries)
        self.fresh_until_mono = asked_mono + fresh_for_s(self._lease_s)
        self._beat_at = asked_mono + self._lease_s / 6
        return callbacks

    def _put(self, db: sqlite3.Connection, records: list[Record]) -> None:
        if not records:
            return
        group, who = gathered(records, self._seq), self._who
        self._seq += len(records)
        db.execute(_APPEND, (who.run, orjson.dumps(group.rows).decode()))
        if group.gone:
            db.execute(_GONE, (who.org, who.sandbox, orjson.dumps(group.gone).decode()))
        if group.undone:
            db.execute(_UNDONE, (who.org, who.sandbox, orjson.dumps(group.undone).decode()))
        for statement, objects in ((_DOUBT, group.doubts), (_MADE, group.made)):
            if objects:
                db.execute(statement, (who.org, who.sandbox, who.run, orjson.dumps(objects).decode()))
        if group.frees:
            leases.free(db, who, group.frees)

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
