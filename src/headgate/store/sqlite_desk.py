"""What others ask of a run that goes, and what they are told of it: two small tables of the SQLite store.

Beside the journal, not in it: nothing here changes what a run is, and what is lost of it is asked, or told, again.
"""

from __future__ import annotations

import sqlite3
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import orjson

from headgate.store.desk import LOOK_S, TELL_S

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headgate.store.holder import Taker

#: The schema from which on there is a desk.
SINCE: Final = 8
_ASK: Final = "INSERT INTO ask (run, process, action) VALUES (?, ?, ?)"
_ASKED: Final = "SELECT number, action FROM ask WHERE run = ? AND process = ? AND number > ? ORDER BY number"
#: Only who drives the run says how it stands.
_TELL: Final = """
INSERT INTO told (run, process, data) SELECT id, holder, ?3 FROM run WHERE id = ?1 AND holder = ?2
ON CONFLICT (run) DO UPDATE SET process = excluded.process, data = excluded.data
"""
_TOLD: Final = "SELECT data FROM told JOIN run ON run.id = told.run AND run.holder = told.process WHERE run.id = ?"


class Desk:
    """A journal's own, used by its writer's thread; ``tell`` by any."""

    def __init__(self, who: Taker) -> None:
        self._who = who
        self._heard = 0
        self._news: bytes | None = None
        self._look_at = self._tell_at = 0.0

    def tell(self, told: Mapping[str, Any]) -> None:
        """What is to be told next; what was not told yet is told no more."""
        self._news = orjson.dumps(told)

    def visit(self, db: sqlite3.Connection) -> list[str]:
        """What was asked since, if it is time to look; and tell, if it is time for that. No trouble here is a run's."""
        now, who = time.monotonic(), self._who
        asked: list[str] = []
        with suppress(sqlite3.Error):
            if self._news is not None and now >= self._tell_at:
                news, self._news = self._news, None
                self._tell_at = now + TELL_S
                db.execute(_TELL, (who.run, who.process, news.decode()))
            if now >= self._look_at:
                self._look_at = now + LOOK_S
                found = db.execute(_ASKED, (who.run, who.process, self._heard)).fetchall()
                asked += [action for _, action in found]
                self._heard = found[-1][0] if found else self._heard
        return asked


def ask(db: sqlite3.Connection, run_id: str, process: int, action: str) -> None:
    """Leave what is asked of ``process``."""
    db.execute(_ASK, (run_id, process, action))


def told(db: sqlite3.Connection, run_id: str) -> dict[str, Any]:
    """What the process that drives the run has told; empty where it has not."""
    row = db.execute(_TOLD, (run_id,)).fetchone()
    found: dict[str, Any] = orjson.loads(row[0]) if row is not None else {}
    return found


def clear(db: sqlite3.Connection, run_id: str) -> None:
    """The run is over, or begins another life: nothing is asked of it."""
    for table in ("ask", "told"):
        db.execute(f"DELETE FROM {table} WHERE run = ?", (run_id,))  # noqa: S608 -- our own table names
