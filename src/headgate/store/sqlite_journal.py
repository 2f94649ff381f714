"""The SQLite journal of one run: a writer thread with a connection of its own that commits in groups.

Grouping, not the driver, decides the cost (measured: 40 times dearer with a commit per record). What is given while a
commit is under way makes the next group; when much comes, that one waits a moment so that groups are large. Groups are
made on the loop: the thread is woken once for each and not for every record, and both need the interpreter's lock.
"""

from __future__ import annotations

import asyncio
import queue
import sqlite3
import threading
import time
from collections.abc import Callable
from functools import cache, partial
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

import orjson

from headgate.engine.record import Record
from headgate.faultpoint import Point, reach
from headgate.store import sqlite_leases as leases
from headgate.store.desk import LOOK_S
from headgate.store.group import gathered
from headgate.store.holder import Taker, fenced, fresh_for_s
from headgate.store.inbox import Asked, Entry, Inbox, Learnt
from headgate.store.sqlite_desk import Desk
from headgate.store.trouble import plainly

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

#: How long a group waits for more when it has at least this many records.
LINGER_S: Final = 0.002
LINGER_FROM: Final = 8
#: Rows of one statement: every row of an ``executemany`` would hand the interpreter's lock over once, and reading rows
#: out of one JSON text costs SQLite twice as much as being given them. Older ones take 999 values at a time.
_ROWS: Final = 96
#: Rows of a statement are so many times a number, or fewer than these: each number of rows is a statement to be made
#: ready first, which takes as long as carrying it out.
_STEP: Final = 8

_APPEND: Final = "INSERT INTO journal (run, seq, kind, job, data)"
_OBJECTS: Final = "INSERT INTO object (org, sandbox, run, marker, collection, id, name, digest, found)"
#: An intent (without an id) leaves an object in doubt, unless it is known already; an answer ends the doubt. Who made
#: it, and how it was found, stays as it was first known: a later run may have changed it, and no more.
_KNOWN: Final = """
ON CONFLICT (org, sandbox, marker) DO UPDATE SET id = excluded.id, digest = excluded.digest,
    run = CASE object.id WHEN excluded.id THEN object.run ELSE excluded.run END,
    found = CASE object.id WHEN excluded.id THEN object.found ELSE excluded.found END
WHERE excluded.id <> ''
"""
_UNDONE: Final = """
DELETE FROM object WHERE org = ?1 AND sandbox = ?2 AND id = '' AND marker IN (SELECT value FROM json_each(?3))
"""
#: What exists no more is forgotten by its id, whoever made it. Objects are found by their marks, so a run that deletes
#: makes itself a table of those by id first, and anew when others have written meanwhile: without one, every group
#: would look through the whole sandbox.
_BY_ID: Final = (
    "DROP TABLE IF EXISTS temp.by_id",
    "CREATE TEMP TABLE by_id AS SELECT id, marker FROM object WHERE org = ?1 AND sandbox = ?2 AND id <> ''",
    "CREATE INDEX temp.marker_by_id ON by_id (id)",
)
_HAS_ID: Final = "INSERT INTO by_id (id, marker)"
_GONE: Final = """
DELETE FROM object WHERE org = ?1 AND sandbox = ?2
AND marker IN (SELECT marker FROM by_id WHERE id IN (SELECT json_extract(value, '$[0]') FROM json_each(?3)))
AND (id, collection) IN (SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM json_each(?3))
"""
#: In place of what was known of a key.
_LEARN: Final = """
INSERT INTO length (org, sandbox, key, counts)
SELECT ?1, ?2, key, json(value) FROM json_each(?3) WHERE true
ON CONFLICT (org, sandbox, key) DO UPDATE SET counts = excluded.counts
"""
_ALIVE = """
UPDATE process SET expires_at = ?1 WHERE id = ?2 AND dead = 0
AND EXISTS (SELECT 1 FROM run WHERE run.id = ?3 AND run.holder = process.id)
"""
_TAKEN_BY = """
SELECT 'process ' || pid || ' on ' || host FROM run JOIN process ON process.id = run.holder
WHERE run.id = ? AND process.id != ?
"""


