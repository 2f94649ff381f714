"""What the catalogue says of dataset exports: six destinations, their files, the table of schedules, the macros."""

from __future__ import annotations

import json
import re

import pytest

from headgate.catalogue import batch, batch_keys
from headgate.catalogue.dataset_export import (
    check_datasets,
    data_lake_spec,
    dataset_destination,
    dataset_keys,
    describe_datasets,
)
from headgate.catalogue.dataset_folder import check_folder
from headgate.catalogue.dataset_schedule import check_dataset_schedule, completed, default_end
from headgate.cli.views import catalog

START = 1798800000
FLOW_SPECS = {
    "amazon_s3": "269ba276-16fc-47db-92b0-c1049a3c131f",
    "azure_blob": "95bd8965-fc8a-4119-b9c3-944c2c2df6d2",
    "adls_gen2": "17be2013-2549-41ce-96e7-a70363bec293",
    "data_landing_zone": "cd2fc47e-e838-4f38-a581-8fff2f99b63a",
    "google_cloud_storage": "585c15c4-6cbf-4126-8f87-e26bff78b657",
    "sftp": "354d6aad-4754-46e4-a576-1b384561c440",
}
LOCATIONS = {
    "amazon_s3": {"bucketName": "acme", "path": "lake"},
    "azure_blob": {"container": "acme", "path": "lake"},
    "adls_gen2": {"path": "lake"},
    "data_landing_zone": {"path": "lake"},
    "google_cloud_storage": {"bucketName": "acme", "path": "lake"},
    "sftp": {"remotePath": "/lake"},
}


def brief(findings):
    return [(one.key, one.message) for one in findings]


def schedule(**changes):
    params = {"exportMode": "FIRST_FULL_THEN_INCREMENTAL", "timeUnit": "hour", "interval": 3, "startTime": START}
    return {key: value for key, value in {**params, "endTime": START + 9, **changes}.items() if value is not None}


def test_the_six_destinations_and_their_flows():
    assert {key: dataset_destination(key).flow_spec_id for key in dataset_keys()} == FLOW_SPECS
    assert data_lake_spec() == {"id": "23598e46-f560-407b-88d5-ea6207e49db0", "version": "1.0"}
    for key in dataset_keys():
        assert dataset_destination(key).account is batch(key), "one account serves both kinds of export"
        assert dataset_destination(key).flow_spec_id != batch(key).flow_spec_id
    assert [key for key in batch_keys() if dataset_destination(key) is None and not key.endswith("_legacy")] == [
        "adobe_campaign",
        "oracle_eloqua",
        "oracle_responsys",
        "salesforce_marketing_cloud",
    ]
    assert dataset_destination("no such") is None


@pytest.mark.parametrize("key", sorted(FLOW_SPECS))
def test_a_target_has_a_place_a_type_and_a_compression(key):
    destination, place = dataset_destination(key), LOCATIONS[key]
    good = {**place, "datasetFileType": "PARQUET", "compression": "NONE"}
    assert destination.check_target(good) == []
    assert destination.target_params(good) == {"mode": "Server-to-server", **good}
    assert {finding.key for finding in destination.check_target({})} == {*place, "datasetFileType", "compression"}
    found = destination.check_target({**good, "compresion": "GZIP"})
    assert [(one.key, one.hint) for one in found] == [("compresion", "did you mean 'compression'?")]


def test_json_is_refused_uncompressed():
    s3 = dataset_destination("amazon_s3")
    target = {**LOCATIONS["amazon_s3"], "datasetFileType": "JSON"}
    (found,) = s3.check_target({**target, "compression": "NONE"})
    assert (found.key, found.severity, found.hint) == ("compression", "error", "use compression: GZIP")
    assert s3.check_target({**target, "compression": "GZIP"}) == []


def test_the_file_type_of_audiences_does_not_count():
    s3 = dataset_destination("amazon_s3")
    target = {**LOCATIONS["amazon_s3"], "fileType": "CSV", "compression": "GZIP"}
    (found,) = s3.check_target(target)
    assert found.key == "datasetFileType"
    assert "use datasetFileType" in found.hint
    (found,) = s3.check_target({**target, "datasetFileType": "PARQUET"})
    assert (found.key, found.severity) == ("fileType", "warning")
    assert "fileType" not in s3.target_params({**target, "datasetFileType": "PARQUET"})


