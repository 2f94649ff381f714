"""The PostgreSQL journal of one run: a task on the store's thread that commits in groups, a statement for each.

What is given while a group is on its way joins the next one. A group whose connection was lost is sent again for as
long as this process surely has the run: its last record says whether the first sending took effect.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import field, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import asyncpg
import orjson

from headgate.classes import mutable
from headgate.engine.record import Record
from headgate.faultpoint import Point, reach
from headgate.store.contract import MARK, Leased
from headgate.store.desk import LOOK_S
from headgate.store.group import Group, gathered
from headgate.store.holder import Taker, fenced, fresh_for_s, surely_gone
from headgate.store.inbox import Asked, Entry, Inbox, Learnt
from headgate.store.postgres_desk import Desk
from headgate.store.postgres_trouble import in_the_way, lost, plainly, unreachable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from headgate.store.postgres_line import Connection, Line

#: How long the writer waits for more when a group has at least this many records.
LINGER_S: Final = 0.002
LINGER_FROM: Final = 8
#: Records in one statement at most.
MOST: Final = 5_000
#: The first and the longest wait before a lost connection is replaced.
AGAIN_S: Final = 0.05
AGAIN_MOST_S: Final = 1.0

_WRITE: Final = f"SELECT headgate.write_group({', '.join(f'${number}' for number in range(1, 22))})"
#: In place of what was known of a key. It may be sent twice.
_LEARN: Final = """
INSERT INTO headgate.length (org, sandbox, key, counts)
SELECT $1, $2, l.key, l.counts FROM unnest($3::text[], $4::text[]) l(key, counts)
ON CONFLICT (org, sandbox, key) DO UPDATE SET counts = excluded.counts
"""
_TAKEN_BY: Final = """
SELECT 'process ' || p.pid || ' on ' || p.host FROM headgate.run JOIN headgate.process p ON p.id = run.holder
WHERE run.id = $1 AND p.id <> $2
"""
_KNOWN: Final = """
SELECT marker, id, digest FROM headgate.object WHERE org = $1 AND sandbox = $2 AND marker = ANY ($3)
"""


@mutable
class _Batch:
    """What one statement writes, and who is to be called when it is durable, in order."""

    records: list[Record] = field(default_factory=list)
    asks: list[Asked] = field(default_factory=list)
    calls: list[Callable[[], None] | Asked] = field(default_factory=list)
    lengths: dict[str, Mapping[str, float]] = field(default_factory=dict)
    closing: bool = False

    def add(self, entry: Entry) -> bool:
        """Take one entry in; ``False`` for one that must wait: keys are given back before others are asked for."""
        what, then = entry
        if isinstance(what, Asked):
            self.asks.append(what)
            self.calls.append(what)
        elif isinstance(what, Learnt):
            self.lengths.update(what.lengths)
        elif what is not None:
            if what.frees and self.asks:
                return False
            self.records.append(what)
        elif then is None:
            self.closing = True
        if then is not None:
            self.calls.append(then)
        return True


class PostgresJournal(Inbox):
    """One run's journal. Every group is gated by the process row: a process that was declared dead writes nothing."""

    def __init__(self, line: Line, who: Taker, last: int, lease_s: float, fresh_until_mono: float) -> None:
        self._desk = Desk(who)
        super().__init__(who, self._desk, lease_s, fresh_until_mono)
        self._line, self._seq = line, last
        #: An entry of nothing ends the writer.
        self._entries: deque[Entry] = deque()
        self._connection: Connection | None = None
        self._asleep = False
        self._called = asyncio.Event()
        self._writer = line.spawn(self._write())

    def close(self) -> None:
        """End the writer. Call after ``flush``."""
        self._put((None, None))
        self._writer.result()

    def _put(self, entry: Entry) -> None:
        self._entries.append(entry)
        if self._asleep:  # said before it looks for entries a last time, so that none is overlooked
            self._asleep = False
            self._line.loop.call_soon_threadsafe(self._called.set)

    # -- on the line's loop ------------------------------------------------------------------------------------------

    async def _write(self) -> None:
        try:
            with plainly(self._line.url):
                while await self._group():
                    pass
        except Exception as error:  # noqa: BLE001 -- a writer that ends unheard would leave everybody waiting
            self._break(error)
        finally:
            await self._hang_up()

    async def _group(self) -> bool:
        """Write one group; ``False`` when the journal is to be closed."""
        await self._some()
        if self._connection is not None:
            for action in await self._desk.visit(self._connection):
                self._on_loop(partial(self._listener, action))
        if not self._entries and time.monotonic() < self._beat_at:
            return True
        batch = _Batch()
        self._drain(batch)
        if len(batch.records) >= LINGER_FROM:
            await asyncio.sleep(LINGER_S)
            self._drain(batch)
        try:
            group = gathered(batch.records, self._seq)
        except (TypeError, ValueError) as error:
            raise self._unwritten(error) from None
        reach(Point.GROUP_OPEN, batch.records)
        answers = await self._send(group, batch.asks, batch.lengths)
        reach(Point.GROUP_DURABLE, batch.records)
        self._seq += len(batch.records)
        called = iter(answers)
        calls = [partial(one.then, next(called)) if isinstance(one, Asked) else one for one in batch.calls]
        if calls:
            self._on_loop(lambda: [call() for call in calls])
        return not batch.closing

    async def _some(self) -> None:
        """Wait for entries, or for the next heartbeat."""
        self._called.clear()
        self._asleep = True
        if not self._entries:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._called.wait(), min(self._lease_s / 6, LOOK_S))
        self._asleep = False

    def _drain(self, batch: _Batch) -> None:
        while self._entries and len(batch.records) < MOST and not batch.closing:
            if not batch.add(self._entries[0]):
                return
            self._entries.popleft()

    async def _send(self, group: Group, asks: list[Asked], lengths: Mapping[str, Mapping[str, float]]) -> list[Leased]:
        """Write one group, whatever happens to the connection; the answers to who asks for keys.

        Raises:
            StoreError: this process has lost the run, or the database cannot be reached for too long.
        """
        counters, self._counters = self._counters, None
        wait_s, again = AGAIN_S, False
        while True:
            try:
                if self._connection is None:
                    self._connection = await self._line.connect()
                if lengths:
                    await self._learn(self._connection, lengths)
                if again and group.rows and await self._written(group.rows[-1][0]):
                    group = Group()  # it took effect, and only the answer was lost
                return await self._once(self._connection, group, asks, counters)
            except Exception as error:
                if lost(error):
                    await self._hang_up(at_once=True)
                elif not (in_the_way(error) or (again and isinstance(error, asyncpg.UniqueViolationError))):
                    raise
                if time.monotonic() + wait_s > self.fresh_until_mono:
                    raise unreachable(self._line.url) from None
            again = True
            await asyncio.sleep(wait_s)
            wait_s = min(AGAIN_MOST_S, 2 * wait_s)

    async def _once(
        self, connection: Connection, group: Group, asks: list[Asked], counters: bytes | None
    ) -> list[Leased]:
        who = self._who
        values = [*_columns(group.rows, 4), *_columns(group.gone, 2), group.undone]
        values += [*_columns([*group.doubts, *group.made], 6), group.frees]
        answers: dict[int, Mapping[str, Any]] = {}
        left = list(range(len(asks)))
        while True:
            asked_mono = time.monotonic()
            said = await connection.fetchval(
                _WRITE,
                who.process,
                who.run,
                who.org,
                who.sandbox,
                self._lease_s,
                *values,
                orjson.dumps([[asks[number].keys, asks[number].note] for number in left]).decode(),
                counters.decode() if counters is not None else None,
                timeout=max(1.0, self._lease_s / 3),
            )
            if said is None:
                raise fenced(who.run, await connection.fetchval(_TAKEN_BY, who.run, who.process))
            self.fresh_until_mono = asked_mono + fresh_for_s(self._lease_s)
            self._beat_at = asked_mono + self._lease_s / 6
            answers.update(zip(left, orjson.loads(said), strict=True))
            gone = {number: _gone(answers[number]) for number in left}
            left = [number for number in left if gone[number]]
            if not left:
                leased = [_leased(answers[number]) for number in range(len(asks))]
                return await self._informed(connection, asks, leased)
            # Killed on this very machine: nobody waits for its lease to end. The group itself is written.
            dead = sorted(set().union(*gone.values()))
            await connection.execute("UPDATE headgate.process SET dead = true WHERE id = ANY ($1)", dead)
            values, counters = [[] for _ in values], None

    async def _informed(self, connection: Connection, asks: list[Asked], leased: list[Leased]) -> list[Leased]:
        """Add what is known of objects whose marks were granted. Nobody else changes that while they are ours."""
        granted = (one for one, answer in zip(asks, leased, strict=True) if not answer.by)
        marks = {key for one in granted for key in one.keys if key.startswith(MARK)}
        if not marks:
            return leased
        patience_s = max(1.0, self._lease_s / 3)
        rows = await connection.fetch(_KNOWN, self._who.org, self._who.sandbox, sorted(marks), timeout=patience_s)
        known = {marker: (remote, digest) for marker, remote, digest in rows}
        return [
            replace(answer, known={key: known[key] for key in one.keys if key in known}) if not answer.by else answer
            for one, answer in zip(asks, leased, strict=True)
        ]

    async def _learn(self, connection: Connection, lengths: Mapping[str, Mapping[str, float]]) -> None:
        # In one order for everybody: two processes must not wait crosswise.
        rows = [(key, orjson.dumps(lengths[key]).decode()) for key in sorted(lengths)]
        await connection.execute(_LEARN, self._who.org, self._who.sandbox, *_columns(rows, 2))

    async def _written(self, seq: int) -> bool:
        assert self._connection is not None
        return bool(
            await self._connection.fetchval(
                "SELECT EXISTS (SELECT FROM headgate.journal WHERE run = $1 AND seq = $2)", self._who.run, seq
            )
        )

    async def _hang_up(self, *, at_once: bool = False) -> None:
        connection, self._connection = self._connection, None
        if connection is None:
            return
        try:
            if at_once:
                connection.terminate()
            else:
                await connection.close(timeout=2.0)
        except Exception:  # noqa: BLE001 -- it is gone already
            connection.terminate()


def _columns(rows: Sequence[tuple[Any, ...]], count: int) -> list[list[Any]]:
    """Rows as that many columns. A NUL, which PostgreSQL's text cannot hold, becomes a mark of what was there."""
    columns = [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in range(count)]
    return [
        [value.replace("\x00", "\ufffd") for value in column] if column and isinstance(column[0], str) else column
        for column in columns
    ]


def _gone(answer: Mapping[str, Any]) -> set[int]:
    """Of the processes that hold what was asked for, those that have surely ended."""
    return {process for process, _, pid, where, *_ in answer.get("held", ()) if surely_gone(where, pid)}


def _leased(answer: Mapping[str, Any]) -> Leased:
    if "held" in answer:
        _, host, pid, _, run, since_s = answer["held"][0]
        return Leased(f"run {run}, driven by process {pid} on {host}", float(since_s))
    return Leased(notes=tuple(dict.fromkeys(answer["notes"])))
