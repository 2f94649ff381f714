"""``headgate destroy`` and ``headgate sweep`` as a user meets them; the embedded platform's ledger is the judge."""

import json
import os
import pty
import time

import pytest

from tests.acceptance.world import served, write_manifest
from tests.forked import Forked

PROFILE = "limits: {rate: 500/s}\n"
NOTHING = {"connections": 0, "sourceConnections": 0, "targetConnections": 0, "flows": 0}


@pytest.fixture
def world(tmp_path):
    (tmp_path / "headgate.yaml").write_text(PROFILE)
    with served(tmp_path) as world:
        yield world


@pytest.fixture
def made(world):
    """A world with everything of a manifest in it, and the manifest's path."""
    path, _, _ = write_manifest(world.folder, count=3)
    done = world.run("run", str(path))
    assert done.returncode == 0, done.stderr
    return str(path)


def judged(world):
    ledger = world.ledger()
    assert ledger["violations"] == []
    assert ledger["duplicates"] == []
    return ledger


def typed(world, text, *arguments):
    """Run the command at a terminal, where a person types ``text`` when asked: exit code, and what was shown."""
    main, side = pty.openpty()
    process = Forked(arguments, cwd=world.folder, env=world.env, stdin=side, stdout=side, stderr=side)
    os.close(side)
    shown, until, asked = b"", time.monotonic() + 60, False
    while time.monotonic() < until:
        try:
            more = os.read(main, 4096)
        except OSError:
            break
        if not more:
            break
        shown += more
        if not asked and (b"[y/N]" in shown or b"to go on" in shown):
            os.write(main, f"{text}\n".encode())
            asked = True
    os.close(main)
    return process.wait(timeout=30), shown.decode()


def test_destroyed_by_manifest_and_made_again(world, made):
    before = world.ledger()["objects"]
    done = world.run("destroy", made, "--yes", "--json", "--report", "gone.json", "--events", "gone.jsonl")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report == json.loads((world.folder / "gone.json").read_text())
    assert report["status"] == "succeeded"
    assert {row["status"] for row in report["items"]} == {"deleted"}
    assert report["requests"]["byEndpoint"]["DELETE /flows/{id}"] == before["flows"]
    events = [json.loads(line)["event"] for line in (world.folder / "gone.jsonl").read_text().splitlines()]
    assert (events[0], events[-1]) == ("begin", "end")
    assert judged(world)["objects"] == NOTHING
    rows = {row["runId"]: row for row in json.loads(world.run("runs", "--json").stdout)}
    assert rows[report["runId"]]["args"]["command"] == "destroy"
    assert "deleted" in world.run("report", report["runId"]).stdout
    again = world.run("destroy", made, "--yes", "--json")
    assert again.returncode == 0
    assert json.loads(again.stdout)["items"] == []
    assert "nothing to delete" in again.stderr
    assert world.run("run", made).returncode == 0
    assert judged(world)["objects"] == before


def test_it_asks_first(world, made):
    before = world.ledger()["objects"]
    done = world.run("destroy", made)
    assert done.returncode == 2
    assert "6 flows, 6 source connections, 6 target connections, 3 base connections" in done.stderr
    assert "--yes" in done.stderr
    code, shown = typed(world, "n", "destroy", made)
    assert (code, "not confirmed" in shown) == (2, True)
    assert world.ledger()["objects"] == before
    code, shown = typed(world, "y", "destroy", made)
    assert code == 0, shown
    assert judged(world)["objects"] == NOTHING


