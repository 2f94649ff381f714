"""Runs from the command line: exit codes, reports, signals, and looking at a run while it goes."""

import json
import signal
import sqlite3
from datetime import datetime, timedelta

import pytest

from tests.acceptance.cli_support import S3_SECRET, finish, headgate, platform, start, until, write_manifest

FAST = "20000"  # an hour of the platform's clock in 0.2 seconds


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    with platform(tmp_path_factory.mktemp("platform"), "--time-scale", FAST) as env:
        yield env


def test_simulated_run_then_again(tmp_path):
    write_manifest(tmp_path)
    done = headgate(
        "run", "small.yaml", "--simulate", "--report", "out/report.json", "--events", "events.jsonl", cwd=tmp_path
    )
    assert done.code == 0
    assert "SUCCEEDED" in done.out
    assert "0 duplicates, 0 violations" in done.err
    report = json.loads((tmp_path / "out/report.json").read_text())
    assert report["schema"] == "headgate.report/1"
    assert report["status"] == "succeeded"
    assert [row["status"] for row in report["items"]] == ["created"] * 3
    assert report["requests"]["byEndpoint"]["POST /flows"] == 3
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["report.json"]
    events = [json.loads(line) for line in (tmp_path / "events.jsonl").read_text().splitlines()]
    assert events[0]["schema"] == "headgate.event/2"
    assert events[-1]["event"] == "end"
    assert all({"ts", "event", "run", "job"} <= set(event) for event in events)

    again = headgate("run", "small.yaml", "--simulate", "--json", cwd=tmp_path)
    assert again.code == 0
    assert [row["status"] for row in again.json["items"]] == ["reused"] * 3
    assert "POST /flows" not in again.json["requests"]["byEndpoint"]
    assert len(headgate("runs", "--json", cwd=tmp_path).json) == 2
    plan = headgate("plan", "small.yaml", "--simulate", "--json", cwd=tmp_path).json
    assert plan["items"] == {"total": 3, "create": 0, "update": 0, "reuse": 3}


def test_no_secret_is_kept_or_shown(tmp_path):
    path = write_manifest(tmp_path)
    path.write_text(path.read_text().replace("${env:S3_SECRET}", "${vars.key}"))
    run = (
        "run",
        "small.yaml",
        "--simulate",
        "--set",
        f"key={S3_SECRET}",
        "--set",
        "bucket=acme-test",
        "--events",
        "events.jsonl",
        "--report",
        "report.json",
    )
    done = headgate(*run, "-v", cwd=tmp_path)
    assert done.code == 0
    given = ("--set", f"key={S3_SECRET}", "--set", "bucket=acme-test")
    assert headgate("plan", "small.yaml", *given, "--out", "plan.json", cwd=tmp_path).code == 0
    changed = headgate("plan", "small.yaml", "--set", f"key={S3_SECRET}", cwd=tmp_path)
    assert "3 to update" in changed.out
    found = [file for file in tmp_path.rglob("*") if file.is_file() and S3_SECRET.encode() in file.read_bytes()]
    # The embedded platform's own memory stands for Adobe's; everything else is ours.
    assert [file.name for file in found if "platform" not in file.name] == []
    assert S3_SECRET not in done.out + done.err
    [kept] = headgate("runs", "--json", cwd=tmp_path).json
    assert kept["args"]["set"] == {"bucket": "acme-test"}
    assert kept["args"]["again"] == ["key"]
    refused = headgate("run", "plan.json", "--simulate", cwd=tmp_path)
    assert refused.code == 2
    assert "--set key=" in refused.err


def test_without_credentials_nothing_is_sent_and_the_report_says_so(tmp_path):
    write_manifest(tmp_path)
    done = headgate("run", "small.yaml", "--report", "report.json", cwd=tmp_path)
    assert done.code == 2
    assert "HEADGATE_ORG_ID" in done.err
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["status"] == "failed"
    assert [row["status"] for row in report["items"]] == ["held"] * 3
    assert report["failures"][0]["message"]


