"""After a run, from the command line: its report in every form, what is left as a manifest, a retry, a diff."""

import csv
import io
import json
import shlex
from xml.etree import ElementTree

import pytest
import yaml

from headgate.cli.app import main
from tests.acceptance.cli_support import S3_SECRET, Done, headgate, platform, write_manifest

FAULTS = """\
- match: {method: POST, path: "/targetConnections$", nth: 2}
  fault: status
  status: 400
  body: {errorCode: "1100-400", message: "not <b>entitled</b>"}
"""


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """A run of three flows and their activation, one of which failed; its folder, environment and id."""
    folder = tmp_path_factory.mktemp("after")
    (folder / "faults.yaml").write_text(FAULTS)
    path = write_manifest(folder, activation=True)
    (folder / "keys").mkdir()
    (folder / "keys" / "s3.txt").write_text(S3_SECRET + "\n")
    path.write_text(path.read_text().replace("${env:S3_SECRET}", "${file:keys/s3.txt}"))
    with platform(folder, "--time-scale", "20000", "--faults", "faults.yaml") as env:
        env = {**env, "HEADGATE_TIME_SCALE": "20000"}
        told = ("--events", "e.jsonl", "--report", "r.xml")
        # One after the other, so that it is the second flow whose request is refused.
        done = headgate("run", "small.yaml", "--concurrency", "1", *told, cwd=folder, env=env)
        assert done.code == 1, done.err
        run = json.loads((folder / "e.jsonl").read_text().splitlines()[0])["run"]
        assert f"mend the cause, then: headgate retry {run}" in done.out
        yield folder, env, run


@pytest.fixture
def here(ran, monkeypatch, capsys):
    """Commands that only read, in this process: a new one costs most of a second."""
    folder, env, _ = ran
    monkeypatch.chdir(folder)
    for name, value in env.items():
        monkeypatch.setenv(name, value)

    def run(*args):
        code = main(args)
        return Done(code, *capsys.readouterr())

    return run


def test_every_form_of_the_report(ran, here):
    folder, _, run = ran
    of_run = ElementTree.parse(folder / "r.xml").getroot()
    assert (of_run.get("tests"), of_run.get("failures"), of_run.get("skipped")) == ("6", "1", "1")
    for suffix in ("html", "xml", "csv", "jsonl", "json"):
        assert here("report", run[:14], "--out", f"out.{suffix}").code == 0
    page = (folder / "out.html").read_text()
    assert page.startswith("<!doctype html>")
    assert "<b>entitled" not in page
    assert S3_SECRET not in page
    rows = list(csv.DictReader(io.StringIO((folder / "out.csv").read_text())))
    assert [row["status"] or row["outcome"] for row in rows] == [
        "created", "failed", "created", "activated", "skipped", "activated"]  # fmt: skip
    assert [json.loads(line)["row"] for line in (folder / "out.jsonl").read_text().splitlines()] == [
        "report", *["item"] * 3, *["activation"] * 3, "failure"]  # fmt: skip
    stored = json.loads((folder / "out.json").read_text())
    told = here("report", "--events", "e.jsonl", "--json", "--state", "nowhere.db")
    assert told.json == stored
    assert here("report").code == 2
    assert here("report", "--events", "faults.yaml").code == 2


def test_what_is_left_is_a_manifest_and_a_retry_does_it(ran, here, monkeypatch):
    folder, env, run = ran
    (folder / "later").mkdir()
    done = here("report", run, "--failed-manifest", "later/again.yaml")
    assert done.out == ""
    assert "2 rows left undone" in done.err
    text = (folder / "later/again.yaml").read_text()
    assert S3_SECRET not in text
    assert "${file:../keys/s3.txt}" in text
    left = yaml.safe_load(text)
    assert [entry["name"] for entry in left["entries"]] == ["Flow 1", "now"]
    assert len(left["entries"][1]["pairs"]["rows"]) == 1
    monkeypatch.setenv("CRM_S3_S3ACCESSKEY", "AKIAFAKEFAKEFAKEFAKE")
    refused = here("validate", "later/again.yaml")
    assert refused.code == 2, "it is read as any manifest is: no more is allowed than was asked for"
    assert "lies outside the manifest's folder" in refused.err
    told = done.err.splitlines()[-1]
    assert told == "do them with: headgate run later/again.yaml --allow-files keys"
    assert here("report", run, "--failed-manifest", "small.yaml").code == 2

    assert here("status", run).out.endswith(f"mend the cause, then: headgate retry {run}\n")
    again = headgate("retry", run, "--json", cwd=folder, env=env)
    assert again.code == 0, again.err
    assert [(row["item"], row["status"]) for row in again.json["items"]] == [("Flow 1", "created")]
    assert [row["outcome"] for row in again.json["activations"]] == ["activated"]
    assert again.json["requests"]["byEndpoint"]["POST /flows"] == 1
    of_file = here(*shlex.split(told)[4:], "--json", "--no-progress")
    assert of_file.code == 0, of_file.err
    assert [row["outcome"] for row in of_file.json["activations"]] == ["activated"]
    assert "POST /flows" not in of_file.json["requests"]["byEndpoint"], "what was made is used again"
    nothing = here("retry", again.json["runId"])
    assert (nothing.code, nothing.out) == (0, "")
    assert "nothing failed and nothing was skipped" in nothing.err
    assert here("status", run).out.endswith(f"retried by {again.json['runId']}: succeeded\n")
    nothing = here("retry", run)
    assert (nothing.code, nothing.out) == (0, ""), "what went well the second time is not activated a third time"
    assert nothing.err == f"nothing is left to do: {again.json['runId']} did what {run} left undone\n"

    shown = here("diff", run, again.json["runId"])
    assert "requests saved by" in shown.out.replace("request saved", "requests saved")
    assert "Flow 1" in shown.out
    found = here("diff", run, again.json["runId"], "--json").json
    assert found["status"] == ["failed", "succeeded"]
    assert here("retry", "nothing-like-it").code == 2
