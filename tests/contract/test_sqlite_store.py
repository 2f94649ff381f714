"""The SQLite store passes the suite, and a few things only a file can get wrong."""

from __future__ import annotations

import sqlite3
import time

import pytest

from headgate.errors import StoreBusy, StoreError
from headgate.engine.record import Latest, Record
from headgate.store.sqlite_journal import SqliteJournal
from headgate.store import Leased, RunRow, open_store
from headgate.store.schema import MIGRATIONS

from tests.contract.store_suite import StoreSuite, ask, intent, row


class SqlitePlace:
    def __init__(self, path):
        self.path = self.where = path

    def locked(self):
        db = sqlite3.connect(self.path, timeout=0.05, isolation_level=None)
        try:
            db.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return True
        else:
            return False
        finally:
            db.close()

    def open(self, **options):
        return open_store(self.path, **options)

    def empty(self):
        assert not self.path.exists()

    def _do(self, *statements):
        db = sqlite3.connect(self.path, isolation_level=None)
        try:
            for statement in statements:
                cursor = db.execute(*statement)
            return cursor.lastrowid
        finally:
            db.close()

    def holder_row(self, run, *, host, pid, machine=""):
        now = time.time()
        process = self._do(
            (
                "INSERT INTO process (host, pid, machine, started_at, expires_at) VALUES (?, ?, ?, ?, ?)",
                (host, pid, machine, now, now + 60),
            )
        )
        self._do(("UPDATE run SET holder = ? WHERE id = ?", (process, run)))
        self._do(("UPDATE lease SET holder = ? WHERE run = ?", (process, run)))

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


def _older(path, schema):
    """A file as a program of ``schema`` left it: a run in two lives, its objects, a process that may still be there."""
    db = sqlite3.connect(path, isolation_level=None)
    for migration in MIGRATIONS[:schema]:
        db.executescript(migration)
    db.execute(f"PRAGMA user_version = {schema}")
    db.execute("INSERT INTO process (host, pid, started_at, expires_at) VALUES ('here', 1, 1.0, 2.0)")
    columns = "id, manifest, path, sandbox, fingerprint, status, started_at, open, args, counters, holder, outline"
    for run, status, left, holder in (("r1", "running", 0, 1), ("r2", "failed", 2, None)):
        values = (
            run,
            run,
            "/tmp/m.yaml",
            "dev",
            "f",
            status,
            5.0,
            left,
            '{"rate":"5/s"}',
            '{"sent":3}',
            holder,
            b"o\x00",
        )
        db.execute(f"INSERT INTO run ({columns}) VALUES ({','.join('?' * 12)})", values)
        for seq in (1, 2, 3):
            db.execute("INSERT INTO journal VALUES (?, ?, 'step', ?, ?)", (run, seq, seq * 10, '{"at":"x"}'))
    for number, remote in ((1, "id-1"), (2, "")):
        more = {"org": "", "found": "after"} if schema > 2 else {}
        values = {"sandbox": "dev", "marker": f"[headgate:{number}]", "collection": "flows", "id": remote, "name": "name",
                  "digest": "d1", "run": "r1", **more}  # fmt: skip
        db.execute(
            f"INSERT INTO object ({', '.join(values)}) VALUES ({', '.join('?' * len(values))})", (*values.values(),)
        )
    if schema > 1:
        db.execute("UPDATE object SET found = 'after'")
    db.close()


@pytest.mark.parametrize("schema", range(1, len(MIGRATIONS)))
async def test_a_file_of_an_older_program_is_read_as_it_is_and_then_migrated(tmp_path, schema):
    """What the first program knows does not say how it was found: not taken for created by the run it names."""
    path = tmp_path / "state.db"
    _older(path, schema)
    found = "after" if schema > 1 else "before"
    for readonly in (True, False):
        store = open_store(path, readonly=readonly, org="A")
        assert {one.id for one in store.runs()} == {"r1", "r2"}
        assert store.run("r2") == RunRow(
            "r2", "r2", "/tmp/m.yaml", "dev", "f", "failed", 5.0, None, 2, {"rate": "5/s"}, {"sent": 3}
        )
        assert store.outline("r1") == b"o\x00"
        assert store.plan("r1") == b""
        assert store.latest("r1") == Latest(3, {}, [["step", job, {"at": "x"}] for job in (10, 20, 30)])
        assert [(one.kind, one.job, one.data) for one in store.records("r1")] == [
            ("step", job, {"at": "x"}) for job in (10, 20, 30)
        ]
        assert store.known("dev") == {"[headgate:1]": ("id-1", "d1"), "[headgate:2]": ("", "d1")}
        assert [(one.id, one.run, one.found) for one in store.objects("dev")] == [
            ("id-1", "r1", found),
            ("", "r1", found),
        ]
        assert store.holder("r1") is None
        assert store.limits("dev") == {}
        store.close()
    store = open_store(path, org="A")
    store.remember_limits("dev", {"all": 40.0})
    store.claim("r1")
    journal = store.journal("r1")
    journal.append(Record("step", 40, {}))
    assert await ask(journal, "a") == Leased()
    assert [one.job for one in store.records("r1")] == [10, 20, 30, 40]
    journal.close()
    store.close()
    with sqlite3.connect(path) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS),)
        assert db.execute("PRAGMA foreign_key_check").fetchall() == []
    db.close()


def test_a_limit_that_an_older_program_found_is_known_in_every_sandbox(tmp_path):
    path = tmp_path / "state.db"
    _older(path, 6)
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("INSERT INTO rate VALUES ('A', 'all', 33.0, 0, ?)", (time.time() - 5,))
    db.close()
    store = open_store(path, org="A")
    assert [store.limits(sandbox)["all"][0] for sandbox in ("dev", "prod")] == [33.0, 33.0]
    assert 5 <= store.limits("dev")["all"][1] < 60
    store.close()


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


async def test_ten_thousand_records_are_written_in_groups(tmp_path, monkeypatch):
    """A commit a record would take minutes."""
    groups = []
    write = SqliteJournal._commit
    monkeypatch.setattr(SqliteJournal, "_commit", lambda self, *given: (groups.append(1), write(self, *given))[1])
    store = open_store(tmp_path / "state.db")
    store.begin(row(), b"")
    store.claim("r1")
    journal = store.journal("r1")
    for number in range(10_000):
        journal.append(intent(number))
    await journal.flush()
    assert len(groups) < 500
    journal.close()
    store.close()
