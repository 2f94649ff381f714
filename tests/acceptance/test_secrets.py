"""Planted secrets, followed through everything headgate writes, prints and shows of itself.

The platform is as indiscreet as can be: it quotes every secret it was given, and those of others, in errors, in the
failures of runs, in lists and in the objects themselves, plainly and in every coding.

Not looked at is what is not ours to hide: the manifest and the files a person wrote, and the embedded platform's own
book (of ``--simulate``; only its owner may read it), where it keeps what is no password by its own specifications.
"""

from __future__ import annotations

import base64
import json
import os
import re
import signal
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest

from headgate.simulator import Fault, runs

from tests.acceptance.cli_support import until
from tests.acceptance.embedded import command, leads_to, served

#: By where each comes from. They hold what codings change.
PLANTED = {
    "s3 secret": "Planted/s3+secret/key+for/the/tests/0123",
    "s3 access key": "AKIAPLANTEDKEYABCDEF",
    "blob connection string": "DefaultEndpointsProtocol=https;AccountName=acme;AccountKey=UGw0bnRlZC9ibG9iL2tleQ==;EndpointSuffix=core",
    "sftp password": 'p"l\\4nted <sftp> pässword',
    "sftp user": "planted-sftp-user",
    "access token of another": "eyJhbGciOiJSUzI1NiJ9.cGw0bnRlZA.c2lnbmF0dXJl",
}
MANIFEST = """\
headgate: 1
name: planted
vars:
  daily: {frequency: DAILY, triggerType: SCHEDULED, startDate: "2020-01-01", startTime: "17:00", endDate: "2099-12-31"}
connections:
  s3: {destination: amazon_s3, auth: {specName: Access Key, params: {s3AccessKey: "${file:key.txt}", s3SecretKey: "${env:PLANTED_S3}"}}}
  blob: {destination: azure_blob, auth: {specName: ConnectionString, params: {connectionString: "%BLOB%"}}}
  sftp: {destination: sftp, auth: {specName: SFTP with Password, params: {domain: sftp.example.com, username: "${vars.user}", password: "${env:PLANTED_SFTP}"}}}
entries:
  - kind: audience-export
    name: "S3 ${row}"
    foreach: {range: [1, 3]}
    connection: s3
    target: {bucketName: acme, path: "x/${row}", fileType: CSV, compression: GZIP}
    audiences: [{id: 00000000-0000-4000-8000-000000000001, exportMode: DAILY_FULL_EXPORT, schedule: "${vars.daily}"}]
    attributes: [personalEmail.address]
  - kind: audience-export
    name: Blob
    connection: blob
    target: {container: acme, path: y, fileType: CSV}
    audiences: [{id: 00000000-0000-4000-8000-000000000001, exportMode: DAILY_FULL_EXPORT, schedule: "${vars.daily}"}]
    attributes: [personalEmail.address]
  - kind: audience-export
    name: Files
    connection: sftp
    target: {remotePath: /z, fileType: CSV}
    audiences: [{id: 00000000-0000-4000-8000-000000000001, exportMode: DAILY_FULL_EXPORT, schedule: "${vars.daily}"}]
    attributes: [personalEmail.address]
  - kind: activation
    name: now
    destinations: {"S3 1": [00000000-0000-4000-8000-000000000001], "S3 2": [00000000-0000-4000-8000-000000000001]}
"""
#: Parameters of accounts that are passwords by the specifications.
PASSWORDS = ("s3SecretKey", "connectionString", "password")
#: What a person wrote, where the secrets may stand.
WRITTEN = {"planted.yaml", "key.txt"}


def spellings(secret):
    """A secret as a file might have it."""
    whole = secret.encode()
    coded = base64.b64encode(whole).decode().rstrip("=")
    found = {secret, coded, base64.urlsafe_b64encode(whole).decode().rstrip("="), quote(coded, safe="")}
    found |= {quote(secret, safe=""), quote(secret), quote_plus(secret), json.dumps(secret)[1:-1]}
    found |= {json.dumps(secret, ensure_ascii=False)[1:-1]}
    found |= {re.sub("%..", lambda match: match.group().lower(), quote(secret, safe=""))}
    return found


class Detective:
    """Knows all secrets, and looks for them in texts and files."""

    def __init__(self, secrets):
        self.forms = {form.encode(): name for name, secret in secrets.items() for form in spellings(secret)}

    def search(self, data, where):
        data = data if isinstance(data, bytes) else data.encode()
        found = {self.forms[form] for form in self.forms if form in data}
        assert not found, f"{where}: {found}"

    def search_files(self, folder):
        files = [path for path in folder.rglob("*") if path.is_file() and path.name not in WRITTEN]
        for path in files:
            self.search(path.read_bytes(), path)
        return {path.name for path in files}


def everything(secrets):
    """All secrets in all forms, as an indiscreet platform would quote them."""
    return " | ".join(f"{name}: {' , '.join(sorted(spellings(secret)))}" for name, secret in secrets.items())