class SqliteJournal(Inbox):
    """One run's journal. Every group is gated by the process row: a process that was declared dead writes nothing."""

    def __init__(self, path: Path, who: Taker, last: int, lease_s: float, fresh_until_mono: float) -> None:
        self._desk = Desk(who)
        super().__init__(who, self._desk, lease_s, fresh_until_mono)
        self._path, self._seq = path, last
        #: Given and not handed over yet; groups for the writer, ``None`` ends it; how many it has not come back with.
        self._given: list[Entry] = []
        self._queue: queue.SimpleQueue[list[Entry] | None] = queue.SimpleQueue()
        self._away = 0
        #: What SQLite says changes when others write, as it was when objects were looked for by their ids.
        self._by_id_of: int | None = None
        self._turn: asyncio.Handle | None = None
        self._thread = threading.Thread(target=self._write, name="headgate-journal", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the writer. Call after ``flush``."""
        self._hand_over()
        self._queue.put(None)
        self._thread.join()

    def _put(self, entry: Entry) -> None:
        self._given.append(entry)
        if self._turn is None and not self._away:
            self._turn = self._loop.call_soon(self._hand_over)

    def _hand_over(self) -> None:
        """Give the writer its next group."""
        if self._turn is not None:
            self._turn.cancel()
            self._turn = None
        if self._given:
            self._away += 1
            self._queue.put(self._given)
            self._given = []

    def _landed(self, callbacks: list[Callable[[], object]]) -> None:
        """A group is durable: tell those who wait for it, and hand the next one over."""
        self._away -= 1
        try:
            for then in callbacks:
                then()
        finally:
            if self._given and self._turn is None and not self._away:
                wait_s = LINGER_S if len(self._given) >= LINGER_FROM else 0.0
                self._turn = self._loop.call_later(wait_s, self._hand_over)

    # -- the writer thread -----------------------------------------------------------------------------------------

    def _write(self) -> None:
        try:
            with plainly(self._path):
                # One statement for each number of rows and each table is kept ready.
                kept = 3 * (_ROWS // _STEP + _STEP)
                db = sqlite3.connect(self._path, timeout=10.0, isolation_level=None, cached_statements=kept)
                db.execute("PRAGMA synchronous = FULL")
                db.execute("PRAGMA temp_store = MEMORY")
                try:
                    while self._group(db):
                        pass
                finally:
                    db.close()
        except Exception as error:  # noqa: BLE001 -- a writer that ends unheard would leave everybody waiting
            self._break(error)

    def _group(self, db: sqlite3.Connection) -> bool:
        """Write one group, or a sign of life; ``False`` when the journal is to be closed."""
        try:
            group = self._queue.get(timeout=min(self._lease_s / 6, LOOK_S))
        except queue.Empty:
            self._look(db)
            if time.monotonic() >= self._beat_at:
                self._commit(db, [])
            return True
        if group is None:
            return False
        self._look(db)
        callbacks = self._commit(db, group)
        self._on_loop(partial(self._landed, callbacks))
        return True

    def _look(self, db: sqlite3.Connection) -> None:
        """Look what others ask."""
        for action in self._desk.visit(db):
            self._on_loop(partial(self._listener, action))

    def _commit(self, db: sqlite3.Connection, entries: list[Entry]) -> list[Callable[[], object]]:
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
        learnt: dict[str, Mapping[str, float]] = {}
        for what, then in entries:
            if isinstance(what, Asked):
                self._store(db, records)  # what was freed before is free
                records = []
                leased = leases.take(db, who, what.keys, what.note, now)
                callbacks.append(partial(what.then, leased))
            elif isinstance(what, Learnt):
                learnt.update(what.lengths)
            elif what is not None:
                records.append(what)
            if then is not None:
                callbacks.append(then)
        self._store(db, records)
        if learnt:
            db.execute(_LEARN, (who.org, who.sandbox, orjson.dumps(learnt).decode()))
        if counters is not None:
            db.execute("UPDATE run SET counters = ? WHERE id = ?", (counters.decode(), who.run))
        reach(Point.GROUP_OPEN, entries)
        db.execute("COMMIT")
        reach(Point.GROUP_DURABLE, entries)
        self.fresh_until_mono = asked_mono + fresh_for_s(self._lease_s)
        self._beat_at = asked_mono + self._lease_s / 6
        return callbacks

    def _store(self, db: sqlite3.Connection, records: list[Record]) -> None:
        if not records:
            return
        group, who = gathered(records, self._seq), self._who
        self._seq += len(records)
        _insert(db, _APPEND, "", (who.run,), group.rows)
        whose = (who.org, who.sandbox)
        if group.gone:
            (version,) = db.execute("PRAGMA data_version").fetchone()
            if version != self._by_id_of:
                self._by_id_of = version
                for statement in _BY_ID:
                    db.execute(statement, whose if "?" in statement else ())
            db.execute(_GONE, (*whose, orjson.dumps(group.gone).decode()))
        if group.undone:
            db.execute(_UNDONE, (*whose, orjson.dumps(group.undone).decode()))
        _insert(db, _OBJECTS, _KNOWN, (*whose, who.run), group.doubts + group.made)
        if self._by_id_of is not None:
            _insert(db, _HAS_ID, "", (), [(remote, marker) for marker, _, remote, *_ in group.made])
        if group.frees:
            leases.free(db, who, group.frees)


def _insert(
    db: sqlite3.Connection, into: str, after: str, first: tuple[str, ...], rows: Sequence[tuple[Any, ...]]
) -> None:
    """Insert ``rows``, each with the values of ``first`` before its own."""
    start = 0
    while start < len(rows):
        count = min(_ROWS, len(rows) - start)
        some = rows[start : start + (count - count % _STEP or count)]
        start += len(some)
        db.execute(_insertion(into, after, len(first), len(some), len(some[0])), [*first, *chain.from_iterable(some)])


@cache
def _insertion(into: str, after: str, shared: int, rows: int, width: int) -> str:
    """The statement for so many ``rows``: the first values are the same for all of them and given once."""
    first = "".join(f"?{number}," for number in range(1, shared + 1))
    starts = range(shared + 1, shared + 1 + rows * width, width)
    values = (f"({first}{','.join(f'?{start + column}' for column in range(width))})" for start in starts)
    return f"{into} VALUES {','.join(values)} {after}"
