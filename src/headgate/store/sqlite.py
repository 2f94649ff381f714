"""The SQLite store: WAL, ``synchronous=FULL``, and one writer thread that commits in groups.

Grouping, not the driver, decides the cost (measured: 40 times dearer with a commit per record). A record given while
a commit is under way joins the next one; when many come at once the writer lingers a moment so that groups are large.
"""

from __future__ import annotations

import asyncio
import os
import queue
import socket
import sqlite3
import threading
import time
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import orjson

from headgate.engine.record import Record
from headgate.errors import SchemaMismatch, StoreBusy, StoreError
from headgate.store.contract import RunRow, RunStatus
from headgate.store.schema import MIGRATIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

#: A process that has not said it lives for this long is dead to others.
LEASE_S: Final = 15.0
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
INSERT INTO object (sandbox, run, marker, collection, id, name, digest)
SELECT ?1, ?2, json_extract(value, '$[0]'), json_extract(value, '$[1]'), json_extract(value, '$[2]'),
       json_extract(value, '$[3]'), json_extract(value, '$[4]')
FROM json_each(?3) WHERE true ON CONFLICT (sandbox, marker)
"""
#: An intent leaves an object in doubt, unless it is known already; an answer ends the doubt.
_DOUBT = _OBJECTS + "DO NOTHING"
_MADE = _OBJECTS + "DO UPDATE SET id = excluded.id, digest = excluded.digest, run = excluded.run"
_UNDONE = "DELETE FROM object WHERE sandbox = ?1 AND id = '' AND marker IN (SELECT value FROM json_each(?2))"
_COLUMNS = "id, manifest, path, sandbox, fingerprint, status, started_at, finished_at, open, args, counters"


class SqliteStore:
    """One file. ``readonly`` opens it beside a living run without touching it."""

    def __init__(self, path: Path, *, readonly: bool = False) -> None:
        self._path = path
        self._process: int | None = None
        with _plainly(path):
            if readonly:
                if not path.exists():
                    raise StoreError(
                        f"{path}: there is no state store here", hint="run a manifest first, or give --state"
                    )
                where = f"file:{quote(str(path))}?mode=ro"
                self._db = sqlite3.connect(where, uri=True, timeout=5.0, check_same_thread=False)
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                self._db = sqlite3.connect(path, timeout=5.0, isolation_level=None, check_same_thread=False)
            try:
                self._migrate(readonly=readonly)
            except BaseException:
                self._db.close()
                raise

    def _migrate(self, *, readonly: bool) -> None:
        found = self._version()
        if found > len(MIGRATIONS):
            raise SchemaMismatch(
                f"{self._path}: written by a newer headgate (schema {found}, this program knows {len(MIGRATIONS)}); "
                "nothing was changed",
                hint="upgrade headgate, or use another --state",
            )
        if readonly:
            return
        self._use_wal()
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.execute("PRAGMA foreign_keys = ON")
        while found < len(MIGRATIONS):
            with self._transaction():
                found = self._version()  # another process may have been first, while we waited to begin
                if found < len(MIGRATIONS):
                    for statement in _statements(MIGRATIONS[found]):
                        self._db.execute(statement)
                    found += 1
                    self._db.execute(f"PRAGMA user_version = {found}")

    def _version(self) -> int:
        return int(self._db.execute("PRAGMA user_version").fetchone()[0])

    def _use_wal(self) -> None:
        # SQLite does not wait for a lock here, so a crowd at a new file is asked to queue by us.
        for tries in range(100):
            try:
                self._db.execute("PRAGMA journal_mode = WAL")
            except sqlite3.OperationalError as error:
                if "locked" not in str(error) or tries == 99:
                    raise
                time.sleep(0.02)
            else:
                return

    # -- runs --------------------------------------------------------------------------------------------------------

    def begin(self, run: RunRow, outline: bytes) -> None:
        """Add a new run with its packed outline."""
        with _plainly(self._path):
            self._db.execute(
                f"INSERT INTO run ({_COLUMNS}, outline) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608 -- our own column names
                (
                    run.id,
                    run.manifest,
                    run.path,
                    run.sandbox,
                    run.fingerprint,
                    run.status,
                    run.started_at,
                    run.finished_at,
                    run.open,
                    _text(run.args),
                    _text(run.counters),
                    outline,
                ),
            )

    def outline(self, run_id: str) -> bytes:
        """The run's packed outline."""
        with _plainly(self._path):
            row = self._db.execute("SELECT outline FROM run WHERE id = ?", (run_id,)).fetchone()
        if row is None:
            raise StoreError(f"there is no run {run_id} in {self._path}", hint="`headgate runs` lists them")
        return bytes(row[0])

    def claim(self, run_id: str) -> None:
        """Take the run for this process; a dead holder's is taken over."""
        now = time.time()
        with _plainly(self._path), self._transaction():
            row = self._holder_row(run_id)
            if row is not None and row[0] != self._process and _lives(row[1], row[2], row[3], now):
                raise StoreBusy(
                    f"run {run_id} is being driven by process {row[2]} on {row[1]}; nothing was sent",
                    hint=f"`headgate status {run_id}` shows how it stands",
                )
            if self._db.execute("SELECT 1 FROM run WHERE id = ?", (run_id,)).fetchone() is None:
                raise StoreError(f"there is no run {run_id} in {self._path}", hint="`headgate runs` lists them")
            alive = self._db.execute(
                "UPDATE process SET expires_at = ? WHERE id = ? AND dead = 0",
                (now + LEASE_S, self._process),
            ).rowcount
            if not alive:
                self._process = self._db.execute(
                    "INSERT INTO process (host, pid, started_at, expires_at) VALUES (?, ?, ?, ?)",
                    (socket.gethostname(), os.getpid(), now, now + LEASE_S),
                ).lastrowid
            if row is not None and row[0] != self._process:
                self._db.execute("UPDATE process SET dead = 1 WHERE id = ?", (row[0],))
            self._db.execute(
                "UPDATE run SET holder = ?, status = 'running', finished_at = NULL WHERE id = ?",
                (self._process, run_id),
            )

    def _holder_row(self, run_id: str) -> tuple[int, str, int, float] | None:
        row: tuple[int, str, int, float] | None = self._db.execute(
            "SELECT process.id, host, pid, expires_at FROM run JOIN process ON process.id = run.holder "
            "WHERE run.id = ? AND process.dead = 0",
            (run_id,),
        ).fetchone()
        return row

    def holder(self, run_id: str) -> str | None:
        """Who drives the run, if a living process does."""
        with _plainly(self._path):
            row = self._holder_row(run_id)
        return f"process {row[2]} on {row[1]}" if row and _lives(row[1], row[2], row[3], time.time()) else None

    def finish(
        self, run_id: str, status: RunStatus, finished_at: float, open_jobs: int, counters: Mapping[str, Any]
    ) -> None:
        """Write how the run ended and give the claim back."""
        with _plainly(self._path), self._transaction():
            ended = self._db.execute(
                "UPDATE run SET status = ?, finished_at = ?, open = ?, counters = ?, holder = NULL "
                "WHERE id = ? AND holder = ?",
                (status, finished_at, open_jobs, _text(counters), run_id, self._process),
            ).rowcount
            if not ended:
                raise StoreError(f"run {run_id} is not driven by this process", hint="`headgate runs` shows who has it")

    def run(self, run_id: str) -> RunRow | None:
        """One run."""
        with _plainly(self._path):
            row = self._db.execute(f"SELECT {_COLUMNS} FROM run WHERE id = ?", (run_id,)).fetchone()  # noqa: S608 -- our own column names
        return _row(row) if row else None

    def runs(self) -> Sequence[RunRow]:
        """All runs, newest first."""
        with _plainly(self._path):
            rows = self._db.execute(f"SELECT {_COLUMNS} FROM run ORDER BY started_at DESC, id DESC").fetchall()  # noqa: S608 -- our own column names
        return [_row(row) for row in rows]

    def records(self, run_id: str) -> Iterator[Record]:
        """The run's journal, oldest first."""
        with _plainly(self._path):
            rows = self._db.execute("SELECT kind, job, data FROM journal WHERE run = ? ORDER BY seq", (run_id,))
            for kind, job, data in rows:
                try:
                    plain = orjson.loads(data)
                except orjson.JSONDecodeError as error:
                    raise sqlite3.DatabaseError(f"the journal of {run_id} cannot be read") from error
                yield Record(kind, job, plain)

    def known(self, sandbox: str) -> Mapping[str, tuple[str, str]]:
        """Objects by marker."""
        with _plainly(self._path):
            rows = self._db.execute("SELECT marker, id, digest FROM object WHERE sandbox = ?", (sandbox,))
            return {marker: (remote, digest) for marker, remote, digest in rows}

    def journal(self, run_id: str) -> SqliteJournal:
        """The journal of a claimed run, with a writer thread and a connection of its own."""
        with _plainly(self._path):
            mine = self._db.execute(
                "SELECT sandbox FROM run WHERE id = ? AND holder = ?", (run_id, self._process)
            ).fetchone()
            last = self._db.execute("SELECT max(seq) FROM journal WHERE run = ?", (run_id,)).fetchone()[0]
        if self._process is None or mine is None:
            raise StoreError(f"run {run_id} was not claimed")
        return SqliteJournal(self._path, run_id, mine[0], self._process, int(last or 0))

    def close(self) -> None:
        """Close the file."""
        if self._process is not None:
            with _plainly(self._path):
                self._db.execute("UPDATE process SET dead = 1 WHERE id = ?", (self._process,))
        self._db.close()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")


