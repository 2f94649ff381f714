"""The SQLite store: one file, WAL, ``synchronous=FULL``; runs, who drives them, and the objects they made."""

from __future__ import annotations

import os
import socket
import sqlite3
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import orjson

from headgate.engine.record import Record
from headgate.errors import SchemaMismatch, StoreBusy, StoreError
from headgate.store.contract import ObjectRow, RunRow, RunStatus
from headgate.store.schema import MIGRATIONS
from headgate.store.sqlite_journal import LEASE_S, SqliteJournal
from headgate.store.trouble import no_store, nothing_yet, plainly, prepare

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

_COLUMNS = "id, manifest, path, sandbox, fingerprint, status, started_at, finished_at, open, args, counters"


class SqliteStore:
    """One file. ``readonly`` opens it beside a living run without touching it."""

    def __init__(self, path: Path, *, readonly: bool = False) -> None:
        self._path = path
        self._process: int | None = None
        with plainly(path):
            if readonly:
                if not path.exists():
                    raise StoreError(
                        f"{path}: there is no state store here", hint="run a manifest first, or give --state"
                    )
                where = f"file:{quote(str(path))}?mode=ro{_unchanging(path)}"
                self._db = sqlite3.connect(where, uri=True, timeout=5.0, check_same_thread=False)
            else:
                prepare(path)
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
        if not found:
            self._look_inside(readonly=readonly)
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

    def _look_inside(self, *, readonly: bool) -> None:
        """What has no version of ours is empty, or not ours to write to."""
        if self._db.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone() is not None and not self._version():
            raise no_store(self._path)
        if readonly and not self._version():
            raise nothing_yet(self._path)

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
        """Add a new run with its packed outline and take it, in one step: of two who begin at once, one is refused."""
        with plainly(self._path), self._transaction():
            other = self._db.execute(
                "SELECT id FROM run WHERE manifest = ? AND sandbox = ? AND status = 'running'",
                (run.manifest, run.sandbox),
            ).fetchone()
            row = self._holder_row(other[0]) if other is not None else None
            if row is not None and row[0] != self._process and _lives(row[1], row[2], row[3], time.time()):
                raise _busy(other[0], row)
            self._enlist(time.time())
            self._db.execute(
                f"INSERT INTO run (holder, {_COLUMNS}, outline) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608 -- our own column names
                (
                    self._process,
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
        with plainly(self._path):
            row = self._db.execute("SELECT outline FROM run WHERE id = ?", (run_id,)).fetchone()
        if row is None:
            raise StoreError(f"there is no run {run_id} in {self._path}", hint="`headgate runs` lists them")
        return bytes(row[0])

    def claim(self, run_id: str) -> None:
        """Take the run for this process; a dead holder's is taken over."""
        now = time.time()
        with plainly(self._path), self._transaction():
            row = self._holder_row(run_id)
            if row is not None and row[0] != self._process and _lives(row[1], row[2], row[3], now):
                raise _busy(run_id, row)
            if self._db.execute("SELECT 1 FROM run WHERE id = ?", (run_id,)).fetchone() is None:
                raise StoreError(f"there is no run {run_id} in {self._path}", hint="`headgate runs` lists them")
            self._enlist(now)
            if row is not None and row[0] != self._process:
                self._db.execute("UPDATE process SET dead = 1 WHERE id = ?", (row[0],))
            self._db.execute(
                "UPDATE run SET holder = ?, status = 'running', finished_at = NULL WHERE id = ?",
                (self._process, run_id),
            )

    def _enlist(self, now: float) -> None:
        """Say that this process lives; as a new one if it was declared dead."""
        alive = self._db.execute(
            "UPDATE process SET expires_at = ? WHERE id = ? AND dead = 0", (now + LEASE_S, self._process)
        ).rowcount
        if not alive:
            self._process = self._db.execute(
                "INSERT INTO process (host, pid, started_at, expires_at) VALUES (?, ?, ?, ?)",
                (socket.gethostname(), os.getpid(), now, now + LEASE_S),
            ).lastrowid

    def _holder_row(self, run_id: str) -> tuple[int, str, int, float] | None:
        row: tuple[int, str, int, float] | None = self._db.execute(
            "SELECT process.id, host, pid, expires_at FROM run JOIN process ON process.id = run.holder "
            "WHERE run.id = ? AND process.dead = 0",
            (run_id,),
        ).fetchone()
        return row

    def holder(self, run_id: str) -> str | None:
        """Who drives the run, if a living process does."""
        with plainly(self._path):
            row = self._holder_row(run_id)
        return f"process {row[2]} on {row[1]}" if row and _lives(row[1], row[2], row[3], time.time()) else None

    def finish(
        self, run_id: str, status: RunStatus, finished_at: float, open_jobs: int, counters: Mapping[str, Any]
    ) -> None:
        """Write how the run ended and give the claim back."""
        with plainly(self._path), self._transaction():
            ended = self._db.execute(
                "UPDATE run SET status = ?, finished_at = ?, open = ?, counters = ?, holder = NULL "
                "WHERE id = ? AND holder = ?",
                (status, finished_at, open_jobs, _text(counters), run_id, self._process),
            ).rowcount
            if not ended:
                raise StoreError(f"run {run_id} is not driven by this process", hint="`headgate runs` shows who has it")

    def run(self, run_id: str) -> RunRow | None:
        """One run."""
        with plainly(self._path):
            row = self._db.execute(f"SELECT {_COLUMNS} FROM run WHERE id = ?", (run_id,)).fetchone()  # noqa: S608 -- our own column names
        return _row(row) if row else None

    def runs(self) -> Sequence[RunRow]:
        """All runs, newest first."""
        with plainly(self._path):
            rows = self._db.execute(f"SELECT {_COLUMNS} FROM run ORDER BY started_at DESC, id DESC").fetchall()  # noqa: S608 -- our own column names
        return [_row(row) for row in rows]

    def records(self, run_id: str) -> Iterator[Record]:
        """The run's journal, oldest first."""
        with plainly(self._path):
            rows = self._db.execute("SELECT kind, job, data FROM journal WHERE run = ? ORDER BY seq", (run_id,))
            for kind, job, data in rows:
                try:
                    plain = orjson.loads(data)
                except orjson.JSONDecodeError as error:
                    raise sqlite3.DatabaseError(f"the journal of {run_id} cannot be read") from error
                yield Record(kind, job, plain)

    def known(self, sandbox: str) -> Mapping[str, tuple[str, str]]:
        """Objects by marker."""
        with plainly(self._path):
            rows = self._db.execute("SELECT marker, id, digest FROM object WHERE sandbox = ?", (sandbox,))
            return {marker: (remote, digest) for marker, remote, digest in rows}

    def objects(self, sandbox: str) -> Sequence[ObjectRow]:
        """Objects known and in doubt, by marker."""
        with plainly(self._path):
            found = "found" if self._version() > 1 else "'before'"  # opened for reading, an older file stays as it is
            rows = self._db.execute(
                f"SELECT marker, collection, id, name, run, {found} FROM object WHERE sandbox = ? ORDER BY marker",  # noqa: S608 -- our own column names
                (sandbox,),
            )
            return [ObjectRow(*row) for row in rows]

    def journal(self, run_id: str) -> SqliteJournal:
        """The journal of a claimed run, with a writer thread and a connection of its own."""
        with plainly(self._path):
            mine = self._db.execute(
                "SELECT sandbox FROM run WHERE id = ? AND holder = ?", (run_id, self._process)
            ).fetchone()
            last = self._db.execute("SELECT max(seq) FROM journal WHERE run = ?", (run_id,)).fetchone()[0]
        if self._process is None or mine is None:
            raise StoreError(f"run {run_id} was not claimed")
        return SqliteJournal(self._path, run_id, mine[0], self._process, int(last or 0))

    def close(self) -> None:
        """Close the file."""
        try:
            # A courtesy to those who wait; where it cannot be written, this process is seen to be gone.
            with suppress(sqlite3.Error):
                if self._process is not None:
                    self._db.execute("UPDATE process SET dead = 1 WHERE id = ?", (self._process,))
        finally:
            self._db.close()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            if self._db.in_transaction:  # a full disk has ended it already
                self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")


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


def _unchanging(path: Path) -> str:
    """How a store is opened where nothing can be written beside it, as a reader else must: nobody writes to it."""
    beside = path.with_name(f"{path.name}-wal")
    writable = os.access(path.parent, os.W_OK, effective_ids=os.access in os.supports_effective_ids)
    return "" if writable or beside.exists() else "&immutable=1"


def _statements(script: str) -> Iterator[str]:
    """The single statements of a migration; a script of them would commit what is open."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def _busy(run_id: str, row: tuple[int, str, int, float]) -> StoreBusy:
    return StoreBusy(
        f"run {run_id} is being driven by process {row[2]} on {row[1]}; nothing was sent",
        hint=f"`headgate status {run_id}` shows how it stands",
    )


def _text(value: Mapping[str, Any]) -> str:
    return orjson.dumps(value).decode()


def _row(row: tuple[Any, ...]) -> RunRow:
    try:
        return RunRow(*row[:-2], orjson.loads(row[-2]), orjson.loads(row[-1]))
    except orjson.JSONDecodeError as error:
        raise StoreError(f"what the state store says of run {row[0]} cannot be read") from error
