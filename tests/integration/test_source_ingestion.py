"""Whole runs of source-ingestion on the embedded platform: its ledger, not ours, says what happened."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from headgate.errors import UsageError
from headgate.embedded import simulated
from headgate.launch import Watch, Wishes, execute
from headgate.manifest.kinds import GRAMMARS
from headgate.manifest.load import load
from headgate.pacing import PollPolicy, RetryPolicy
from headgate.settings import Limits, Profile
from headgate.simulator import Fault
from headgate.store import open_store
from headgate.workflows.compile import compile_plan

SAMPLE = Path(__file__).parents[2] / "configs" / "manifests" / "source-ingestion.yaml"
MANIFEST = """
headgate: 1
name: sources
connections:
  cloud:
    source: salesforce_service_cloud
    auth: {specName: Basic Authentication, params: {username: u, password: fake-password, securityToken: fake-token}}
  now:
    source: servicenow
    auth: {specName: Basic Authentication, params: {endpoint: e, username: u, password: fake-password}}
  other:
    source: 3416976c-a9ca-4bba-901a-1f08f66978ff
    auth: {specName: Anything, params: {host: h, password: fake-password}}
entries:
  - kind: source-ingestion
    name: "Cloud ${row}, all"                    # a name that no filter can hold
    foreach: {range: [1, 20]}
    connection: cloud
    table: {tableName: "T${row}", columns: [&id {name: Id, type: string, xdm: {type: string}}]}
    schema: &shared {title: "Shared, by all", class: "https://ns.adobe.com/xdm/context/profile"}
    dataset: {name: Cloud}
    mappings: [{sourceAttribute: Id, destinationXdmPath: _id}]
    deltaColumn: {name: Id}
    scheduleParams: {startTime: 1590792316, frequency: minute, interval: "15", backfill: "true"}
  - kind: source-ingestion
    name: "Now ${row}"
    foreach: {range: [1, 20]}
    source: servicenow
    connection: now
    table: {tableName: "T${row}", columns: [*id]}
    schema: *shared
    dataset: {name: "Now ${row}"}
    mappings: [{sourceAttribute: Id, destinationXdmPath: _id}]
    deltaColumn: {name: Id}
    scheduleParams: {startTime: 1590792316, frequency: day, interval: 1}
  - kind: source-ingestion
    name: "Other ${row}"
    foreach: {range: [1, 4]}
    source: {connectionSpec: {id: 3416976c-a9ca-4bba-901a-1f08f66978ff, version: "1.0"},
             flowSpec: {id: 14518937-270c-4525-bdec-c2ba7cce3860, version: "1.0"}}
    connection: other
    table: {tableName: "T${row}", columns: [*id]}
    schema: {title: "Other ${row}", class: "https://ns.adobe.com/xdm/context/profile",
             fieldGroups: ["https://ns.adobe.com/xdm/context/profile-person-details"]}
    dataset: {name: "Other ${row}"}
    mappings: [{sourceAttribute: Id, destinationXdmPath: _id}]
    deltaColumn: {name: Id, dateFormat: "yyyy-MM-dd HH:mm:ss", timezone: UTC}
    scheduleParams: {startTime: 1590792316, frequency: once}
