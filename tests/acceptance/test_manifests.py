"""Every manifest of configs/manifests works as it stands, and works a second time without making anything."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.acceptance.cli_support import headgate

MANIFESTS = Path(__file__).parents[2] / "configs" / "manifests"
#: README's main job is run by CI's own command; a bad night, on a small scale, by test_bad_night.py.
NAMES = sorted(path.name for path in MANIFESTS.glob("*.yaml") if path.name not in ("first-run.yaml", "bad-night.yaml"))


@pytest.mark.parametrize("name", NAMES)
def test_it_runs_and_runs_again(tmp_path, name):
    shutil.copytree(MANIFESTS, tmp_path, dirs_exist_ok=True)
    fast = ("--simulate", "--rate", "500/s", "--no-progress")
    first = headgate("run", name, *fast, "--report", "first.json", cwd=tmp_path)
    assert first.code == 0, first.out + first.err
    assert "0 duplicates, 0 violations" in first.err
    second = headgate("run", name, *fast, "--report", "second.json", cwd=tmp_path)
    assert second.code == 0, second.out + second.err
    assert "0 duplicates, 0 violations" in second.err
    asked = json.loads((tmp_path / "second.json").read_text())["requests"]["byEndpoint"]
    creations = {endpoint for endpoint in asked if endpoint.startswith("POST /") and not endpoint.endswith("adhocrun")}
    assert not {one for one in creations if "{id}" not in one}, "the second run made something"


def test_a_migration_between_two_sandboxes(tmp_path):
    shutil.copytree(MANIFESTS, tmp_path, dirs_exist_ok=True)
    here, there = ("--state", "here/state.db"), ("--state", "there/state.db")
    assert headgate("run", "migration.yaml", "--simulate", *here, cwd=tmp_path).code == 0
    out = headgate("export", "--simulate", "--out", "out.yaml", "--ids", "ids.csv", *here, cwd=tmp_path)
    assert out.code == 0, out.err
    made = headgate("run", "out.yaml", "--simulate", *there, "--report", "report.json", cwd=tmp_path)
    assert made.code == 0, made.out + made.err
    run = json.loads((tmp_path / "report.json").read_text())["runId"]
    again = headgate("export", "--simulate", "--out", "again.yaml", *there, cwd=tmp_path)
    assert again.code == 0, again.err
    assert (tmp_path / "again.yaml").read_text() == (tmp_path / "out.yaml").read_text()
    ids = headgate("report", run, "--ids", "ids.csv", *there, cwd=tmp_path)
    assert ids.code == 0, ids.err
    rows = [line.split(",") for line in ids.out.splitlines()]
    assert rows[0] == ["item", "role", "old", "new"]
