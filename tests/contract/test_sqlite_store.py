"""The SQLite store passes the suite, and a few things only a file can get wrong."""

from __future__ import annotations

import sqlite3
import time

import pytest

from headgate.errors import StoreBusy, StoreError
from headgate.store import open_store
from headgate.store.schema import MIGRATIONS

from tests.contract.store_suite import StoreSuite, intent, row


class SqlitePlace:
    def __init__(self, path):
        self.path = path

    def open(self, *, readonly=False):
        return open_store(self.path, readonly=readonly)

    def _do(self, *statements):
        db = sqlite3.connect(self.path, isolation_level=None)
        try:
            for statement in statements:
                cursor = db.execute(*statement)
            return cursor.lastrowid
        finally:
            db.close()

    def holder_row(self, run, *, host, pid, expires_at):
        process = self._do(
            (
                "INSERT INTO process (host, pid, started_at, expires_at) VALUES (?, ?, ?, ?)",
                (host, pid, time.time(), expires_at),
            )
        )
        self._do(("UPDATE run SET holder = ? WHERE id = ?", (process, run)))

    def expire(self):
        self._do(("UPDATE process SET expires_at = 1.0",))

    def make_newer(self):
        self._do((f"PRAGMA user_version = {len(MIGRATIONS) + 1}",))

    def corrupt(self):
        for beside in self.path.parent.glob(f"{self.path.name}-*"):
            beside.unlink()
        self.path.write_bytes(b"this is not a database, whatever its name says" * 100)


class TestSqlite(StoreSuite):
    @pytest.fixture
    def place(self, tmp_path):
        return SqlitePlace(tmp_path / "deep" / "state.db")


@pytest.mark.parametrize("name", ["a b.db", "a#b.db", "a?b.db", "a%20b.db", "ü.db"])
def test_a_path_with_any_character_is_found_again_when_only_read(tmp_path, name):
    path = tmp_path / name
    store = open_store(path)
    store.begin(row(), b"")
    store.close()
    other = open_store(path, readonly=True)
    assert other.run("r1") is not None
    other.close()


def test_a_folder_is_no_store(tmp_path):
    with pytest.raises(StoreError):
        open_store(tmp_path)


def test_a_path_through_a_file_is_a_store_error(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(StoreError):
        open_store(tmp_path / "file" / "state.db")


def test_an_empty_file_becomes_a_store_and_is_not_one_for_readers(tmp_path):
    (tmp_path / "empty.db").touch()
    with pytest.raises(StoreError, match="nothing is in this state store yet"):
        open_store(tmp_path / "empty.db", readonly=True)
    open_store(tmp_path / "empty.db").close()


def test_a_file_damaged_in_the_middle_is_a_store_error_where_it_shows(tmp_path):
    path = tmp_path / "state.db"
    store = open_store(path)
    for number in range(300):
        store.begin(row(f"r{number}"), b"x" * 500)
    store.close()
    whole = bytearray(path.read_bytes())
    whole[8192 : len(whole) - 4096] = b"\xa5" * (len(whole) - 12288)
    path.write_bytes(bytes(whole))
    with pytest.raises(StoreError):
        broken = open_store(path)
        try:
            list(broken.runs())
            for number in range(300):
                broken.outline(f"r{number}")
        finally:
            broken.close()


def test_a_journal_that_is_not_json_is_a_store_error(tmp_path):
    place = SqlitePlace(tmp_path / "state.db")
    store = place.open()
    store.begin(row(), b"")
    place._do(("INSERT INTO journal (run, seq, kind, job, data) VALUES ('r1', 1, 'step', 0, x'ff00')",))
    with pytest.raises(StoreError):
        list(store.records("r1"))
    store.close()


def test_a_file_of_an_older_program_is_read_as_it_is_and_then_migrated(tmp_path):
    """What it knows does not say how it was found, so it is not taken for created by the run it names."""
    path = tmp_path / "state.db"
    db = sqlite3.connect(path)
    db.executescript(MIGRATIONS[0])
    db.execute("PRAGMA user_version = 1")
    db.execute("INSERT INTO object VALUES ('dev', '[headgate:1]', 'flows', 'id-1', 'name', 'd1', 'r1')")
    db.commit()
    db.close()
    for readonly in (True, False):
        store = open_store(path, readonly=readonly)
        assert [(one.id, one.run, one.found) for one in store.objects("dev")] == [("id-1", "r1", "before")]
        store.close()


def test_a_postgres_url_is_refused_in_words():
    with pytest.raises(StoreError) as caught:
        open_store("postgresql://u:secret@host/db")
    assert "secret" not in str(caught.value)


async def test_a_locked_file_breaks_the_journal_in_words(tmp_path, monkeypatch):
    """Somebody copies the file with a tool that locks it for long."""
    import headgate.store.sqlite as module

    real = sqlite3.connect
    store = open_store(tmp_path / "state.db")
    store.begin(row(), b"")
    store.claim("r1")
    monkeypatch.setattr(module.sqlite3, "connect", lambda *args, **options: real(*args, **{**options, "timeout": 0.05}))
    journal = store.journal("r1")
    locker = real(tmp_path / "state.db", isolation_level=None)
    locker.execute("BEGIN IMMEDIATE")
    journal.append(intent())
    with pytest.raises(StoreBusy):
        await journal.flush()
    locker.execute("ROLLBACK")
    locker.close()
    journal.close()
    store.close()


async def test_ten_thousand_records_are_written_in_groups(tmp_path):
    """A commit a record would take minutes."""
    store = open_store(tmp_path / "state.db")
    store.begin(row(), b"")
    store.claim("r1")
    journal = store.journal("r1")
    started = time.perf_counter()
    for number in range(10_000):
        journal.append(intent(number))
    await journal.flush()
    assert time.perf_counter() - started < 3.0
    journal.close()
    store.close()
