"""The PostgreSQL store passes the suite, on a real server, and a few things only a server can get wrong."""

from __future__ import annotations

import asyncio
import socket
import sys
import traceback
from urllib.parse import quote, urlsplit

import asyncpg
import pytest

from headgate.engine.record import Made, Record
from headgate.errors import StoreError, StoreMissing
from headgate.store import open_store
from headgate.store.postgres_schema import MIGRATIONS

from tests.contract.store_suite import StoreSuite, ask, intent, made, row, until
from tests.postgres_server import GUARDED, PASSWORD


class PostgresPlace:
    def __init__(self, server, url):
        self.server, self.url, self.where = server, url, url
        self.name = urlsplit(url).path[1:]

    def open(self, **options):
        return open_store(self.url, **options)

    def locked(self):
        return False

    def empty(self):
        self.do("DROP SCHEMA IF EXISTS headgate CASCADE")

    def do(self, statement):
        return self.server.sql(statement, self.name)

    def holder_row(self, run, *, host, pid, machine=""):
        self.do(
            "WITH p AS (INSERT INTO headgate.process (token, host, pid, machine, expires_at) "
            f"VALUES (gen_random_uuid()::text, '{host}', {pid}, '{machine}', now() + interval '1 minute') RETURNING id), "
            f"l AS (UPDATE headgate.lease SET holder = p.id FROM p WHERE run = '{run}') "
            f"UPDATE headgate.run SET holder = p.id FROM p WHERE run.id = '{run}'"
        )

    def expire(self):
        self.do("UPDATE headgate.process SET expires_at = now() - interval '1 minute'")

    def make_newer(self):
        self.do(f"UPDATE headgate.version SET number = {len(MIGRATIONS) + 1}")

    def corrupt(self):
        self.do("ALTER TABLE headgate.run RENAME TO something_else")


class TestPostgres(StoreSuite):
    @pytest.fixture
    def place(self, postgres_server, postgres):
        return PostgresPlace(postgres_server, postgres)


@pytest.fixture
def place(postgres_server, postgres):
    return PostgresPlace(postgres_server, postgres)


@pytest.fixture
async def claimed(place):
    """A store with run r1 claimed, and its journal."""
    store = place.open()
    store.begin(row(), b"outline")
    journal = store.journal("r1")
    yield store, journal
    journal.close()
    store.close()


# -- trouble, in words


def told(where, **options):
    """What is said about a state that cannot be opened; nothing of a password in it."""
    with pytest.raises(StoreError) as caught:
        open_store(where, **options)
    error = caught.value
    assert error.exit_code == 4
    assert error.hint
    everything = "".join(traceback.format_exception(error)) + error.hint + repr(error)
    for secret in ("hush-hush", PASSWORD, quote(PASSWORD, safe="")):
        assert secret not in everything
    return str(error)


def test_nobody_listens():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    said = told(f"postgresql://u:hush-hush@127.0.0.1:{port}/db")
    assert f"postgresql://u:***@127.0.0.1:{port}/db: the state store cannot be reached" in said


@pytest.mark.parametrize("password", ["hush-hush", "hush-hush%40x", ""])
def test_the_password_is_refused(place, password):
    if not place.server.own:
        pytest.skip("whom the given server trusts is not ours to say")
    url = place.url.replace("headgate@", f"{GUARDED}:{password}@")
    assert "does not accept this user or password" in told(url)


def test_a_password_with_every_kind_of_character_is_taken_and_never_shown(place):
    if not place.server.own:
        pytest.skip("whom the given server trusts is not ours to say")
    place.empty()
    url = place.url.replace("headgate@", f"{GUARDED}:{quote(PASSWORD, safe='')}@")
    assert "may not do what a state store needs: permission denied for database" in told(url)
    assert "there is no state store here" in told(url, readonly=True)
    place.do(f"GRANT CREATE ON DATABASE {place.name} TO {GUARDED}")
    store = open_store(url)
    store.begin(row(), b"")
    with pytest.raises(StoreError) as caught:
        store.outline("nope")
    assert f"{GUARDED}:***@127.0.0.1" in str(caught.value)
    assert "p@ss" not in str(caught.value)
    store.close()
    for statement in ("DROP SCHEMA headgate CASCADE", f"REVOKE CREATE ON DATABASE {place.name} FROM {GUARDED}"):
        place.do(statement)


