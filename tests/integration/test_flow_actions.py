"""Actions on existing flows, on the embedded platform: its own objects and its ledger say what happened."""

from __future__ import annotations

from collections import Counter
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import pytest

from headgate.embedded import simulated
from headgate.launch import Watch, execute
from headgate.manifest.kinds import GRAMMARS
from headgate.manifest.load import load
from headgate.pacing import PollPolicy, RetryPolicy
from headgate.settings import Limits, Profile
from headgate.simulator import Fault
from headgate.store import open_store
from headgate.workflows.compile import compile_plan

#: Platform seconds in one of ours.
SCALE = 36000.0
END = 1830336000
S3_DATASETS = "269ba276-16fc-47db-92b0-c1049a3c131f"
EXTEND = f"""
headgate: 1
name: extend
entries:
  - kind: flow-update
    name: extend exports
    select: {{property: ["flowSpec.id=={S3_DATASETS}"], where: "scheduleParams.endTime < `1790000000`"}}
    set: {{/scheduleParams/endTime: {END}}}
options: {{rate: 5000/s}}
"""
#: What every change of a flow moves, whoever makes it.
MOVING = ("etag", "version", "updatedAt", "updatedBy", "updatedClient", "lastOperation")
#: Two of five seeded end dates lie beyond the date that is asked for, or are missing.
SELECTED = 0.6


LOST = [
    Fault("lost-after-commit", method=method, path="/(flows|runs)/", probability=0.4)
    for method in ("PATCH", "POST", "DELETE")
]


def planned(tmp_path, text):
    path = tmp_path / "manifest.yaml"
    path.write_text(text)
    return compile_plan(load(path, grammars=GRAMMARS), "dev")


def profile(tmp_path, **changes):
    plain = Profile.load(env={}, state=str(tmp_path / "state.db"))
    return replace(
        plain,
        limits=Limits(rate="5000/s"),
        retry=RetryPolicy(attempts=8, first_s=0.01, cap_s=0.05, budget_floor=1000),
        poll=PollPolicy(600.0, 1200.0),
        timeout_s=2.0,
        **changes,
    )


async def go(tmp_path, plan, *, before=None, wishes=None, watch=None, changes=None, scale=SCALE, **options):
    """One life of the run: the report, the platform's flows before and after by id, its ledger."""
    store = open_store(tmp_path / "state.db")
    try:
        async with simulated(profile(tmp_path, **(changes or {})), plan.sandbox, time_scale=scale, **options) as (
            where,
            simulator,
        ):
            then = {flow["id"]: deepcopy(flow) for flow in simulator.objects("flows")}
            if before is not None:
                before(simulator)
            report = await execute(
                plan, path=tmp_path / "m.yaml", profile=where, store=store, wishes=wishes, watch=watch
            )
            now = {flow["id"]: deepcopy(flow) for flow in simulator.objects("flows")}
            return report, then, now, simulator.ledger()
    finally:
        store.close()


def steady(flow):
    return {key: value for key, value in flow.items() if key not in MOVING and key[0] != "_"}


def judge_extended(then, now):
    """All selected flows have the new end date; every other key of every flow is as it was."""
    extended = 0
    for remote, before in then.items():
        wanted = steady(before)
        if before["scheduleParams"].get("endTime", END) < 1790000000:
            wanted["scheduleParams"] = {**before["scheduleParams"], "endTime": END}
            extended += 1
        assert steady(now[remote]) == wanted
    return extended


async def test_250_exports_are_extended_through_a_storm_of_conflicts(tmp_path):
    """Twice per flow somebody else saves it between our GET and our PATCH; half of the PATCHes are asynchronous."""
    storm = [Fault("conflict", method="PATCH", path="/flows/", first=2)]
    plan = planned(tmp_path, EXTEND)
    report, then, now, ledger = await go(tmp_path, plan, seed_counts={"datasetFlows": 250}, faults=storm)
    assert report.status == "succeeded", (report.failures[:3], report.stop)
    assert judge_extended(then, now) == 150
    assert Counter(row.status for row in report.items) == {"updated": 150}
    assert {row.ids["flow"] for row in report.items} == {
        remote for remote, flow in then.items() if flow["scheduleParams"].get("endTime", END) < 1790000000
    }
    first = report.items[0]
    assert first.entry == "extend exports"
    assert first.item.startswith("Existing dataset export")
    assert [change["path"] for change in first.changes] == ["/scheduleParams/endTime"]
    assert first.changes[0]["to"] == END
    assert ledger["refusals"]["412"] == 300
    assert ledger["updated"]["flows"] == 150
    assert ledger["violations"] == []
    assert report.requests["byEndpoint"]["PATCH /flows/{id}"] == 450

    again, then, now, ledger = await go(tmp_path, plan)
    assert again.status == "succeeded"
    assert again.items == [], "nothing is selected any more"
    assert again.requests["byEndpoint"].keys() <= {"GET /flows", "POST token"}


