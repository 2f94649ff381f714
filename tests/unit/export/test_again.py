"""A manifest written again means what it meant: the same plan, no secret in it, files still found."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from headgate.api import load
from headgate.errors import ManifestError
from headgate.export.again import _fewest, manifest_again
from headgate.manifest.narrow import Rows, narrowed
from headgate.workflows.compile import compile_plan

MANIFESTS = sorted((Path(__file__).parents[3] / "configs/manifests").glob("*.yaml"))
TEXT = """\
headgate: 1
name: payday
vars: {key: "${env:S3_KEY}", written: hiddenrXUtnFEMI/K7MDENG/bPxRfiCYfakesecr, one: {deep: "${file:keys/a.txt}"}}
connections:
  crm-s3:
    destination: amazon_s3
    auth: {specName: Access Key, params: {s3AccessKey: "${env:S3_ID}", s3SecretKey: SECRET}}
entries:
  - kind: audience-export
    name: "It's $$${row.n}: #1"
    foreach: {csv: rows.csv}
    connection: crm-s3
    target: {bucketName: acme, path: "x/${row.n}", fileType: CSV, compression: GZIP}
    audiences:
      - id: 9f7d37fd-7039-4454-94ef-2b0cd6c3206a
        filenameTemplate: "%DESTINATION_NAME%_%SEGMENT_ID%_%DATETIME(YYYYMMdd_HHmmss)%"
        exportMode: DAILY_FULL_EXPORT
        schedule: {frequency: ONCE, triggerType: SCHEDULED, startDate: "2036-12-20", startTime: "17:00"}
    attributes: [personalEmail.address]
