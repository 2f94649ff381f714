"""Every trouble of PostgreSQL, in words a person can act on. A password is in none of them."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import asyncpg

from headgate.errors import StoreError
from headgate.secret import MASK, passwords_of, without_password

if TYPE_CHECKING:
    from collections.abc import Iterator

#: The connection is gone, or the server going: what was asked may be asked again on another one.
_LOST: Final = (
    OSError,
    asyncio.TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.CannotConnectNowError,
    asyncpg.IdleInTransactionSessionTimeoutError,
)
#: The server has taken back what was asked because somebody else was in the way; it may be asked again.
_IN_THE_WAY: Final = (asyncpg.DeadlockDetectedError, asyncpg.SerializationError, asyncpg.LockNotAvailableError)


def lost(error: BaseException) -> bool:
    """Whether another connection might do better."""
    return isinstance(error, _LOST) and not isinstance(error, ValueError)  # those are about what was given


def in_the_way(error: BaseException) -> bool:
    """Whether the same would do, a moment later."""
    return isinstance(error, _IN_THE_WAY)


def unreachable(url: str) -> StoreError:
    """What to say when the server does not answer (any more)."""
    return StoreError(
        f"{without_password(url)}: the state store cannot be reached; everything journaled before is kept",
        hint="see that the PostgreSQL server runs and can be reached from here, then try again",
    )


@contextmanager
def plainly(url: str) -> Iterator[None]:
    """Every trouble of the database and the way to it, as :class:`~headgate.errors.StoreError`."""
    try:
        yield
    except (OSError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        # The cause may hold what it was given, the URL with its password; what is said of it is enough.
        raise said(url, error) from None


def said(url: str, error: Exception) -> StoreError:
    """The error to raise for ``error``."""
    where = without_password(url)
    if isinstance(error, asyncpg.ClientConfigurationError) or type(error) is ValueError:
        return StoreError(
            f"{where}: this is not the URL of a PostgreSQL database; nothing was sent",
            hint="it reads postgresql://USER@HOST:PORT/DATABASE; escape @ / : ? # in a password as %40 %2F %3A %3F %23",
        )
    if isinstance(error, asyncpg.InvalidAuthorizationSpecificationError):
        return StoreError(
            f"{where}: the database does not accept this user or password; nothing was sent",
            hint="a password may stand in the URL (better in HEADGATE_STATE than in --state), PGPASSWORD or ~/.pgpass",
        )
    if isinstance(error, asyncpg.InvalidCatalogNameError):
        return StoreError(f"{where}: there is no such database; nothing was sent", hint="`createdb` makes one")
    if isinstance(error, asyncpg.InsufficientPrivilegeError):
        return StoreError(
            f"{where}: this user may not do what a state store needs: {_clean(url, error)}; nothing was sent",
            hint="GRANT CREATE ON DATABASE to the user, or let the owner of the schema `headgate` grant its use",
        )
    if isinstance(error, asyncpg.ReadOnlySQLTransactionError):
        return StoreError(
            f"{where}: the state store cannot be written; everything journaled before is kept",
            hint="it was opened for reading, or the server is a standby: name the primary",
        )
    if isinstance(error, asyncpg.DiskFullError):
        return StoreError(
            f"{where}: the disk of the database is full; everything journaled before is kept",
            hint="make room, then `headgate resume`",
        )
    if isinstance(error, asyncpg.TooManyConnectionsError):
        return StoreError(
            f"{where}: the server has no connection left; everything journaled before is kept",
            hint="wait for others to end, or raise max_connections",
        )
    if isinstance(
        error,
        asyncpg.UndefinedTableError
        | asyncpg.UndefinedColumnError
        | asyncpg.UndefinedFunctionError
        | asyncpg.InvalidSchemaNameError
        | asyncpg.DataCorruptedError
        | asyncpg.IndexCorruptedError,
    ):
        return StoreError(
            f"{where}: the state store is broken: {_clean(url, error)}; it was left as it is",
            hint="restore the schema `headgate` from a copy, or use another database",
        )
    if lost(error):
        return unreachable(url)
    if isinstance(error, asyncpg.PostgresError):
        return StoreError(
            f"{where}: the database refuses: {_clean(url, error)}; everything journaled before is kept",
            hint="the server's log says more",
        )
    return StoreError(
        f"{where}: a value cannot be stored ({type(error).__name__}); everything journaled before is kept",
        hint="`headgate resume` goes on from there; please report it",
    )


def _clean(url: str, error: Exception) -> str:
    text = str(error).splitlines()[0] if str(error) else type(error).__name__
    for password in passwords_of(url):
        text = text.replace(password, MASK)
    return text[:300]