async def test_what_somebody_else_changed_meanwhile_is_kept(tmp_path):
    """Between the choice and the change: ours is worked out on theirs."""
    other = {"scheduleParams": {"timeUnit": "hour", "interval": 12, "startTime": 5, "endTime": 1788220800}}

    def meddle(simulator):
        for flow in simulator.objects("flows"):
            simulator.meddle("flows", flow["id"], **other)

    report, _, now, ledger = await go(
        tmp_path, planned(tmp_path, EXTEND), seed_counts={"datasetFlows": 10}, before=meddle
    )
    assert Counter(row.status for row in report.items) == {"updated": 10}
    assert [flow["scheduleParams"] for flow in now.values()] == [{**other["scheduleParams"], "endTime": END}] * 10
    assert ledger["violations"] == []


@pytest.mark.parametrize("patch_status", ["200", "202"])
async def test_changes_that_show_only_when_they_are_done(tmp_path, patch_status):
    """Until then the flow has its old values and its old etag; a lost answer must not be taken for "not done"."""
    report, then, now, ledger = await go(
        tmp_path,
        planned(tmp_path, EXTEND),
        seed_counts={"datasetFlows": 30},
        faults=LOST,
        patch_status=patch_status,
        patch_shows="when-done",
        update_seconds=3000.0,
    )
    assert report.status == "succeeded", report.failures[:3]
    assert judge_extended(then, now) == 18
    assert ledger["updated"]["flows"] == 18
    assert ledger["violations"] == []


async def test_an_endless_storm_is_a_conflict_that_shows_both_etags(tmp_path):
    storm = [Fault("conflict", method="PATCH", path="/flows/")]
    report, then, now, _ = await go(tmp_path, planned(tmp_path, EXTEND), seed_counts={"datasetFlows": 5}, faults=storm)
    assert report.status == "failed"
    assert Counter(row.status for row in report.items) == {"failed": 3}
    assert all(row.error["code"] == "headgate-conflict" for row in report.items)
    assert all(row.error["message"].count("-0200-0000-") == 2 for row in report.items)
    assert [steady(flow) for flow in now.values()] == [steady(flow) for flow in then.values()]
    assert {failure.item for failure in report.failures} == {row.item for row in report.items}


BROKEN = [*LOST, Fault("lost-before-commit", method="PATCH", probability=0.3), Fault("status", status=503, every=9)]


async def test_lost_answers_are_looked_up(tmp_path):
    report, then, now, ledger = await go(
        tmp_path, planned(tmp_path, EXTEND), seed_counts={"datasetFlows": 50}, faults=BROKEN
    )
    assert report.status == "succeeded", report.failures[:3]
    assert judge_extended(then, now) == 30
    assert Counter(row.status for row in report.items) == {"updated": 30}
    assert ledger["updated"]["flows"] == 30, "nothing was changed twice"
    assert ledger["violations"] == []


