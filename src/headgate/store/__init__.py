"""State stores: runs, journals, objects, and who holds what.

Owns durability and its order. Refuses policy: what a record means is the engine's, what a person sees the report's.
``open_store(where)`` chooses by the form of ``where``.
"""

from __future__ import annotations

from pathlib import Path

from headgate.errors import StoreError
from headgate.secret import without_password
from headgate.store.contract import LEASE_S, Journal, Leased, ObjectRow, RunRow, Store

__all__ = ["Journal", "Leased", "ObjectRow", "RunRow", "Store", "open_store"]


def open_store(where: str | Path, *, readonly: bool = False, lease_s: float = LEASE_S, org: str = "") -> Store:
    """The store at ``where``: a path is SQLite.

    Args:
        where: A path, or the URL of a PostgreSQL database.
        readonly: For looking at a run that another process drives; nothing is migrated.
        lease_s: Seconds of silence after which this process is dead to others. It says that it lives six times as
            often.
        org: Whose runs, objects and keys: a platform organisation. Without one, all rows are seen.

    Raises:
        StoreError: it cannot be opened, is broken, or newer than this program.
    """
    text = str(where)
    if text.startswith(("postgresql://", "postgres://")):
        try:
            from headgate.store.postgres import PostgresStore
        except ModuleNotFoundError as error:
            if error.name != "asyncpg":
                raise
            raise StoreError(
                f"{without_password(text)}: a PostgreSQL state store needs asyncpg, which is not installed; "
                "nothing was sent",
                hint="pip install 'headgate[postgres]'",
            ) from error
        return PostgresStore(text, readonly=readonly, lease_s=lease_s, org=org)
    from headgate.store.sqlite import SqliteStore

    return SqliteStore(Path(text), readonly=readonly, lease_s=lease_s, org=org)
