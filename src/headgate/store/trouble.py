"""Every trouble of SQLite and of the file system, in words a person can act on; and the file made fit to hold a store.

What was committed stays good in all of it: SQLite takes back what a full disk or a failing one cut short.
"""

from __future__ import annotations

import errno
import os
import sqlite3
import zlib
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import orjson

from headgate.errors import StoreBusy, StoreError, StoreMissing

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

#: For nobody else: what is kept here says what an organisation has, and where.
_FILE_MODE: Final = 0o600
_FOLDER_MODE: Final = 0o700
_NO_WRITING: Final = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})
_NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_ELSEWHERE: Final = "restore it from a copy, or use another --state"


@contextmanager
def plainly(path: Path) -> Iterator[None]:
    """Every trouble of SQLite and the file system, in words.

    Raises:
        StoreBusy: another program has the file locked.
        StoreError: anything else.
    """
    try:
        yield
    except sqlite3.Error as error:
        raise _of_sqlite(path, error) from error
    except OSError as error:
        raise _of_system(path, error) from error
    except (orjson.JSONDecodeError, UnicodeDecodeError, zlib.error) as error:
        raise StoreError(
            f"{path}: the state store is broken: what it holds cannot be read; it was left as it is", hint=_ELSEWHERE
        ) from error


def prepare(path: Path) -> None:
    """Make the file, for its owner alone whatever the umask, and its folder likewise; what exists stays as it is.

    SQLite gives its other files (``-wal``, ``-shm``) the permissions of this one.

    Raises:
        OSError: it cannot be made.
        StoreError: there is a folder in its place.
    """
    private_folder(path.parent)
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, _FILE_MODE)
    except FileExistsError:
        if path.is_dir():
            raise a_folder(path) from None
        return
    os.close(handle)


def private_folder(path: Path) -> None:
    """Make ``path`` and what is missing above it, for their owner alone.

    Raises:
        OSError: it cannot be made.
    """
    if not path.is_dir():
        private_folder(path.parent)
        path.mkdir(mode=_FOLDER_MODE, exist_ok=True)


def a_folder(path: Path) -> StoreError:
    """There is a folder in its place."""
    return StoreError(
        f"{path}: is a folder, not a state store; nothing was sent",
        hint=f"name a file: --state {path / 'state.db'}",
    )


def no_store(path: Path) -> StoreError:
    """The file is a database, and not one of ours."""
    return StoreError(
        f"{path}: is a database of another program, not a state store; nothing was changed", hint="use another --state"
    )


def nothing_yet(path: Path) -> StoreMissing:
    """The file is there, and nothing was ever written to it."""
    return StoreMissing(
        f"{path}: nothing is in this state store yet; nothing was sent", hint="run a manifest first, or give --state"
    )


def _of_sqlite(path: Path, error: sqlite3.Error) -> StoreError:
    text = str(error)
    # The primary result code is the low byte of the extended one.
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED) or "locked" in text:
        return StoreBusy(
            f"{path}: another program has the state store locked; everything journaled before is kept",
            hint="wait for it to end, or use another --state",
        )
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM) or "readonly" in text:
        return _unwritable(path)
    if code == sqlite3.SQLITE_FULL:
        return _full(path)
    if code == sqlite3.SQLITE_IOERR:
        return StoreError(
            f"{path}: the state store cannot be written or read ({text}); everything journaled before is kept",
            hint="look after the disk (is it full, is it there?), then `headgate resume`",
        )
    if code == sqlite3.SQLITE_NOTADB:
        return StoreError(f"{path}: is not a state store: {text}; it was left as it is", hint=_ELSEWHERE)
    return StoreError(f"{path}: the state store is broken: {text}; it was left as it is", hint=_ELSEWHERE)


def _of_system(path: Path, error: OSError) -> StoreError:
    if error.errno in _NO_WRITING:
        return _unwritable(path)
    if error.errno in _NO_ROOM:
        return _full(path)
    return StoreError(
        f"{path}: {error.strerror or error}; everything journaled before is kept", hint="use another --state"
    )


def _unwritable(path: Path) -> StoreError:
    return StoreError(
        f"{path}: the state store cannot be opened for writing; everything journaled before is kept",
        hint="check the permissions of it and of its folder, or use another --state",
    )


def _full(path: Path) -> StoreError:
    return StoreError(
        f"{path}: the disk is full; everything journaled before is kept",
        hint="make room, then `headgate resume`",
    )
