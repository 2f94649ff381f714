"""What a source-ingestion item becomes: jobs, edges, bodies; and nothing secret in what is kept."""

from __future__ import annotations

from collections import Counter

import orjson
import pytest

from headgate.errors import ManifestError
from headgate.manifest.kinds import GRAMMARS
from headgate.manifest.load import load
from headgate.planning.outline import Outline
from headgate.secret import masked
from headgate.workflows.compile import compile_plan

SECRET = "hush-hush-hush"
OTHER = "3416976c-a9ca-4bba-901a-1f08f66978ff"
TEXT = """
headgate: 1
name: sources
connections:
  cloud:
    source: salesforce_service_cloud
    auth: {specName: Basic Authentication, params: {username: u, password: hush-hush-hush, securityToken: "${env:TOKEN}"}}
entries:
  - kind: source-ingestion
    name: "Table ${row}"
    foreach: {range: [1, 3]}
    description: Read by headgate
    connection: cloud
    table: {tableName: "T${row}", columns: [{name: Id, type: string, "meta:xdmType": string, xdm: {type: string}}]}
    schema: {title: Shared, description: of all, class: "https://ns.adobe.com/xdm/context/profile",
             fieldGroups: ["https://ns.adobe.com/xdm/context/profile-person-details"]}
    dataset: {name: Shared}
    mappings: [{sourceAttribute: Id, destinationXdmPath: _id}]
    deltaColumn: {name: Id, timezone: UTC}
    scheduleParams: {startTime: 1798800000, frequency: hour, interval: 1}
"""


@pytest.fixture
def make(tmp_path):
    def compiled(text=TEXT, **env):
        path = tmp_path / "m.yaml"
        path.write_text(text)
        return compile_plan(load(path, grammars=GRAMMARS, env={"TOKEN": SECRET, **env}), "dev")

    return compiled


def by_key(plan):
    return {job.key: job for job in plan.jobs}


def needs(plan, key):
    return {role: plan.jobs[edge].key for role, edge in by_key(plan)[key].needs.items()}


def test_what_is_shared_is_planned_once(make):
    plan = make()
    assert Counter(key.partition(":")[0] for key in by_key(plan)) == {
        "list": 7,
        "base": 1,
        "source": 3,
        "schema": 1,
        "dataset": 1,
        "target": 3,
        "mapping": 3,
        "flow-spec": 1,
        "flow": 3,
        "check": 3,
    }
    for index, job in enumerate(plan.jobs):
        assert all(edge < index for edge in job.needs.values())


def test_edges_say_who_needs_what(make):
    plan = make()
    assert needs(plan, "dataset:Shared") == {"schema": "schema:Shared", "listed": "list:dataSets"}
    assert needs(plan, "mapping:Table 2") == {"schema": "schema:Shared", "listed": "list:mappingSets"}
    assert needs(plan, "target:Table 2") == {
        "schema": "schema:Shared",
        "dataset": "dataset:Shared",
        "listed": "list:targetConnections",
    }
    assert needs(plan, "flow:Table 2") == {
        "source": "source:Table 2",
        "target": "target:Table 2",
        "mapping": "mapping:Table 2",
        "flowSpec": "flow-spec:CRMToAEP",
        "listed": "list:flows",
    }
    assert needs(plan, "check:Table 2") == {"flow": "flow:Table 2"}
    (row,) = [row for row in plan.items if row.item == "Table 2"]
    assert set(row.jobs) == {
        "baseConnection", "sourceConnection", "schema", "dataset", "targetConnection", "mappingSet", "flow", "check",
    }  # fmt: skip


def test_bodies_are_those_of_the_tutorial(make):
    jobs = by_key(make())
    assert jobs["source:Table 1"].spec.body | {"description": ""} == {
        "name": "Table 1",
        "description": "",
        "connectionSpec": {"id": "cb66ab34-8619-49cb-96d1-39b37ede86ea", "version": "1.0"},
        "data": {"format": "tabular"},
        "params": {
            "tableName": "T1",
            "columns": [{"name": "Id", "type": "string", "meta:xdmType": "string", "xdm": {"type": "string"}}],
        },
    }
    schema = dict(jobs["schema:Shared"].spec.body)
    assert schema.pop("description") == f"of all {jobs['schema:Shared'].spec.marker}"
    profile = "https://ns.adobe.com/xdm/context/profile"
    assert schema == {
        "type": "object",
        "title": "Shared",
        "allOf": [{"$ref": profile}, {"$ref": f"{profile}-person-details"}],
        "meta:containerId": "tenant",
        "meta:resourceType": "schemas",
        "meta:xdmType": "object",
        "meta:class": profile,
    }
    mapping = jobs["mapping:Table 1"].spec
    assert mapping.body == {
        "version": 0,
        "xdmVersion": "1.0",
        "id": None,
        "name": f"Table 1 {mapping.marker}",
        "mappings": [
            {
                "sourceAttribute": "Id",
                "destinationXdmPath": "_id",
                "identity": False,
                "identityGroup": None,
                "namespaceCode": None,
                "version": 0,
            }
        ],
    }
    flow = jobs["flow:Table 1"].spec.body
    assert flow["flowSpec"] == {"version": "1.0"}, "its id is looked up"
    assert flow["transformations"] == [
        {"name": "Copy", "params": {"deltaColumn": {"name": "Id", "timezone": "UTC"}}},
        {"name": "Mapping", "params": {"mappingVersion": "0"}},
    ]
    assert flow["scheduleParams"] == {"startTime": 1798800000, "frequency": "hour", "interval": 1}
    assert flow["description"].startswith("Read by headgate [headgate:")


