"""Two processes, two manifests, one state store: an audience is in one ad-hoc job at a time, across both."""

import os
import re
import signal
import time
from pathlib import Path

import pytest

from tests.acceptance.world import MANIFEST, SCHEDULE, freeze, served

AUDIENCES = [f"{number:08x}-0000-4000-8000-00000000beef" for number in range(1, 201)]
FLOWS = 2


@pytest.fixture
def world(tmp_path):
    with served(tmp_path) as world:
        yield world


def write(folder: Path, name: str) -> Path:
    """A manifest of its own flows to which all of the audiences are mapped, and an activation of all of them."""
    audiences = "\n".join(
        f"      - {{id: {one}, exportMode: DAILY_FULL_EXPORT, schedule: {SCHEDULE}}}" for one in AUDIENCES
    )
    entries = f"""\
  - kind: audience-export
    name: "{name} ${{row}}"
    foreach: {{range: [1, {FLOWS}]}}
    connection: {name}
    target: {{bucketName: {name}, path: "a/${{row}}"}}
    audiences:
{audiences}
    attributes: [person.name.firstName]
  - kind: activation
    name: now
    pairs: {{csv: {name}.csv}}
"""
    rows = [f"{name} {flow},{one}" for one in AUDIENCES for flow in range(1, FLOWS + 1)]
    (folder / f"{name}.csv").write_text("destinationId,segmentId\n" + "\n".join(rows) + "\n")
    path = folder / f"{name}.yaml"
    path.write_text(MANIFEST.format(name=name, entries=entries).replace("  bucket:", f"  {name}:"))
    return path


def ended(process):
    talk = "".join(process.communicate(timeout=80))
    assert "Traceback" not in talk
    return process.returncode, talk


def activated_once(ledger):
    activations = ledger["activations"]
    assert activations["overlaps"] == []
    assert activations["maxConcurrentPerAudience"] == 1
    assert len(activations["pairs"]) == 2 * FLOWS * len(AUDIENCES)
    assert set(activations["pairs"].values()) == {1}
    assert ledger["duplicates"] == []
    assert ledger["violations"] == []


def test_the_platform_never_sees_two_jobs_for_one_audience(world):
    left, right = (
        world.start("run", str(write(world.folder, name)), "--rate", "200/s", "--no-progress")
        for name in ("left", "right")
    )
    for process in (left, right):
        code, talk = ended(process)
        assert code == 0, talk
    ledger = world.ledger()
    activated_once(ledger)
    assert ledger["created"]["connections"] == 3, "an account each, and the profile store's, which both need, once"


def test_a_dead_holders_audiences_are_taken_over_and_what_it_started_is_waited_for(world):
    left = world.start("run", str(write(world.folder, "left")), "--rate", "200/s", "--no-progress")
    assert world.await_ledger(left, lambda ledger: ledger["activations"]["jobs"] >= 2)
    os.kill(left.pid, signal.SIGKILL)
    left.communicate()
    right = world.run("run", str(write(world.folder, "right")), "--rate", "200/s", "--no-progress")
    assert right.returncode == 0, right.stderr
    assert world.ledger()["activations"]["overlaps"] == []
    resumed = world.run("resume", "--rate", "200/s", "--no-progress")
    assert resumed.returncode == 0, resumed.stderr
    activated_once(world.ledger())


def test_who_waits_for_an_audience_says_whose_it_is(world):
    left = world.start("run", str(write(world.folder, "left")), "--rate", "200/s", "--no-progress")
    assert world.await_ledger(left, lambda ledger: ledger["activations"]["jobs"] >= 2)
    freeze(world, left)
    events = world.folder / "right.jsonl"
    manifest = str(write(world.folder, "right"))
    right = world.start("run", manifest, "--rate", "200/s", "--no-progress", "--events", str(events))
    try:
        holds = []
        while not holds:
            assert right.poll() is None
            time.sleep(0.05)
            lines = events.read_text().splitlines() if events.exists() else []
            holds = [line for line in lines if "holds one of its audiences" in line]
    finally:
        os.kill(left.pid, signal.SIGCONT)
    assert re.search(rf"run left-\S+, driven by process {left.pid} on \S+ holds one", holds[0]), holds
    for process in (left, right):
        code, talk = ended(process)
        assert code == 0, talk
    activated_once(world.ledger())