@pytest.mark.parametrize("target", [None, "lake", ["lake"], 5])
def test_a_target_is_a_mapping(target):
    assert [one.key for one in dataset_destination("sftp").check_target(target)] == [""]


@pytest.mark.parametrize(
    ("mode", "unit", "interval"),
    [
        ("DAILY_FULL_EXPORT", "day", 0),
        ("FIRST_FULL_THEN_INCREMENTAL", "day", 1),
        *(("FIRST_FULL_THEN_INCREMENTAL", "hour", hours) for hours in (3, 6, 9, 12)),
    ],
)
def test_the_whole_table(mode, unit, interval):
    assert check_dataset_schedule(schedule(exportMode=mode, timeUnit=unit, interval=interval)) == []


@pytest.mark.parametrize(
    ("changes", "found", "hint"),
    [
        ({"interval": 8}, "interval", "3, 6, 9 or 12"),  # audience exports have 8
        ({"interval": 0}, "interval", "3, 6, 9 or 12"),
        ({"timeUnit": "day"}, "interval", "DAILY_FULL_EXPORT"),
        ({"timeUnit": "day", "interval": 0}, "interval", "DAILY_FULL_EXPORT and interval 0"),
        ({"exportMode": "DAILY_FULL_EXPORT", "timeUnit": "day", "interval": 1}, "interval", "every day"),
        ({"exportMode": "DAILY_FULL_EXPORT"}, "timeUnit", "interval 0"),
        ({"timeUnit": "hours"}, "timeUnit", "did you mean 'hour'?"),
        ({"exportMode": "DAILY_FULL"}, "exportMode", "did you mean 'DAILY_FULL_EXPORT'?"),
        ({"exportMode": None}, "exportMode", "use DAILY_FULL_EXPORT"),
        ({"interval": None}, "interval", "3, 6, 9 or 12"),
        ({"interval": True}, "interval", ""),
        ({"interval": 3.0}, "interval", ""),
        ({"startTime": START * 1000}, "startTime", f"write {START}"),
        ({"endTime": START * 1000}, "endTime", f"write {START}"),
        ({"endTime": START}, "endTime", "from startTime to endTime"),
        ({"startTime": 0}, "startTime", "epoch seconds"),
        ({"startTime": "soon"}, "startTime", "epoch seconds"),
        ({"startTime": "2027-01-01T10:40:00Z"}, "startTime", f"write {START}"),
        ({"startTime": [START]}, "startTime", ""),
        ({"endtime": START}, "endtime", "did you mean 'endTime'?"),
        ({"folderNameTemplate": "x"}, "folderNameTemplate", "did you mean 'foldernameTemplate'?"),
        ({"foldernameTemplate": "%DATASETID%"}, "foldernameTemplate", "did you mean 'DATASET_ID'?"),
        ({"foldernameTemplate": 5}, "foldernameTemplate", ""),
    ],
)
def test_what_does_not_go(changes, found, hint):
    (one,) = check_dataset_schedule(schedule(**changes))
    assert one.key == found
    assert one.severity == "error"
    assert hint in one.hint


def test_all_that_is_missing_is_said_at_once():
    assert [one.key for one in check_dataset_schedule({})] == ["exportMode", "timeUnit", "interval", "startTime"]
    assert [one.key for one in check_dataset_schedule({"timeUnits": "day"})][:1] == ["timeUnits"]
    assert "timeUnit" not in [one.key for one in check_dataset_schedule({"timeUnits": "day"})]
    for odd in (None, "daily", []):
        assert [one.key for one in check_dataset_schedule(odd)] == [""]


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (1798800000, 1814438400),  # 2027-01-01 10:40 -> 2027-07-01 10:40
        (1788134400, 1803772800),  # 2026-08-31 -> 2027-02-28: the day is the month's last
        (1803772800, 1819411200),  # 2027-02-28 -> 2027-08-28
    ],
)
def test_six_months_after_the_start(start, end):
    assert default_end(start) == end
    assert completed({"startTime": start}) == {"startTime": start, "endTime": end}


