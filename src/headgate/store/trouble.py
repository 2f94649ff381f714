"""Every trouble of SQLite and of the file system, in words a person can act on."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING

from headgate.errors import StoreBusy, StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def plainly(path: Path) -> Iterator[None]:
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
