"""Every effect loses its answer on the embedded platform, row by row of the table: its ledger says what happened.

Lists lag behind in real terms here: 45 platform seconds are 75 ms of ours, and looks come in less at first. Whatever
the machine's speed the looks only come later than they could, so nothing depends on who is faster.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from headgate.embedded import simulated
from headgate.launch import Wishes, execute
from headgate.manifest.kinds import GRAMMARS
from headgate.manifest.load import load
from headgate.pacing import PollPolicy, RetryPolicy
from headgate.settings import Limits, Profile
from headgate.simulator import Fault
from headgate.store import open_store
from headgate.teardown import Scope, teardown
from headgate.workflows.compile import compile_plan
from headgate.workflows.evidence import EVIDENCE

SCALE, LAG_S = 600.0, 45.0
MAKE = """
headgate: 1
name: lost
vars: {{kind: {kind}}}
connections:
  s3:
    name: bucket {kind}
    destination: amazon_s3
    auth: {{specName: Access Key, params: {{s3AccessKey: FAKEFAKEFAKEFAKEFAKE, s3SecretKey: fake/secret/key/for/the/embedded/server+}}}}
  cloud:
    source: salesforce_service_cloud
    auth: {{specName: Basic Authentication, params: {{username: u, password: fake-password, securityToken: fake-token}}}}
entries:
  - kind: audience-export
    name: Export
    connection: s3
    target: {{bucketName: acme-exports, path: x/{kind}, fileType: CSV, compression: GZIP}}
    description: "{kind}"
    audiences:
      - {{id: 00000000-0000-4000-8000-000000000001, exportMode: DAILY_FULL_EXPORT,
         schedule: {{frequency: DAILY, triggerType: SCHEDULED, startDate: "2020-01-01", startTime: "17:00", endDate: "2099-01-01"}}}}
  - kind: source-ingestion
    name: Ingestion
    connection: cloud
    table: {{tableName: T, columns: [{{name: Id, type: string, xdm: {{type: string}}}}]}}
    schema: {{title: "A title", class: "https://ns.adobe.com/xdm/context/profile"}}
    dataset: {{name: A dataset}}
    mappings: [{{sourceAttribute: Id, destinationXdmPath: _id}}]
    deltaColumn: {{name: Id}}
    scheduleParams: {{startTime: 1590792316, frequency: minute, interval: 15}}
options: {{rate: 5000/s}}
"""
ACT = """
headgate: 1
name: act
entries:
  - kind: flow-update
    name: put off
    select: {property: ["inheritedAttributes.properties.isDestinationFlow==true"], where: "scheduleParams.interval"}
    set: {/scheduleParams/endTime: 1830336000}
  - kind: flow-action
    name: again
    select: {property: ["inheritedAttributes.properties.isSourceFlow==true"]}
    action: retry
  - kind: flow-action
    name: off
    select: {property: ["inheritedAttributes.properties.isDestinationFlow==true"]}
    action: disable
options: {rate: 5000/s}
"""
ACTIVATE = """
headgate: 1
name: activate
entries:
  - kind: activation
    name: now
    apiVersion: %d
    pairs: {rows: [%s]}