def test_what_is_written_is_kept_and_text_of_digits_is_a_number():
    assert completed({"startTime": str(START), "interval": "3", "endTime": 5}) == {
        "startTime": START,
        "interval": 3,
        "endTime": 5,
    }
    assert completed({"startTime": "soon"}) == {"startTime": "soon"}
    assert completed({"startTime": START, "endtime": 5}) == {"startTime": START, "endtime": 5}, "a slip is no silence"
    assert completed({"startTime": START * 1000}) == {"startTime": START * 1000}
    assert "endTime" in completed({"startTime": START, "endTime": None})
    assert default_end(10**15) is None


@pytest.mark.parametrize(
    ("template", "found"),
    [
        ("%DESTINATION%_%DATASET_ID%_%DATETIME(YYYYMMdd_HHmmss)%", []),
        ("%SANDBOX_NAME%/%ORGANIZATION_NAME%/%DATASET_NAME%/%EXPORT_TIME%", []),
        ("plain", []),
        ("", ["must not be empty"]),
        ("%DATASET_ID", ["a macro is not closed"]),
        ("%DESTINATION_NAME%", ["unknown macro '%DESTINATION_NAME%'"]),
        ("%SEGMENT_ID%", ["unknown macro '%SEGMENT_ID%'"]),
        ("%DATETIME%", ["the macro %DATETIME% names no format"]),
        ("%DATASET_ID(x)%", ["the macro %DATASET_ID% takes nothing in brackets"]),
    ],
)
def test_folder_macros(template, found):
    assert [one.message for one in check_folder(template)] == found


@pytest.mark.parametrize(
    ("datasets", "found"),
    [
        ([{"dataSetId": "a", "name": "A"}, {"select": "A*"}], []),
        ([], [("datasets", "must not be empty")]),
        ("AAM *", [("datasets", "must be a list, not text")]),
        (["AAM"], [("datasets[0]", "must be a mapping, not text")]),
        ([{"dataSetId": "a"}], [("datasets[0].name", "missing")]),
        ([{"datasetId": "a", "name": "A"}], [("datasets[0].datasetId", "unknown key")]),
        ([{"dataSetId": 5, "name": "A"}], [("datasets[0].dataSetId", "must be text, not a whole number")]),
        ([{"dataSetId": "", "name": "A"}], [("datasets[0].dataSetId", "must not be empty")]),
        ([{"selekt": "A*"}], [("datasets[0].selekt", "unknown key")]),
        ([{"select": ""}], [("datasets[0].select", "must not be empty")]),
        ([{"select": "A*", "name": "A"}], [("datasets[0].name", "unknown key")]),
        (
            [{"dataSetId": "a", "name": "A"}, {"dataSetId": "a", "name": "B"}],
            [("datasets[1].dataSetId", "dataset 'a' stands twice, first as datasets[0]")],
        ),
    ],
)
def test_lists_of_datasets(datasets, found):
    assert brief(check_datasets(datasets)) == found


def test_the_catalogue_shows_who_exports_datasets_and_how():
    rows = [re.split(r"\s{2,}", line) for line in catalog.all_text().splitlines()]
    assert {row[0] for row in rows if len(row) == 5 and row[3] == "yes"} == set(FLOW_SPECS)
    text = catalog.text(catalog.find("amazon_s3"))
    for said in (FLOW_SPECS["amazon_s3"], data_lake_spec()["id"], "JSON needs GZIP", "%EXPORT_TIME%", "3, 6, 9, 12"):
        assert said in text
    assert "dataset-export" not in catalog.text(catalog.find("oracle_eloqua"))
    whole = {row["key"]: row["datasetExport"] for row in json.loads(catalog.all_as_json())["destinations"]}
    assert whole["sftp"]["flowSpecId"] == FLOW_SPECS["sftp"]
    assert whole["adobe_campaign"] is None
    assert describe_datasets("adobe_campaign") is None
    assert "SEGMENT" not in whole["amazon_s3"]["target"]["path"]