def test_there_is_no_such_database(place):
    assert "there is no such database" in told(place.url.replace(place.name, "headgate_nowhere"))


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:hush-hush/x@host:port/db",
        "postgresql://u:hush-hush@host:99999999/db",
        "postgresql://u:x@h/db?sslmode=nonsense&password=hush-hush",
    ],
)
def test_what_is_no_url_of_a_database(url):
    told(url)


def test_without_the_extra_it_says_what_to_install(monkeypatch):
    for name in [name for name in sys.modules if name.startswith("headgate.store.postgres")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "asyncpg", None)
    with pytest.raises(StoreError) as caught:
        open_store("postgresql://u:hush-hush@h/db")
    assert "asyncpg" in str(caught.value)
    assert "hush" not in str(caught.value)
    assert caught.value.hint == "pip install 'headgate[postgres]'"


def test_looking_makes_nothing(place):
    place.empty()
    with pytest.raises(StoreMissing):
        place.open(readonly=True)
    assert place.do("SELECT count(*) FROM pg_namespace WHERE nspname = 'headgate'") == [(0,)]


def test_a_limit_that_an_older_program_found_is_known_in_every_sandbox(place):
    place.empty()
    with pytest.MonkeyPatch.context() as older:
        older.setattr("headgate.store.postgres.MIGRATIONS", MIGRATIONS[:4])
        place.open().close()
    place.do("INSERT INTO headgate.rate VALUES ('A', 'all', 33.0, now(), now())")
    store = place.open(org="A")
    assert [store.limits(sandbox)["all"][0] for sandbox in ("dev", "prod")] == [33.0, 33.0]
    store.remember_limits("dev", {"all": 9.0})
    assert [store.limits(sandbox)["all"][0] for sandbox in ("dev", "prod")] == [9.0, 33.0]
    store.close()
    place.empty()


def test_a_user_who_may_not_make_a_schema_uses_the_one_that_is_there(place):
    place.open().close()
    if not place.server.own:
        pytest.skip("whom the given server trusts is not ours to say")
    for statement in (
        f"GRANT USAGE ON SCHEMA headgate TO {GUARDED}",
        f"GRANT ALL ON ALL TABLES IN SCHEMA headgate TO {GUARDED}",
    ):
        place.do(statement)
    store = open_store(place.url.replace("headgate@", f"{GUARDED}:{quote(PASSWORD, safe='')}@"))
    store.begin(row(), b"")
    store.close()
    place.empty()


# -- connections that end


async def test_a_group_whose_answer_was_lost_is_written_once(claimed, monkeypatch):
    """The commit took effect, and the connection ended before that was heard of."""
    store, journal = claimed
    real, lost = journal._once, []

    async def once(*args):
        answers = await real(*args)
        if len(lost) < 2:
            lost.append(1)
            raise asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation")
        return answers

    monkeypatch.setattr(journal, "_once", once)
    called: list[object] = []
    journal.append(Record("settled", 0, {"n": 0}, made("id-1")), lambda: called.append(0))
    journal.lease(["a"], ["flow 1"], called.append)
    journal.append(intent(1), lambda: called.append(1))
    await journal.flush()
    assert [one.job for one in store.records("r1")] == [0, 1]
    assert store.known("dev") == {"[headgate:1]": ("id-1", "d1")}
    assert (called[0], called[1].by, called[2]) == (0, "", 1)
    journal.append(intent(2))
    await journal.flush()
    assert [one.job for one in store.records("r1")] == [0, 1, 2]