options: {rate: 5000/s}
"""
MADE = {
    "connections": 3, "sourceConnections": 2, "targetConnections": 2, "flows": 2, "schemas": 1, "dataSets": 1,
    "mappingSets": 1,
}  # fmt: skip
LOST = {"after": "lost-after-commit", "before": "lost-before-commit", "lagging": "lost-after-commit"}
#: The rows that a scenario is about.
ROWS = {
    "make": [effect for effect, row in EVIDENCE.items() if row.by.value == "mark"] + ["PATCH /flows/{id}"],
    "change": [effect for effect in EVIDENCE if effect.startswith("PATCH")],
    "act": ["PATCH /flows/{id}", "POST /flows/{id}/action", "POST /runs/{id}/action"],
    "activate 1": ["POST /adhocrun"],
    "activate 2": ["POST /adhocrun"],
    "destroy": [effect for effect in EVIDENCE if effect.startswith("DELETE")],
}


def fault(effect, kind, **when):
    method, _, path = effect.partition(" ")
    return Fault(kind, method=method, path=path.replace("{id}", "[^/]+") + "$", **when)


class Stage:
    """A store, and a platform that is as it was from one scenario to the next."""

    def __init__(self, folder):
        self.folder = folder
        self.profile = replace(
            Profile.load(env={}, state=str(folder / "state.db")),
            limits=Limits(rate="5000/s"),
            retry=RetryPolicy(attempts=8, first_s=0.01, cap_s=0.05, budget_floor=1000),
            poll=PollPolicy(30.0, 60.0),
            timeout_s=2.0,
        )

    def platform(self, **options):
        return simulated(self.profile, "dev", time_scale=SCALE, run_seconds=(60.0, 90.0), **options)

    async def run(self, where, text):
        path = self.folder / "m.yaml"
        path.write_text(text)
        plan = compile_plan(load(path, grammars=GRAMMARS, env={}), "dev")
        store = open_store(self.folder / "state.db")
        try:
            return await execute(plan, path=path, profile=where, store=store)
        finally:
            store.close()

    async def destroy(self, where):
        store = open_store(self.folder / "state.db")
        try:
            plan = teardown(store, Scope("lost", "dev")).plan
            return await execute(
                plan, path=self.folder / "m.yaml", profile=where, store=store, wishes=Wishes(fresh=True)
            )
        finally:
            store.close()

    async def prepare(self, scenario, where, simulator):
        """What has to be there before answers are lost."""
        if scenario in ("change", "destroy"):
            assert (await self.run(where, MAKE.format(kind="first"))).status == "succeeded"
        for flow in simulator.objects("flows"):
            if flow["name"].startswith("Existing ingestion"):
                simulator.scheduled_run(flow["id"], seconds=0.0, outcome="failed")
        simulator.advance(300.0)

    async def play(self, scenario, where, simulator):
        match scenario:
            case "make":
                return await self.run(where, MAKE.format(kind="first"))
            case "change":
                return await self.run(where, MAKE.format(kind="second"))
            case "destroy":
                return await self.destroy(where)
            case "act":
                return await self.run(where, ACT)
        flow = simulator.objects("flows")[0]
        audiences = flow["transformations"][0]["params"]["segmentSelectors"]["selectors"]
        rows = ", ".join("{destinationId: %s, segmentId: %s}" % (flow["id"], one["value"]["id"]) for one in audiences)
        return await self.run(where, ACTIVATE % (int(scenario[-1]), rows))


SEEDS = {
    "act": {"datasetFlows": 2, "sourceFlows": 2},
    "activate 1": {"flows": 1, "audiences": 3},
    "activate 2": {"flows": 1, "audiences": 3},
}


def judge(scenario, report, ledger):
    """Everything that was wanted is there, and once."""
    assert report.status == "succeeded", (report.failures[:3], report.stop)
    assert ledger["violations"] == []
    assert ledger["duplicates"] == []
    match scenario:
        case "make" | "change":
            assert ledger["created"] == ledger["objects"] == MADE
        case "destroy":
            gone = {key: count for key, count in MADE.items() if key != "mappingSets"}
            assert ledger["deleted"] == gone
            assert {key: count for key, count in ledger["objects"].items() if count} == {"mappingSets": 1}
        case "act":
            # What was changed was changed once, both exports were disabled once, and each failed run has one successor.
            changed = [row for row in report.items if row.entry == "put off" and row.status == "updated"]
            assert changed
            assert ledger["updated"]["flows"] == len(changed) + 2
            assert len(ledger["activations"]["foreign"]) == 2 * 2
        case _:
            assert list(ledger["activations"]["pairs"].values()) == [1, 1, 1]
            assert ledger["activations"]["jobs"] == 1
            assert {row.runState for row in report.activations} == {"success"}


@pytest.mark.parametrize("how", LOST)
@pytest.mark.parametrize("scenario", ROWS)
async def test_a_lost_answer_makes_nothing_twice_and_loses_nothing(tmp_path, scenario, how):
    """Every answer is lost that follows a commit; of requests that are not carried out, the first to each address."""
    stage, rows = Stage(tmp_path), ROWS[scenario]
    # Credentials are never shown: nobody can see that they are in place, and they are sent again. Once is enough here.
    once = ("PATCH /connections/{id}",) if how != "before" else rows
    faults = [fault(effect, LOST[how], **({"first": 1} if effect in once else {})) for effect in rows]
    lag = LAG_S if how == "lagging" else 0.0
    async with stage.platform(seed_counts=SEEDS.get(scenario, {}), list_lag_seconds=lag) as (where, simulator):
        await stage.prepare(scenario, where, simulator)
        simulator.set_faults(faults)
        report = await stage.play(scenario, where, simulator)
        struck = dict(zip(rows, (row["fired"] for row in simulator.faults()), strict=True))
        ledger = simulator.ledger()
    assert all(struck.values()), struck
    judge(scenario, report, ledger)
    sent = {effect for effect in report.requests["byEndpoint"] if not effect.startswith("GET")} - {"POST token"}
    assert sent <= set(EVIDENCE), "an effect has no row in the table"


def test_every_row_of_the_table_is_played():
    assert {effect for rows in ROWS.values() for effect in rows} == set(EVIDENCE)


@pytest.mark.parametrize("effect", [effect for effect in ROWS["make"] if effect.startswith("POST")])
async def test_two_candidates_are_listed_and_none_is_taken(tmp_path, effect):
    """A proxy repeats the request that it got no answer to: two objects bear one mark."""
    stage, path = Stage(tmp_path), effect.partition(" ")[2]
    async with stage.platform(faults=[fault(effect, "lost-twice")]) as (where, simulator):
        report = await stage.run(where, MAKE.format(kind="first"))
        ledger, made = simulator.ledger(), simulator.objects(path.rpartition("/")[2])
    assert ledger["violations"] == []
    if path == "/tenant/schemas":  # titles are unique there: the second one was refused
        assert report.status == "succeeded"
        assert len(made) == 1
        return
    assert report.status == "failed"
    twins = {}
    for one in made:
        twins.setdefault(one["name"], []).append(one["id"])
    assert all(len(ids) == 2 for ids in twins.values()), "one more was made after the two were found"
    said = [failure for failure in report.failures if failure.code == "headgate-two-candidates"]
    named = {one for failure in said for one in failure.message.rpartition(": ")[2].split(", ")}
    # The profile store's connection is the same whoever made it: the older of the two serves.
    assert named == {one for name, ids in twins.items() for one in ids if name != "headgate profile store"}


@pytest.mark.parametrize("scenario", ["change", "act", "activate 2", "destroy"])
async def test_what_is_done_twice_to_one_object_is_done(tmp_path, scenario):
    stage = Stage(tmp_path)
    async with stage.platform(seed_counts=SEEDS.get(scenario, {})) as (where, simulator):
        await stage.prepare(scenario, where, simulator)
        once = "PATCH /connections/{id}"
        simulator.set_faults(
            [fault(effect, "lost-twice", **({"first": 1} if effect == once else {})) for effect in ROWS[scenario]]
        )
        report = await stage.play(scenario, where, simulator)
        ledger = simulator.ledger()
    assert report.status == "succeeded", (report.failures[:3], report.stop)
    assert ledger["duplicates"] == []
    if scenario == "activate 2":
        assert list(ledger["activations"]["pairs"].values()) == [1, 1, 1]
    if scenario == "act":  # the platform took both: the report names them instead of choosing
        again = [row for row in report.items if row.entry == "again"]
        assert len(again) == 2
        assert all(row.reason.startswith("one of the runs ") for row in again)


async def test_a_schema_in_doubt_is_looked_up_by_its_mark_when_it_is_destroyed(tmp_path):
    """The answer was lost and the run ended before anybody looked."""
    stage = Stage(tmp_path)
    async with stage.platform(faults=[fault("POST /tenant/schemas", "lost-after-commit")]) as (where, simulator):
        impatient = replace(where, retry=RetryPolicy(attempts=8, budget_floor=0, budget_ratio=0.0))
        report = await stage.run(impatient, MAKE.format(kind="first"))
        assert report.stop_reason == "platform"
        assert simulator.ledger()["objects"]["schemas"] == 1
        assert (await stage.destroy(where)).status == "succeeded"
        assert simulator.ledger()["deleted"]["schemas"] == 1
        assert not any(simulator.ledger()["objects"].values())
