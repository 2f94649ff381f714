"""Trouble of the disk and of the state file: said in words with the file and a way out, exit 4, and nothing is lost.

The trouble is real: a file that may not grow, a disk of a few pages, a folder nobody may write to, a lock somebody holds.
The platform's ledger judges what a resume makes of it.
"""

from __future__ import annotations

import ctypes
import os
import resource
import shutil
import sqlite3
import subprocess
import threading
from contextlib import contextmanager

import pytest

from tests.acceptance.cli_support import write_manifest
from tests.acceptance.embedded import command, leads_to, served

FLOWS = 25
QUICK = ("--rate", "1000/s", "--no-progress")
#: What a run of it makes: a profile store's and a destination's connection, and three objects an item.
MADE = {"connections": 2, "sourceConnections": FLOWS, "targetConnections": FLOWS, "flows": FLOWS}


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A state file of a run that ended well, to be spoilt in copies, and its manifest."""
    folder = tmp_path_factory.mktemp("finished")
    manifest = write_manifest(folder, flows=3)
    with served(time_scale=600) as platform, pytest.MonkeyPatch.context() as patch:
        patch.setenv("S3_SECRET", "fake/secret/key/for/the/embedded/server+")
        leads_to(platform, patch, 600)
        from headgate.cli.app import main

        assert main(["run", str(manifest), "--state", str(folder / "state.db"), "--no-progress"]) == 0
    return folder / "state.db", manifest


@pytest.fixture
def platform(monkeypatch):
    monkeypatch.setenv("S3_SECRET", "fake/secret/key/for/the/embedded/server+")
    with served(time_scale=600) as simulator:
        leads_to(simulator, monkeypatch, 600)
        yield simulator


def refused(done, path, *words):
    """Exit 4, with the file and a hint."""
    assert done.code == 4, done.err
    assert str(path) in done.err
    assert "hint: " in done.err
    for word in words:
        assert word in done.err
    return done


def its_process_has_ended(state):
    """As everybody can see of a command's; here it goes on, and could not write that it is through with the run."""
    with sqlite3.connect(state, timeout=5.0) as db:
        db.execute("UPDATE process SET dead = 1")
    db.close()


def exactly_once(simulator):
    ledger = simulator.ledger()
    assert ledger["duplicates"] == []
    assert ledger["violations"] == []
    assert {key: ledger["created"][key] for key in MADE} == MADE


# -- no room


