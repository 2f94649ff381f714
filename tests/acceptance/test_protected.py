"""A protected sandbox: whatever changes something in it wants its name, however it is asked, and before it asks anything."""

from __future__ import annotations

import asyncio

import pytest

import headgate
from headgate.errors import UsageError

from tests.acceptance.cli_support import write_manifest
from tests.acceptance.embedded import command, leads_to, served

DELETE = """\
headgate: 1
name: away
sandbox: SANDBOX
entries:
  - {kind: flow-action, name: gone, select: {property: ["name==Flow 0"]}, action: delete}
"""


@pytest.fixture
def platform(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("S3_SECRET", "fake/secret/key/for/the/embedded/server+")
    with served(time_scale=3600) as simulator:
        leads_to(simulator, monkeypatch, 3600)
        (tmp_path / "headgate.yaml").write_text(f"protected_sandboxes: [other, {simulator.credentials['sandbox']}]\n")
        yield simulator


def requests(platform):
    return platform.ledger()["requests"]["total"]


def test_every_command_that_changes_something_wants_the_name(tmp_path, platform, capfd):
    name = platform.credentials["sandbox"]
    manifest = write_manifest(tmp_path, flows=2)
    (tmp_path / "away.yaml").write_text(DELETE.replace("SANDBOX", name))

    def wants_it(*args):
        before = requests(platform)
        # The same sandbox in another spelling is no way in: the platform may not care for its case.
        for yes in ([], ["--yes", name.upper()], ["--yes", "other"]):
            done = command(capfd, *args, *yes)
            assert done.code == 2, done.err
            assert "is protected" in done.err
            assert f"hint: --yes {name}" in done.err
        assert requests(platform) == before, "nothing was sent"
        return command(capfd, *args, "--yes", name, "--no-progress")

    assert wants_it("run", manifest, "--rate", "1000/s").code == 0
    assert wants_it("run", "away.yaml").code == 0
    assert "Flow 0" not in [flow["name"] for flow in platform.objects("flows")]
    assert wants_it("destroy", manifest).code == 0
    assert platform.objects("flows") == []
    # Looking changes nothing, and wants no name.
    for args in (("plan", manifest), ("runs",), ("sweep",), ("export", "--out", "exported.yaml")):
        assert command(capfd, *args).code == 0


def test_what_another_store_made_is_swept_only_by_name(tmp_path, platform, capfd):
    name = platform.credentials["sandbox"]
    manifest = write_manifest(tmp_path, flows=1)
    assert command(capfd, "run", manifest, "--state", "first.db", "--yes", name, "--no-progress").code == 0
    made = len(platform.objects("flows"))
    for flags in ([], ["--yes"], ["--yes", "other"]):
        done = command(capfd, "sweep", "--delete", "--state", "second.db", *flags)
        assert done.code == 2, done.err
        assert "is protected" in done.err
    assert len(platform.objects("flows")) == made
    done = command(capfd, "sweep", "--delete", "--state", "second.db", "--yes", name, "--no-progress")
    assert done.code == 0, done.err
    assert platform.objects("flows") == []


def test_an_unfinished_run_is_resumed_only_by_name(tmp_path, platform, capfd, monkeypatch):
    from headgate.simulator import Fault

    name = platform.credentials["sandbox"]
    manifest = write_manifest(tmp_path, flows=3)
    platform.set_faults([Fault("status", path="/targetConnections$", method="POST", status=401)])
    assert command(capfd, "run", manifest, "--yes", name, "--no-progress").code == 3
    platform.set_faults([])
    before = requests(platform)
    done = command(capfd, "resume")
    assert (done.code, "is protected" in done.err) == (2, True), done.err
    assert requests(platform) == before
    assert command(capfd, "resume", "--yes", name, "--no-progress").code == 0


def test_a_program_names_it_too(tmp_path, platform):
    name = platform.credentials["sandbox"]
    manifest = headgate.load(write_manifest(tmp_path, flows=1))
    plan = headgate.plan(manifest, sandbox=name)
    for yes in (None, "other", name.upper()):
        with pytest.raises(UsageError, match="is protected and needs to be named; nothing was sent"):
            asyncio.run(headgate.run(plan, yes=yes))
    assert requests(platform) == 0
    assert asyncio.run(headgate.run(plan, yes=name)).status == "succeeded"