def test_an_unreachable_platform_is_exit_3(tmp_path, served):
    write_manifest(tmp_path)
    (tmp_path / "headgate.yaml").write_text("retry: {attempts: 1}\n")
    dead = {**served, "HEADGATE_PLATFORM_URL": "http://127.0.0.1:9", "HEADGATE_IMS_URL": "http://127.0.0.1:9/token"}
    done = headgate("run", "small.yaml", "--report", "report.json", cwd=tmp_path, env=dead)
    assert done.code == 3
    assert json.loads((tmp_path / "report.json").read_text())["status"] == "failed"
    assert "resume with: headgate resume small-" in done.out
    wrong = headgate("run", "small.yaml", "--fresh", cwd=tmp_path, env={**served, "HEADGATE_CLIENT_SECRET": "wrong"})
    assert wrong.code == 3
    assert headgate("resume", cwd=tmp_path, env=served).code == 0


def test_failed_rows_are_exit_1_and_too_many_exit_5(tmp_path):
    write_manifest(tmp_path, flows=6)
    (tmp_path / "faults.yaml").write_text(
        "- {match: {method: POST, path: /flows$, every: 2}, fault: status, status: 400,"
        " body: {code: 1400, message: 'no such flow spec'}}\n"
    )
    with platform(tmp_path, "--faults", "faults.yaml", "--time-scale", FAST) as env:
        done = headgate("run", "small.yaml", "--json", "--state", "one.db", cwd=tmp_path, env=env)
        assert done.code == 1
        statuses = [row["status"] for row in done.json["items"]]
        assert statuses.count("failed") == 3
        assert statuses.count("created") == 3
        assert len(done.json["failures"]) == 3
        text = headgate("report", "small", "--state", "one.db", cwd=tmp_path)
        assert "why it failed" in text.out
        assert "3 × 400" in text.out


def test_tolerate_is_exit_5(tmp_path):
    write_manifest(tmp_path, flows=6)
    (tmp_path / "faults.yaml").write_text(
        "- {match: {method: POST, path: /flows$}, fault: status, status: 400, body: {message: 'no'}}\n"
    )
    with platform(tmp_path, "--faults", "faults.yaml", "--time-scale", FAST) as env:
        done = headgate("run", "small.yaml", "--tolerate", "1", "--concurrency", "1", "--json", cwd=tmp_path, env=env)
        assert done.code == 5
        assert done.json["status"] == "stopped"


def test_finish_by_is_exit_5_and_resumable(tmp_path, served):
    write_manifest(tmp_path, flows=9)
    soon = (datetime.now().astimezone() + timedelta(seconds=2.5)).isoformat()
    done = headgate("run", "small.yaml", "--rate", "4/s", "--finish-by", soon, cwd=tmp_path, env=served)
    assert done.code == 5
    assert "stopped: the time given by --finish-by has come" in done.out
    assert headgate("resume", "--rate", "500/s", cwd=tmp_path, env=served).code == 0


def test_status_during_a_run_then_ctrl_c_then_resume(tmp_path):
    write_manifest(tmp_path, flows=6, activation=True)
    with platform(tmp_path, "--time-scale", FAST) as env:
        process = start("run", "small.yaml", "--rate", "1/s", "--report", "report.json", cwd=tmp_path, env=env)
        running = until(lambda: _counted(tmp_path, env))
        assert running["status"] == "running"
        assert running["holder"].startswith("process ")
        busy = headgate("resume", cwd=tmp_path, env=env)
        assert busy.code == 4
        assert "is being driven by" in busy.err
        process.send_signal(signal.SIGINT)
        done = finish(process)
        assert done.code == 130
        assert "on their way, then the state is saved (Ctrl-C again to stop at once)" in done.err
        assert "resume with: headgate resume small-" in done.out
        assert json.loads((tmp_path / "report.json").read_text())["status"] == "interrupted"
        resumed = headgate("resume", "--rate", "500/s", "--json", cwd=tmp_path, env=env)
        assert resumed.code == 0
        assert {row["outcome"] for row in resumed.json["activations"]} == {"activated"}
        assert resumed.json["requests"]["byEndpoint"]["POST /flows"] == 6
        assert resumed.json["requests"]["byEndpoint"]["POST token"] == 2
        assert headgate("resume", cwd=tmp_path, env=env).err == "nothing is unfinished\n"


