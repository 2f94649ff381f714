"""``dataset-export`` entries: what loads, what is filled in, and every mistake in one pass."""

from __future__ import annotations

from pathlib import Path

import pytest

from headgate.manifest.expand import expanded
from headgate.manifest.kinds import GRAMMARS
from headgate.manifest.load import load
from tests.unit.manifest.support import HEAD, brief, export, loaded, problems

ROOT = Path(__file__).parents[3]
START = 1798800000
DLZ = HEAD + "  dlz: {destination: data_landing_zone}\n  known: {id: x}\n"


def datasets(
    name="Lake",
    *,
    connection="s3",
    which="[{dataSetId: 5ef3e3259ad2a1191ab7dd7d, name: AAM Devices Data}]",
    target="{bucketName: acme, path: lake, datasetFileType: PARQUET, compression: GZIP}",
    schedule=f"{{exportMode: FIRST_FULL_THEN_INCREMENTAL, timeUnit: hour, interval: 3, startTime: {START}, endTime: 1830336000}}",
    extra="",
):
    return (
        f"  - kind: dataset-export\n    name: {name}\n    connection: {connection}\n    datasets: {which}\n"
        f"    target: {target}\n    scheduleParams: {schedule}\n{extra}"
    )


def test_the_sample_of_the_contract(tmp_path):
    manifest = loaded(
        tmp_path,
        datasets(
            '"Datasets ${row.id}"',
            which='[{dataSetId: "${row.id}", name: AAM Devices Data}]',
            extra="    foreach: {rows: [{id: 5ef3e3259ad2a1191ab7dd7d}]}\n    tags: [nightly]\n    description: d\n",
        ),
    )
    (item,) = manifest.items
    assert (item.name, item.kind, item.tags) == ("Datasets 5ef3e3259ad2a1191ab7dd7d", "dataset-export", ("nightly",))
    assert item.body["datasets"] == [{"dataSetId": "5ef3e3259ad2a1191ab7dd7d", "name": "AAM Devices Data"}]
    assert item.body["scheduleParams"]["endTime"] == 1830336000
    assert manifest.warnings == ()


def test_one_pattern_alone_needs_no_list(tmp_path):
    manifest = loaded(tmp_path, datasets(which='{select: "AAM *"}'))
    assert manifest.items[0].body["datasets"] == [{"select": "AAM *"}]


def test_a_missing_end_is_filled_in_and_said_once(tmp_path):
    entry = datasets(
        '"L ${row}"',
        schedule=f"{{exportMode: DAILY_FULL_EXPORT, timeUnit: day, interval: 0, startTime: {START}}}",
        extra="    foreach: {range: [1, 5]}\n",
    )
    manifest = loaded(tmp_path, entry)
    assert {item.body["scheduleParams"]["endTime"] for item in manifest.items} == {1814438400}
    (warning,) = manifest.warnings
    assert warning.key == "entries[0].scheduleParams.endTime"
    assert "six months after startTime" in warning.message
    assert "headgate expand" in warning.hint
    shown = expanded(manifest)
    assert "1814438400" in str(shown), "what is printed is what is sent"


def test_many_rows_with_a_start_of_their_own_are_warned_once(tmp_path):
    (tmp_path / "r.csv").write_text("start\n" + "".join(f"{START + n}\n" for n in range(50)), encoding="utf-8")
    entry = datasets(
        '"L ${row.start}"',
        schedule='{exportMode: DAILY_FULL_EXPORT, timeUnit: day, interval: 0, startTime: "${row.start}"}',
        extra="    foreach: {csv: r.csv}\n",
    )
    manifest = loaded(tmp_path, entry)
    assert len(manifest.warnings) == 1
    assert {item.body["scheduleParams"]["endTime"] - START - 181 * 86400 for item in manifest.items} == set(range(50))


def test_numbers_from_a_file_of_text(tmp_path):
    (tmp_path / "r.csv").write_text(f"id,start\na,{START}\nb,later\n", encoding="utf-8")
    entry = datasets(
        '"L ${row.id}"',
        schedule='{exportMode: DAILY_FULL_EXPORT, timeUnit: day, interval: 0, startTime: "${row.start}"}',
        extra="    foreach: {csv: r.csv}\n",
    )
    (found,) = problems(tmp_path, entry)
    assert (Path(found.file).name, found.line, found.key) == ("r.csv", 3, "entries[0].scheduleParams.startTime")
    assert found.message == "'later' is not a number of epoch seconds"


