"""From dataset-export items to jobs: what is shared, what needs what, and bodies as the tutorial has them."""

from __future__ import annotations

from collections import Counter
from textwrap import dedent

import pytest

from headgate.manifest.kinds import GRAMMARS
from headgate.manifest.load import load
from headgate.planning.model import needless
from headgate.workflows.compile import compile_plan
from headgate.workflows.dataset_export import named_datasets
from headgate.workflows.datasets import DatasetListSpec

TEXT = """
headgate: 1
name: lake
connections:
  s3: {destination: amazon_s3, auth: {specName: Access Key, params: {s3AccessKey: AKIAIOSFODNN7EXAMPLE, s3SecretKey: "${env:S3}"}}}
  old: {destination: sftp, id: 1ed86558-59b5-42f7-9865-5859b552f7f4}
  dlz: {destination: data_landing_zone}
vars:
  daily: {exportMode: FIRST_FULL_THEN_INCREMENTAL, timeUnit: day, interval: 1, startTime: 1798800000, endTime: 1830336000}
entries:
  - kind: dataset-export
    name: named
    description: By hand
    connection: s3
    datasets: [{dataSetId: 5ef3e3259ad2a1191ab7dd7d, name: AAM Devices Data}]
    target: {bucketName: acme, path: lake, datasetFileType: PARQUET, compression: GZIP}
    scheduleParams: "${vars.daily}"
  - kind: dataset-export
    name: "chosen ${row}"
    foreach: {range: [1, 2]}
    connection: dlz
    datasets: [{select: "AAM ${row}*"}, {dataSetId: "00", name: Zero}, {select: "Orders*"}]
    target: {path: "lake/${row}", datasetFileType: JSON, compression: GZIP, fileType: CSV}
    scheduleParams: "${vars.daily}"
  - kind: dataset-export
    name: existing
    connection: old
    datasets: {select: "AAM 1*"}
    target: {remotePath: lake, datasetFileType: PARQUET, compression: NONE}
    scheduleParams: "${vars.daily}"
  - kind: audience-export
    name: audience
    connection: s3
    target: {bucketName: acme, path: x}
    audiences:
      - {id: a, exportMode: DAILY_FULL_EXPORT, schedule: {frequency: ONCE, startDate: "2026-12-20", startTime: "17:00"}}
"""


@pytest.fixture
def make(tmp_path):
    def compiled(text=TEXT):
        path = tmp_path / "m.yaml"
        path.write_text(dedent(text))
        return compile_plan(
            load(path, grammars=GRAMMARS, env={"S3": "WJALRXUTNFEMIK7MDENGBPXRFICYEXAMPLEKEYXX"}), "dev"
        )

    return compiled


def by_key(plan):
    return {job.key: job for job in plan.jobs}


def test_the_jobs(make):
    plan = make()
    jobs = by_key(plan)
    count = Counter(key.partition(":")[0] for key in jobs)
    # bases: the profile store (of the audience), S3 for both kinds, the landing zone; lists: four and the datasets
    assert count == {"base": 3, "source": 5, "target": 5, "flow": 5, "selectors": 1, "check": 5, "list": 5}
    index = {job.key: number for number, job in enumerate(plan.jobs)}
    assert jobs["target:named"].needs["base"] == jobs["target:audience"].needs["base"]
    assert jobs["check:named"].needs == {role: index[f"{role}:named"] for role in ("flow", "source", "target")}
    assert "base" not in jobs["target:existing"].needs
    assert [row.item for row in plan.items] == ["audience", "named", "chosen 1", "chosen 2", "existing"]
    assert plan.items[-1].known == {"baseConnection": "1ed86558-59b5-42f7-9865-5859b552f7f4"}


def test_bodies_as_the_tutorial_has_them(make):
    plan = make()
    jobs = by_key(plan)
    assert jobs["source:named"].spec.body == {
        "name": "named",
        "description": f"By hand {plan_mark(plan, 'source:named')}",
        "connectionSpec": {"id": "23598e46-f560-407b-88d5-ea6207e49db0", "version": "1.0"},
        "params": {"datasets": [{"dataSetId": "5ef3e3259ad2a1191ab7dd7d", "name": "AAM Devices Data"}]},
    }
    flow = jobs["flow:named"].spec.body
    assert flow["flowSpec"] == {"id": "269ba276-16fc-47db-92b0-c1049a3c131f", "version": "1.0"}
    assert flow["transformations"] == []
    assert flow["scheduleParams"]["endTime"] == 1830336000
    assert jobs["target:chosen 1"].spec.body["params"] == {
        "mode": "Server-to-server",
        "path": "lake/1",
        "datasetFileType": "JSON",
        "compression": "GZIP",
    }
    assert "auth" not in jobs["base:data_landing_zone:dlz"].spec.body
    assert jobs["target:existing"].spec.body["baseConnectionId"] == "1ed86558-59b5-42f7-9865-5859b552f7f4"


def plan_mark(plan, key):
    return by_key(plan)[key].spec.marker


def test_one_listing_for_all_patterns(make):
    plan = make()
    jobs = by_key(plan)
    assert jobs["list:datasets"].spec == DatasetListSpec(("AAM 1*", "Orders*", "AAM 2*"))
    index = plan.jobs.index(jobs["list:datasets"])
    asking = [job.key for job in plan.jobs if index in job.needs.values()]
    assert asking == ["source:chosen 1", "source:chosen 2", "source:existing"]
    assert plan.requests["GET /connectionSpecs/{id}/configs"] == 1
    spec = jobs["source:chosen 1"].spec
    assert spec.patterns == ("AAM 1*", "Orders*")
    assert [row["dataSetId"] for row in spec.fixed] == ["00"]
    assert (spec.name, spec.collection) == ("chosen 1", "sourceConnections")


def test_nobody_is_asked_for_what_is_chosen_already(make):
    plan = make()
    index = next(number for number, job in enumerate(plan.jobs) if job.key == "list:datasets")
    sources = {number for number, job in enumerate(plan.jobs) if job.key.startswith("source:")}
    assert index not in needless(plan.jobs, ())
    assert index in needless(plan.jobs, sources)


def test_the_plan_follows_from_the_manifest_alone(make):
    plan = make()
    assert plan.fingerprint == make().fingerprint
    changed = make(TEXT.replace("Orders*", "Order*"))
    assert changed.fingerprint != plan.fingerprint
    before, after = by_key(plan), by_key(changed)
    assert before["source:chosen 1"].digest != after["source:chosen 1"].digest
    assert before["source:existing"].digest == after["source:existing"].digest
    assert before["flow:named"].digest == after["flow:named"].digest


def test_the_datasets_a_plan_names(make):
    assert named_datasets(make()) == {"5ef3e3259ad2a1191ab7dd7d": "AAM Devices Data", "00": "Zero"}