@pytest.mark.parametrize("after", [2, 10, 25, 40])
async def test_a_killed_run_goes_on_with_the_flows_it_chose(tmp_path, after):
    plan, watch = planned(tmp_path, EXTEND), Watch()
    store = open_store(tmp_path / "state.db")
    told = 0

    def count(_tell):
        nonlocal told
        told += 1
        if told == after:
            watch.cancel()

    try:
        async with simulated(
            profile(tmp_path), "dev", time_scale=SCALE, seed_counts={"datasetFlows": 50}, faults=LOST
        ) as (where, simulator):
            then = {flow["id"]: deepcopy(flow) for flow in simulator.objects("flows")}
            first = await execute(
                plan, path=tmp_path / "m.yaml", profile=where, store=store, watch=watch, observers=(count,)
            )
            report = await execute(plan, path=tmp_path / "m.yaml", profile=where, store=store)
            now = {flow["id"]: flow for flow in simulator.objects("flows")}
            ledger = simulator.ledger()
    finally:
        store.close()
    broken = first.totals["held"] > 0  # else it was over just as it was stopped
    if broken:
        assert report.run_id == first.run_id
        assert all(row.status in ("held", "updated") for row in first.items)
    assert judge_extended(then, now) == 30
    assert report.status == "succeeded", report.failures[:3]
    if broken:
        assert Counter(row.status for row in report.items) == {"updated": 30}
    assert ledger["updated"]["flows"] == 30


ACTION = """
headgate: 1
name: act
entries:
  - kind: flow-action
    name: act
    select: {property: ["inheritedAttributes.properties.isDestinationFlow==true"], where: "%s"}
    action: %s
options: {rate: 5000/s}
"""


async def test_disable_then_again_then_enable_then_delete(tmp_path):
    odd = "ends_with(name, '1')"
    disable = planned(tmp_path, ACTION % (odd, "disable"))
    report, _, now, ledger = await go(tmp_path, disable, seed_counts={"datasetFlows": 50}, faults=LOST)
    chosen = [flow for flow in now.values() if flow["name"].endswith("1")]
    assert (len(chosen), {flow["state"] for flow in chosen}) == (5, {"disabled"})
    assert Counter(row.status for row in report.items) == {"updated": 5}
    assert Counter(flow["state"] for flow in now.values()) == {"enabled": 45, "disabled": 5}
    assert ledger["updated"]["flows"] == 5

    report, *_ = await go(tmp_path, disable)
    assert Counter(row.status for row in report.items) == {"unchanged": 5}
    assert "POST /flows/{id}/action" not in report.requests["byEndpoint"]

    report, _, now, _ = await go(tmp_path, planned(tmp_path, ACTION % ("name", "enable")), faults=LOST)
    assert Counter(row.status for row in report.items) == {"updated": 5, "unchanged": 45}
    assert {flow["state"] for flow in now.values()} == {"enabled"}

    for where, left in ((odd, 45), ("state == 'enabled'", 0)):
        report, _, now, ledger = await go(tmp_path, planned(tmp_path, ACTION % (where, "delete")), faults=LOST)
        assert {row.status for row in report.items} == {"deleted"}
        assert len(now) == left
    assert ledger["deleted"]["flows"] == 50
    assert ledger["violations"] == []


async def test_deleting_without_a_condition(tmp_path):
    text = (ACTION % ("name", "delete")).replace(', where: "name"', "")
    report, then, now, _ = await go(tmp_path, planned(tmp_path, text), seed_counts={"datasetFlows": 7})
    assert [row.status for row in report.items] == ["deleted"] * 7
    assert {row.ids["flow"] for row in report.items} == set(then)
    assert {row.item for row in report.items} == {flow["name"] for flow in then.values()}
    assert not now


RETRY = """
headgate: 1
name: again
entries:
  - kind: flow-action
    name: again
    select: {property: ["inheritedAttributes.properties.isSourceFlow==true"]}
    action: retry
"""


async def test_failed_ingestions_are_triggered_again_once(tmp_path):
    def runs(simulator):
        for number, flow in enumerate(simulator.objects("flows")):
            if number < 4:
                simulator.scheduled_run(flow["id"], seconds=0.0, outcome="failed" if number < 3 else "success")

    report, then, _, ledger = await go(
        tmp_path,
        planned(tmp_path, RETRY),
        seed_counts={"sourceFlows": 6},
        before=runs,
        faults=[Fault("lost-after-commit", method="POST", path="/runs/", times=2)],
    )
    assert report.status == "succeeded", report.failures
    assert Counter(row.status for row in report.items) == {"updated": 3, "unchanged": 3}
    assert all(row.runId for row in report.items if row.status == "updated")
    assert ledger["requests"]["byEndpoint"]["POST /runs/{id}/action"] == 3
    assert ledger["violations"] == []


