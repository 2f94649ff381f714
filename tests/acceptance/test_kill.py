"""``kill -9``, Ctrl-C and lost answers, as a user meets them; the embedded platform's ledger is the judge."""

import json
import signal

import pytest

from tests.acceptance.world import SECRET, assert_clean, served, write_manifest


@pytest.fixture
def world(tmp_path):
    with served(tmp_path) as world:
        yield world


def report_of(world, name="report.json"):
    return json.loads((world.folder / name).read_text())


def test_killed_at_three_moments_and_resumed_everything_is_there_once(world):
    path, items, pairs = write_manifest(world.folder)
    for requests in (9, 35, 78):
        process = world.start("run", str(path), "--rate", "60/s", "--no-progress")
        world.await_requests(process, requests)
        process.kill()
        process.communicate()
    done = world.run("resume", "--report", "report.json")
    assert done.returncode == 0, done.stderr
    report = report_of(world)
    assert report["status"] == "succeeded"
    assert [row["status"] for row in report["items"]] == ["created"] * items
    assert {row["outcome"] for row in report["activations"]} == {"activated"}
    assert_clean(world.ledger(), items=items, pairs=pairs, connections=3)


def test_first_ctrl_c_drains_and_resume_goes_on(world):
    path, items, pairs = write_manifest(world.folder)
    # Told to wait in the middle: it is not over before somebody has looked at it and stopped it, however long that takes.
    refusal = {"fault": "status", "status": 429, "retry_after": 60}
    world.faults([{"match": {"method": "POST", "path": "/flows$", "nth": 5}, **refusal}])
    process = world.start("run", str(path), "--rate", "60/s", "--report", "report.json", "--events", "events.jsonl")
    assert world.await_ledger(process, lambda ledger: ledger["requests"]["byStatus"].get("429"))
    watched = world.run("status", "--json")
    assert json.loads(watched.stdout)["status"] == "running"
    process.send_signal(signal.SIGINT)
    talk = "".join(process.communicate(timeout=30))
    assert process.returncode == 130, talk
    assert "headgate resume" in talk
    assert "Traceback" not in talk
    report = report_of(world)
    assert report["status"] == "interrupted"
    assert report["totals"]["held"] > 0
    world.faults([])
    done = world.run("resume", "--report", "report.json")
    assert done.returncode == 0, done.stderr
    assert report_of(world)["totals"]["held"] == 0
    assert_clean(world.ledger(), items=items, pairs=pairs, connections=3)
    kept = b"".join(found.read_bytes() for found in world.folder.rglob("*") if found.is_file() and found != path)
    assert SECRET.encode() not in kept
    assert b"hush-hush-hush" not in kept


def test_second_ctrl_c_stops_at_once_and_leaves_a_true_state(world):
    path, items, pairs = write_manifest(world.folder)
    # An answer that takes its time, to what was done: the drain would wait for it.
    world.faults([{"match": {"method": "POST", "path": "/flows$", "nth": 2}, "fault": "drip", "seconds": 1}])
    process = world.start("run", str(path), "--rate", "60/s", "--no-progress")
    assert world.await_ledger(process, lambda ledger: ledger["requests"]["byEndpoint"].get("POST /flows", 0) >= 2)
    process.send_signal(signal.SIGINT)
    while "Ctrl-C again" not in process.stderr.readline():
        assert process.poll() is None, "the first Ctrl-C waits for what is on its way"
    process.send_signal(signal.SIGINT)
    talk = "".join(process.communicate(timeout=8))
    assert process.returncode == 130, talk
    world.faults([])
    assert world.run("resume").returncode == 0
    assert_clean(world.ledger(), items=items, pairs=pairs, connections=3)


def test_a_twentieth_of_all_answers_lost_after_commit_doubles_nothing(world):
    path, items, pairs = write_manifest(world.folder, count=20)
    world.faults([{"match": {"method": "POST", "path": ".*", "probability": 0.05}, "fault": "lost-after-commit"}])
    done = world.run("run", str(path), "--rate", "300/s")
    assert done.returncode == 0, done.stdout + done.stderr
    assert_clean(world.ledger(), items=items, pairs=pairs, connections=3)


def test_a_platform_that_holds_everybody_for_a_minute_does_not_hold_the_first_ctrl_c(world):
    path, _, _ = write_manifest(world.folder)
    world.faults([{"match": {"method": "POST", "path": "/flows$", "nth": 2}, "fault": "status", "status": 429,
                   "retry_after": 60}])  # fmt: skip
    process = world.start("run", str(path), "--rate", "60/s", "--no-progress")
    world.await_ledger(process, lambda ledger: ledger["requests"]["byStatus"].get("429"))
    process.send_signal(signal.SIGINT)
    talk = "".join(process.communicate(timeout=20))
    assert process.returncode == 130, talk


def test_a_second_run_makes_nothing_and_activates_again(world):
    path, items, pairs = write_manifest(world.folder)
    assert world.run("run", str(path)).returncode == 0
    before = world.ledger()
    done = world.run("run", str(path), "--report", "report.json")
    assert done.returncode == 0, done.stderr
    assert {row["status"] for row in report_of(world)["items"]} == {"reused"}
    after = world.ledger()
    assert after["created"] == before["created"]
    assert set(after["activations"]["pairs"].values()) == {2}
    assert len(after["activations"]["pairs"]) == pairs
    assert len(report_of(world)["items"]) == items
