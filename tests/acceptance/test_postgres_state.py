"""The command with a shared state: ``--state postgresql://…``, and nowhere the password that stands in it."""

import json
import os
import shlex
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest

from headgate.cli.app import main
from headgate.secret import without_password
from tests.acceptance.world import write_manifest
from tests import forked
from tests.postgres_server import GUARDED, PASSWORD


@pytest.fixture
def state(postgres_server, postgres):
    """The URL of an empty database, with a password in it that the server asks for."""
    name = urlsplit(postgres).path[1:]
    if not postgres_server.own:
        return postgres
    postgres_server.sql("DROP SCHEMA IF EXISTS headgate CASCADE", name)
    postgres_server.sql(f"GRANT CREATE ON DATABASE {name} TO {GUARDED}")
    yield postgres.replace("headgate@", f"{GUARDED}:{quote(PASSWORD, safe='')}@")
    postgres_server.sql("DROP SCHEMA IF EXISTS headgate CASCADE", name)
    postgres_server.sql(f"REVOKE CREATE ON DATABASE {name} FROM {GUARDED}")


def test_a_shared_state_is_used_by_every_command_and_its_password_is_shown_by_none(
    tmp_path, state, postgres_server, monkeypatch, capsys
):
    path, items, pairs = write_manifest(tmp_path, count=2)
    env = {key: value for key, value in os.environ.items() if not key.startswith("HEADGATE_")}
    env |= {"S3_SECRET": "Very/Secret+Key/that/nobody/may/see/00000"[:40], "NO_COLOR": "1", "HEADGATE_SANDBOX": "dev"}
    talk = []

    def headgate(*arguments, code=0, flag=True):
        given = ["--state", state] if flag else []
        done = forked.run([*arguments, *given], cwd=tmp_path, env=env if flag else {**env, "HEADGATE_STATE": state})
        talk.append(done.stdout + done.stderr)
        assert done.returncode == code, talk[-1]
        return done.stdout

    headgate("plan", str(path))  # nothing is there yet, and that is no trouble
    headgate(
        "run",
        str(path),
        "--simulate",
        "--no-progress",
        "--report",
        "r.json",
        "--events",
        "e.jsonl",
        "-v",
        "--rate",
        "1000/s",
    )
    report = json.loads((tmp_path / "r.json").read_text())
    assert (report["status"], report["totals"]["items"]) == ("succeeded", items)
    assert len(report["activations"]) == pairs
    (run,) = json.loads(headgate("runs", "--json", flag=False))
    assert run.get("id", run.get("runId")) == report["runId"]
    monkeypatch.chdir(tmp_path)
    for name in ("S3_SECRET", "HEADGATE_SANDBOX"):
        monkeypatch.setenv(name, env[name])

    def here(*arguments, code=0):
        """In this process, as a new one costs most of a second."""
        assert main([*arguments, "--state", state]) == code
        out, err = capsys.readouterr()
        talk.append(out + err)
        return out

    here("report", report["runId"], "--out", "page.html")
    shown = f"headgate report {report['runId']} --format csv {shlex.join(['--state', without_password(state)])}"
    assert shown in talk[1]
    assert json.dumps(shown)[1:-1] in (tmp_path / "page.html").read_text()
    assert json.loads(here("report", report["runId"], "--json")) == report
    here("diff", report["runId"], report["runId"])
    here("report", report["runId"], "--failed-manifest", "again.yaml", code=2)  # nothing is left
    here("retry", report["runId"])
    for command in (["status", "--settings"], ["report", "nope"]):
        done = forked.run([*command, "--state", state], cwd=tmp_path, env=env)
        talk.append(done.stdout + done.stderr)
        assert "Traceback" not in talk[-1]
    assert (tmp_path / ".headgate" / "platform.jsonl").exists()

    wrong = state.replace(quote(PASSWORD, safe=""), "Hush-Hush-1")
    if wrong != state:
        done = forked.run(["runs", "--state", wrong], cwd=tmp_path, env=env)
        talk.append(done.stdout + done.stderr)
        assert done.returncode == 4
        assert "hint: " in talk[-1]
        assert "Hush-Hush-1" not in talk[-1]

    name = urlsplit(state).path[1:]
    rows = [
        repr(postgres_server.sql(f"SELECT * FROM headgate.{table}", name))
        for table in ("run", "journal", "object", "process", "lease")
    ]
    files = [one.read_text(errors="replace") for one in Path(tmp_path).rglob("*") if one.is_file()]
    for form in (PASSWORD, quote(PASSWORD, safe=""), quote(PASSWORD), "p@ss", "w:rd"):
        assert not [text for text in (*talk, *rows, *files) if form in text], form
