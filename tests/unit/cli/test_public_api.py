"""``import headgate``: cheap, whole, and typed errors."""

import asyncio
import subprocess
import sys

import pytest

import headgate
from tests.acceptance.cli_support import environment, write_manifest


def test_every_name_is_there():
    assert headgate.__all__ == sorted(headgate.__all__)
    for name in headgate.__all__:
        assert getattr(headgate, name) is not None
    assert set(headgate.__all__) <= set(dir(headgate))
    with pytest.raises(AttributeError, match="nothing"):
        headgate.nothing  # noqa: B018


def test_import_costs_nothing_and_plan_is_a_function_whatever_was_imported_first():
    code = (
        "import sys, headgate; heavy = {'click', 'aiohttp', 'pydantic', 'rich', 'yaml', 'orjson'} & set(sys.modules); "
        "assert not heavy, heavy; import headgate.planning.model; assert callable(headgate.plan); "
        "from headgate import plan; assert callable(plan)"
    )
    done = subprocess.run([sys.executable, "-c", code], env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_load_plan_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("S3_SECRET", "x" * 40)
    manifest = headgate.load(write_manifest(tmp_path), overrides={"bucket": "acme-two"}, select=["Flow [01]"])
    plan = headgate.plan(manifest)
    assert plan.source["set"] == {"bucket": "acme-two"}
    assert plan.source["select"] == ["Flow [01]"]
    events = []
    profile = headgate.Profile.load(env={})
    report = asyncio.run(headgate.run(plan, profile=profile, state="s.db", on_event=events.append, simulate=True))
    assert (report.status, report.exit_code, report.failures) == ("succeeded", 0, [])
    assert [row.item for row in report.items] == ["Flow 0", "Flow 1"]
    assert (events[0]["event"], events[-1]["event"]) == ("begin", "end")
    again = asyncio.run(headgate.run(plan, profile=profile, state="s.db", simulate=True))
    assert {row.status for row in again.items} == {"reused"}
    gone = headgate.plan_destroy(manifest, profile=profile, state="s.db")
    assert headgate.plan_destroy(again.run_id, profile=profile, state="s.db").jobs == []
    report = asyncio.run(headgate.run(gone, profile=profile, state="s.db", simulate=True))
    assert {row.status for row in report.items} == {"deleted"}
    assert headgate.plan_destroy(manifest, profile=profile, state="s.db").jobs == []
    with pytest.raises(headgate.UsageError, match="no run"):
        headgate.plan_destroy("nobody", profile=profile, state="s.db")


@pytest.mark.parametrize("wrong", [{"rate": "fast"}, {"concurrency": 0}, {"on_error": "panic"}, {"tolerate": "200%"}])
def test_wrong_wishes_are_usage_errors(plan, wrong):
    with pytest.raises(headgate.UsageError, match="nothing was sent"):
        asyncio.run(headgate.run(plan, profile=headgate.Profile.load(env={}), simulate=True, **wrong))


def test_typed_errors(tmp_path, plan):
    (tmp_path / "bad.yaml").write_text("headgate: 2\n")
    with pytest.raises(headgate.ManifestError) as bad:
        headgate.load(tmp_path / "bad.yaml")
    assert len(bad.value.problems) >= 2
    with pytest.raises(headgate.SettingsError):
        asyncio.run(headgate.run(plan, profile=headgate.Profile.load(env={})))
    (tmp_path / "state.db").write_bytes(b"no database" * 500)
    with pytest.raises(headgate.StoreError):
        asyncio.run(headgate.run(plan, profile=headgate.Profile.load(env={}), state="state.db", simulate=True))


def test_a_plan_needs_a_sandbox(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HEADGATE_SANDBOX", raising=False)
    monkeypatch.setenv("S3_SECRET", "x" * 40)
    path = write_manifest(tmp_path)
    path.write_text(path.read_text().replace("sandbox: dev\n", ""))
    manifest = headgate.load(path)
    with pytest.raises(headgate.SettingsError):
        headgate.plan(manifest)
    assert headgate.plan(manifest, sandbox="qa").sandbox == "qa"
    assert headgate.plan(manifest, profile=headgate.Profile.load(env={"HEADGATE_SANDBOX": "uat"})).sandbox == "uat"
