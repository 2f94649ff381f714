"""The PostgreSQL store: one database for several machines; runs, who drives them, and the objects they made."""

from __future__ import annotations

import os
import secrets
import time
from typing import TYPE_CHECKING, Any, Final

import orjson

from headgate.engine.record import Record
from headgate.errors import SchemaMismatch, StoreError, StoreMissing
from headgate.faultpoint import Point, reach
from headgate.secret import without_password
from headgate.store import postgres_desk as desk
from headgate.store.contract import LEASE_S, ObjectRow, RunRow, RunStatus
from headgate.store.desk import left_for, nobody
from headgate.store.holder import (
    Holder,
    Taker,
    fresh_for_s,
    host,
    machine,
    no_run,
    not_driven,
    other_organisation,
    surely_gone,
)
from headgate.store.latest import latest
from headgate.store.postgres_journal import PostgresJournal
from headgate.store.postgres_line import Connection, Line
from headgate.store.postgres_schema import LOCK_CLAIMS, LOCK_KEYS, LOCK_MIGRATIONS, MIGRATIONS
from headgate.store.rows import COLUMNS, histograms, packed, run_row, run_values

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from headgate.engine.record import Latest
    from headgate.store.latest import Texts

#: Records read at once.
PAGE: Final = 10_000

_BEGIN: Final = f"""
INSERT INTO headgate.run (holder, org, {COLUMNS}, outline)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
ON CONFLICT (id) DO NOTHING RETURNING id
"""  # noqa: S608 -- our own column names
_HOLDER: Final = """
SELECT p.id, p.host, p.pid, p.machine, extract(epoch FROM p.started_at)::float8, p.expires_at < clock_timestamp()
FROM headgate.run JOIN headgate.process p ON p.id = run.holder WHERE run.id = $1 AND NOT p.dead
"""
_ALIVE: Final = """
UPDATE headgate.process SET expires_at = clock_timestamp() + make_interval(secs => $2)
WHERE id = $1 AND NOT dead RETURNING id
"""
_ENLIST: Final = """
INSERT INTO headgate.process AS p (token, host, pid, machine, expires_at)
VALUES ($1, $2, $3, $4, clock_timestamp() + make_interval(secs => $5))
ON CONFLICT (token) DO UPDATE SET expires_at = excluded.expires_at RETURNING p.id
"""
#: Dead for good, unless it has said in the meantime that it lives.
_REAP: Final = """
UPDATE headgate.process SET dead = true WHERE id = $1 AND (expires_at < clock_timestamp() OR $2) RETURNING id
"""
#: A page of records as three columns: half the cost of as many rows.
_PAGE: Final = """
SELECT max(seq), string_agg(kind, ','), array_agg(job), '[' || string_agg(data, ',') || ']'
FROM (SELECT seq, kind, job, data FROM headgate.journal WHERE run = $1 AND seq > $2 ORDER BY seq LIMIT $3) page
"""
_STRETCH: Final = """
SELECT string_agg(job::text, ',') FILTER (WHERE kind = 'settled'),
       string_agg(data, ',') FILTER (WHERE kind = 'settled'),
       string_agg(job || ',' || seq, ',') FILTER (WHERE kind <> 'settled')
FROM (SELECT seq, kind, job, data FROM headgate.journal WHERE run = $1 AND seq > $2 AND seq <= $3 ORDER BY seq) stretch
"""
_NAMED: Final = """
SELECT string_agg('["' || kind || '",' || job || ',' || data || ']', ',' ORDER BY seq)
FROM headgate.journal WHERE run = $1 AND seq = ANY ($2::bigint[])
"""
_REMEMBER: Final = """
INSERT INTO headgate.rate (org, sandbox, scope, per_second, next_at) VALUES ($1, $2, $3, $4, clock_timestamp())
ON CONFLICT (org, sandbox, scope) DO UPDATE SET per_second = excluded.per_second, found_at = clock_timestamp()
"""
#: The schemas from which on plans are kept, lengths of runs, and limits by sandbox.
_KEPT: Final = 2
_LENGTHS: Final = 4
_LIMITS: Final = 5


