"""A manifest is known to say the same again, or it is not: never wrongly, and no digest of a secret is made."""

from __future__ import annotations

import os
import time

import orjson
import pytest

import headgate
from headgate.manifest import inputs
from headgate.manifest.inputs import digest, unchanged

MANIFEST = """\
headgate: 1
name: nightly
sandbox: dev
vars:
  bucket: ${env:BUCKET}
  key: ${env:KEY}
  where: ${vars.bucket}
  unused: ${env:UNUSED}
connections:
  s3:
    destination: amazon_s3
    auth: {specName: Access Key, params: {s3AccessKey: "${file:access.txt}", s3SecretKey: "${vars.key}"}}
entries:
  - kind: audience-export
    name: "Export ${row.name}"
    foreach: {csv: rows.csv}
    connection: s3
    target: {bucketName: "${vars.where}", path: "${file:path.txt}"}
    audiences:
      - {id: "${row.id}", exportMode: DAILY_FULL_EXPORT, schedule: {frequency: DAILY, triggerType: SCHEDULED, startDate: "2026-01-01", startTime: "17:00", endDate: "2035-12-31"}}
    attributes: [person.name.firstName]
"""
ROWS = "id,name\n00000001-0000-4000-8000-000000000000,One\n00000002-0000-4000-8000-000000000000,Two\n"
KEY = "Very/Secret+Key/that/nobody/may/see/00000"[:40]
ACCESS = "AKIAABCDEFGHIJKLMNOP"
ENV = {"BUCKET": "acme", "KEY": KEY, "UNUSED": "x", "OTHER": "y"}


@pytest.fixture(autouse=True)
def _quick_ticks(monkeypatch):
    """Files of a test are a moment old."""
    monkeypatch.setattr(inputs, "_TICK_NS", -1)


@pytest.fixture
def place(tmp_path):
    (tmp_path / "rows.csv").write_text(ROWS)
    (tmp_path / "path.txt").write_text("exports/daily\n")
    (tmp_path / "access.txt").write_text(ACCESS)
    (tmp_path / "m.yaml").write_text(MANIFEST)
    return tmp_path / "m.yaml"


def noted(place, env=ENV):
    kept = headgate.load(place, env=env).inputs
    return kept and orjson.loads(orjson.dumps(kept))  # as it comes back from the store


def test_what_is_the_same_is_known_to_be(place):
    assert unchanged(noted(place), place, ENV)


def change(name, text):
    return lambda place, env: (place.with_name(name).write_text(text), env)[1]


CHANGES = {
    "the manifest": change("m.yaml", MANIFEST + "# a word\n"),
    "the manifest, of the same length": change("m.yaml", MANIFEST.replace("DAILY_FULL", "DAILY_FULM")),
    "a row": change("rows.csv", ROWS.replace("Two", "Too")),
    "a row more": change("rows.csv", ROWS + "00000003-0000-4000-8000-000000000000,Three\n"),
    "a file it refers to": change("path.txt", "exports/nightly\n"),
    "a variable behind two others": lambda _, env: {**env, "BUCKET": "other"},
    "a variable that is gone": lambda _, env: {key: value for key, value in env.items() if key != "BUCKET"},
    "a secret that is gone": lambda _, env: {key: value for key, value in env.items() if key != "KEY"},
    "an unused variable that is gone": lambda _, env: {key: value for key, value in env.items() if key != "UNUSED"},
    "no rows": lambda place, env: (place.with_name("rows.csv").unlink(), env)[1],
    "no secret file": lambda place, env: (place.with_name("access.txt").unlink(), env)[1],
    "no manifest": lambda place, env: (place.unlink(), env)[1],
}


@pytest.mark.parametrize("name", CHANGES)
def test_what_is_not_the_same_is_noticed(place, name):
    kept = noted(place)
    env = CHANGES[name](place, dict(ENV))
    assert not unchanged(kept, place, env)


@pytest.mark.parametrize(
    "same",
    [
        lambda _, env: {**env, "KEY": "another secret: they count by their reference"},
        lambda _, env: {**env, "OTHER": "nobody refers to it"},
        lambda _, env: {**env, "UNUSED": "its variable is not used"},
        change("access.txt", "another secret"),
        change("bystander.txt", "x"),
    ],
    ids=["a secret", "another variable", "an unused one", "a secret file", "another file"],
)
def test_what_does_not_count_does_not_count(place, same):
    kept = noted(place)
    assert unchanged(kept, place, same(place, dict(ENV)))


def test_no_secret_and_no_digest_of_one_is_in_it(place):
    place.write_text(MANIFEST.replace("${env:KEY}", KEY))
    text = orjson.dumps(headgate.load(place, env=ENV).inputs).decode()
    for secret in (KEY, ACCESS):
        assert secret not in text
        assert digest(secret.encode()) not in text
    assert digest(place.read_bytes()) not in text, "the manifest holds a secret itself"


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("m.yaml", '"${vars.key}"', KEY),
        ("m.yaml", "${env:KEY}", KEY),
        ("rows.csv", '"${vars.key}"', '"${env:KEY}"'),
    ],
    ids=["in the open", "as a variable", "none"],
)
def test_a_file_that_holds_a_secret_is_known_by_its_stamp(place, name, old, new):
    place.write_text(MANIFEST.replace(old, new))
    kept = noted(place)
    assert isinstance(kept["manifest"], list if name == "m.yaml" else str)
    assert unchanged(kept, place, ENV)
    text = place.read_text()
    before = place.stat()
    time.sleep(0.02)
    place.write_text(text.replace("firstName", "firstNume"))
    os.utime(place, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert not unchanged(kept, place, ENV), "nobody can set the time of a change"


def test_rows_that_hold_secrets_are_known_by_their_stamp(place):
    rows = "id,name,key\n00000001-0000-4000-8000-000000000000,One," + KEY + "\n"
    place.with_name("rows.csv").write_text(rows)
    inline = '{name: "c ${row.name}", destination: amazon_s3, auth: {specName: Access Key, params: {s3AccessKey: "${file:access.txt}", s3SecretKey: "${row.key}"}}}'
    place.write_text(MANIFEST.replace("connection: s3", f"connection: {inline}").replace("${vars.key}", "${env:KEY}"))
    kept = noted(place)
    assert isinstance(kept["rows"]["rows.csv"], list)
    assert unchanged(kept, place, ENV)
    place.with_name("rows.csv").write_text(rows.replace("One", "Onu"))
    assert not unchanged(kept, place, ENV)


def test_a_file_that_was_only_just_changed_might_be_changed_again_unseen(place, monkeypatch):
    monkeypatch.setattr(inputs, "_TICK_NS", 3600 * 10**9)
    assert noted(place) is None, "its variable for a secret may stand in it"
    place.write_text(MANIFEST.replace('"${vars.key}"', '"${env:KEY}"'))
    assert noted(place) is not None


def test_a_variable_that_is_kept_by_its_name_alone_is_asked_for_again(place):
    place.write_text(MANIFEST.replace("${env:KEY}", "n" * 40))
    manifest = headgate.load(place, env=ENV, overrides={"key": KEY})
    assert headgate.plan(manifest).inputs is None
    assert headgate.plan(headgate.load(place, env=ENV)).inputs is not None


def test_what_was_said_of_it_is_kept_to_be_said_again(place):
    place.with_name("rows.csv").write_text("id,name\n")
    manifest = headgate.load(place, env=ENV)
    assert manifest.warnings
    assert manifest.inputs["said"] == [str(warning) for warning in manifest.warnings]