def _counted(folder, env):
    done = headgate("status", "--json", cwd=folder, env=env)
    found = json.loads(done.out or "null")
    return found if found and found["totals"]["succeeded"] else None


def test_a_second_signal_stops_at_once(tmp_path):
    write_manifest(tmp_path, flows=12)
    with platform(tmp_path, "--latency", "5s") as env:
        process = start("run", "small.yaml", "--report", "report.json", cwd=tmp_path, env=env)
        until(lambda: headgate("runs", "--json", cwd=tmp_path, env=env).out.strip() not in ("", "[]"))
        process.send_signal(signal.SIGTERM)
        until(lambda: "stopping:" in process.stderr.readline())
        process.send_signal(signal.SIGTERM)
        done = finish(process)
        assert done.code == 130
        assert "stopping at once" in done.err
        assert json.loads((tmp_path / "report.json").read_text())["status"] == "interrupted"


def test_a_protected_sandbox_wants_its_name(tmp_path, served):
    write_manifest(tmp_path, flows=1)
    (tmp_path / "headgate.yaml").write_text("protected_sandboxes: [dev]\n")
    refused = headgate("run", "small.yaml", cwd=tmp_path, env=served)
    assert refused.code == 2
    assert "is protected" in refused.err
    assert headgate("run", "small.yaml", "--yes", "prod", cwd=tmp_path, env=served).code == 2
    assert headgate("run", "small.yaml", "--yes", "dev", cwd=tmp_path, env=served).code == 0


def test_one_store_is_not_used_for_two_platforms(tmp_path, served):
    write_manifest(tmp_path, flows=1)
    assert headgate("run", "small.yaml", "--simulate", cwd=tmp_path).code == 0
    refused = headgate("run", "small.yaml", cwd=tmp_path, env=served)
    assert refused.code == 2
    assert "another --state" in refused.err


def test_a_changed_manifest_does_not_continue_a_run(tmp_path, served):
    path = write_manifest(tmp_path, flows=5)
    process = start("run", "small.yaml", "--rate", "6/s", "--no-progress", cwd=tmp_path, env=served)
    until(lambda: _counted(tmp_path, served))
    process.kill()
    process.communicate()
    assert "ABANDONED" in headgate("status", cwd=tmp_path).out
    whole = path.read_text()
    path.write_text(whole.replace("personalEmail.address", "mobilePhone.number"))
    for args in (("run", "small.yaml"), ("resume",)):
        done = headgate(*args, cwd=tmp_path, env=served)
        assert done.code == 2
        assert "--fresh" in done.err
    path.write_text(whole)
    done = headgate("run", "small.yaml", cwd=tmp_path, env=served)
    assert done.code == 0
    with sqlite3.connect(tmp_path / ".headgate/state.db") as store:
        assert store.execute("SELECT count(*) FROM run").fetchone() == (1,)


def test_report_formats(tmp_path):
    write_manifest(tmp_path)
    headgate("run", "small.yaml", "--simulate", cwd=tmp_path)
    csv = headgate("report", "small", "--format", "csv", cwd=tmp_path).out.splitlines()
    assert len(csv) == 4
    lines = headgate("report", "small", "--format", "jsonl", cwd=tmp_path).out.splitlines()
    assert [json.loads(line)["row"] for line in lines] == ["report", "item", "item", "item"]
    assert headgate("report", "small", "--json", "--out", "r.json", cwd=tmp_path).out == ""
    assert json.loads((tmp_path / "r.json").read_text())["status"] == "succeeded"
