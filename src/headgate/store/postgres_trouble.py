"""Every trouble of PostgreSQL, in words a person can act on. A password is in none of them."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import asyncpg

from headgate.errors import StoreError
from headgate.secret import MASK, passwords_of, without_password

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

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

_BROKEN: Final = (
    "the state store is broken: {error}; it was left as it is",
    "restore the schema `headgate` from a copy, or use another database",
)
#: What is said of each kind of trouble, and what can be done about it; the first that fits.
_SAID: Final[Mapping[type[Exception], tuple[str, str]]] = {
    asyncpg.ClientConfigurationError: (
        "this is not the URL of a PostgreSQL database; nothing was sent",
        "it reads postgresql://USER@HOST:PORT/DATABASE; escape @ / : ? # in a password as %40 %2F %3A %3F %23",
    ),
    asyncpg.InvalidAuthorizationSpecificationError: (
        "the database does not accept this user or password; nothing was sent",
        "a password may stand in the URL (better in HEADGATE_STATE than in --state), PGPASSWORD or ~/.pgpass",
    ),
    asyncpg.InvalidCatalogNameError: ("there is no such database; nothing was sent", "`createdb` makes one"),
    asyncpg.InsufficientPrivilegeError: (
        "this user may not do what a state store needs: {error}; nothing was sent",
        "GRANT CREATE ON DATABASE to the user, or let the owner of the schema `headgate` grant its use",
    ),
    asyncpg.ReadOnlySQLTransactionError: (
        "the state store cannot be written; everything journaled before is kept",
        "it was opened for reading, or the server is a standby: name the primary",
    ),
    asyncpg.DiskFullError: (
        "the disk of the database is full; everything journaled before is kept",
        "make room, then `headgate resume`",
    ),
    asyncpg.TooManyConnectionsError: (
        "the server has no connection left; everything journaled before is kept",
        "wait for others to end, or raise max_connections",
    ),
    asyncpg.UndefinedTableError: _BROKEN,
    asyncpg.UndefinedColumnError: _BROKEN,
    asyncpg.UndefinedFunctionError: _BROKEN,
    asyncpg.InvalidSchemaNameError: _BROKEN,
    asyncpg.DataCorruptedError: _BROKEN,
    asyncpg.IndexCorruptedError: _BROKEN,
}
#: Of what the database says beside that, and of what is none of its words.
_REFUSED: Final = (
    "the database refuses: {error}; everything journaled before is kept",
    "the server's log says more",
)
_OURS: Final = (
    "a value cannot be stored ({kind}); everything journaled before is kept",
    "`headgate resume` goes on from there; please report it",
)


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
    if lost(error) and not isinstance(error, tuple(_SAID)):
        return unreachable(url)
    kind: type[Exception] | None = next((kind for kind in _SAID if isinstance(error, kind)), None)
    if type(error) is ValueError:
        kind = asyncpg.ClientConfigurationError
    words, hint = _SAID[kind] if kind else _REFUSED if isinstance(error, asyncpg.PostgresError) else _OURS
    told = words.format(error=_clean(url, error), kind=type(error).__name__)
    return StoreError(f"{without_password(url)}: {told}", hint=hint)


def _clean(url: str, error: Exception) -> str:
    text = str(error).splitlines()[0] if str(error) else type(error).__name__
    for password in passwords_of(url):
        text = text.replace(password, MASK)
    return text[:300]
