"""Every trouble of a database server in words, whatever the server's own words were; a password in none of them."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest

from headgate.errors import StoreError
from headgate.store.postgres_trouble import in_the_way, lost, plainly

URL = "postgresql://u:hush%40hush@host/db?password=quiet"

TROUBLES = [
    (ConnectionRefusedError("hush@hush"), "cannot be reached", True),
    (asyncio.TimeoutError(), "cannot be reached", True),
    (asyncpg.ConnectionDoesNotExistError("connection was closed"), "cannot be reached", True),
    (asyncpg.AdminShutdownError("terminating connection"), "cannot be reached", True),
    (asyncpg.CannotConnectNowError("starting up"), "cannot be reached", True),
    (asyncpg.InterfaceError("connection is closed"), "cannot be reached", True),
    (asyncpg.IdleInTransactionSessionTimeoutError("slept"), "cannot be reached", True),
    (asyncpg.InvalidPasswordError("hush@hush"), "does not accept this user or password", False),
    (asyncpg.InvalidCatalogNameError("no db"), "there is no such database", False),
    (
        asyncpg.InsufficientPrivilegeError("denied to quiet"),
        "may not do what a state store needs: denied to ***",
        False,
    ),
    (asyncpg.ReadOnlySQLTransactionError("standby"), "cannot be written", False),
    (asyncpg.DiskFullError("full"), "disk of the database is full; everything journaled before is kept", False),
    (asyncpg.TooManyConnectionsError("many"), "no connection left", False),
    (asyncpg.UndefinedTableError("relation hush@hush"), "is broken: relation ***", False),
    (asyncpg.DataCorruptedError("page"), "is broken: page", False),
    (asyncpg.UniqueViolationError("twice\nDETAIL hush@hush"), "refuses: twice", False),
    (asyncpg.ClientConfigurationError("hush@hush"), "not the URL of a PostgreSQL database", False),
    (ValueError("invalid literal: 'hush@hush'"), "not the URL of a PostgreSQL database", False),
    (UnicodeEncodeError("utf-8", "hush@hush", 0, 1, "surrogates"), "a value cannot be stored", False),
]


@pytest.mark.parametrize(("error", "words", "gone"), TROUBLES, ids=lambda one: type(one).__name__)
def test_what_is_said(error, words, gone):
    with pytest.raises(StoreError) as caught, plainly(URL):
        raise error
    said = caught.value
    assert words in str(said)
    assert str(said).startswith("postgresql://u:***@host/db?password=***: ")
    assert said.exit_code == 4
    assert said.hint or "stored" in words
    for secret in ("hush", "quiet"):
        assert secret not in str(said) + said.hint
    assert lost(error) is gone
    assert not in_the_way(error)


def test_who_was_in_the_way_is_asked_again_on_the_same_connection():
    for error in (asyncpg.DeadlockDetectedError("x"), asyncpg.SerializationError("x")):
        assert in_the_way(error)
        assert not lost(error)


def test_our_own_errors_and_bugs_pass_as_they_are():
    for error in (StoreError("ours"), KeyError("bug")):
        with pytest.raises(type(error)) as caught, plainly(URL):
            raise error
        assert caught.value is error