"""
ITEMS = 44
MADE = {
    "connections": 3,
    "sourceConnections": ITEMS,
    "targetConnections": ITEMS,
    "flows": ITEMS,
    "schemas": 5,
    "dataSets": 25,
    "mappingSets": ITEMS,
}


def profile(tmp_path, state):
    return replace(
        Profile.load(env={}, state=str(tmp_path / state)),
        limits=Limits(rate="5000/s"),
        retry=RetryPolicy(attempts=8, first_s=0.01, cap_s=0.05, budget_floor=5000),
        poll=PollPolicy(600.0, 1200.0),
        timeout_s=2.0,
    )


def planned(tmp_path, text=MANIFEST):
    path = tmp_path / "sources.yaml"
    path.write_text(text)
    return compile_plan(load(path, grammars=GRAMMARS, env={}), "dev")


async def go(
    tmp_path, plan, *, state="state.db", then=None, watch=None, observers=(), wishes=None, before=None, **options
):
    """One run; the report, the ledger of the platform, and what ``then`` makes of the platform."""
    store = open_store(tmp_path / state)
    world = profile(tmp_path, "state.db")
    try:
        async with simulated(world, plan.sandbox, time_scale=3600.0, **options) as (where, simulator):
            if before is not None:
                before(simulator)
            report = await execute(
                plan,
                path=tmp_path / "sources.yaml",
                profile=where,
                store=store,
                wishes=wishes,
                watch=watch,
                observers=observers,
            )
            return report, simulator.ledger(), then(simulator) if then else None
    finally:
        store.close()


def judge(report, ledger):
    assert report.status == "succeeded", (report.failures[:3], report.stop)
    assert ledger["violations"] == []
    assert ledger["duplicates"] == []
    assert ledger["created"] == ledger["objects"] == MADE


async def test_every_object_is_made_once_and_shared_where_it_is_the_same(tmp_path):
    report, ledger, flows = await go(tmp_path, planned(tmp_path), then=lambda platform: platform.objects("flows"))
    judge(report, ledger)
    assert {row.status for row in report.items} == {"created"}
    roles = {"baseConnection", "sourceConnection", "schema", "dataset", "targetConnection", "mappingSet", "flow"}
    assert all(set(row.ids) == roles for row in report.items)
    assert len({row.ids["schema"] for row in report.items}) == 5
    assert len({row.ids["dataset"] for row in report.items}) == 25
    (first,) = [flow for flow in flows if flow["name"] == "Cloud 1, all"]
    assert first["scheduleParams"] == {
        "startTime": 1590792316,
        "frequency": "minute",
        "interval": 15,
        "backfill": True,
    }
    mapping = next(row.ids["mappingSet"] for row in report.items if row.item == "Cloud 1, all")
    assert first["transformations"] == [
        {"name": "Copy", "params": {"deltaColumn": {"name": "Id"}}},
        {"name": "Mapping", "params": {"mappingId": mapping, "mappingVersion": "0"}},
    ]


async def test_a_second_run_makes_nothing_and_so_does_one_whose_store_is_lost(tmp_path):
    plan = planned(tmp_path)
    await go(tmp_path, plan)
    report, ledger, _ = await go(tmp_path, plan)
    judge(report, ledger)
    assert {row.status for row in report.items} == {"reused"}
    posts = [name for name in report.requests["byEndpoint"] if name.startswith("POST /")]
    assert posts == []
    report, ledger, _ = await go(tmp_path, plan, state="other.db")
    judge(report, ledger)
    assert {row.status for row in report.items} == {"reused"}


LOST = {
    "one in twenty": [Fault("lost-after-commit", method="POST", path="/data/", probability=0.05)],
    "one in three": [Fault("lost-after-commit", method="POST", path="/data/", every=3)],
    "every first": [
        Fault("lost-after-commit", method="POST", path=f"/{name}$", nth=1)
        for name in ("connections", "schemas", "dataSets", "mappingSets", "flows")
    ],
    "before the commit": [Fault("lost-before-commit", method="POST", path="/data/", every=7)],
    "half an answer": [Fault("truncated", method="POST", path="/data/", probability=0.2)],
    "a web page, done": [Fault("html", method="POST", path="/data/", probability=0.2, status=200)],
}


@pytest.mark.parametrize("faults", LOST.values(), ids=list(LOST))
@pytest.mark.parametrize("seed", [1, 2])
async def test_with_answers_lost_nothing_is_there_twice(tmp_path, faults, seed):
    report, ledger, _ = await go(tmp_path, planned(tmp_path), faults=faults, seed=seed)
    judge(report, ledger)
    assert report.requests["retried"] > 0


@pytest.mark.parametrize("after", [5, 30, 90, 170])
async def test_ended_at_any_moment_and_resumed_nothing_is_there_twice(tmp_path, after):
    plan, watch, settled = planned(tmp_path), Watch(), []

    def end(event):
        if event.name == "settled":
            settled.append(event)
            if len(settled) == after:
                watch.cancel()

    faults = LOST["one in twenty"]
    await go(tmp_path, plan, faults=faults, watch=watch, observers=(end,))
    assert watch.run is not None
    again = Watch()
    report, ledger, _ = await go(tmp_path, plan, faults=faults, watch=again)
    assert again.continued
    judge(report, ledger)


async def test_a_changed_schedule_or_delta_column_is_changed_in_place_and_a_changed_table_refused(tmp_path):
    await go(tmp_path, planned(tmp_path))
    text = MANIFEST.replace("frequency: day, interval: 1", "frequency: day, interval: 2").replace("UTC", "PST")
    report, ledger, flows = await go(tmp_path, planned(tmp_path, text), then=lambda of: of.objects("flows"))
    judge(report, ledger)
    assert Counter(row.status for row in report.items) == {"reused": 20, "updated": 24}
    assert report.requests["byEndpoint"]["PATCH /flows/{id}"] == 24
    by_name = {flow["name"]: flow for flow in flows}
    assert by_name["Now 7"]["scheduleParams"]["interval"] == 2
    assert by_name["Other 2"]["transformations"][0]["params"]["deltaColumn"]["timezone"] == "PST"
    assert by_name["Other 2"]["transformations"][1]["params"]["mappingId"]
    with pytest.raises(UsageError, match="cannot be changed") as caught:
        await go(tmp_path, planned(tmp_path, text.replace('tableName: "T${row}"', 'tableName: "U${row}"')))
    assert "source:Cloud 1, all: another table or other columns" in str(caught.value)
    with pytest.raises(UsageError, match="schema:Shared, by all: another class"):
        await go(tmp_path, planned(tmp_path, text.replace('context/profile"}', 'context/experienceevent"}')))


async def test_a_changed_mapping_is_another_mapping_set_for_the_same_flow(tmp_path):
    first, _, _ = await go(tmp_path, planned(tmp_path))
    text = MANIFEST.replace("destinationXdmPath: _id}]\n    deltaColumn: {name: Id}\n    scheduleParams: {startTime: "
                            "1590792316, frequency: day", "destinationXdmPath: personID}]\n    deltaColumn: {name: Id}\n"
                            "    scheduleParams: {startTime: 1590792316, frequency: day")  # fmt: skip
    report, ledger, flows = await go(tmp_path, planned(tmp_path, text), then=lambda of: of.objects("flows"))
    assert Counter(row.status for row in report.items) == {"reused": 24, "updated": 20}
    assert ledger["violations"] == ledger["duplicates"] == []
    assert ledger["created"] == {**MADE, "mappingSets": ITEMS + 20}
    led = {flow["name"]: flow["transformations"][1]["params"]["mappingId"] for flow in flows}
    assert led == {row.item: row.ids["mappingSet"] for row in report.items}
    assert [row.ids["flow"] for row in report.items] == [row.ids["flow"] for row in first.items]
    report, ledger, _ = await go(tmp_path, planned(tmp_path))
    assert report.status == "succeeded"
    assert ledger["created"]["mappingSets"] == ITEMS + 20, "the old ones fit again"


async def test_refresh_makes_again_what_is_gone_and_leaves_the_rest(tmp_path):
    plan = planned(tmp_path)
    await go(tmp_path, plan)

    def tamper(simulator):
        world = simulator._server.world
        for kind, name in (("flows", "Now 1"), ("sourceConnections", "Now 2"), ("flows", "Now 3"),
                           ("sourceConnections", "Now 3"), ("targetConnections", "Now 3")):  # fmt: skip
            (one,) = [one for one in world.store.all(kind) if one["name"] == name]
            world.commit("del", kind, one["id"])

    again = {"flows": 2, "sourceConnections": 2, "targetConnections": 1}
    report, ledger, flows = await go(
        tmp_path, plan, before=tamper, wishes=Wishes(refresh=True), then=lambda of: of.objects("flows"),
        faults=[Fault("lost-after-commit", method="POST", path="/data/", every=2)],
    )  # fmt: skip
    assert report.status == "succeeded", report.failures
    assert ledger["violations"] == ledger["duplicates"] == []
    assert ledger["created"] == {kind: count + again.get(kind, 0) for kind, count in MADE.items()}
    assert ledger["objects"] == MADE
    assert Counter(row.status for row in report.items) == {"reused": 41, "created": 2, "updated": 1}
    sources = {flow["name"]: flow["sourceConnectionIds"] for flow in flows}
    assert sources == {row.item: [row.ids["sourceConnection"]] for row in report.items}


async def test_what_exists_is_named_by_its_id(tmp_path):
    report, _, _ = await go(tmp_path, planned(tmp_path))
    ids = report.items[0].ids
    text = f"""
