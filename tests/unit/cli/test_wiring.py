"""From arguments to a run: finding it, asking for a protected sandbox, and asking again for what was not kept."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from headgate.cli.views import catalog, runs, settings
from headgate.cli.wiring import Choice, confirm, find_run, near, reading
from headgate.errors import UsageError
from headgate.secret import Secret
from headgate.settings import Profile
from headgate.store import RunRow


def row(name, **changes):
    return RunRow(**{"id": name, "manifest": "m", "path": "m.yaml", "sandbox": "dev", "fingerprint": "f",
                     "status": "succeeded", "started_at": 1.0, **changes})  # fmt: skip


STORE = SimpleNamespace(runs=lambda: [row("spring-1-ab"), row("spring-1"), row("autumn-1")])


def test_a_run_by_its_name_or_the_beginning_of_it():
    assert find_run(STORE, "spring-1", "s").id == "spring-1"
    assert find_run(STORE, "aut", "s").id == "autumn-1"
    with pytest.raises(UsageError, match="2 runs begin with 'spring'"):
        find_run(STORE, "spring", "s")
    with pytest.raises(UsageError, match="no run 'winter'"):
        find_run(STORE, "winter", "s")
    with pytest.raises(UsageError):
        find_run(None, "spring", "s")


def test_a_state_that_nobody_has_begun_reads_as_none(tmp_path):
    """Nor one whose maker was killed between making the file and filling it."""
    missing, empty = tmp_path / "missing.db", tmp_path / "empty.db"
    empty.touch()
    for file in (missing, empty):
        with reading(Profile(state=str(file))) as store:
            assert store is None
    assert not missing.exists()


def test_a_protected_sandbox(monkeypatch):
    profile = Profile(protected_sandboxes=("prod",))
    confirm(profile, "dev", None)
    confirm(profile, "prod", "prod")
    for yes in (None, "dev", ""):
        with pytest.raises(UsageError, match="nothing was sent"):
            confirm(profile, "prod", yes)


def test_what_was_a_secret_is_asked_for_again():
    args = {"set": {"a": "1"}, "select": ["x"], "tags": [], "again": ["key"]}
    with pytest.raises(UsageError, match="key: given with --set"):
        Choice.again(Path("m"), args)
    choice = Choice.again(Path("m"), args, {"key": "v"})
    assert choice == Choice(Path("m"), {"a": "1", "key": "v"}, ("x",), ())


def test_paths_are_shown_from_here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert near(tmp_path / "a" / "m.yaml") == Path("a/m.yaml")
    assert near("/elsewhere/m.yaml") == Path("/elsewhere/m.yaml")
    assert near("m.yaml") == Path("m.yaml")


def test_a_run_nobody_drives_is_abandoned():
    rows = [(row("a", status="running"), None), (row("b", status="running"), "process 1 on host"), (row("c"), None)]
    assert [line.split()[1] for line in runs.text(rows).splitlines()[1:]] == ["abandoned", "running", "succeeded"]


def test_settings_mask_secrets():
    profile = Profile(client_secret=Secret("hush"), access_token=Secret("hush", "${env:T}"))
    assert "hush" not in settings.text(profile) + settings.as_json(profile)
    assert "${env:T}" in settings.text(profile)


@pytest.mark.parametrize("name", ["amazon_s3", "oracle_eloqua", "adobe_campaign", "data_landing_zone", "servicenow"])
def test_the_catalogue_fits_the_screen(name):
    text = catalog.text(catalog.find(name))
    assert text.startswith(name)
    assert max(map(len, text.splitlines())) <= 100
