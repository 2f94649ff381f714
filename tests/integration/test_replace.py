"""What cannot be changed in place is made anew on request: the old goes last, and whatever happens, nothing is twice."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from headgate.cli.survey import survey
from headgate.cli.views import plan as view
from headgate.errors import UsageError
from headgate.embedded import simulated
from headgate.launch import Watch, Wishes, execute
from headgate.simulator import Fault
from headgate.store import open_store

from tests.integration.test_source_ingestion import planned, profile

MANIFEST = """
headgate: 1
name: replacing
connections:
  now:
    source: servicenow
    auth: {specName: Basic Authentication, params: {endpoint: e, username: u, password: fake-password}}
  mail:
    destination: oracle_eloqua
    auth: {specName: SFTP with Password, params: {domain: d.example.com, host: h.example.com, username: u, password: fake}}
  zone: {destination: data_landing_zone}
entries:
  - kind: audience-export
    name: "Mail ${row}"
    foreach: {range: [1, 4]}
    connection: mail
    target: {mode: FTP, remotePath: "/m/${row}"}
    audiences:
      - id: 9f7d37fd-7039-4454-94ef-2b0cd6c3206a
        exportMode: DAILY_FULL_EXPORT
        schedule: {frequency: ONCE, triggerType: SCHEDULED, startDate: "2036-12-20", startTime: "17:00"}
    attributes: [person.name.firstName]
  - kind: source-ingestion
    name: "Now ${row}"
    foreach: {range: [1, 4]}
    connection: now
    table: {tableName: "T${row}", columns: [{name: Id, type: string, xdm: {type: string}}]}
    schema: {title: "Shared", class: "https://ns.adobe.com/xdm/context/profile"}
    dataset: {name: Now}
    mappings: [{sourceAttribute: Id, destinationXdmPath: _id}]
    deltaColumn: {name: Id}
    scheduleParams: {startTime: 1590792316, frequency: day, interval: 1}
  - kind: dataset-export
    name: "Lake ${row}"
    foreach: {range: [1, 4]}
    connection: zone
    datasets: [{dataSetId: 5ef3e3259ad2a1191ab7dd7d, name: AAM Devices Data}]
    target: {path: "lake/${row}", datasetFileType: PARQUET, compression: GZIP}
    scheduleParams:
      {exportMode: FIRST_FULL_THEN_INCREMENTAL, timeUnit: hour, interval: 3, startTime: 1798800000, endTime: 1830336000}
"""
DATASETS = {"5ef3e3259ad2a1191ab7dd7d": "AAM Devices Data", "6ef3e3259ad2a1191ab7dd7d": "Other"}
KEY = (
    "{specName: SFTP with SSH Key, params: {domain: d.example.com, host: h.example.com, username: u, sshKey: ZmFrZQ==}}"
)
#: Another account's way in, another table, another dataset.
CHANGED = (
    MANIFEST.replace(MANIFEST[MANIFEST.index("{specName: SFTP") : MANIFEST.index("\n  zone:")], KEY)
    .replace('"T${row}"', '"U${row}"')
    .replace("5ef3e3259ad2a1191ab7dd7d, name: AAM Devices Data", "6ef3e3259ad2a1191ab7dd7d, name: Other")
)
THERE = {"connections": 4, "sourceConnections": 12, "targetConnections": 12, "flows": 12, "schemas": 1, "dataSets": 1, "mappingSets": 4}  # fmt: skip
#: Made anew: the account with its four targets and flows; four tables with their flows; four sources of datasets.
ANEW = {"connections": 1, "targetConnections": 4, "sourceConnections": 8, "flows": 8}


async def go(folder, text, *, wishes=None, watch=None, observers=(), **options):
    """One run; its report, the platform's ledger, and its live objects."""
    plan, where = planned(folder, text), profile(folder, "state.db")
    store = open_store(folder / "state.db")
    try:
        async with simulated(where, "dev", time_scale=36000.0, datasets=DATASETS, **options) as (there, simulator):
            report = await execute(
                plan, path=folder / "m.yaml", profile=replace(there), store=store, wishes=wishes, watch=watch,
                observers=observers,
            )  # fmt: skip
            live = {kind: simulator.objects(kind) for kind in ("flows", "sourceConnections", "targetConnections")}
            return report, simulator.ledger(), live
    finally:
        store.close()


def judge(report, ledger, live):
    assert report.status == "succeeded", (report.failures[:3], report.stop)
    assert ledger["violations"] == []
    assert ledger["objects"] == THERE
    assert ledger["created"] == {kind: count + ANEW.get(kind, 0) for kind, count in THERE.items()}
    flows = {flow["name"]: flow for flow in live["flows"]}
    for row in report.items:
        flow = flows[row.item]
        assert flow["id"] == row.ids["flow"]
        assert flow["sourceConnectionIds"] == [row.ids["sourceConnection"]]
        assert flow["targetConnectionIds"] == [row.ids["targetConnection"]]
    for one in live["sourceConnections"]:
        params = one.get("params") or {}
        assert params.get("tableName", "U").startswith("U")
        assert [each["name"] for each in params.get("datasets", ())] in ([], ["Other"])


