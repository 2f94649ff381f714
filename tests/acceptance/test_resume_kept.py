"""A run goes on from its kept plan as it would from its manifest, and from its manifest whenever that may differ."""

from __future__ import annotations

import json
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from headgate.launch import story_of
from headgate.report import read_events, rebuild
from headgate.store import open_store
from tests.acceptance.cli_support import environment, headgate, until
from tests.acceptance.world import SECRET, assert_clean, served, write_manifest
from tests.forked import Forked

MANIFESTS = Path(__file__).parents[2] / "configs" / "manifests"
#: Runs the command and says at the end whether the manifest was read at all.
TELLTALE = """
import sys, atexit
atexit.register(lambda: print("READ" if "headgate.manifest.load" in sys.modules else "KEPT", file=sys.stderr))
from headgate.__main__ import main
main()
"""


@pytest.fixture
def world(tmp_path):
    with served(tmp_path) as world:
        yield world


def resume(world, *args, env=None):
    """``headgate resume``: how it ended, and whether it read the manifest."""
    done = subprocess.run(
        [sys.executable, "-c", TELLTALE, "resume", "--no-progress", *args],
        cwd=world.folder, env={**world.env, **(env or {})}, capture_output=True, text=True, timeout=90, check=False,
    )  # fmt: skip
    assert "Traceback" not in done.stderr, done.stderr
    return done, done.stderr.splitlines()[-1] == "READ"


def interrupted(world, requests, **manifest):
    """A run that was killed when the platform had seen so many ``requests``."""
    path, items, pairs = write_manifest(world.folder, **manifest)
    # A file written only just now may be written again unnoticed, and so is not trusted.
    until(lambda: time.time_ns() - path.stat().st_ctime_ns > 200_000_000)
    process = world.start("run", str(path), "--rate", "80/s", "--no-progress")
    assert world.await_requests(process, requests)
    process.kill()
    process.communicate()
    return path, items, pairs


def state_of(world):
    return world.folder / ".headgate" / "state.db"


def test_killed_in_the_middle_and_resumed_from_what_was_kept(world):
    _, items, pairs = interrupted(world, 30)
    kept = b"".join(found.read_bytes() for found in state_of(world).parent.rglob("*") if found.is_file())
    assert SECRET.encode() not in kept
    assert b"hush-hush-hush" not in kept
    done, read = resume(world, "--report", "report.json", "--events", "events.jsonl")
    assert done.returncode == 0, done.stderr
    assert not read
    report = json.loads((world.folder / "report.json").read_text())
    assert [row["status"] for row in report["items"]] == ["created"] * items
    assert {row["outcome"] for row in report["activations"]} == {"activated"}
    assert_clean(world.ledger(), items=items, pairs=pairs, connections=3)
    told = rebuild(read_events(world.folder / "events.jsonl"))
    assert told.as_json() == report, "its events tell also what the first life settled"
    store = open_store(state_of(world), readonly=True)
    page = story_of(store, report["runId"])
    store.close()
    assert page.report.as_json() == report
    assert len(page.counters["lives"]) == 2
    assert all(job.ended_s is not None for job in page.jobs if job.kind == "create")
    with sqlite3.connect(state_of(world)) as db:
        assert db.execute("SELECT count(*) FROM kept").fetchone() == (0,), "a finished run needs no plan"
    db.close()


def test_a_secret_that_is_still_needed_is_read_again(world):
    """Killed before the connections are made: the password is in the manifest alone."""
    path, items, pairs = write_manifest(world.folder)
    # Told to wait: however long it takes to notice, and to kill it, no connection is made.
    refusal = {"fault": "status", "status": 429, "retry_after": 60}
    world.faults([{"match": {"method": "POST", "path": "/connections$"}, **refusal}])
    process = world.start("run", str(path), "--rate", "80/s", "--no-progress")
    assert world.await_ledger(process, lambda ledger: "POST /connections" in ledger["requests"]["byEndpoint"])
    process.kill()
    process.communicate()
    world.faults([])
    done, read = resume(world)
    assert done.returncode == 0, done.stderr
    assert read
    assert_clean(world.ledger(), items=items, pairs=pairs, connections=3)


def test_a_run_of_a_program_that_kept_no_plan_goes_on(world):
    _, items, pairs = interrupted(world, 40)
    with sqlite3.connect(state_of(world)) as db:
        for later in ("kept", "length", "ask", "told"):
            db.execute(f"DROP TABLE {later}")
        db.execute("ALTER TABLE rate DROP COLUMN found_at")
        db.execute("PRAGMA user_version = 3")
    db.close()
    done, read = resume(world)
    assert done.returncode == 0, done.stderr
    assert read
    assert_clean(world.ledger(), items=items, pairs=pairs, connections=3)


def test_each_change_is_met_as_without_a_kept_plan(world):
    path, _, _ = interrupted(world, 40)
    manifest, rows = path.read_text(), (world.folder / "pairs.csv").read_text()
    changes = {
        "the manifest": (path, manifest.replace("person.name.firstName", "person.name.lastName")),
        "its name": (path, manifest.replace("name: small", "name: other")),
        "a row": (world.folder / "pairs.csv", "\n".join(rows.splitlines()[:-1]) + "\n"),
    }
    before = world.ledger()["requests"]["total"]
    for what, (file, text) in changes.items():
        was = file.read_text()
        file.write_text(text)
        done, read = resume(world)
        assert (done.returncode, read) == (2, True), what
        assert "the manifest has changed since run" in done.stderr, what
        file.write_text(was)
    (world.folder / "pairs.csv").unlink()
    done, read = resume(world)
    assert (done.returncode, read) == (2, True)
    assert "'pairs.csv' cannot be read" in done.stderr
    (world.folder / "pairs.csv").write_text(rows)
    env = {key: value for key, value in world.env.items() if key != "S3_SECRET"}
    world.env, whole = env, world.env
    done, read = resume(world)
    assert (done.returncode, read) == (2, True)
    assert "S3_SECRET is not set" in done.stderr
    world.env = whole
    assert world.ledger()["requests"]["total"] == before
    done, read = resume(world, env={"S3_SECRET": SECRET[::-1]})
    assert done.returncode == 0, done.stderr


def test_a_variable_given_again_is_read(world):
    path, _, _ = interrupted(world, 40)
    done, read = resume(world, "--set", "x=1")
    assert (done.returncode, read) == (2, True)
    assert path.name in done.stderr


def test_simulated_runs_of_every_kind_go_on_from_what_was_kept(tmp_path):
    shutil.copytree(MANIFESTS, tmp_path, dirs_exist_ok=True)
    for name in ("dataset-export.yaml", "source-ingestion.yaml", "extend-exports.yaml"):
        state = tmp_path / name / "state.db"
        process = Forked(
            ["run", name, "--simulate", "--rate", "20/s", "--no-progress", "--state", str(state)],
            cwd=tmp_path, env=environment(), stdout=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            process.communicate(timeout=2.5)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=30)
        done = headgate("resume", "--rate", "500/s", "--no-progress", "--state", state, cwd=tmp_path)
        assert done.code == 0, done.out + done.err
        assert "0 duplicates, 0 violations" in done.err or "is unfinished" in done.err