def test_a_protected_sandbox_wants_its_name_typed(world, made):
    (world.folder / "headgate.yaml").write_text(f"{PROFILE}protected_sandboxes: [dev]\n")
    before = world.ledger()
    for flags in (["--yes"], ["--yes", "prod"], []):
        done = world.run("destroy", made, *flags)
        assert done.returncode == 2
        assert "protected" in done.stderr
        assert "hint: --yes dev" in done.stderr
    for wrong in ("y", ""):
        code, shown = typed(world, wrong, "destroy", made)
        assert (code, "was not confirmed" in shown) == (2, True), shown
    assert world.ledger()["requests"]["total"] == before["requests"]["total"], "nothing was sent"
    code, shown = typed(world, "dev", "destroy", made)
    assert code == 0, shown
    assert judged(world)["objects"] == NOTHING
    path, _, _ = write_manifest(world.folder, "again", 1)
    assert world.run("run", str(path), "--yes", "dev").returncode == 0
    assert world.run("destroy", str(path), "--yes", "dev").returncode == 0
    assert judged(world)["objects"] == NOTHING


def test_of_a_run_only_what_it_created(world, made):
    first = json.loads(world.run("runs", "--json").stdout)[0]["runId"]
    write_manifest(world.folder, count=4)
    assert world.run("run", made).returncode == 0
    second = json.loads(world.run("runs", "--json").stdout)[0]["runId"]
    done = world.run("destroy", "--yes", second)  # the flag takes no name here
    assert done.returncode == 0, done.stderr
    assert judged(world)["objects"]["flows"] == 6
    assert world.run("destroy", first, "--yes").returncode == 0
    assert judged(world)["objects"] == NOTHING


def test_killed_at_several_moments_it_goes_on(world, made):
    world.faults([{"match": {"method": "DELETE", "path": ".*", "probability": 0.1}, "fault": "lost-after-commit"}])
    for gone in (2, 8, 14):
        process = world.start("destroy", made, "--yes", "--rate", "60/s", "--no-progress")
        world.await_ledger(process, lambda ledger, gone=gone: sum(ledger["deleted"].values()) >= gone)
        process.kill()
        process.communicate()
    refused = world.run("run", made)
    assert refused.returncode == 2
    assert "headgate resume" in refused.stderr
    done = world.run("resume", "--report", "gone.json")
    assert done.returncode == 0, done.stderr
    report = json.loads((world.folder / "gone.json").read_text())
    assert {row["status"] for row in report["items"]} == {"deleted"}
    assert len(json.loads(world.run("runs", "--json").stdout)) == 2, "one destroy, in four lives"
    ledger = judged(world)
    assert ledger["objects"] == NOTHING
    assert ledger["deleted"] == ledger["created"]


def test_ctrl_c_stops_it_well_and_the_same_command_goes_on(world, made):
    import signal

    process = world.start("destroy", made, "--yes", "--rate", "60/s", "--report", "gone.json")
    world.await_ledger(process, lambda ledger: sum(ledger["deleted"].values()) >= 5)
    process.send_signal(signal.SIGINT)
    talk = "".join(process.communicate(timeout=30))
    assert process.returncode == 130, talk
    assert "headgate resume" in talk
    report = json.loads((world.folder / "gone.json").read_text())
    assert {"held", "deleted"} >= {row["status"] for row in report["items"]}
    done = world.run("destroy", made, "--yes")
    assert done.returncode == 0, done.stderr
    assert f"this continues {report['runId']}" in done.stderr
    assert judged(world)["objects"] == NOTHING


def test_an_unfinished_run_is_named_ended_and_all_of_it_goes(world):
    path, _, _ = write_manifest(world.folder, count=3)
    process = world.start("run", str(path), "--rate", "60/s", "--no-progress")
    world.await_requests(process, 20)
    process.kill()
    process.communicate()
    said = world.run("destroy", str(path))
    assert said.returncode == 2
    assert "unfinished, and ended for good: small-" in said.stderr
    assert world.run("status", "--json").returncode == 0
    assert world.run("destroy", str(path), "--yes").returncode == 0
    assert judged(world)["objects"] == NOTHING
    assert "nothing is unfinished" in world.run("resume").stderr


def test_a_run_that_is_going_is_left_alone(world):
    path, _, _ = write_manifest(world.folder)
    process = world.start("run", str(path), "--rate", "4/s", "--no-progress")
    world.await_requests(process, 6)
    done = world.run("destroy", str(path), "--yes")
    assert done.returncode == 4, done.stderr
    assert "being driven" in done.stderr
    process.kill()
    process.communicate()