@contextmanager
def files_that_may_not_grow(folder, kilobytes):
    """No file of this process becomes longer; Python ignores the signal, so that writing fails."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (kilobytes * 1024, before[1]))
    try:
        yield folder
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@contextmanager
def tiny_disk(folder, kilobytes):
    """A disk in memory; ``remount`` makes it larger afterwards."""
    mount = ["mount", "-t", "tmpfs", "-o", f"size={2 * kilobytes}k", "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("nothing may be mounted here; the limit on files shows the same")
    try:
        yield folder
        subprocess.run(["mount", "-o", "remount,size=64m", str(folder)], check=True)
    finally:
        pass


@pytest.mark.parametrize("kilobytes", [60, 150])
@pytest.mark.parametrize("disk", [files_that_may_not_grow, tiny_disk])
def test_a_full_disk_ends_the_run_and_room_lets_a_resume_end_it_well(tmp_path, platform, capfd, disk, kilobytes):
    manifest = write_manifest(tmp_path, flows=FLOWS)
    folder = tmp_path / "disk"
    folder.mkdir()
    state = folder / "state.db"
    try:
        with disk(folder, kilobytes):
            # Few at once: so many small groups do not fit.
            done = command(capfd, "run", manifest, "--state", state, *QUICK, "--concurrency", "4")
            refused(done, state, "is kept" if "is kept" in done.err else "disk")
        made = sum(platform.ledger()["created"].values())
        assert made < sum(MADE.values())
        its_process_has_ended(state)
        again = command(capfd, "run", manifest, "--state", state, *QUICK)
        assert again.code == 0, again.err
        exactly_once(platform)
    finally:
        if os.path.ismount(folder):
            subprocess.run(["umount", "-l", str(folder)], check=True)


# -- no writing


@contextmanager
def bound_by_permissions():
    """Even root is, for the while: the capabilities to override them are laid down."""
    libc = ctypes.CDLL(None)
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)  # _LINUX_CAPABILITY_VERSION_3, this thread
    kept = (ctypes.c_uint32 * 6)()  # effective, permitted, inheritable; twice
    assert libc.capget(header, kept) == 0
    less = (ctypes.c_uint32 * 6)(*kept)
    less[0] &= ~0b110  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
    assert libc.capset(header, less) == 0
    try:
        yield
    finally:
        assert libc.capset(header, kept) == 0


def test_a_folder_nobody_may_write_to(tmp_path, platform, capfd, finished):
    good, manifest = finished
    folder = tmp_path / "archive"
    folder.mkdir()
    shutil.copy(good, folder / "old.db")
    folder.chmod(0o500)
    (folder / "old.db").chmod(0o400)
    try:
        with bound_by_permissions():
            for state in (folder / "new.db", folder / "old.db"):
                done = command(capfd, "run", manifest, "--state", state, "--no-progress")
                refused(
                    done,
                    state,
                    "the state store cannot be opened for writing; everything journaled before is kept\nhint: check the permissions",
                )
            assert platform.ledger()["requests"]["total"] == 0
            seen = command(capfd, "runs", "--state", folder / "old.db")
            assert seen.code == 0, seen.err
            assert "succeeded" in seen.out
    finally:
        folder.chmod(0o700)


# -- a lock


@pytest.fixture
def impatient(monkeypatch):
    """Nobody waits seconds for a lock."""
    connect = sqlite3.connect
    monkeypatch.setattr(
        sqlite3, "connect", lambda *args, **more: connect(*args, **{**more, "timeout": min(0.3, more["timeout"])})
    )


def test_a_store_that_another_program_has_locked(tmp_path, platform, capfd, finished, impatient):
    good, manifest = finished
    state = tmp_path / "state.db"
    shutil.copy(good, state)
    other = sqlite3.connect(state, timeout=1.0, isolation_level=None)
    other.execute("PRAGMA journal_mode = WAL")
    other.execute("BEGIN EXCLUSIVE")
    try:
        refused(command(capfd, "run", manifest, "--state", state, "--no-progress"), state, "locked", "wait for it")
        assert command(capfd, "runs", "--state", state).code == 0  # readers are not in its way
        assert platform.ledger()["requests"]["total"] == 0
    finally:
        other.close()


def test_a_store_that_is_locked_in_the_middle_is_resumed_once_it_is_free(tmp_path, platform, capfd, impatient):
    manifest, state = write_manifest(tmp_path, flows=FLOWS), tmp_path / "state.db"
    held, over = [], threading.Event()

    def hold():
        other = sqlite3.connect(state, timeout=5.0, isolation_level=None, check_same_thread=False)
        held.append(other)
        while not over.is_set():
            try:
                if other.execute("SELECT count(*) FROM journal WHERE kind = 'settled'").fetchone()[0] >= 5:
                    other.execute("BEGIN IMMEDIATE")
                    return
            except sqlite3.OperationalError:  # not made yet, or the writer was quicker
                over.wait(0.005)

    thread = threading.Thread(target=hold)
    thread.start()
    try:
        done = command(capfd, "run", manifest, "--state", state, "--rate", "60/s", "--no-progress")
        refused(done, state, "locked")
    finally:
        over.set()
        thread.join(20)
        held[0].close()
    its_process_has_ended(state)
    again = command(capfd, "resume", "--state", state, *QUICK)
    assert again.code == 0, again.err
    exactly_once(platform)


# -- a file that is not what it was


def test_a_folder_in_its_place(tmp_path, platform, capfd, finished):
    done = command(capfd, "run", finished[1], "--state", tmp_path, "--no-progress")
    refused(done, tmp_path, "is a folder, not a state store")
    refused(command(capfd, "runs", "--state", tmp_path), tmp_path)


def test_a_file_that_is_no_database(tmp_path, platform, capfd, finished):
    state = tmp_path / "state.db"
    state.write_text("these are somebody's notes and not a database, and they are to stay as they are\n" * 20)
    before = state.read_bytes()
    for args in (("run", finished[1], "--no-progress"), ("runs",), ("status",), ("resume",)):
        refused(command(capfd, *args, "--state", state), state, "is not a state store")
    assert state.read_bytes() == before


def test_a_database_of_another_program_is_left_alone(tmp_path, platform, capfd, finished):
    state = tmp_path / "other.db"
    with sqlite3.connect(state, timeout=1.0) as db:
        db.execute("CREATE TABLE theirs (x)")
    db.close()
    before = state.read_bytes()
    for args in (("run", finished[1], "--no-progress"), ("runs",), ("status",)):
        refused(command(capfd, *args, "--state", state), state, "database of another program", "use another --state")
    assert state.read_bytes() == before


def test_an_empty_file_holds_nothing_and_may_be_begun_in(tmp_path, platform, capfd, finished):
    state = tmp_path / "state.db"
    state.touch()
    assert f"no runs in {state} yet" in command(capfd, "runs", "--state", state).err
    done = command(capfd, "run", finished[1], "--state", state, "--no-progress")
    assert done.code == 0, done.err


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_file_that_was_cut_short(tmp_path, platform, capfd, finished, share):
    good, manifest = finished
    state = tmp_path / "state.db"
    whole = good.read_bytes()
    state.write_bytes(whole[: int(len(whole) * share)])
    for args in (("run", manifest, "--no-progress"), ("runs",), ("status",), ("resume",)):
        done = command(capfd, *args, "--state", state)
        refused(done, state, "broken", "restore it from a copy")
    assert sum(platform.ledger()["created"].values()) == 0


def test_a_file_overwritten_anywhere_is_told_or_read_and_never_a_traceback(tmp_path, platform, capfd, finished):
    good, manifest = finished
    whole = good.read_bytes()
    state = tmp_path / "state.db"
    codes = set()
    for page in range(0, len(whole), 4096):
        for at in (page, page + 300, page + 3000):
            state.write_bytes(whole[:at] + b"\xa5" * 600 + whole[at + 600 :])
            for args in (("runs",), ("status",)):
                done = command(capfd, *args, "--state", state)
                assert done.code in (0, 4), done.err
                assert done.code == 0 or "hint: " in done.err
                codes.add(done.code)
    assert codes == {0, 4}