@pytest.fixture
def told(monkeypatch, tmp_path):
    """Where the secrets are kept, as a person would."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PLANTED_S3", PLANTED["s3 secret"])
    monkeypatch.setenv("PLANTED_SFTP", PLANTED["sftp password"])
    (tmp_path / "key.txt").write_text(PLANTED["s3 access key"] + "\n")
    (tmp_path / "planted.yaml").write_text(MANIFEST.replace("%BLOB%", PLANTED["blob connection string"]))
    return tmp_path


USER = ("--set", f"user={PLANTED['sftp user']}")


def indiscreet(secrets):
    """The body of an error that tells everything."""
    return {"errorCode": "FLOW-1400-400", "message": everything(secrets), "request-id": PLANTED["sftp password"]}


def test_planted_secrets_are_nowhere(told, monkeypatch, capfd):
    with served(time_scale=36000, run_seconds=(600.0, 1200.0)) as platform:
        leads_to(platform, monkeypatch, 36000)
        given = {**PLANTED, "client secret": platform.credentials["client_secret"], "our token": platform.issue_token()}
        monkeypatch.setenv("HEADGATE_ACCESS_TOKEN", given["our token"])
        detective = Detective(given)

        def go(*args, codes=(0,)):
            done = command(capfd, *args)
            assert done.code in codes, done.err
            for text in (done.out, done.err):
                detective.search(text, f"headgate {args}")
            return done

        # Before anything is sent.
        go("validate", "planted.yaml", *USER)
        go("expand", "planted.yaml", *USER)
        go("plan", "planted.yaml", "--json", *USER)
        go("plan", "planted.yaml", "--out", "saved.json", *USER)
        go("status", "--settings")

        # A run with failures of every kind: a rejection, a missing right, a run that failed, all telling everything.
        platform.set_faults(
            [
                Fault("status", method="POST", path="/targetConnections$", nth=4, status=400, body=indiscreet(given)),
                Fault("status", method="POST", path="/targetConnections$", nth=5, status=403, body=indiscreet(given)),
                Fault("status", method="POST", path="/sourceConnections$", nth=1, status=500, body=indiscreet(given)),
                Fault("status", method="POST", path="/adhocrun$", nth=1, status=503, body=indiscreet(given)),
                Fault("status", method="PATCH", nth=2, status=429, body=indiscreet(given), retry_after=0.01),
            ]
        )
        seen = ("--events", "events.jsonl", "--report", "report.json", "--no-progress", "--rate", "1000/s", "-v")
        monkeypatch.setitem(runs._FAILED, "message", everything(given))
        platform.fail_next_run("failed")
        go("run", "planted.yaml", *USER, *seen, codes=(1,))
        first = json.loads(Path("report.json").read_bytes())["runId"]
        go("report", first, "--failed-manifest", "failed.yaml", *USER)

        # What exists tells them too: in its name, in its account, in what became of it.
        for kind in ("connections", "flows"):
            for entity in platform.objects(kind):
                entity["lastOperation"] = {"status": {"errors": [{"code": "x", "message": everything(given)}]}}
        for entity in platform.objects("connections"):
            if "auth" in entity:
                params = entity["auth"]["params"]
                params |= {key: everything(given) for key in params if key in PASSWORDS}
        go("export", "--out", "exported.yaml", "--ids", "ids.csv")
        # A manifest again: what is no password by the specifications stands in it, for a person to keep.
        open_to_readers = Detective({name: given[name] for name in given if name not in ("s3 access key", "sftp user")})
        open_to_readers.search((told / "exported.yaml").read_bytes(), "exported.yaml")
        (told / "exported.yaml").unlink()

        # A run that cannot begin: the token endpoint quotes the credentials it refuses.
        monkeypatch.delenv("HEADGATE_ACCESS_TOKEN")
        quoted = everything({name: given[name] for name in ("client secret", "access token of another")})
        platform.set_faults([Fault("status", path="/ims/", status=401, body={"error": "invalid_client", "error_description": quoted})])  # fmt: skip
        go("run", "planted.yaml", *USER, *seen, codes=(3,))
        go("sweep", codes=(3,))
        platform.set_faults([Fault("html", path="/flows$", nth=1), Fault("status", path="/flows", nth=2, status=422, body=everything(given))])  # fmt: skip
        go("run", "planted.yaml", *USER, *seen, codes=(0, 1))
        platform.set_faults([])

        go("retry", first, *USER, *seen, codes=(0, 1))
        for args in (("runs",), ("status",), ("status", "--json"), ("report", "--events", "events.jsonl")):
            go(*args)
        run = json.loads(Path("report.json").read_bytes())["runId"]
        go("diff", first, run)
        for form in ("text", "json", "csv", "jsonl", "html", "junit"):
            go("report", run, "--format", form, codes=(0, 1))
            go("report", run, "--format", form, "--out", f"out.{form}", codes=(0, 1))
        # A destroy reads no credentials of connections, and so can only know its own.
        own = {"client secret": given["client secret"], "access token of another": given["access token of another"]}
        refusal = {"message": everything(own)}
        platform.set_faults([Fault("status", method="DELETE", nth=2, status=400, body=refusal)])
        go("destroy", "planted.yaml", "--yes", *seen, codes=(0, 1))
        go("sweep", "--json")

    looked = detective.search_files(told)
    assert {
        "state.db",
        "events.jsonl",
        "report.json",
        "saved.json",
        "ids.csv",
        "out.csv",
        "out.html",
        "failed.yaml",
    } <= looked
    db = sqlite3.connect(told / ".headgate" / "state.db")
    for (table,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
        for row in db.execute(f"SELECT * FROM {table}"):
            detective.search(repr(row), table)
    db.close()
    # It was not for want of being told.
    assert "***" in (told / "events.jsonl").read_text()
    assert stat.S_IMODE((told / ".headgate").stat().st_mode) == 0o700
    assert stat.S_IMODE((told / ".headgate" / "state.db").stat().st_mode) == 0o600


def test_the_embedded_platform_keeps_no_password_in_its_book(told, monkeypatch, capfd):
    passwords = ("s3 secret", "blob connection string", "sftp password")
    detective = Detective({name: PLANTED[name] for name in passwords})
    done = command(capfd, "run", "planted.yaml", *USER, "--simulate", "--no-progress", "--select", "[BF]*")
    assert done.code == 0, done.err
    assert "platform.jsonl" in detective.search_files(told)


@pytest.mark.parametrize("mask", [0o000, 0o022])
def test_files_are_their_owners_alone_whatever_the_umask(told, mask):
    from headgate.store import open_store

    before = os.umask(mask)
    try:
        store = open_store(told / "a" / "b" / "state.db")
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (told / "a").rglob("*")}
        store.close()
        with served(world=told / "c" / "world.jsonl"):
            modes |= {path.name: stat.S_IMODE(path.stat().st_mode) for path in (told / "c").rglob("*")}
        modes["a"], modes["c"] = (stat.S_IMODE((told / name).stat().st_mode) for name in "ac")
    finally:
        os.umask(before)
    assert modes == {"a": 0o700, "b": 0o700, "c": 0o700, "state.db": 0o600, "state.db-wal": 0o600,
                     "state.db-shm": 0o600, "world.jsonl": 0o600}  # fmt: skip


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="a system without /proc")
def test_a_process_that_is_looked_at_and_crashes_tells_nothing(told, monkeypatch):
    text = (told / "planted.yaml").read_text().replace("${vars.user}", "${env:PLANTED_USER}")
    (told / "planted.yaml").write_text(text)
    with served() as platform:
        leads_to(platform, monkeypatch)
        detective = Detective({**PLANTED, "client secret": platform.credentials["client_secret"]})
        process = subprocess.Popen(
            [sys.executable, "-X", "faulthandler", "-m", "headgate", "run", "planted.yaml", "--rate", "2/s", "-v"],
            env={**os.environ, "PLANTED_USER": PLANTED["sftp user"]},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        seen = Path(f"/proc/{process.pid}")
        until(lambda: platform.ledger()["requests"]["total"] >= 2)
        detective.search((seen / "cmdline").read_bytes(), "ps")
        detective.search((seen / "comm").read_bytes(), "ps")
        assert re.search(r"Max core file size\s+0\s", (seen / "limits").read_text())
        process.send_signal(signal.SIGABRT)
        out, err = process.communicate(timeout=20)
    assert process.returncode == -signal.SIGABRT
    assert b"Fatal Python error: Aborted" in err
    detective.search(out + err, "the last words")
    detective.search_files(told)


def test_a_file_of_another_folder_is_read_only_where_that_is_allowed_and_a_resume_remembers(told, monkeypatch, capfd):
    (told / "elsewhere").mkdir()
    (told / "key.txt").rename(told / "elsewhere" / "key.txt")
    (told / "work").mkdir()
    path = told / "work" / "planted.yaml"
    path.write_text((told / "planted.yaml").read_text().replace("key.txt", "../elsewhere/key.txt"))
    done = command(capfd, "validate", path, *USER)
    assert done.code == 2
    assert "lies outside the manifest's folder" in done.err
    assert f"--allow-files {told / 'elsewhere'}" in done.err
    allowed = ("--allow-files", told / "elsewhere")
    assert command(capfd, "validate", path, *USER, *allowed).code == 0
    with served(time_scale=3600) as platform:
        leads_to(platform, monkeypatch, 3600)
        platform.set_faults([Fault("status", method="POST", path="/connections$", status=401)])
        started = command(capfd, "run", path, *USER, *allowed, "--no-progress", "--select", "Blob")
        assert started.code == 3, started.err
        platform.set_faults([])
        done = command(capfd, "resume", *USER, "--no-progress")
        assert done.code == 0, done.err