async def test_a_restart_of_the_server_in_the_middle_loses_nothing_and_doubles_nothing(place, claimed):
    store, journal = claimed
    called: list[int] = []
    restart = asyncio.create_task(asyncio.to_thread(place.server.restart))
    number = 0
    while not restart.done() or number < 300:
        journal.append(Record("step", number, {}), lambda number=number: called.append(number))
        number += 1
        await asyncio.sleep(0.001)
    await restart
    await journal.flush()
    assert called == list(range(number))
    assert [one.job for one in store.records("r1")] == list(range(number))
    assert store.holder("r1") is not None
    store.finish("r1", "succeeded", 1.0, 0, {})


def test_the_stores_own_questions_outlive_a_restart_too(place):
    store = place.open()
    for number, step in enumerate((store.runs, lambda: store.begin(row(), b""), lambda: store.claim("r1"))):
        place.server.restart()
        step()
    place.server.restart()
    store.finish("r1", "failed", 5.0, 0, {})
    assert store.run("r1").finished_at == 5.0
    store.close()


async def test_a_server_that_stays_away_longer_than_the_lease_ends_the_journal(place):
    if not place.server.own:
        pytest.skip("the given server is not ours to stop")
    store = place.open(lease_s=1.5)
    store.begin(row(), b"")
    journal = store.journal("r1")
    journal.append(intent(0))
    await journal.flush()
    called: list[int] = []
    place.server.halt()
    try:
        journal.append(intent(1), lambda: called.append(1))
        with pytest.raises(StoreError, match="cannot be reached; everything journaled before is kept") as caught:
            await asyncio.wait_for(journal.flush(), 30)
        assert caught.value.exit_code == 4
        journal.close()
    finally:
        place.server.start()
    assert called == [], "its request would have left"
    other = place.open()
    assert [one.job for one in other.records("r1")] == [0]
    await until(lambda: other.holder("r1") is None)
    other.claim("r1")
    other.close()
    store.close()


# -- what only this store could get wrong


async def test_names_with_a_nul_are_kept_but_for_it(claimed):
    store, journal = claimed
    journal.append(Record("settled", 0, {"name": "a\x00b"}, Made("[headgate:1]", "flows", "id-1", "a\x00b", "d1")))
    await journal.flush()
    assert [one.data for one in store.records("r1")] == [{"name": "a\x00b"}]
    assert [one.name for one in store.objects("dev")] == ["a\ufffdb"]


async def test_more_records_than_a_page_come_back_in_order(claimed, monkeypatch):
    import headgate.store.postgres as module

    store, journal = claimed
    monkeypatch.setattr(module, "PAGE", 7)
    for number in range(50):
        journal.append(intent(number))
    await journal.flush()
    assert [one.job for one in store.records("r1")] == list(range(50))


async def test_ten_thousand_records_are_written_in_groups(claimed):
    """A commit a record would take minutes."""
    store, journal = claimed
    for number in range(10_000):
        journal.append(intent(number))
    await asyncio.wait_for(journal.flush(), 30)
    assert sum(1 for _ in store.records("r1")) == 10_000


async def test_a_process_that_is_at_work_at_this_moment_is_not_declared_dead(place, claimed):
    """Its lease has run out, but the renewal is on its way: whoever asks for its key must not wait for it, nor win."""
    _, journal = claimed
    await ask(journal, "a")
    place.expire()
    other = place.open()
    other.begin(row("r2", manifest="other"), b"")
    rival = other.journal("r2")
    holding = await asyncpg.connect(place.url)
    async with holding.transaction():
        await holding.execute("SELECT FROM headgate.process WHERE id = $1 FOR UPDATE", journal._who.process)
        assert (await ask(rival, "a")).by.startswith("run r1")
    await holding.close()
    assert (await ask(rival, "a")).by == ""
    rival.close()
    other.close()
