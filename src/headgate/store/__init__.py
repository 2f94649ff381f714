"""State stores: runs, journals, objects, and who holds what.

Owns durability and its order. Refuses policy: what a record means is the engine's, what a person sees the report's.
``open_store(where)`` chooses by the form of ``where``.
"""

from __future__ import annotations

from pathlib import Path

from headgate.errors import StoreError
from headgate.store.contract import Journal, ObjectRow, RunRow, Store

__all__ = ["Journal", "ObjectRow", "RunRow", "Store", "open_store"]


def open_store(where: str | Path, *, readonly: bool = False) -> Store:
    """The store at ``where``: a path is SQLite. ``readonly`` for looking at a run that another process drives.

    Raises:
        StoreError: it cannot be opened, is broken, or newer than this program.
    """
    text = str(where)
    if text.startswith(("postgresql://", "postgres://")):
        raise StoreError(
            "a PostgreSQL state store is not available in this version; nothing was sent",
            hint="use a file: --state .headgate/state.db",
        )
    from headgate.store.sqlite import SqliteStore

    return SqliteStore(Path(text), readonly=readonly)
