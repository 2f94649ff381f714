"""A sandbox becomes a manifest, the manifest another sandbox, and that one the same manifest again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import yaml

from headgate.export import assemble, manifest_text
from headgate.embedded import simulated
from headgate.launch import execute
from headgate.looking import live
from headgate.manifest.kinds import GRAMMARS
from headgate.manifest.load import load
from headgate.pacing import PollPolicy, RetryPolicy
from headgate.report.render_ids import ids_text
from headgate.settings import Limits, Profile
from headgate.simulator import Fault
from headgate.store import open_store
from headgate.workflows.compile import compile_plan

MANIFESTS = Path(__file__).parents[2] / "configs" / "manifests"
SECRETS = dict.fromkeys(
    ("SHARED_S3_ACCOUNT_S3_SECRET_KEY", "DATA_LAKE_EXPORTS_S3_SECRET_KEY"), "fake/secret/key/for/the/embedded/server+"
)


def profile(folder, name):
    return replace(
        Profile.load(env={}, state=str(folder / name / "state.db")),
        limits=Limits(rate="5000/s"),
        retry=RetryPolicy(attempts=8, first_s=0.01, cap_s=0.05, budget_floor=1000),
        poll=PollPolicy(600.0, 1200.0),
    )


async def sandbox(folder, name, *, path=None, env=None, select=(), faults=(), overrides=None, tamper=None, **options):
    """Make ``path`` in the world called ``name``, if given; the report, and the export of that world."""
    where = profile(folder, name)
    async with simulated(where, "dev", time_scale=36000.0, faults=faults, **options) as (there, simulator):
        report = None
        if path is not None:
            store = open_store(where.state)
            try:
                plan = compile_plan(
                    load(path, grammars=GRAMMARS, env=env or {}, select=select, overrides=overrides), "dev"
                )
                report = await execute(plan, path=path, profile=there, store=store)
            finally:
                store.close()
            assert report.status == "succeeded", report.failures[:3]
            assert not simulator.ledger()["violations"]
        if tamper is not None:
            tamper(simulator)
        found = assemble(await live(there), "migrated")
    return report, found


def written(folder, found):
    path = folder / "exported.yaml"
    path.write_text(manifest_text(found, "dev"))
    assert yaml.safe_load(path.read_text()) == found.manifest, "what is written reads back as what was meant"
    return path


async def test_120_flows_exported_run_elsewhere_and_exported_again_are_the_same_manifest(tmp_path):
    _, first = await sandbox(tmp_path, "from", seed_counts={"flows": 80, "audiences": 2, "datasetFlows": 40})
    assert (len(first.manifest["entries"]), first.left) == (120, [])
    assert list(first.manifest["connections"]) == ["data-lake-exports", "shared-s3-account"], "shared by 40 and by 80"
    assert first.variables == {
        "DATA_LAKE_EXPORTS_S3_SECRET_KEY": "s3SecretKey of Data lake exports",
        "SHARED_S3_ACCOUNT_S3_SECRET_KEY": "s3SecretKey of Shared S3 account",
    }
    assert "ssss" not in manifest_text(first, "dev")
    report, second = await sandbox(tmp_path, "to", path=written(tmp_path, first), env=SECRETS)
    assert {row.status for row in report.items} == {"created"}
    assert second.manifest == first.manifest
    rows = ids_text(report, first.ids).splitlines()
    assert rows[0] == "item,role,old,new"
    assert len(rows) == 1 + 4 * 120
    assert all(row.split(",")[2] != row.split(",")[3] != "" for row in rows[1:])


async def test_every_destination_survives_the_way_there_and_back(tmp_path):
    """The flows of first-run.yaml: eight destinations of both generations."""
    _, first = await sandbox(tmp_path, "from", path=MANIFESTS / "first-run.yaml", select=["*1*", "*a*", "*e*"])
    assert len(first.manifest["entries"]) > 100
    assert len({entry["connection"] for entry in first.manifest["entries"]}) == 8
    assert not first.left
    env = {variable: _fake(variable) for variable in first.variables}
    _, second = await sandbox(tmp_path, "to", path=written(tmp_path, first), env=env)
    assert second.manifest == first.manifest


def _fake(variable):
    if variable.endswith("S3_SECRET_KEY") or variable == "CAMPAIGN_SECRET_KEY":
        return "fake/secret/key/for/the/embedded/server+"
    if variable.endswith("CONNECTION_STRING"):
        return "DefaultEndpointsProtocol=https;AccountName=fake;AccountKey=ZmFrZQ==;EndpointSuffix=core.windows.net"
    return "ZmFrZQ=="


async def test_a_platform_in_trouble_is_asked_again(tmp_path):
    faults = [Fault("status", method="GET", status=503, every=2), Fault("html", method="GET", nth=3)]
    _, found = await sandbox(tmp_path, "from", seed_counts={"flows": 30}, faults=faults)
    assert len(found.manifest["entries"]) == 30


MIXED = """
headgate: 1
name: sources
connections:
  cloud:
    source: salesforce_service_cloud
    auth: {specName: Basic Authentication, params: {username: u$$1, password: fake-password, securityToken: fake-token}}
  now:
    source: servicenow
    auth: {specName: Basic Authentication, params: {endpoint: e, username: u, password: fake-password}}
  other:
    source: 3416976c-a9ca-4bba-901a-1f08f66978ff
    auth: {specName: Anything, params: {host: h, password: fake-password}}
  landing-zone: {destination: data_landing_zone}
