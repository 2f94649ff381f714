"""Actions on existing flows, on the embedded platform: its own objects and its ledger say what happened."""

from __future__ import annotations

import asyncio
from collections import Counter
from copy import deepcopy
from dataclasses import replace

import pytest

from headgate.launch import Watch, Wishes, execute, simulated
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
        async with simulated(
            profile(tmp_path, **(changes or {})), plan.sandbox, time_scale=scale, **options
        ) as (where, simulator):
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
