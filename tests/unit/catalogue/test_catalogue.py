"""What destinations accept, and what they are sent."""

from __future__ import annotations

import re

import pytest

from headgate.catalogue import batch, batch_keys, check_schedule, describe, profile_store
from headgate.catalogue.filename import DEFAULT_TEMPLATE, check_filename
from headgate.catalogue.schedule import CLOUD_ONLY, FREQUENCIES, FULL, INCREMENTAL
from headgate.secret import Secret

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
LONG = {"startDate": "2026-01-01", "startTime": "17:00", "endDate": "2035-12-31"}


def brief(found):
    return [(one.key, one.message) for one in found]


def test_thirteen_destinations_of_two_generations():
    assert len(batch_keys()) == 13
    assert sum(not batch(key).legacy for key in batch_keys()) == 6
    specs = [batch(key).connection_spec_id for key in batch_keys()]
    assert len(set(specs)) == 13
    assert all(UUID.fullmatch(spec) for spec in specs)
    assert [key for key in batch_keys() if batch(key).flow_spec_id is None] == ["adobe_campaign"]
    assert batch("adobe_campaign").flow_spec_name == "upsToCampaign"
    assert batch("nowhere") is None
    assert UUID.fullmatch(profile_store()["connectionSpecId"])


@pytest.mark.parametrize("key", batch_keys())
def test_every_destination_can_be_described_and_takes_its_own_description(key):
    shown = describe(key)
    assert shown["schedule"]
    spec = batch(key)
    for auth in spec.auth:
        params = {name: _sample(inner) for name, inner in auth.schema["properties"].items()}
        assert spec.check_auth({"specName": auth.spec_name, "params": {k: Secret(v) for k, v in params.items()}}) == []
        for name in auth.required:
            less = {k: v for k, v in params.items() if k != name}
            assert [f.key for f in spec.check_auth({"specName": auth.spec_name, "params": less})] == [
                f"auth.params.{name}"
            ]
    for mode, params in shown["target"].items():
        target = {name: "sample" for name, note in params.items() if note.startswith("required")}
        assert spec.check_target(target | ({"mode": mode} if spec.legacy else {})) == []


def _sample(schema):
    if schema["type"] == "integer":
        return 22
    if "pattern" in schema:
        return "A" * (20 if "{20}" in schema["pattern"] else 40)
    return "QUJD"


def test_bodies_of_both_generations():
    new, old = batch("amazon_s3"), batch("oracle_eloqua")
    assert new.target_params({"bucketName": "b", "path": "p"}) == {
        "mode": "Server-to-server",
        "fileType": "CSV",
        "compression": "NONE",
        "bucketName": "b",
        "path": "p",
    }
    assert old.target_params({"remotePath": "/x"}) == {"mode": "FTP", "format": "CSV", "remotePath": "/x"}
    assert new.target_data({}) is None
    assert old.target_data({}) == {"format": "json", "schema": {"id": "1.0", "version": "1.0"}}
    assert old.target_data({}) is not old.target_data({})
    assert new.transformation()["params"].keys() == {
        "mandatoryFields",
        "primaryFields",
        "profileMapping",
        "segmentSelectors",
    }
    assert old.transformation()["params"].keys() == {"segmentSelectors", "profileSelectors"}