headgate: 1
name: second
entries:
  - kind: source-ingestion
    name: By id
    source: salesforce_service_cloud
    connection: {{id: {ids["baseConnection"]}}}
    table: {{tableName: T, columns: [{{name: Id, type: string, xdm: {{type: string}}}}]}}
    schema: {{id: "{ids["schema"]}"}}
    dataset: {{id: {ids["dataset"]}}}
    mappings: [{{sourceAttribute: Id, destinationXdmPath: _id}}]
    deltaColumn: {{name: Id}}
    scheduleParams: {{startTime: 1590792316, frequency: once}}
"""
    report, ledger, _ = await go(tmp_path, planned(tmp_path, text))
    assert report.status == "succeeded", report.failures
    (row,) = report.items
    kept = ("baseConnection", "schema", "dataset")
    assert {role: row.ids[role] for role in kept} == {role: ids[role] for role in kept}
    grown = ("sourceConnections", "targetConnections", "flows", "mappingSets")
    assert ledger["created"] == {**MADE, **{kind: MADE[kind] + 1 for kind in grown}}
    assert ledger["violations"] == []


async def test_a_title_that_somebody_else_has_is_refused_with_advice(tmp_path):
    await go(tmp_path, planned(tmp_path))
    text = MANIFEST.replace("name: sources", "name: strangers")
    report, ledger, _ = await go(tmp_path, planned(tmp_path, text))
    assert report.status == "failed"
    failure = next(one for one in report.failures if one.job.startswith("schema:"))
    assert failure.code == "XDM-3005-400"
    assert "schema: {id" in failure.advice
    assert ledger["created"]["schemas"] == 5
    assert ledger["violations"] == []


async def test_the_sample_manifest_runs(tmp_path):
    plan = compile_plan(load(SAMPLE, grammars=GRAMMARS, env={}), "dev")
    report, ledger, _ = await go(tmp_path, plan)
    assert report.exit_code == 0, report.failures
    assert ledger["violations"] == ledger["duplicates"] == []
    assert {kind: ledger["created"][kind] for kind in ("connections", "schemas", "dataSets", "flows")} == {
        "connections": 2,
        "schemas": 2,
        "dataSets": 5,
        "flows": 6,
    }
