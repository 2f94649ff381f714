"""Two processes and one run: who starts first has it, and who was frozen past its claim does nothing more."""

import json
import os
import re
import signal
import time

import pytest

from tests.acceptance.world import assert_clean, freeze, served, write_manifest

#: Seconds, instead of a minute.
LEASE_S = 2.0


@pytest.fixture
def world(tmp_path):
    with served(tmp_path) as world:
        yield world


def impatient(folder):
    """A profile with a lease short enough to wait for."""
    path = folder / "impatient.yaml"
    path.write_text(f"timeout_s: {LEASE_S / 2}\nlease_s: {LEASE_S}\n")
    return path


def ended(process):
    talk = "".join(process.communicate(timeout=60))
    assert "Traceback" not in talk
    return process.returncode, talk


def effects(world):
    by = world.ledger()["requests"]["byEndpoint"]
    return {endpoint: count for endpoint, count in by.items() if not endpoint.startswith("GET")}


def test_of_two_that_start_together_one_runs_and_the_other_names_it(world):
    path, items, pairs = write_manifest(world.folder)
    processes = [world.start("run", str(path), "--rate", "100/s", "--no-progress") for _ in range(2)]
    by_code = {code: (talk, process.pid) for process in processes for code, talk in [ended(process)]}
    assert by_code.keys() == {0, 4}, by_code
    talk = by_code[4][0]
    assert re.search(
        rf"is being driven by process {by_code[0][1]} on \S+ \(since [^)]+ UTC\); nothing was sent", talk
    ), talk
    assert "headgate status" in talk
    assert_clean(world.ledger(), items=items, pairs=pairs, connections=3)
    runs = json.loads(world.run("runs", "--json").stdout)
    assert len(runs) == 1


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="this system freezes no process")
def test_a_process_frozen_past_its_lease_sends_no_further_effect(world):
    path, items, pairs = write_manifest(world.folder)
    # Slow, so that it is frozen between two requests and not on the way of one.
    world.env["HEADGATE_PROFILE"] = str(impatient(world.folder))
    frozen = world.start("run", str(path), "--rate", "10/s", "--no-progress")
    assert world.await_requests(frozen, 12)
    freeze(world, frozen)
    time.sleep(1.1 * LEASE_S)
    other = world.start("resume", "--rate", "300/s", "--no-progress", "--report", "report.json")
    code, talk = ended(other)
    assert code == 0, talk
    before = effects(world)
    os.kill(frozen.pid, signal.SIGCONT)
    code, talk = ended(frozen)
    assert code == 4, talk
    assert re.search(rf"was taken over by (process {other.pid} on \S+|another process); this one has stopped", talk), (
        talk
    )
    assert effects(world) == before, "an effect was sent by a process that had lost its run"
    assert_clean(world.ledger(), items=items, pairs=pairs, connections=3)
    report = json.loads((world.folder / "report.json").read_text())
    assert report["status"] == "succeeded"
    assert json.loads(world.run("runs", "--json").stdout)[0]["status"] == "succeeded", (
        "the frozen one overwrote nothing"
    )