class PostgresStore:
    """One database. ``readonly`` looks at it without making or migrating anything."""

    def __init__(self, url: str, *, readonly: bool = False, lease_s: float = LEASE_S, org: str = "") -> None:
        self._where, self._lease_s, self._org = without_password(url), lease_s, org
        self._process: int | None = None
        self._fresh_until_mono = 0.0
        self._line = Line(url, readonly=readonly)
        try:
            self._found = self._check(self._line.call(_version if readonly else _migrated, patient=False))
        except BaseException:
            self._line.close()
            raise

    def _check(self, found: int | None) -> int:
        if found is None:
            raise StoreMissing(
                f"{self._where}: there is no state store here", hint="run a manifest first, or give --state"
            )
        if found > len(MIGRATIONS):
            raise SchemaMismatch(
                f"{self._where}: written by a newer headgate (schema {found}, this program knows "
                f"{len(MIGRATIONS)}); nothing was changed",
                hint="upgrade headgate, or use another --state",
            )
        return found

    # -- runs --------------------------------------------------------------------------------------------------------

    def begin(self, run: RunRow, outline: bytes, plan: bytes = b"") -> None:
        """Add a new run with its packed outline and take it, in one step: of two who begin at once, one is refused."""
        token = secrets.token_hex(8)

        async def ask(connection: Connection, again: bool) -> None:
            async with connection.transaction():
                await connection.execute(LOCK_CLAIMS)
                org = await self._joined(connection, run.sandbox)
                others = await connection.fetch(
                    "SELECT id FROM headgate.run "
                    "WHERE manifest = $1 AND sandbox = $2 AND org = $3 AND status = 'running' AND id <> $4",
                    run.manifest,
                    run.sandbox,
                    org,
                    run.id,
                )
                for (other,) in others:
                    await self._oust(connection, other)
                process = await self._enlist(connection, token)
                if await connection.fetchval(_BEGIN, process, org, *run_values(run), outline) is not None:
                    if plan:
                        await connection.execute("INSERT INTO headgate.kept (run, plan) VALUES ($1, $2)", run.id, plan)
                    reach(Point.BEGINNING)
                    return
                mine = await connection.fetchval("SELECT holder FROM headgate.run WHERE id = $1", run.id)
                if not (again and mine == process):  # else it was added, and only the answer was lost
                    raise StoreError(
                        f"{self._where}: there is a run {run.id} already", hint="`headgate runs` lists them"
                    )

        self._line.call(ask)

    def outline(self, run_id: str) -> bytes:
        """The run's packed outline."""
        found = self._value("SELECT outline FROM headgate.run WHERE id = $1", run_id)
        if found is None:
            raise no_run(run_id, self._where)
        return bytes(found)

    def plan(self, run_id: str) -> bytes:
        """The plan kept with a run."""
        if self._found < _KEPT:
            return b""
        return bytes(self._value("SELECT plan FROM headgate.kept WHERE run = $1", run_id) or b"")

    def claim(self, run_id: str) -> None:
        """Take the run for this process; a dead holder's is taken over, and the keys it holds."""
        token = secrets.token_hex(8)

        async def ask(connection: Connection, _again: bool) -> None:
            async with connection.transaction():
                await connection.execute(LOCK_CLAIMS)
                row = await connection.fetchrow("SELECT sandbox, org FROM headgate.run WHERE id = $1", run_id)
                if row is None:
                    raise no_run(run_id, self._where)
                if self._org and row[1] not in ("", self._org):
                    raise other_organisation(run_id, row[1])
                await self._oust(connection, run_id)
                org = await self._joined(connection, row[0])
                process = await self._enlist(connection, token)
                await connection.execute(
                    "UPDATE headgate.run SET holder = $1, status = 'running', finished_at = NULL WHERE id = $2",
                    process,
                    run_id,
                )
                await connection.execute(LOCK_KEYS, org if row[1] == "" else row[1], row[0])
                await connection.execute("UPDATE headgate.lease SET holder = $1 WHERE run = $2", process, run_id)
                await desk.clear(connection, run_id)
                reach(Point.CLAIMING)

        self._line.call(ask)

    async def _joined(self, connection: Connection, sandbox: str) -> str:
        """The organisation that a run in ``sandbox`` belongs to; what belongs to none there is its own from now on."""
        if not self._org:
            rows = await connection.fetch("SELECT DISTINCT org FROM headgate.run WHERE sandbox = $1", sandbox)
            return str(rows[0][0]) if len(rows) == 1 else ""
        if not await connection.fetchval(
            "SELECT EXISTS (SELECT FROM headgate.run WHERE org = '' AND sandbox = $1)", sandbox
        ):
            return self._org
        await connection.execute(LOCK_KEYS, self._org, sandbox)
        await connection.execute(LOCK_KEYS, "", sandbox)
        for table, unless in (("run", "false"), ("object", "marker"), ("lease", "key")):
            clash = (
                "false"
                if unless == "false"
                else f"EXISTS (SELECT FROM headgate.{table} b "
                f"WHERE b.org = $1 AND b.sandbox = $2 AND b.{unless} = a.{unless})"
            )
            await connection.execute(
                f"UPDATE headgate.{table} a SET org = $1 WHERE org = '' AND sandbox = $2 AND NOT {clash}",  # noqa: S608
                self._org,
                sandbox,
            )
        return self._org

    async def _enlist(self, connection: Connection, token: str) -> int:
        """Say that this process lives; as a new one, named ``token``, if it was declared dead."""
        asked_mono = time.monotonic()
        process = await connection.fetchval(_ALIVE, self._process, self._lease_s)
        if process is None:
            process = await connection.fetchval(_ENLIST, token, host(), os.getpid(), machine(), self._lease_s)
        self._process = int(process)
        self._fresh_until_mono = asked_mono + fresh_for_s(self._lease_s)
        return self._process

    async def _oust(self, connection: Connection, run_id: str) -> None:
        """See that nobody else drives the run, now or later.

        Raises:
            StoreBusy: a living process does.
        """
        row = await connection.fetchrow(_HOLDER, run_id)
        holder = Holder.of(tuple(row)) if row is not None else None
        if holder is None or holder.process == self._process:
            return
        gone = surely_gone(holder.machine, holder.pid)
        if (holder.expired or gone) and await connection.fetchval(_REAP, holder.process, gone) is not None:
            return
        raise holder.busy(run_id)

    def holder(self, run_id: str) -> str | None:
        """Who drives the run, if a living process does."""
        rows = self._rows(_HOLDER, run_id)
        holder = Holder.of(rows[0]) if rows else None
        return str(holder) if holder is not None and holder.lives else None

    def ask(self, run_id: str, action: str) -> str:
        """Ask something of who drives the run. Asked twice where an answer was lost, it is heard twice."""
        rows = self._rows(_HOLDER, run_id)
        holder = Holder.of(rows[0]) if rows else None
        if holder is None or not holder.lives:
            raise nobody(run_id)
        org = self._value("SELECT org FROM headgate.run WHERE id = $1", run_id)
        if self._org and org not in ("", self._org):
            raise other_organisation(run_id, org)
        self._rows(desk.ASK, run_id, holder.process, action)
        return left_for(holder)

    def told(self, run_id: str) -> Mapping[str, Any]:
        """What who drives the run has told."""
        return desk.of(self._value(desk.TOLD, run_id)) if self._found >= desk.SINCE else {}

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

        async def ask(connection: Connection, again: bool) -> None:
            async with connection.transaction():
                alive = await connection.fetchval(
                    "SELECT id FROM headgate.process WHERE id = $1 AND NOT dead FOR SHARE", self._process
                )
                row = await connection.fetchrow(
                    "UPDATE headgate.run SET status = $1, finished_at = $2, open = $3, counters = $4, holder = NULL "
                    "WHERE id = $5 AND holder = $6 RETURNING org, sandbox",
                    status,
                    finished_at,
                    open_jobs,
                    packed(counters),
                    run_id,
                    alive,
                )
                if row is None:
                    ended = await connection.fetchrow(
                        "SELECT status, finished_at, holder FROM headgate.run WHERE id = $1", run_id
                    )
                    if again and ended is not None and tuple(ended) == (status, finished_at, None):
                        return  # it was written, and only the answer was lost
                    raise not_driven(run_id, self._process)
                await connection.execute(LOCK_KEYS, row[0], row[1])
                await connection.execute(
                    "UPDATE headgate.lease SET holder = NULL WHERE run = $1"
                    if open_jobs or abandoned
                    else "DELETE FROM headgate.lease WHERE run = $1",
                    run_id,
                )
                await desk.clear(connection, run_id)
                if not open_jobs:
                    await connection.execute("DELETE FROM headgate.kept WHERE run = $1", run_id)
                reach(Point.FINISHING)

        self._line.call(ask)

    def run(self, run_id: str) -> RunRow | None:
        """One run."""
        rows = self._rows(f"SELECT {COLUMNS} FROM headgate.run WHERE id = $1", run_id)  # noqa: S608 -- our own names
        return run_row(tuple(rows[0])) if rows else None

    def runs(self) -> Sequence[RunRow]:
        """All runs that this store's organisation may see, newest first."""
        rows = self._rows(
            f"SELECT {COLUMNS} FROM headgate.run WHERE $1 IN ('', org) OR org = '' "  # noqa: S608 -- our own names
            "ORDER BY started_at DESC, id DESC",
            self._org,
        )
        return [run_row(tuple(row)) for row in rows]

    def records(self, run_id: str) -> Iterator[Record]:
        """The run's journal, oldest first; while a page is read, the next one is on its way."""

        def page(after: int) -> Callable[[], Any]:
            async def ask(connection: Connection, _again: bool) -> Any:
                return await connection.fetchrow(_PAGE, run_id, after, PAGE)

            return self._line.start(ask)

        coming: Callable[[], Any] | None = page(0)
        while coming is not None:
            last, kinds, jobs, text = coming()
            if last is None:
                return
            coming = page(last) if len(jobs) == PAGE else None
            try:
                data = orjson.loads(text)
            except orjson.JSONDecodeError as error:
                raise self._unreadable(run_id) from error
            yield from map(Record, kinds.split(","), jobs, data)

    def latest(self, run_id: str, after: int = 0) -> Latest:
        """The last record of each job."""
        last = self._value("SELECT max(seq) FROM headgate.journal WHERE run = $1", run_id) or 0

        def read(start: int, end: int) -> Texts:
            ((jobs, data, others),) = self._rows(_STRETCH, run_id, start, end)
            return jobs, data, others

        def named(numbers: list[int]) -> str | None:
            found: str | None = self._value(_NAMED, run_id, numbers)
            return found

        try:
            return latest(after, last, read, named)
        except orjson.JSONDecodeError as error:
            raise self._unreadable(run_id) from error

    def _unreadable(self, run_id: str) -> StoreError:
        return StoreError(
            f"{self._where}: the journal of {run_id} cannot be read",
            hint="restore the schema `headgate` from a copy, or use another database",
        )

    def known(self, sandbox: str, markers: Collection[str] | None = None) -> Mapping[str, tuple[str, str]]:
        """Objects by marker."""
        rows = self._rows(
            "SELECT marker, id, digest FROM headgate.object WHERE sandbox = $1 AND ($2 IN ('', org) OR org = '') "
            "AND ($3::text[] IS NULL OR marker = ANY ($3))",
            sandbox,
            self._org,
            None if markers is None else [*markers],
        )
        return {marker: (remote, digest) for marker, remote, digest in rows}

    def objects(self, sandbox: str) -> Sequence[ObjectRow]:
        """Objects known and in doubt, by marker."""
        rows = self._rows(
            "SELECT marker, collection, id, name, run, found FROM headgate.object "
            "WHERE sandbox = $1 AND ($2 IN ('', org) OR org = '') ORDER BY marker COLLATE \"C\"",
            sandbox,
            self._org,
        )
        return [ObjectRow(*row) for row in rows]

    def limits(self, sandbox: str) -> Mapping[str, tuple[float, float]]:
        """Limits found in a sandbox, by scope: requests per second, and seconds ago."""
        if self._found < _LIMITS:
            return {}
        rows = self._rows(
            "SELECT scope, per_second, extract(epoch FROM clock_timestamp() - found_at)::float8 "
            "FROM headgate.rate WHERE org = $1 AND sandbox IN ('', $2) ORDER BY sandbox <> ''",
            self._org,
            sandbox,
        )
        return {scope: (per_s, age_s) for scope, per_s, age_s in rows}

    def remember_limits(self, sandbox: str, found: Mapping[str, float], gone: Collection[str] = ()) -> None:
        """Keep limits that were found just now, forget others. In the order of scopes, as everybody locks them."""

        async def ask(connection: Connection, _again: bool) -> None:
            async with connection.transaction():
                for scope in sorted({*found, *gone}):
                    if scope not in found:
                        await connection.execute(
                            "DELETE FROM headgate.rate WHERE org = $1 AND sandbox IN ('', $2) AND scope = $3",
                            self._org,
                            sandbox,
                            scope,
                        )
                        continue
                    await connection.execute(_REMEMBER, self._org, sandbox, scope, found[scope])

        self._line.call(ask)

    def lengths(self, sandbox: str) -> Mapping[str, Mapping[str, float]]:
        """How long runs take, by key."""
        if self._found < _LENGTHS:
            return {}
        rows = self._rows(
            "SELECT key, counts FROM headgate.length WHERE sandbox = $1 AND ($2 IN ('', org) OR org = '') ORDER BY org",
            sandbox,
            self._org,
        )
        return histograms(rows)

    def journal(self, run_id: str) -> PostgresJournal:
        """The journal of a claimed run, with a connection of its own."""
        rows = self._rows(
            "SELECT org, sandbox, (SELECT max(seq) FROM headgate.journal WHERE run = $1) "
            "FROM headgate.run WHERE id = $1 AND holder = $2",
            run_id,
            self._process,
        )
        if self._process is None or not rows:
            raise not_driven(run_id, self._process)
        org, sandbox, last = rows[0]
        who = Taker(org, sandbox, run_id, self._process)
        return PostgresJournal(self._line, who, last or 0, self._lease_s, self._fresh_until_mono)

    def close(self) -> None:
        """Say that this process is gone, as far as anybody listens, and end the connections."""
        process = self._process

        async def ask(connection: Connection, _again: bool) -> None:
            await connection.execute("UPDATE headgate.process SET dead = true WHERE id = $1", process)

        try:
            if process is not None and not self._line.loop.is_closed():
                self._line.call(ask, patient=False)
        except StoreError:
            pass  # its lease will end by itself
        finally:
            self._line.close()

    def _rows(self, statement: str, *values: object) -> Sequence[Any]:
        async def ask(connection: Connection, _again: bool) -> Sequence[Any]:
            return await connection.fetch(statement, *values)

        return self._line.call(ask)

    def _value(self, statement: str, *values: object) -> Any:
        rows = self._rows(statement, *values)
        return rows[0][0] if rows else None