def test_every_mistake_in_one_pass(tmp_path):
    found = problems(
        tmp_path,
        datasets(
            which="[{dataSetID: a, name: A}, {dataSetId: b}]",
            target="{bucketName: Acme, path: lake, datasetFileType: JSON, compression: NONE}",
            schedule="{exportMode: DAILY_FULL_EXPORT, timeUnit: hour, interval: 3, startTime: 1798800000000, folder: x}",
        ),
        datasets("Second", connection="mail", extra="    schedul: {}\n"),
        datasets("Third", which="[]"),
        "  - kind: dataset-export\n    name: Fourth\n    connection: s3\n    dataset: [{select: a}]\n",
    )
    assert brief(found) == [
        ("entries[0].datasets[0].dataSetID", "unknown key"),
        ("entries[0].datasets[1].name", "missing"),
        ("entries[0].target.bucketName", "the value 'Acme' is not allowed here"),
        ("entries[0].target.compression", "JSON is exported compressed only"),
        ("entries[0].scheduleParams.folder", "unknown key"),
        ("entries[0].scheduleParams.startTime", "1798800000000 are milliseconds, and seconds are wanted"),
        ("entries[0].scheduleParams.timeUnit", "'hour' does not go with exportMode DAILY_FULL_EXPORT"),
        ("entries[1].connection", "Oracle Eloqua cannot export datasets"),
        ("entries[1].schedul", "unknown key"),
        ("entries[2].datasets", "must not be empty"),
        ("entries[3].scheduleParams", "missing"),
        ("entries[3].target", "missing"),
        ("entries[3].dataset", "unknown key"),
    ]
    hints = {one.key: one.hint for one in found}
    assert hints["entries[3].dataset"] == "did you mean 'datasets'?"
    assert hints["entries[0].datasets[0].dataSetID"] == "did you mean 'dataSetId'?"
    assert hints["entries[0].target.compression"] == "use compression: GZIP"


@pytest.mark.parametrize(
    ("connection", "message"),
    [
        ("nowhere", "unknown connection 'nowhere'"),
        ("known", "connection 'known' does not say its destination"),
        ("{destination: amazon_s3_legacy, id: x}", "Amazon S3 cannot export datasets"),
        ("{source: servicenow, id: x}", "'servicenow' is a source connection"),
    ],
)
def test_connections_that_do_not_do(tmp_path, connection, message):
    found = problems(tmp_path, datasets(connection=connection), head=DLZ)
    assert message in [one.message for one in found]


def test_one_connection_serves_both_kinds(tmp_path):
    manifest = loaded(tmp_path, export("Audience"), datasets())
    first, second = manifest.items
    assert first.connection is second.connection


def test_a_dataset_export_is_not_activated(tmp_path):
    activation = "  - kind: activation\n    name: now\n    destinations: {Lake: [aud]}\n"
    (found,) = problems(tmp_path, datasets(), activation)
    assert found.message == "'Lake' is an item of kind dataset-export"


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"which": "5"}, "entries[0].datasets"),
        ({"which": "{}"}, "entries[0].datasets.dataSetId"),
        ({"which": "{selekt: a}"}, "entries[0].datasets.selekt"),
        ({"which": "{select: 5}"}, "entries[0].datasets.select"),
        ({"target": "5"}, "entries[0].target"),
        ({"schedule": "[]"}, "entries[0].scheduleParams"),
        ({"schedule": '"${vars.none}"'}, "entries[0].scheduleParams"),
    ],
)
def test_odd_values_are_said_and_do_not_break(tmp_path, changes, key):
    assert key in [one.key for one in problems(tmp_path, datasets(**changes))]


def test_the_manifest_that_comes_with_the_project(tmp_path):
    manifest = load(ROOT / "configs" / "manifests" / "dataset-export.yaml", grammars=GRAMMARS, env={})
    assert manifest.warnings == ()
    assert len(manifest.items) == 62
    assert {item.connection.destination for item in manifest.items} == {
        "amazon_s3",
        "azure_blob",
        "adls_gen2",
        "data_landing_zone",
        "google_cloud_storage",
        "sftp",
    }
