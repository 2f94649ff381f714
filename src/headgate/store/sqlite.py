"""The SQLite store: one file, WAL, ``synchronous=FULL``; runs, who drives them, and the objects they made."""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import orjson

from headgate.engine.record import Record
from headgate.errors import SchemaMismatch, StoreMissing
from headgate.faultpoint import Point, reach
from headgate.store import sqlite_desk as desk
from headgate.store import sqlite_leases as leases
from headgate.store.contract import LEASE_S, ObjectRow, RunRow, RunStatus
from headgate.store.desk import left_for, nobody
from headgate.store.holder import Holder, Taker, fresh_for_s, host, machine, no_run, not_driven, other_organisation
from headgate.store.latest import latest
from headgate.store.rows import COLUMNS, histograms, packed, run_row, run_values
from headgate.store.schema import MIGRATIONS
from headgate.store.sqlite_journal import SqliteJournal
from headgate.store.trouble import a_folder, no_store, nothing_yet, plainly, prepare

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from pathlib import Path

    from headgate.engine.record import Latest
    from headgate.store.latest import Texts

#: The schemas from which on plans are kept, lengths of runs, and limits by sandbox.
_KEPT: Final = 4
_LENGTHS: Final = 6
_LIMITS: Final = 7
#: Two scans, each with less to put together, are quicker than one.
_SETTLED: Final = """
SELECT group_concat(job), group_concat(data)
FROM (SELECT job, data FROM journal WHERE run = ? AND seq > ? AND seq <= ? AND kind = 'settled' ORDER BY seq)
"""
_OTHERS: Final = """
SELECT group_concat(job || ',' || seq)
FROM (SELECT job, seq FROM journal WHERE run = ? AND seq > ? AND seq <= ? AND kind <> 'settled' ORDER BY seq)
"""
_NAMED: Final = """
SELECT group_concat('["' || kind || '",' || job || ',' || data || ']')
FROM (SELECT kind, job, data FROM journal WHERE run = ? AND seq IN (SELECT value FROM json_each(?)) ORDER BY seq)
"""