async def test_without_being_asked_it_is_refused_and_with_it_replaced(tmp_path):
    first, ledger, _ = await go(tmp_path, MANIFEST)
    assert (first.status, ledger["created"], ledger["objects"]) == ("succeeded", THERE, THERE), first.failures
    with pytest.raises(UsageError, match="cannot be changed") as caught:
        await go(tmp_path, CHANGED)
    assert "source:Lake 1: other datasets" in str(caught.value)
    assert "base:oracle_eloqua:mail: another type of credentials" in str(caught.value)
    assert "--replace" in caught.value.hint

    plan, where, store = planned(tmp_path, CHANGED), profile(tmp_path, "state.db"), open_store(tmp_path / "state.db")
    refused = survey(plan, where, store, simulate=True, rate=None)
    assert (refused.count("refused"), len(refused.refusals)) == (12, 1)
    found = survey(plan, where, store, simulate=True, rate=None, anew=True)
    assert (found.count("replace"), found.refusals) == (12, [])
    store.close()
    assert "12 to replace" in view.text(found)
    assert found.as_json()["actions"][0]["reason"] == (
        "base:oracle_eloqua:mail: another type of credentials; target:Mail 1: what it stands on is replaced; "
        "flow:Mail 1: what it stands on is replaced"
    )
    asked = {name: count for name, count in found.requests.items() if name.startswith(("POST", "DELETE"))}

    report, *seen = await go(tmp_path, CHANGED, wishes=Wishes(replace=True))
    judge(report, *seen)
    sent = report.requests["byEndpoint"]
    assert asked == {name: count for name, count in sent.items() if name.startswith(("POST /", "DELETE"))}
    assert Counter(row.status for row in report.items) == {"replaced": 12}
    kept = [row.ids["flow"] for row in report.items if row.item.startswith("Lake")]
    assert kept == [row.ids["flow"] for row in first.items if row.item.startswith("Lake")], "led to the new, not remade"
    again, ledger, _ = await go(tmp_path, CHANGED, wishes=Wishes(replace=True))
    assert {row.status for row in again.items} == {"reused"}
    assert ledger["objects"] == THERE


FAULTS = {
    "answers lost": [Fault("lost-after-commit", path="/data/foundation/flowservice", probability=0.2)],
    "every post and deletion": [
        Fault("lost-after-commit", method="POST", path="/data/", every=2),
        Fault("lost-after-commit", method="DELETE", path="/data/", every=2),
    ],
    "lost before": [Fault("lost-before-commit", method="POST", path="/data/", every=3)],
}


@pytest.mark.parametrize("faults", FAULTS.values(), ids=list(FAULTS))
async def test_with_answers_lost_every_replacement_is_made_once(tmp_path, faults):
    await go(tmp_path, MANIFEST)
    report, *seen = await go(tmp_path, CHANGED, wishes=Wishes(replace=True), faults=faults)
    judge(report, *seen)


@pytest.mark.parametrize("after", [4, 30, 60])
@pytest.mark.parametrize("fresh", [False, True])
async def test_ended_at_any_moment_it_goes_on_and_nothing_is_twice(tmp_path, after, fresh):
    await go(tmp_path, MANIFEST)
    watch, settled = Watch(), []

    def end(event):
        if event.name == "settled":
            settled.append(event)
            if len(settled) == after:
                watch.cancel()

    faults = FAULTS["answers lost"]
    cut, *_ = await go(tmp_path, CHANGED, wishes=Wishes(replace=True), faults=faults, watch=watch, observers=(end,))
    assert cut.status == "interrupted"
    again = Watch()
    wishes = Wishes(replace=True, fresh=True) if fresh else None
    report, ledger, live = await go(tmp_path, CHANGED, wishes=wishes, watch=again, faults=faults)
    assert again.continued is not fresh
    if not fresh:
        judge(report, ledger, live)
        return
    # Begun anew, what was made is used; what is old and known no more is for a sweep, and nothing was made twice.
    assert report.status == "succeeded", report.failures[:3]
    assert ledger["created"] == {kind: count + ANEW.get(kind, 0) for kind, count in THERE.items()}


async def test_when_the_new_flow_is_refused_the_old_one_stays(tmp_path):
    first, *_ = await go(tmp_path, MANIFEST)
    faults = [Fault("status", method="POST", path="/flows$", status=400)]
    report, ledger, live = await go(tmp_path, CHANGED, wishes=Wishes(replace=True), faults=faults)
    assert report.status == "failed"
    assert Counter(row.status for row in report.items) == {"failed": 8, "replaced": 4}
    assert {row.ids["flow"] for row in first.items} == {flow["id"] for flow in live["flows"]}
    assert ledger["objects"]["flows"] == 12
    assert ledger["objects"]["connections"] == 5, "the old account is used still"