async def _version(connection: Connection, _again: bool = False) -> int | None:
    """The schema's number; ``None`` where there is none."""
    # Read as rows: the server's own look-up by name may remember from before a lock was waited for.
    if not await connection.fetchval(
        "SELECT EXISTS (SELECT FROM pg_catalog.pg_tables WHERE schemaname = 'headgate' AND tablename = 'version')"
    ):
        return None
    found: int = await connection.fetchval("SELECT number FROM headgate.version")
    return found


async def _migrated(connection: Connection, _again: bool) -> int:
    """Bring the schema up to date, in one step; its number."""
    found = await _version(connection)
    if found is not None and found >= len(MIGRATIONS):
        return found
    async with connection.transaction():
        await connection.execute(LOCK_MIGRATIONS)
        found = await _version(connection)  # another process may have been first, while we waited
        if found is None:
            # Asked first: a user who may not make a schema may well use one that is there.
            if not await connection.fetchval("SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = 'headgate')"):
                await connection.execute("CREATE SCHEMA headgate")
            await connection.execute(
                "CREATE TABLE headgate.version (number integer NOT NULL); INSERT INTO headgate.version VALUES (0)"
            )
            found = 0
        for migration in MIGRATIONS[found:]:
            await connection.execute(migration)
            found += 1
            await connection.execute("UPDATE headgate.version SET number = $1", found)
    return found