def test_what_is_named_must_be_there(world, made):
    for what, word in (("nothing.yaml", "no such file"), ("nothing", "there is no run 'nothing'")):
        done = world.run("destroy", what, "--yes")
        assert done.returncode == 2
        assert word in done.stderr
    assert world.run("destroy").returncode == 2
    assert world.run("destroy", made, "--yes").returncode == 0
    destroy = json.loads(world.run("runs", "--json").stdout)[0]["runId"]
    done = world.run("destroy", destroy, "--yes")
    assert done.returncode == 2
    assert "created nothing" in done.stderr


def test_a_manifest_needs_nothing_but_its_name_to_be_destroyed(world, made):
    """Its secrets may not be at hand any more, and its rows may be gone."""
    del world.env["S3_SECRET"]
    (world.folder / "pairs.csv").unlink()
    assert world.run("validate", made).returncode == 2
    assert world.run("destroy", made, "--yes").returncode == 0
    assert judged(world)["objects"] == NOTHING


# -- sweep


def test_a_lost_state_is_swept_adopted_and_used(world, made):
    before = world.ledger()
    assert "0 bear" in world.run("sweep").stderr
    for one in (world.folder / ".headgate").glob("state.db*"):
        one.unlink()
    done = world.run("sweep")
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) == 1 + sum(before["objects"].values())
    listed = json.loads(world.run("sweep", "--json").stdout)
    assert listed["schema"] == "headgate.sweep/1"
    assert listed["scanned"] == len(listed["objects"]) == sum(before["objects"].values())
    assert {"collection", "id", "name", "createdAt", "marker", "manifest"} == set(listed["objects"][0])
    done = world.run("sweep", "--adopt", made, "--json")
    assert done.returncode == 0, done.stderr
    assert {row["status"] for row in json.loads(done.stdout)["items"]} == {"reused"}
    assert json.loads(world.run("sweep", "--json").stdout)["objects"] == []
    assert "nothing to adopt" in world.run("sweep", "--adopt", made).stderr
    assert world.run("run", made).returncode == 0
    assert judged(world)["created"] == before["created"]


def test_strays_are_deleted_after_asking(world, made):
    for one in (world.folder / ".headgate").glob("state.db*"):
        one.unlink()
    path, _, _ = write_manifest(world.folder, "known", 1)
    assert world.run("run", str(path)).returncode == 0
    before = world.ledger()["objects"]
    assert world.run("sweep", "--delete").returncode == 2
    assert world.ledger()["objects"] == before
    done = world.run("sweep", "--delete", "--yes", "--json")
    assert done.returncode == 0, done.stderr
    assert {row["status"] for row in json.loads(done.stdout)["items"]} == {"deleted"}
    # What is left is what the store knows; the profile store's connection was found by it.
    assert judged(world)["objects"] == {"connections": 3, "sourceConnections": 2, "targetConnections": 2, "flows": 2}
    assert world.run("sweep", "--delete", "--yes").returncode == 0
    assert world.run("sweep", "--delete", "--adopt", made).returncode == 2


def test_a_sweep_that_was_killed_is_resumed(world, made):
    for one in (world.folder / ".headgate").glob("state.db*"):
        one.unlink()
    process = world.start("sweep", "--delete", "--yes", "--rate", "60/s", "--no-progress")
    world.await_ledger(process, lambda ledger: sum(ledger["deleted"].values()) >= 9)
    process.kill()
    process.communicate()
    done = world.run("resume")
    assert done.returncode == 0, done.stderr
    assert judged(world)["objects"] == NOTHING


def test_a_sweep_of_a_platform_that_refuses_says_so(world):
    world.faults([{"match": {"path": "/data/"}, "fault": "status", "status": 403}])
    done = world.run("sweep")
    assert done.returncode == 3, done.stderr
    assert "refused" in done.stderr
