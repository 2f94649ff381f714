"""Commands that send nothing: help, init, validate, expand, plan, catalog; and what a wrong word is met with."""

import json
import subprocess
import sys

import pytest

from tests.acceptance.cli_support import S3_SECRET, environment, headgate, write_manifest


def test_help_is_light_and_says_the_exit_codes(tmp_path):
    code = (
        "import sys; from headgate.cli.app import main; assert main(['--help']) == 0; "
        "heavy = {'aiohttp', 'pydantic', 'rich', 'structlog', 'yaml', 'orjson', 'anyio', 'asyncio'} & set(sys.modules); "
        "assert not heavy, heavy"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    for code in ("0 ", "1 ", "2 ", "3 ", "4 ", "5 ", "130 "):
        assert f"\n    {code}" in done.stdout or f"\n  {code}" in done.stdout


@pytest.mark.parametrize(("word", "near"), [("pln", "plan"), ("vaildate", "validate"), ("statsu", "status")])
def test_an_unknown_command_is_met_with_the_nearest(tmp_path, word, near):
    done = headgate(word, cwd=tmp_path)
    assert done.code == 2
    assert f"No such command '{word}'" in done.err
    assert f"hint: did you mean '{near}'?" in done.err


@pytest.mark.parametrize("later", ["retry", "destroy", "sweep", "export", "loadtest"])
def test_commands_of_later_versions_are_unknown(tmp_path, later):
    assert headgate(later, cwd=tmp_path).code == 2


def test_init_writes_what_validates_plans_and_expands(tmp_path):
    assert headgate("init", "demo", cwd=tmp_path).code == 0
    again = headgate("init", "demo", cwd=tmp_path)
    assert again.code == 2
    assert "nothing was written" in again.err
    assert "hint:" in again.err
    demo = tmp_path / "demo"
    assert headgate("validate", "manifest.yaml", cwd=demo).code == 0
    assert "ad-hoc jobs" in headgate("plan", "manifest.yaml", cwd=demo).out
    settings = headgate("status", "--settings", "--json", cwd=demo).json
    assert {"key": "sandbox", "value": "dev", "layer": "file"} in settings


def test_validate_says_every_mistake_with_its_line(tmp_path):
    path = write_manifest(tmp_path)
    path.write_text(path.read_text().replace("fileType", "fileTyp").replace("amazon_s3", "amazon_s4"))
    done = headgate("validate", "small.yaml", cwd=tmp_path)
    assert done.code == 2
    assert done.out == ""
    assert "small.yaml:9: connections.crm-s3.destination: unknown destination 'amazon_s4'" in done.err
    assert "did you mean 'amazon_s3'?" in done.err
    assert "nothing was sent" in done.err
    listed = headgate("validate", "small.yaml", "--json", cwd=tmp_path)
    assert listed.code == 2
    assert listed.json["valid"] is False
    assert listed.json["problems"][0]["line"] == 9


def test_expand_shows_references_and_never_secrets(tmp_path):
    write_manifest(tmp_path)
    done = headgate("expand", "small.yaml", "--json", "--select", "Flow 1", cwd=tmp_path)
    assert [item["name"] for item in done.json] == ["Flow 1"]
    assert S3_SECRET not in headgate("expand", "small.yaml", cwd=tmp_path).out


def test_plan_counts_and_forecasts_without_sending(tmp_path):
    write_manifest(tmp_path, flows=4, activation=True)
    plan = headgate("plan", "small.yaml", "--json", "--rate", "10/s", cwd=tmp_path).json
    assert plan["items"] == {"total": 4, "create": 4, "update": 0, "reuse": 0}
    assert plan["jobs"]["byKind"]["flows"] == {"total": 4, "reuse": 0}
    assert plan["requests"]["byEndpoint"]["POST /flows"] == 4
    assert plan["adhoc"][0]["jobs"] == 1
    assert "minimum" in plan["adhoc"][0]["why"]
    assert plan["forecast"]["assumptions"]["ratePerSecond"] == 10
    assert plan["forecast"]["totalSeconds"] > 3600
    assert not (tmp_path / ".headgate").exists()


def test_a_saved_plan_runs_and_is_refused_when_stale(tmp_path):
    path = write_manifest(tmp_path)
    assert headgate("plan", "small.yaml", "--select", "Flow [01]", "--out", "plan.json", cwd=tmp_path).code == 0
    done = headgate("run", "plan.json", "--simulate", "--json", cwd=tmp_path)
    assert done.code == 0
    assert [row["item"] for row in done.json["items"]] == ["Flow 0", "Flow 1"]
    path.write_text(path.read_text().replace("exports/", "elsewhere/"))
    stale = headgate("run", "plan.json", "--simulate", cwd=tmp_path)
    assert stale.code == 2
    assert "has changed since this plan was saved" in stale.err
    assert "hint:" in stale.err


@pytest.mark.parametrize("args", [
    ("run", "small.yaml", "--rate", "fast"), ("run", "small.yaml", "--tolerate", "200%"),
    ("run", "small.yaml", "--finish-by", "noon"), ("run", "small.yaml", "--set", "x"), ("run",),
    ("run", "missing.yaml"), ("run", "small.yaml", "--simulte"), ("status", "nobody"), ("report", "nobody"),
    ("resume", "nobody"), ("catalog", "amazonn"), ("simulate", "--faults", "missing.yaml"),
    ("simulate", "--latency", "soon"),
])  # fmt: skip
def test_wrong_usage_is_exit_2(tmp_path, args):
    write_manifest(tmp_path)
    done = headgate(*args, cwd=tmp_path)
    assert done.code == 2
    assert done.out == ""
    assert done.err


def test_catalog(tmp_path):
    assert "amazon_s3" in headgate("catalog", cwd=tmp_path).out
    assert "s3SecretKey" in headgate("catalog", "amazon_s3", cwd=tmp_path).out
    assert json.loads(headgate("catalog", "amazon_s3", "--json", cwd=tmp_path).out)["connectionSpecId"]


def test_an_empty_state_is_no_error(tmp_path):
    for command in ("runs", "status", "resume"):
        done = headgate(command, cwd=tmp_path)
        assert (done.code, done.out) == (0, "")
        assert done.err
    assert not (tmp_path / ".headgate").exists()


def test_a_broken_or_newer_state_is_exit_4(tmp_path):
    write_manifest(tmp_path)
    (tmp_path / "broken.db").write_bytes(b"this is no database at all" * 100)
    for args in (("runs",), ("run", "small.yaml", "--simulate", "--report", "r.json")):
        done = headgate(*args, "--state", "broken.db", cwd=tmp_path)
        assert done.code == 4
        assert "hint:" in done.err
    assert json.loads((tmp_path / "r.json").read_text())["status"] == "failed"