@pytest.mark.parametrize(
    ("key", "target", "found"),
    [
        (
            "amazon_s3",
            {"bucketName": "Acme", "path": "a"},
            [("bucketName", "the value 'Acme' is not allowed here")],
        ),
        (
            "amazon_s3",
            {"bucketName": "acme", "path": "a b"},
            [("path", "the value 'a b' is not allowed here")],
        ),
        (
            "amazon_s3",
            {"bucketName": "acme", "path": "a/%SEGMENT_ID%/b"},
            [("path", "the value 'a/%SEGMENT_ID%/b' is not allowed here")],
        ),
        ("amazon_s3", {"bucketName": "acme", "path": "a/%SEGMENT_ID%/"}, []),
        (
            "amazon_s3",
            {"bucketName": "acme", "path": "a\n"},
            [("path", "the value 'a\n' is not allowed here (it ends with a line break)")],
        ),
        ("amazon_s3", {"bucketName": 5, "path": "a"}, [("bucketName", "must be text, not a whole number")]),
        ("amazon_s3", {"bucketNam": "acme", "path": "a"}, [("bucketNam", "unknown key")]),
        (
            "amazon_s3",
            {"bucketName": "acme", "path": "a", "datasetFileType": "JSON"},
            [("datasetFileType", "belongs to dataset-export entries")],
        ),
        (
            "amazon_s3",
            {"bucketName": "acme", "path": "a", "fileType": "XML"},
            [("fileType", "the value 'XML' is not one of the choices")],
        ),
        (
            "amazon_s3",
            {"bucketName": "acme", "path": "a", "fileType": "JSON"},
            [("compression", "JSON is exported compressed only")],
        ),
        (
            "amazon_s3",
            {"bucketName": "acme", "path": "a", "mode": "S3"},
            [("mode", "the value 'S3' is not one of the choices")],
        ),
        (
            "amazon_s3",
            {"bucketName": "acme", "path": "a", "csvOptions": {"delimiter": "#"}},
            [("csvOptions.delimiter", "the value '#' is not one of the choices")],
        ),
        (
            "google_cloud_storage",
            {"bucketName": "goog-x", "path": "a"},
            [("bucketName", "the value 'goog-x' is not allowed here")],
        ),
        (
            "azure_blob",
            {"container": "a--b", "path": "a"},
            [("container", "the value 'a--b' is not allowed here")],
        ),
        ("sftp", {"path": "a"}, [("path", "unknown key"), ("remotePath", "missing")]),
        (
            "adobe_campaign",
            {"path": "a"},
            [("mode", "missing: the location given does not tell which is meant")],
        ),
        (
            "adobe_campaign",
            {"mode": "SFTP", "remotePath": "a"},
            [("mode", "Adobe Campaign has no mode 'SFTP'")],
        ),
        ("adobe_campaign", {"container": "c"}, [("path", "missing")]),
        (
            "adobe_campaign",
            {"mode": "S3", "bucketName": "b", "path": "p", "includeFileManifest": "yes"},
            [("includeFileManifest", "must be true or false, not text")],
        ),
        ("amazon_s3", None, [("", "missing")]),
    ],
)
def test_targets(key, target, found):
    assert brief(batch(key).check_target(target)) == found


def test_credentials_are_never_quoted():
    spec = batch("amazon_s3")
    found = spec.check_auth(
        {
            "specName": "Access Key",
            "params": {"s3AccessKey": Secret("hush"), "s3SecretKey": "hush", "x": "hush"},
        }
    )
    assert brief(found) == [
        ("auth.params.s3AccessKey", "the value is not allowed here"),
        ("auth.params.s3SecretKey", "the value is not allowed here"),
        ("auth.params.x", "unknown key"),
    ]
    assert brief(spec.check_auth({"specName": "hush", "params": {}})) == [
        ("auth.specName", "Amazon S3 has no auth spec of this name")
    ]
    assert brief(
        batch("sftp").check_auth(
            {
                "specName": "SFTP with SSH Key",
                "params": {"domain": "d", "username": "", "sshKey": "not base64!"},
            }
        )
    ) == [("auth.params.username", "must not be empty"), ("auth.params.sshKey", "the value is not base64")]


def test_encryption():
    key = {"specName": "Encryption spec", "params": {"encryptionAlgo": "PGPGPG", "publicKey": "QUJD"}}
    assert batch("amazon_s3").check_encryption(key) == []
    assert brief(batch("amazon_s3").check_encryption({**key, "params": {"publicKey": "?"}})) == [
        ("encryptionSpecs.params.publicKey", "the value is not base64"),
        ("encryptionSpecs.params.encryptionAlgo", "missing"),
    ]
    assert brief(batch("data_landing_zone").check_encryption(key)) == [
        ("encryptionSpecs", "Data Landing Zone has no documented encryption")
    ]


