"""What others ask of a run that goes, and what they are told of it: two small tables of the PostgreSQL store.

Beside the journal, not in it: nothing here changes what a run is, and what is lost of it is asked, or told, again.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import asyncpg
import orjson

from headgate.store.desk import LOOK_S, TELL_S

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headgate.store.holder import Taker
    from headgate.store.postgres_line import Connection

#: The schema from which on there is a desk.
SINCE: Final = 6
#: Seconds that a visit may take: the journal waits for it.
_PATIENCE_S: Final = 1.0
ASK: Final = "INSERT INTO headgate.ask (run, process, action) VALUES ($1, $2, $3) RETURNING number"
_ASKED: Final = (
    "SELECT number, action FROM headgate.ask WHERE run = $1 AND process = $2 AND number > $3 ORDER BY number"
)
#: Only who drives the run says how it stands.
_TELL: Final = """
INSERT INTO headgate.told (run, process, data) SELECT id, holder, $3 FROM headgate.run WHERE id = $1 AND holder = $2
ON CONFLICT (run) DO UPDATE SET process = excluded.process, data = excluded.data
"""
TOLD: Final = """
SELECT data FROM headgate.told t JOIN headgate.run r ON r.id = t.run AND r.holder = t.process WHERE r.id = $1
"""


class Desk:
    """A journal's own, used on its writer's loop; ``tell`` by any thread."""

    def __init__(self, who: Taker) -> None:
        self._who = who
        self._heard = 0
        self._news: bytes | None = None
        self._look_at = self._tell_at = 0.0

    def tell(self, told: Mapping[str, Any]) -> None:
        """What is to be told next; what was not told yet is told no more."""
        self._news = orjson.dumps(told)

    async def visit(self, connection: Connection) -> list[str]:
        """What was asked since, if it is time to look; and tell, if it is time for that. No trouble here is a run's."""
        now, who = time.monotonic(), self._who
        asked: list[str] = []
        with suppress(OSError, asyncio.TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
            if self._news is not None and now >= self._tell_at:
                news, self._news = self._news, None
                self._tell_at = now + TELL_S
                words = news.decode().replace("\\u0000", "\ufffd")
                await connection.execute(_TELL, who.run, who.process, words, timeout=_PATIENCE_S)
            if now >= self._look_at:
                self._look_at = now + LOOK_S
                for row in await connection.fetch(_ASKED, who.run, who.process, self._heard, timeout=_PATIENCE_S):
                    self._heard = row[0]
                    asked.append(row[1])
        return asked


def of(text: str | None) -> dict[str, Any]:
    """What was told, read."""
    found: dict[str, Any] = orjson.loads(text) if text is not None else {}
    return found


async def clear(connection: Connection, run_id: str) -> None:
    """The run is over, or begins another life: nothing is asked of it."""
    for table in ("ask", "told"):
        await connection.execute(f"DELETE FROM headgate.{table} WHERE run = $1", run_id)  # noqa: S608 -- our own names