class SqliteStore:
    """One file. ``readonly`` opens it beside a living run without touching it."""

    def __init__(self, path: Path, *, readonly: bool = False, lease_s: float = LEASE_S, org: str = "") -> None:
        self._path, self._lease_s, self._org = path, lease_s, org
        self._process: int | None = None
        self._fresh_until_mono = 0.0
        with plainly(path):
            if readonly:
                if not path.exists():
                    raise StoreMissing(
                        f"{path}: there is no state store here; nothing was sent",
                        hint="run a manifest first, or give --state",
                    )
                if path.is_dir():
                    raise a_folder(path)
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

    def begin(self, run: RunRow, outline: bytes, plan: bytes = b"") -> None:
        """Add a new run with its packed outline and take it, in one step: of two who begin at once, one is refused."""
        with plainly(self._path), self._transaction():
            now = time.time()
            org = self._joined(run.sandbox)
            others = self._db.execute(
                "SELECT id FROM run WHERE manifest = ? AND sandbox = ? AND org = ? AND status = 'running'",
                (run.manifest, run.sandbox, org),
            ).fetchall()
            for (other,) in others:
                self._oust(other, now)
            self._enlist(now)
            self._db.execute(
                f"INSERT INTO run (holder, org, {COLUMNS}, outline) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608 -- our own column names
                (self._process, org, *run_values(run), outline),
            )
            if plan:
                self._db.execute("INSERT INTO kept (run, plan) VALUES (?, ?)", (run.id, plan))
            reach(Point.BEGINNING)

    def outline(self, run_id: str) -> bytes:
        """The run's packed outline."""
        with plainly(self._path):
            row = self._db.execute("SELECT outline FROM run WHERE id = ?", (run_id,)).fetchone()
        if row is None:
            raise no_run(run_id, self._path)
        return bytes(row[0])

    def plan(self, run_id: str) -> bytes:
        """The plan kept with a run."""
        with plainly(self._path):
            if self._version() < _KEPT:
                return b""
            row = self._db.execute("SELECT plan FROM kept WHERE run = ?", (run_id,)).fetchone()
        return bytes(row[0]) if row is not None else b""

    def claim(self, run_id: str) -> None:
        """Take the run for this process; a dead holder's is taken over, and the keys it holds."""
        with plainly(self._path), self._transaction():
            now = time.time()
            self._oust(run_id, now)
            row = self._db.execute("SELECT sandbox, org FROM run WHERE id = ?", (run_id,)).fetchone()
            if row is None:
                raise no_run(run_id, self._path)
            if self._org and row[1] not in ("", self._org):
                raise other_organisation(run_id, row[1])
            self._joined(row[0])
            process = self._enlist(now)
            self._db.execute(
                "UPDATE run SET holder = ?, status = 'running', finished_at = NULL WHERE id = ?", (process, run_id)
            )
            leases.adopt(self._db, run_id, process)
            desk.clear(self._db, run_id)
            reach(Point.CLAIMING)

    def _joined(self, sandbox: str) -> str:
        """The organisation that a run in ``sandbox`` belongs to; what belongs to none there is its own from now on."""
        if not self._org:
            rows = self._db.execute("SELECT DISTINCT org FROM run WHERE sandbox = ?", (sandbox,)).fetchall()
            return str(rows[0][0]) if len(rows) == 1 else ""
        for table in ("run", "object", "lease"):
            self._db.execute(
                f"UPDATE OR IGNORE {table} SET org = ? WHERE org = '' AND sandbox = ?",  # noqa: S608 -- our own names
                (self._org, sandbox),
            )
        return self._org

    def _enlist(self, now: float) -> int:
        """Say that this process lives; as a new one if it was declared dead."""
        asked_mono = time.monotonic()
        alive = self._db.execute(
            "UPDATE process SET expires_at = ? WHERE id = ? AND dead = 0", (now + self._lease_s, self._process)
        ).rowcount
        if not alive:
            self._process = self._db.execute(
                "INSERT INTO process (host, pid, machine, started_at, expires_at) VALUES (?, ?, ?, ?, ?)",
                (host(), os.getpid(), machine(), now, now + self._lease_s),
            ).lastrowid
        self._fresh_until_mono = asked_mono + fresh_for_s(self._lease_s)
        assert self._process is not None
        return self._process

    def _oust(self, run_id: str, now: float) -> None:
        """See that nobody else drives the run, now or later.

        Raises:
            StoreBusy: a living process does.
        """
        holder = self._holder(run_id, now)
        if holder is None or holder.process == self._process:
            return
        if holder.lives:
            raise holder.busy(run_id)
        leases.declare_dead(self._db, [holder.process])

    def _holder(self, run_id: str, now: float) -> Holder | None:
        marked = "machine" if self._version() > 2 else "''"  # opened for reading, an older file stays as it is
        row = self._db.execute(
            f"SELECT process.id, host, pid, {marked}, process.started_at, expires_at < ? "  # noqa: S608 -- our own column names
            "FROM run JOIN process ON process.id = run.holder WHERE run.id = ? AND process.dead = 0",
            (now, run_id),
        ).fetchone()
        return Holder.of(row) if row is not None else None

    def holder(self, run_id: str) -> str | None:
        """Who drives the run, if a living process does."""
        with plainly(self._path):
            holder = self._holder(run_id, time.time())
        return str(holder) if holder is not None and holder.lives else None

    def ask(self, run_id: str, action: str) -> str:
        """Ask something of who drives the run."""
        with plainly(self._path), self._transaction():
            holder = self._holder(run_id, time.time())
            if holder is None or not holder.lives:
                raise nobody(run_id)
            (org,) = self._db.execute("SELECT org FROM run WHERE id = ?", (run_id,)).fetchone()
            if self._org and org not in ("", self._org):
                raise other_organisation(run_id, org)
            desk.ask(self._db, run_id, holder.process, action)
        return left_for(holder)

    def told(self, run_id: str) -> Mapping[str, Any]:
        """What who drives the run has told."""
        with plainly(self._path):
            return desk.told(self._db, run_id) if self._version() >= desk.SINCE else {}

    def finish(
        self,
        run_id: str,
        status: RunStatus,
        finished_at: float,
        open_jobs: int,
        counters: Mapping[str, Any],
        *,
        abandoned: bool = False,
    ) -> None:
        """Write how the run ended and give the claim back."""
        with plainly(self._path), self._transaction():
            ended = self._db.execute(
                "UPDATE run SET status = ?, finished_at = ?, open = ?, counters = ?, holder = NULL "
                "WHERE id = ? AND holder = (SELECT id FROM process WHERE id = ? AND dead = 0)",
                (status, finished_at, open_jobs, packed(counters), run_id, self._process),
            ).rowcount
            reach(Point.FINISHING)
            if not ended:
                raise not_driven(run_id, self._process)
            leases.leave(self._db, run_id, notes=abandoned or open_jobs > 0)
            desk.clear(self._db, run_id)
            if not open_jobs:
                self._db.execute("DELETE FROM kept WHERE run = ?", (run_id,))

    def run(self, run_id: str) -> RunRow | None:
        """One run."""
        with plainly(self._path):
            row = self._db.execute(f"SELECT {COLUMNS} FROM run WHERE id = ?", (run_id,)).fetchone()  # noqa: S608 -- our own column names
        return run_row(row) if row else None

    def runs(self) -> Sequence[RunRow]:
        """All runs that this store's organisation may see, newest first."""
        with plainly(self._path):
            mine, org = self._mine()
            rows = self._db.execute(
                f"SELECT {COLUMNS} FROM run WHERE {mine} ORDER BY started_at DESC, id DESC",  # noqa: S608 -- our own column names
                org,
            ).fetchall()
        return [run_row(row) for row in rows]

    def _mine(self) -> tuple[str, tuple[str, ...]]:
        """Which rows this store sees: a condition, and what it is about."""
        if not self._org or self._version() < 3:  # before that, nobody owned anything
            return "true", ()
        return "org IN ('', ?)", (self._org,)

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

    def latest(self, run_id: str, after: int = 0) -> Latest:
        """The last record of each job."""
        with plainly(self._path):
            last = self._db.execute("SELECT max(seq) FROM journal WHERE run = ?", (run_id,)).fetchone()[0] or 0

            def read(start: int, end: int) -> Texts:
                jobs, data = self._db.execute(_SETTLED, (run_id, start, end)).fetchone()
                (others,) = self._db.execute(_OTHERS, (run_id, start, end)).fetchone()
                return jobs, data, others

            def named(numbers: list[int]) -> str | None:
                among = orjson.dumps(numbers).decode()
                found: str | None = self._db.execute(_NAMED, (run_id, among)).fetchone()[0]
                return found

            try:
                return latest(after, last, read, named)
            except orjson.JSONDecodeError as error:
                raise sqlite3.DatabaseError(f"the journal of {run_id} cannot be read") from error

    def known(self, sandbox: str, markers: Collection[str] | None = None) -> Mapping[str, tuple[str, str]]:
        """Objects by marker."""
        with plainly(self._path):
            mine, org = self._mine()
            among = "" if markers is None else " AND marker IN (SELECT value FROM json_each(?))"
            chosen = () if markers is None else (orjson.dumps([*markers]).decode(),)
            rows = self._db.execute(
                f"SELECT marker, id, digest FROM object WHERE {mine} AND sandbox = ?{among}",  # noqa: S608 -- our own column names
                (*org, sandbox, *chosen),
            )
            return {marker: (remote, digest) for marker, remote, digest in rows}

    def objects(self, sandbox: str) -> Sequence[ObjectRow]:
        """Objects known and in doubt, by marker."""
        with plainly(self._path):
            found = "found" if self._version() > 1 else "'before'"  # opened for reading, an older file stays as it is
            mine, org = self._mine()
            rows = self._db.execute(
                f"SELECT marker, collection, id, name, run, {found} FROM object "  # noqa: S608 -- our own column names
                f"WHERE {mine} AND sandbox = ? ORDER BY marker",
                (*org, sandbox),
            )
            return [ObjectRow(*row) for row in rows]

    def limits(self, sandbox: str) -> Mapping[str, tuple[float, float]]:
        """Limits found in a sandbox, by scope: requests per second, and seconds ago."""
        with plainly(self._path):
            if self._version() < _LIMITS:
                return {}
            rows = self._db.execute(
                "SELECT scope, per_second, found_at FROM rate WHERE org = ? AND sandbox IN ('', ?) ORDER BY sandbox",
                (self._org, sandbox),
            )
            now = time.time()
            return {scope: (per_s, now - at) for scope, per_s, at in rows}

    def remember_limits(self, sandbox: str, found: Mapping[str, float], gone: Collection[str] = ()) -> None:
        """Keep limits that were found just now, forget others."""
        with plainly(self._path), self._transaction():
            now = time.time()
            self._db.executemany(
                "DELETE FROM rate WHERE org = ? AND sandbox IN ('', ?) AND scope = ?",
                [(self._org, sandbox, scope) for scope in gone],
            )
            self._db.executemany(
                "INSERT INTO rate (org, sandbox, scope, per_second, next_at, found_at) VALUES (?, ?, ?, ?, 0, ?) "
                "ON CONFLICT DO UPDATE SET per_second = excluded.per_second, found_at = excluded.found_at",
                [(self._org, sandbox, scope, per_s, now) for scope, per_s in found.items()],
            )

    def lengths(self, sandbox: str) -> Mapping[str, Mapping[str, float]]:
        """How long runs take, by key."""
        with plainly(self._path):
            if self._version() < _LENGTHS:
                return {}
            mine, org = self._mine()
            rows = self._db.execute(
                f"SELECT key, counts FROM length WHERE {mine} AND sandbox = ? ORDER BY org",  # noqa: S608 -- our own column names
                (*org, sandbox),
            )
            return histograms(rows)

    def journal(self, run_id: str) -> SqliteJournal:
        """The journal of a claimed run, with a writer thread and a connection of its own."""
        with plainly(self._path):
            mine = self._db.execute(
                "SELECT org, sandbox FROM run WHERE id = ? AND holder = ?", (run_id, self._process)
            ).fetchone()
            last = self._db.execute("SELECT max(seq) FROM journal WHERE run = ?", (run_id,)).fetchone()[0]
        if self._process is None or mine is None:
            raise not_driven(run_id, self._process)
        who = Taker(mine[0], mine[1], run_id, self._process)
        return SqliteJournal(self._path, who, int(last or 0), self._lease_s, self._fresh_until_mono)

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
        process = self._process
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            self._process = process  # a number that is taken back is given to another process
            if self._db.in_transaction:  # a full disk has ended it already
                self._db.execute("ROLLBACK")
            raise


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