def test_every_created_object_bears_a_mark_of_its_own(make):
    created = [job for job in make().jobs if job.kind == "create"]
    assert len({job.spec.marker for job in created}) == len(created)
    for job in created:
        field = "name" if job.collection == "mappingSets" else "description"
        assert job.spec.body[field].endswith(job.spec.marker)


def test_what_exists_is_not_planned(make):
    schema = TEXT[TEXT.index("    schema:") : TEXT.index("    dataset:")]
    text = TEXT.replace(schema, '    schema: {id: "https://x/schemas/1"}\n').replace(
        "dataset: {name: Shared}", "dataset: {id: 5e}"
    )
    text = text.replace("connection: cloud", "connection: {id: b-1, source: servicenow}")
    plan = make(text)
    assert not {"schema:Shared", "dataset:Shared"} & by_key(plan).keys()
    body = by_key(plan)["target:Table 1"].spec.body
    assert body["params"] == {"dataSetId": "5e"}
    assert body["data"]["schema"]["id"] == "https://x/schemas/1"
    assert by_key(plan)["mapping:Table 1"].spec.body["xdmSchema"] == "https://x/schemas/1"
    source = by_key(plan)["source:Table 1"].spec.body
    assert source["baseConnectionId"] == "b-1"
    assert source["connectionSpec"]["id"] == "eb13cb25-47ab-407f-ba89-c0125281c563"
    known = {"baseConnection": "b-1", "schema": "https://x/schemas/1", "dataset": "5e"}
    assert plan.items[0].known == known


@pytest.mark.parametrize(
    ("spec", "found", "looked_up"),
    [
        ("", {"version": "1.0"}, "CRMToAEP"),
        (", flowSpec: {name: Mine}", {"version": "1.0"}, "Mine"),
        (f", flowSpec: {{id: {OTHER}, version: '2.0'}}", {"id": OTHER, "version": "2.0"}, None),
    ],
)
def test_any_source_by_its_ids(make, spec, found, looked_up):
    text = TEXT.replace("source: salesforce_service_cloud", f"source: {OTHER}").replace(
        "    connection: cloud", f"    connection: cloud\n    source: {{connectionSpec: {{id: {OTHER}}}{spec}}}"
    )
    plan = make(text)
    assert by_key(plan)["flow:Table 1"].spec.body["flowSpec"] == found
    assert [key for key in by_key(plan) if key.startswith("flow-spec:")] == (
        [f"flow-spec:{looked_up}"] if looked_up else []
    )
    assert by_key(plan)["source:Table 1"].spec.body["connectionSpec"] == {"id": OTHER, "version": "1.0"}


def test_nothing_that_is_kept_holds_a_secret(make):
    plan = make()
    assert SECRET.encode() not in Outline.of(plan).packed()
    for job in plan.jobs:
        spec = {name: getattr(job.spec, name) for name in job.spec.__slots__}
        assert SECRET.encode() not in orjson.dumps(masked(spec))
    assert make(TOKEN="another").fingerprint == plan.fingerprint


def test_two_accounts_that_differ_by_their_secrets_alone_need_names(make):
    entry = TEXT[TEXT.index("  - kind") :]
    inline = 'connection: {auth: {specName: Basic Authentication, params: {endpoint: e, username: u, password: "${env:%s}"}}}'
    head = TEXT[: TEXT.index("  - kind")]
    one, two = (
        entry.replace("connection: cloud", "source: servicenow\n    " + inline % name).replace("Table", table)
        for name, table in (("TOKEN", "Table"), ("TOKEN", "Other"))
    )
    assert [job.key for job in make(head + one + two).jobs if job.role == "baseConnection"] != []
    rows = one.replace("${env:TOKEN}", "${row.password}").replace(
        "{range: [1, 3]}", "{rows: [{n: 1, password: a-secret}, {n: 2, password: b-secret}]}"
    )
    rows = rows.replace("${row}", "${row.n}")
    with pytest.raises(ManifestError) as caught:
        make(head + rows)
    (problem,) = caught.value.problems
    assert "differ by their secrets alone" in problem.message
    assert "secret}" not in str(problem)