@pytest.mark.parametrize("mode", FREQUENCIES)
@pytest.mark.parametrize("key", ["amazon_s3", "oracle_eloqua"])
def test_the_schedule_table(mode, key):
    for frequency in (*FREQUENCIES[FULL], *FREQUENCIES[INCREMENTAL]):
        schedule = {k: v for k, v in LONG.items() if frequency != "ONCE" or k != "endDate"}
        found = check_schedule(mode, {"frequency": frequency, **schedule}, batch(key))
        allowed = frequency in FREQUENCIES[mode] and (key == "amazon_s3" or frequency not in CLOUD_ONLY)
        assert [one.key for one in found] == ([] if allowed else ["schedule.frequency"]), frequency


@pytest.mark.parametrize(
    ("mode", "changes", "found"),
    [
        (
            FULL,
            {"triggerType": "AFTER_SEGMENT_EVAL"},
            [("schedule.startTime", "does not go with triggerType AFTER_SEGMENT_EVAL")],
        ),
        (FULL, {"triggerType": "AFTER_SEGMENT_EVAL", "startTime": None}, []),
        (FULL, {"triggerType": "LATER"}, [("schedule.triggerType", "unknown trigger 'LATER'")]),
        (
            FULL,
            {"frequency": "WEEKLY", "triggerType": "AFTER_SEGMENT_EVAL", "startTime": None},
            [("schedule.triggerType", "WEEKLY exports can only be SCHEDULED")],
        ),
        (FULL, {"frequency": "CHAINED"}, [("schedule.frequency", "'CHAINED' is not a frequency")]),
        (FULL, {"frequency": "ONCE"}, [("schedule.endDate", "does not go with frequency ONCE")]),
        (FULL, {"endDate": None}, [("schedule.endDate", "missing, and needed with frequency DAILY")]),
        (
            FULL,
            {"endDate": "2026-01-01"},
            [("schedule.endDate", "'2026-01-01' is not after startDate '2026-01-01'")],
        ),
        (FULL, {"startDate": "2026-02-30"}, [("schedule.startDate", "'2026-02-30' is not a date")]),
        (FULL, {"startDate": "20260201"}, [("schedule.startDate", "'20260201' is not a date")]),
        (FULL, {"startTime": "24:00"}, [("schedule.startTime", "'24:00' is not a time")]),
        (FULL, {"startTime": "17:15"}, [("schedule.startTime", "'17:15' is not a full hour")]),
        (FULL, {"startTime": 17}, [("schedule.startTime", "'17' is not a time")]),
        (FULL, {"frequencey": "DAILY", "frequency": None}, [("schedule.frequencey", "unknown key")]),
        (
            INCREMENTAL,
            {"triggerType": "SCHEDULED"},
            [("schedule.triggerType", "does not go with exportMode FIRST_FULL_THEN_INCREMENTAL")],
        ),
        ("HOURLY", {}, [("exportMode", "unknown export mode 'HOURLY'")]),
    ],
)
def test_schedules(mode, changes, found):
    schedule = {k: v for k, v in {"frequency": "DAILY", **LONG, **changes}.items() if v is not None}
    assert brief(check_schedule(mode, schedule, batch("amazon_s3"))) == found


@pytest.mark.parametrize(
    ("template", "legacy", "messages"),
    [
        (DEFAULT_TEMPLATE, True, []),
        (DEFAULT_TEMPLATE, False, []),
        ("%SEGMENT_ID%_%TIMESTAMP%", True, ["lacks %DESTINATION_NAME%"]),
        ("%SEGMENT_ID%_%TIMESTAMP%", False, []),
        ("%DESTINATION_NAME%%SEGMENT_ID%%SANDBOX_NAME%%TIMESTAMP%", True, ["unknown macro '%SANDBOX_NAME%'"]),
        ("%SEGMNT_ID%%TIMESTAMP%", False, ["unknown macro '%SEGMNT_ID%'"]),
        ("%SEGMENT_ID_%TIMESTAMP%", False, ["a macro is not closed"]),
        ("x" * 300 + "%TIMESTAMP%", False, ["is 311 characters long"]),
        ("%DATETIME(YYYY)%%TIMESTAMP%", False, ["has both %DATETIME% and %TIMESTAMP%"]),
        ("plain", False, ["names no time, so each export overwrites the last"]),
        ("", False, ["must not be empty"]),
    ],
)
def test_file_names(template, legacy, messages):
    assert [one.message for one in check_filename(template, legacy=legacy)] == messages
