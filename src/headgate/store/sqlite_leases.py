"""Keys held across processes, in SQLite. Every function is a step of a transaction that somebody else has begun."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from headgate.store.contract import MARK, Leased
from headgate.store.holder import Holder, Taker

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Sequence

_ROWS = """
SELECT key, lease.run, remote, since, process.id, host, pid, machine, started_at, dead OR expires_at < ?4
FROM lease LEFT JOIN process ON process.id = lease.holder
WHERE org = ?1 AND sandbox = ?2 AND key IN (SELECT value FROM json_each(?3)) ORDER BY since, key
"""
_TAKE = """
INSERT INTO lease (org, sandbox, run, holder, since, key, remote)
SELECT ?1, ?2, ?3, ?4, ?5, json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM json_each(?6) WHERE true
ON CONFLICT (org, sandbox, key) DO UPDATE SET
    run = excluded.run, holder = excluded.holder, remote = excluded.remote,
    since = CASE lease.run WHEN excluded.run THEN lease.since ELSE excluded.since END
"""

_KNOWN = """
SELECT marker, id, digest FROM object
WHERE org = ?1 AND sandbox = ?2 AND marker IN (SELECT value FROM json_each(?3))
"""


def take(db: sqlite3.Connection, who: Taker, keys: Iterable[str], note: Sequence[str], now: float) -> Leased:
    """Give ``who`` all ``keys``, or say who has one of them. Whoever is found dead on the way is so for good."""
    wanted = list(dict.fromkeys(keys))
    rows = db.execute(_ROWS, (who.org, who.sandbox, orjson.dumps(wanted).decode(), now)).fetchall()
    dead: list[int] = []
    before: dict[str, list[str]] = {}
    for key, run, remote, since, process, *rest in rows:
        before[key] = orjson.loads(remote)
        if process is None or run == who.run:
            continue
        holder = Holder.of((process, *rest))
        if holder.lives:
            return Leased(f"run {run}, driven by {holder}", max(0.0, now - since))
        dead.append(process)
    declare_dead(db, dead)
    given = [[key, _text([*before.get(key, ()), *note])] for key in wanted]
    db.execute(_TAKE, (who.org, who.sandbox, who.run, who.process, now, orjson.dumps(given).decode()))
    notes = tuple(dict.fromkeys(one for notes in before.values() for one in notes))
    marks = [key for key in wanted if key.startswith(MARK)]
    return Leased(notes=notes, known=_known(db, who, marks) if marks else {})


def _known(db: sqlite3.Connection, who: Taker, marks: Sequence[str]) -> dict[str, tuple[str, str]]:
    rows = db.execute(_KNOWN, (who.org, who.sandbox, orjson.dumps(marks).decode()))
    return {marker: (remote, digest) for marker, remote, digest in rows}


def declare_dead(db: sqlite3.Connection, processes: Sequence[int]) -> None:
    """End these processes' claims for good: what they come back to write is refused."""
    if processes:
        db.execute(
            "UPDATE process SET dead = 1 WHERE id IN (SELECT value FROM json_each(?))",
            (orjson.dumps(processes).decode(),),
        )


def free(db: sqlite3.Connection, who: Taker, keys: Sequence[str]) -> None:
    """Give back ``keys``, as far as they are the run's."""
    db.execute(
        "DELETE FROM lease WHERE org = ? AND sandbox = ? AND run = ? AND key IN (SELECT value FROM json_each(?))",
        (who.org, who.sandbox, who.run, orjson.dumps(keys).decode()),
    )


def adopt(db: sqlite3.Connection, run_id: str, process: int) -> None:
    """Make ``process`` the holder of all that the run holds."""
    db.execute("UPDATE lease SET holder = ? WHERE run = ?", (process, run_id))


def leave(db: sqlite3.Connection, run_id: str, *, notes: bool) -> None:
    """The run has ended: forget its keys, or keep their ``notes`` for whoever takes them."""
    if notes:
        db.execute("UPDATE lease SET holder = NULL WHERE run = ?", (run_id,))
    else:
        db.execute("DELETE FROM lease WHERE run = ?", (run_id,))


def _text(notes: list[Any]) -> str:
    return orjson.dumps(list(dict.fromkeys(notes))).decode()