class SqliteJournal:
    """One run's journal. Every group is gated by the process row: a process that was declared dead writes nothing."""

    def __init__(self, path: Path, run_id: str, sandbox: str, process: int, last: int) -> None:
        self._path, self._run, self._sandbox, self._process = path, run_id, sandbox, process
        self._seq = last
        self._queue: queue.SimpleQueue[tuple[Record | None, Callable[[], None] | None]] = queue.SimpleQueue()
        self._counters: bytes | None = None
        self._loop = asyncio.get_running_loop()
        self.broken: asyncio.Future[StoreError] = self._loop.create_future()
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
            with _plainly(self._path):
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
        for record in records:
            self._seq += 1
            rows.append([self._seq, record.kind, record.job, orjson.dumps(record.data).decode()])
            if (thing := record.made) is not None:
                row = [thing.marker, thing.collection, thing.id, thing.name, thing.digest]
                if record.kind == "settled" and not thing.id:
                    undone.append(thing.marker)
                else:
                    (made if thing.id else doubts).append(row)
        if rows:
            db.execute(_APPEND, (self._run, orjson.dumps(rows).decode()))
        for statement, objects in ((_DOUBT, doubts), (_MADE, made)):
            if objects:
                db.execute(statement, (self._sandbox, self._run, orjson.dumps(objects).decode()))
        if undone:
            db.execute(_UNDONE, (self._sandbox, orjson.dumps(undone).decode()))
        if counters is not None:
            db.execute("UPDATE run SET counters = ? WHERE id = ?", (counters.decode(), self._run))
        db.execute("COMMIT")

    def _on_loop(self, callback: Callable[[], object]) -> None:
        try:
            self._loop.call_soon_threadsafe(callback)
        except RuntimeError:
            return  # the loop has ended: nobody waits for this any more