WATCH = """
headgate: 1
name: follow
entries:
  - kind: watch
    name: follow
    select: {property: ["inheritedAttributes.properties.isDestinationFlow==true"]}
    within: 12h
options: {rate: 5000/s}
"""


async def test_runs_are_followed_to_their_end(tmp_path):
    fates = ("success", "partial", "failed", "success", None)

    def runs(simulator):
        for number, flow in enumerate(simulator.objects("flows")):
            fate = fates[number % len(fates)]
            if fate:
                simulator.scheduled_run(flow["id"], seconds=2000.0 + number, outcome=fate)

    report, then, _, ledger = await go(tmp_path, planned(tmp_path, WATCH), seed_counts={"flows": 120}, before=runs)
    wanted = {flow["name"]: fates[number % len(fates)] for number, flow in enumerate(then.values())}
    assert {row.item: row.runState for row in report.items} == wanted
    assert {(row.runState, row.status) for row in report.items} == {
        ("success", "unchanged"),
        ("partial", "unchanged"),
        ("failed", "failed"),
        (None, "unchanged"),
    }
    assert report.status == "failed"
    assert report.totals["failed"] == 24
    assert ledger["requests"]["byEndpoint"]["GET /runs"] < 40, "many runs in a request"
    assert {row.error["code"] for row in report.items if row.status == "failed"} == {"headgate-watched-run"}


async def test_a_run_without_an_end_meets_the_deadline(tmp_path):
    def runs(simulator):
        simulator.scheduled_run(simulator.objects("flows")[0]["id"], seconds=1e9)

    plan = planned(tmp_path, WATCH.replace("12h", "1h"))
    report, *_ = await go(tmp_path, plan, seed_counts={"datasetFlows": 1}, before=runs)
    [row] = report.items
    assert (row.status, row.runState, row.error["code"]) == ("failed", "running", "headgate-still-running")


MANIFESTS = Path(__file__).parents[2] / "configs" / "manifests"


async def test_the_example_extends_exports(tmp_path):
    plan = compile_plan(load(MANIFESTS / "extend-exports.yaml", grammars=GRAMMARS), "dev")
    report, then, now, ledger = await go(tmp_path, plan, seed_counts={"datasetFlows": 20})
    assert report.status == "succeeded", report.failures
    assert Counter((row.entry, row.status) for row in report.items) == {
        ("extend exports", "updated"): 12,
        ("a folder for each day", "updated"): 5,
    }
    for name, flow in now.items():
        before = then[name]["scheduleParams"].get("endTime")
        wanted = END if before is not None and before < 1_790_000_000 else before
        assert flow["scheduleParams"].get("endTime") == wanted, name
    assert ledger["violations"] == []


async def test_the_example_acts_on_flows(tmp_path):
    plan = compile_plan(load(MANIFESTS / "flow-action.yaml", grammars=GRAMMARS), "dev")
    report, _, now, ledger = await go(tmp_path, plan, seed_counts={"flows": 3, "sourceFlows": 2})
    assert report.status == "succeeded", report.failures
    states = {flow["name"]: flow["state"] for flow in now.values() if flow["name"].startswith("Pilot")}
    assert states == {"Pilot fr": "enabled", "Pilot de": "disabled", "Pilot it": "disabled"}
    assert Counter((row.entry, row.status) for row in report.items) == {
        ("Pilot ${row.region}", "created"): 3,
        ("pilots wait", "updated"): 3,
        ("pilots that begin", "updated"): 1,
        ("failed ingestions again", "unchanged"): 2,
    }
    assert ledger["violations"] == []


async def test_the_example_watches(tmp_path):
    plan = compile_plan(load(MANIFESTS / "watch.yaml", grammars=GRAMMARS), "dev")
    report, _, _, ledger = await go(tmp_path, plan, run_seconds=(1000.0, 2000.0))
    assert report.status == "succeeded", report.failures
    watched = [row for row in report.items if row.entry == "today's news"]
    assert [(row.item, row.status, row.runState) for row in watched] == [
        ("News travel", "unchanged", "success"),
        ("News sports", "unchanged", "success"),
    ]
    assert ledger["violations"] == []