options: {rate: 50/s, tolerate: 5%, audiencesPerJob: 40}
"""
ENV = {"S3_KEY": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYfakesecret", "S3_ID": "AKIAFAKEFAKEFAKEFAKE"}


def values_of(manifest):
    """What the head of a written manifest asks for, from the secrets of the old one."""
    found = {}
    for item in manifest.items:
        if item.connection is not None and item.connection.auth:
            for key, value in item.connection.auth["params"].items():
                name = f"{item.connection.key or item.name}_{key}"
                found[re.sub("[^A-Z0-9]+", "_", name.upper()).strip("_")] = str(value.reveal())
    return found


def plan_of(manifest):
    return compile_plan(replace(manifest, options={}), "dev")


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.stem)
def test_the_examples_mean_the_same_when_written_again(path, tmp_path):
    manifest = load(path)
    place = tmp_path / "deeper" / "again.yaml"
    place.parent.mkdir()
    place.write_text(manifest_again(manifest, "dev", place, variables={}, head=["once more"]).text)
    values = values_of(manifest)
    assert not any(value in place.read_text() for value in values.values() if len(value) > 8)
    again = load(place, env=values)
    assert [item.name for item in again.items] == [item.name for item in manifest.items]
    assert again.options == manifest.options
    shown, expected = plan_of(again), plan_of(manifest)
    assert [job.role for job in shown.jobs] == [job.role for job in expected.jobs]
    if not values:
        assert shown.fingerprint == expected.fingerprint


def written(tmp_path, secret):
    folder = tmp_path / "old"
    (folder / "keys").mkdir(parents=True)
    (folder / "keys/a.txt").write_text(ENV["S3_KEY"] + "\n")
    (folder / "rows.csv").write_text("n,key\n1,aaa\n2,bbb\n")
    path = folder / "m.yaml"
    path.write_text(TEXT.replace("SECRET", f'"{secret}"'))
    return path


@pytest.mark.parametrize(
    ("secret", "reference"),
    [
        ("${env:S3_KEY}", "${env:S3_KEY}"),
        ("${vars.key}", "${vars.key}"),
        ("${file:keys/a.txt}", "${file:../old/keys/a.txt}"),
        ("${vars.one.deep}", "${vars.one.deep}"),
        ("wJalrXUtnFEMI/K7MDENG/bPxRfiCYfakesecret", "${env:CRM_S3_S3SECRETKEY}"),
        ("${vars.written}", "${vars.written}"),
    ],
)
def test_a_secret_stays_a_reference_that_holds(tmp_path, secret, reference):
    path = written(tmp_path, secret)
    manifest = load(path, env=ENV)
    place = tmp_path / "new" / "failed.yaml"
    place.parent.mkdir()
    made = manifest_again(manifest, "dev", place, variables=yaml.safe_load(path.read_text())["vars"])
    text = made.text
    place.write_text(text)
    assert ENV["S3_KEY"] not in text
    assert "hidden" not in text
    assert reference in text
    (entry,) = yaml.safe_load(text)["entries"]
    assert entry["name"] == "It's $$${row.name}: #1", "a report calls the entry what it was called"
    assert [row["name"] for row in entry["foreach"]["rows"]] == ["1", "2"]
    folder = path.parent / "keys"
    assert made.folders == ((folder,) if "file:" in secret or "deep" in secret else ())
    assert (f"--allow-files {folder}" in text) is bool(made.folders)
    env = {**ENV, "CRM_S3_S3SECRETKEY": ENV["S3_KEY"], "VARS_WRITTEN": ENV["S3_KEY"]}
    if made.folders:
        with pytest.raises(ManifestError, match="lies outside the manifest's folder"):
            load(place, env=env)
    again = load(place, env=env, allow_files=made.folders)
    kept = {item.name for item in again.items}
    assert kept == {"It's $1: #1", "It's $2: #1"}
    assert len(again.entries) == 1, "items of one entry stay together"
    params = again.items[0].connection.auth["params"]
    assert params["s3SecretKey"].reveal() in (ENV["S3_KEY"],)
    if reference == secret:
        assert plan_of(again).fingerprint == plan_of(manifest).fingerprint


@pytest.mark.parametrize(
    ("place", "secret", "reference"),
    [
        ("old/failed.yaml", "${file:./keys/a.txt}", "${file:./keys/a.txt}"),
        ("failed.yaml", "${file:keys/a.txt}", "${file:old/keys/a.txt}"),
        ("link/failed.yaml", "${file:keys/a.txt}", "${file:keys/a.txt}"),
    ],
)
def test_a_file_below_the_new_place_needs_no_leave(tmp_path, place, secret, reference):
    path = written(tmp_path, secret)
    (tmp_path / "link").symlink_to("old", target_is_directory=True)
    manifest = load(path, env=ENV)
    again = manifest_again(manifest, "dev", tmp_path / place, variables={})
    assert again.folders == ()
    assert reference in again.text
    (tmp_path / place).write_text(again.text)
    assert load(tmp_path / place, env=ENV).items[0].connection.auth["params"]["s3SecretKey"].reveal() == ENV["S3_KEY"]


def test_a_file_that_needed_leave_before_still_needs_it(tmp_path):
    (tmp_path / "vault").mkdir()
    key = tmp_path / "vault" / "key.txt"
    key.write_text(ENV["S3_KEY"])
    for secret in ("${file:../vault/key.txt}", f"${{file:{key}}}", "${file:keys/link.txt}"):
        shutil.rmtree(tmp_path / "old", ignore_errors=True)
        path = written(tmp_path, secret)
        (path.parent / "keys" / "link.txt").symlink_to(key)
        manifest = load(path, env=ENV, allow_files=[key.parent])
        again = manifest_again(manifest, "dev", path.parent / "failed.yaml", variables={})
        assert again.folders == (key.parent,)
        assert secret in again.text


def test_no_folder_is_named_that_lies_in_another():
    assert _fewest({Path("/a/b"), Path("/a/b/c/d"), Path("/a/bc")}) == (Path("/a/b"), Path("/a/bc"))
    assert _fewest(set()) == ()


def test_only_the_rows_that_are_asked_for_stay(tmp_path):
    path = Path(__file__).parents[3] / "configs/manifests/first-run.yaml"
    manifest = load(path)
    exports = [item.name for item in manifest.items if item.kind == "audience-export"]
    activation = next(item for item in manifest.items if item.kind == "activation")
    pairs = [(destination, audience) for destination, audience, _ in activation.body["pairs"]]
    one, other = pairs[0], next(pair for pair in pairs if pair[0] != pairs[0][0])
    flow = "8256cfb4-17e6-432c-a469-6aedafb16cd5"
    made = {name: flow for name in exports if name != one[0]}
    small, gone = narrowed(manifest, Rows(frozenset({one[0], "no more"}), {activation.name: [one, other]}, {}, made))
    assert gone == ["no more"]
    assert [item.name for item in small.items] == [one[0], activation.name]
    assert [pair[:2] for pair in small.items[1].body["pairs"]] == [one, (flow, other[1])]
    place = tmp_path / "again.yaml"
    place.write_text(manifest_again(small, "dev", place, variables={}).text)
    again = plan_of(load(place, env=values_of(manifest)))
    assert [pair.destination for pair in again.pairs] == [one[0], flow]