entries:
  - kind: source-ingestion
    name: "Cloud ${row}, all"
    description: Costs $$5
    foreach: {range: [1, 10]}
    connection: cloud
    table: {tableName: "T${row}", columns: [&id {name: Id, type: string, xdm: {type: string, format: date-time}}]}
    schema: &shared {title: "Shared, by all", description: Of $$5, class: "https://ns.adobe.com/xdm/context/profile"}
    dataset: {name: Cloud, description: "100 $$"}
    mappings: [{sourceAttribute: Id, destinationXdmPath: _id, identity: true, identityGroup: g}]
    deltaColumn: {name: Id}
    scheduleParams: {startTime: 1590792316, frequency: minute, interval: 15, backfill: true}
  - kind: source-ingestion
    name: "Now ${row}"
    foreach: {range: [1, 9]}
    connection: now
    table: {tableName: "T${row}", columns: [*id]}
    schema: *shared
    dataset: {name: "Now ${row}"}
    mappings: [{sourceAttribute: Id, destinationXdmPath: _id}]
    deltaColumn: {name: Id}
    scheduleParams: {startTime: 1590792316, frequency: day, interval: 1}
  - kind: source-ingestion
    name: Other
    source: {connectionSpec: {id: 3416976c-a9ca-4bba-901a-1f08f66978ff, version: "1.0"},
             flowSpec: {id: 14518937-270c-4525-bdec-c2ba7cce3860, version: "1.0"}}
    connection: other
    table: {tableName: T, columns: [*id]}
    schema: {title: Other, class: "https://ns.adobe.com/xdm/context/profile",
             fieldGroups: ["https://ns.adobe.com/xdm/context/profile-person-details"]}
    dataset: {name: Other}
    mappings: [{sourceAttribute: Id, destinationXdmPath: _id}]
    deltaColumn: {name: Id, dateFormat: "yyyy-MM-dd HH:mm:ss", timezone: UTC}
    scheduleParams: {startTime: 1590792316, frequency: once}
  - kind: audience-export
    name: "Out ${row}"
    foreach: {range: [1, 5]}
    connection: landing-zone
    target: {path: "out/${row}", compression: GZIP}
    audiences:
      - id: 9f7d37fd-7039-4454-94ef-2b0cd6c3206a
        exportMode: DAILY_FULL_EXPORT
        schedule: {frequency: ONCE, triggerType: SCHEDULED, startDate: "2036-12-20", startTime: "17:00"}
"""
PASSWORDS = {
    name: "fake" for name in ("CLOUD_PASSWORD", "CLOUD_SECURITY_TOKEN", "NOW_PASSWORD", "OTHER_HOST", "OTHER_PASSWORD")
}


def mixed(folder):
    path = folder / "mixed.yaml"
    path.write_text(MIXED)
    return path


async def test_ingestions_exported_run_elsewhere_and_exported_again_are_the_same_manifest(tmp_path):
    made, first = await sandbox(tmp_path, "from", path=mixed(tmp_path))
    kinds = [entry["kind"] for entry in first.manifest["entries"]]
    assert (kinds.count("source-ingestion"), kinds.count("audience-export"), first.left) == (20, 5, [])
    assert set(first.manifest["connections"]) == {"cloud", "now", "other", "landing-zone"}
    assert "vars" not in first.manifest
    assert set(first.variables) == set(PASSWORDS)
    assert [note.partition(":")[0] for note in first.notes] == ["account 'other'"]
    assert "fake" not in manifest_text(first, "dev")
    assert {row["item"]: row for row in first.ids} == {row.item: {"item": row.item, **row.ids} for row in made.items}

    report, second = await sandbox(tmp_path, "to", path=written(tmp_path, first), env=PASSWORDS)
    assert {row.status for row in report.items} == {"created"}
    assert second.manifest == first.manifest
    for role, count in (("schema", 2), ("dataset", 11), ("mappingSet", 20), ("baseConnection", 4)):
        assert len({row.ids[role] for row in report.items if role in row.ids}) == count, "shared by as many as before"


async def test_what_somebody_else_made_is_used_as_it_is_and_named_by_ids_that_can_be_given(tmp_path):
    """The schema and the datasets of one sandbox bear no mark: a run elsewhere is told which ones it has."""

    def strange(simulator):
        world = simulator._server.world
        for kind in ("schemas", "dataSets"):
            for one in world.store.all(kind):
                world.commit("put", kind, {**one, "document": {**one["document"], "description": "by hand"}})

    _, first = await sandbox(tmp_path, "from", path=mixed(tmp_path), select=["Other"], tamper=strange)
    assert set(first.manifest["vars"]) == set(first.given) == {"dataset-other", "schema-other"}
    _, there = await sandbox(tmp_path, "to", path=mixed(tmp_path), select=["Other"], tamper=strange)
    path, given = written(tmp_path, first), there.manifest["vars"]
    report, _ = await sandbox(tmp_path, "to", path=path, env=PASSWORDS, overrides=given)
    assert {role: report.items[0].ids[role] for role in ("schema", "dataset")} == {
        "schema": given["schema-other"],
        "dataset": given["dataset-other"],
    }