def _resolve(future: asyncio.Future[Any], value: object) -> None:
    if not future.done():
        future.set_result(value)


def _lives(host: str, pid: int, expires_at: float, now: float) -> bool:
    """Whether a holder may still be at work: its lease has not run out, and on this host its process exists."""
    if expires_at < now:
        return False
    if host != socket.gethostname():
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _statements(script: str) -> Iterator[str]:
    """The single statements of a migration; a script of them would commit what is open."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def _text(value: Mapping[str, Any]) -> str:
    return orjson.dumps(value).decode()


def _row(row: tuple[Any, ...]) -> RunRow:
    values = [*row[:-2], orjson.loads(row[-2]), orjson.loads(row[-1])]
    return RunRow(*values)


@contextmanager
def _plainly(path: Path) -> Iterator[None]:
    """Every trouble of SQLite and the file system, in words."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        text = str(error)
        if "locked" in text or "busy" in text:
            raise StoreBusy(
                f"{path}: another program has the state store locked",
                hint="wait for it to end, or use another --state",
            ) from error
        if "readonly" in text or "unable to open" in text:
            raise StoreError(
                f"{path}: the state store cannot be opened for writing",
                hint="check the folder's permissions, or use another --state",
            ) from error
        if "full" in text:
            raise StoreError(
                f"{path}: the disk is full; everything journaled before is kept",
                hint="make room, then `headgate resume`",
            ) from error
        raise StoreError(
            f"{path}: the state store is broken: {text}",
            hint="restore it from a copy, or use another --state",
        ) from error
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror or error}", hint="use another --state") from error
