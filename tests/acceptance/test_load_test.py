"""``headgate loadtest`` as a user meets it: exit codes, the report, Ctrl-C, ``kill -9``; the platform's ledger judges."""

import json
import signal

import pytest

from tests.acceptance.world import SECRET, served, write_manifest

PROFILE = "limits: {rate: 500/s}\n"


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    folder = tmp_path_factory.mktemp("load")
    (folder / "headgate.yaml").write_text(PROFILE)
    write_manifest(folder, count=3)
    with served(folder) as world:
        yield world


def judged(world):
    """Nothing was made twice, no rule was broken; how much is there."""
    ledger = world.ledger()
    assert ledger["violations"] == []
    assert ledger["duplicates"] == []
    return sum(ledger["objects"].values())


def test_a_test_is_judged_by_its_thresholds_and_leaves_nothing(world):
    asked = (
        "loadtest",
        "manifest.yaml",
        "--stage",
        "20/s:500ms",
        "--stage",
        "20..40/s:0.5s",
        "--threshold",
        "errors<=0",
    )
    done = world.run(*asked, "--threshold", "p99<20s", "--report", "load.json")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("MET  small-loadtest-")
    assert "entry 'now' (activation) is left out: nothing undoes it" in done.stderr
    assert ", 0 left" in done.stdout
    assert judged(world) == 0
    report = json.loads((world.folder / "load.json").read_text())
    assert (report["schema"], report["status"], report["exitCode"]) == ("headgate.loadtest/1", "met", 0)
    assert [stage["arrivals"]["due"] for stage in report["stages"]] == [10, 15]
    begun = report["total"]["arrivals"]["begun"]
    assert (report["cleanUp"]["deleted"], report["cleanUp"]["left"]) == (3 * begun + 3, 0), (
        "flows, connections, accounts"
    )
    missed = world.run(*asked, "--threshold", "max<1ms", "--json", "--no-progress")
    assert missed.returncode == 5, missed.stderr
    found = json.loads(missed.stdout)
    assert [one["met"] for one in found["thresholds"]] == [True, False]
    assert judged(world) == 0
    told = world.run("report", found["runId"], "--format", "json")
    assert len(json.loads(told.stdout)["items"]) == 25, "the load is a run like any other"


def begun(world, *asked):
    """A test of a minute that is in the middle of it."""
    before = world.ledger()["requests"]["total"]
    process = world.start("loadtest", "manifest.yaml", "--stage", "10/s:60s", "--no-progress", *asked)
    assert world.await_ledger(process, lambda ledger: ledger["requests"]["total"] > before + 40)
    return process


def test_a_killed_test_is_not_gone_on_with_and_is_cleaned_by_its_run(world):
    process = begun(world)
    process.kill()
    process.communicate()
    assert judged(world) > 5
    again = world.run("loadtest", "manifest.yaml", "--stage", "1/s:1s")
    assert again.returncode == 2
    assert "was not cleaned up, and what it made is still there; nothing was sent" in again.stderr
    resumed = world.run("resume")
    assert resumed.returncode == 2
    assert "is a load test, and its time has passed" in resumed.stderr
    (hint,) = [line for line in resumed.stderr.splitlines() if line.startswith("hint: headgate destroy ")]
    assert hint in again.stderr
    gone = world.run("destroy", hint.rpartition(" ")[2], "--yes")
    assert gone.returncode == 0, gone.stderr
    assert judged(world) == 0
    kept = b"".join(found.read_bytes() for found in world.folder.rglob("*") if found.is_file())
    assert SECRET.encode() not in kept


def test_ctrl_c_ends_the_load_and_cleans_up(world):
    process = begun(world)
    process.send_signal(signal.SIGINT)
    talk = "".join(process.communicate(timeout=60))
    assert process.returncode == 130, talk
    assert "Traceback" not in talk
    assert ", 0 left" in talk
    assert judged(world) == 0


def test_a_second_ctrl_c_ends_it_at_once_and_says_how_to_clean_up(world):
    # What is on its way stays on its way until the second one comes, however long that takes.
    world.faults([{"match": {"method": "PATCH"}, "fault": "slow", "seconds": 25}])
    process = begun(world)
    process.send_signal(signal.SIGINT)
    while "stopping: " not in process.stderr.readline():
        pass
    process.send_signal(signal.SIGINT)
    talk = "".join(process.communicate(timeout=60))
    world.faults([])
    assert process.returncode == 130, talk
    assert "NOT CLEANED UP: " in talk
    run = talk.rpartition("clean up with: headgate destroy ")[2].split()[0]
    assert world.run("destroy", run, "--yes").returncode == 0
    assert judged(world) == 0
