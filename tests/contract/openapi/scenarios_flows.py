"""More scenarios: exports of datasets, flows that exist, objects that are changed in place, and objects that go."""

from __future__ import annotations

from typing import Any

from headgate.catalogue import batch, batch_keys
from headgate.clock import SystemClock
from headgate.launch import Wishes
from headgate.simulator import Fault
from headgate.strays import deletion, look, strays

from tests.contract.openapi.samples import connections, export, manifest, targets
from tests.contract.openapi.stage import DELETE_S, DELETE_SCALE, World, scenario


@scenario()
async def datasets(world: World) -> None:
    """Datasets to every destination that takes them, by id and by a pattern of names; a full export and increments."""
    full = {"exportMode": "DAILY_FULL_EXPORT", "timeUnit": "day", "interval": 0}
    often = {"exportMode": "FIRST_FULL_THEN_INCREMENTAL", "timeUnit": "hour", "interval": 3}
    times = {"startTime": 4070908800, "endTime": 4102444800}
    entries = []
    for number, key in enumerate(key for key in batch_keys() if not batch(key).legacy):
        place = {name: value for name, value in targets(key)[0].items() if name not in ("fileType", "compression")}
        entries.append(
            {
                "kind": "dataset-export",
                "name": f"datasets {key}",
                "connection": connections(key)[0],
                "datasets": {"select": "AAM Realtime*"}
                if number
                else [{"dataSetId": "5ef3e3259ad2a1191ab7dd7d", "name": "AAM Devices Data"}],
                "target": {**place, "datasetFileType": "PARQUET", "compression": "GZIP"},
                "scheduleParams": {**(full if number else often), **times},
            }
        )
    report = await world.run(manifest(*entries))
    assert report.status == "succeeded", report.failures[:3]


@scenario()
async def objects_made_from_other_content(world: World) -> None:
    """What exists is read and changed in place: an account, a target, a flow, and descriptions of all."""
    way, where = connections("amazon_s3")[0], targets("amazon_s3")[0]
    before = export("item", connection=way, target=where, description="as it was")
    assert (await world.run(manifest(before))).status == "succeeded"
    way = {
        **way,
        "encryptionSpecs": {
            "specName": "Encryption spec",
            "params": {"encryptionAlgo": "PGPGPG", "publicKey": "ZmFrZQ=="},
        },
    }
    after = export("item", connection=way, target={**where, "path": "elsewhere"}, description="as it is now")
    report = await world.run(manifest(after))
    assert report.status == "succeeded", report.failures[:3]
    assert [row.status for row in report.items] == ["updated"]


DESTINATION_FLOWS = {"property": ["inheritedAttributes.properties.isDestinationFlow==true"]}
SOURCE_FLOWS = {"property": ["inheritedAttributes.properties.isSourceFlow==true"]}


@scenario(seed_counts={"datasetFlows": 10}, patch_status="alternate")
async def end_dates_of_exports(world: World) -> None:
    """The whole of ``scheduleParams``, and a patch that says more; somebody else is faster once."""
    world.simulator.set_faults([Fault("conflict", method="PATCH", path="/flows/", nth=1)])
    soon = {**DESTINATION_FLOWS, "where": "scheduleParams.endTime < `1790000000`"}
    folder = {"op": "add", "path": "/scheduleParams/foldernameTemplate", "value": "%DATASET_NAME%"}
    report = await world.run(
        manifest(
            {"kind": "flow-update", "name": "dates", "select": soon, "set": {"/scheduleParams/endTime": 1830336000}},
            {"kind": "flow-update", "name": "folders", "select": DESTINATION_FLOWS, "patch": [folder]},
            {"kind": "flow-update", "name": "words", "select": DESTINATION_FLOWS, "set": {"/description": "extended"}},
        )
    )
    assert report.status == "succeeded", report.failures[:3]
    assert 412 in {exchange.status for exchange in world.recorder.kept}


@scenario(seed_counts={"flows": 4, "sourceFlows": 3})
async def actions_on_flows(world: World) -> None:
    """Disable and enable, by name and by selection; a failed ingestion once more, and one that cannot be found."""
    for flow in world.simulator.objects("flows"):
        if flow["inheritedAttributes"]["properties"].get("isSourceFlow"):
            world.simulator.scheduled_run(flow["id"], seconds=0.0, outcome="failed")
    report = await world.run(
        manifest(
            export("mine"),
            {"kind": "flow-action", "name": "wait", "flows": ["mine"], "action": "disable"},
            {"kind": "flow-action", "name": "all wait", "select": DESTINATION_FLOWS, "action": "disable"},
            {"kind": "flow-action", "name": "all begin", "select": DESTINATION_FLOWS, "action": "enable"},
            {"kind": "flow-action", "name": "again", "select": SOURCE_FLOWS, "action": "retry"},
        )
    )
    assert report.status == "succeeded", report.failures[:3]


@scenario(seed_counts={"flows": 4}, delete_status="204")
async def flows_that_are_deleted(world: World) -> None:
    """By selection, with the first answer lost, so that one is asked for that is gone."""
    world.simulator.set_faults([Fault("lost-after-commit", method="DELETE", path="/flows/", nth=1)])
    report = await world.run(
        manifest({"kind": "flow-action", "name": "gone", "select": DESTINATION_FLOWS, "action": "delete"})
    )
    assert {row.status for row in report.items} == {"deleted"}
    assert not world.simulator.objects("flows")


@scenario(seed_counts={"flows": 4, "datasetFlows": 2, "sourceFlows": 2})
async def runs_that_are_watched(world: World) -> None:
    """Runs of every kind of flow, that go on and end in every way, and a flow that has none."""
    fates = ("success", "failed", "partial", "success", "failed", None)
    for number, flow in enumerate(world.simulator.objects("flows")):
        fate = fates[number % len(fates)]
        if fate:
            world.simulator.scheduled_run(flow["id"], seconds=2000.0, outcome=fate)
    entries = [
        {"kind": "watch", "name": name, "select": select, "within": "12h"}
        for name, select in (("exports", DESTINATION_FLOWS), ("ingestions", SOURCE_FLOWS))
    ]
    report = await world.run(manifest(*entries))
    assert report.items
    assert {"success", "failed"} <= {row.runState for row in report.items}


@scenario(time_scale=DELETE_SCALE, delete_seconds=DELETE_S, delete_status="202")
async def everything_is_destroyed(world: World) -> None:
    """In the order that the platform wants; deletions take their time, and one answer is lost."""
    datasets = {
        "kind": "dataset-export",
        "name": "datasets",
        "connection": connections("amazon_s3")[0],
        "datasets": [{"dataSetId": "5ef3e3259ad2a1191ab7dd7d", "name": "AAM Devices Data"}],
        "target": {"bucketName": "acme-exports", "path": "out/", "datasetFileType": "PARQUET", "compression": "GZIP"},
        "scheduleParams": {
            "exportMode": "DAILY_FULL_EXPORT",
            "timeUnit": "day",
            "interval": 0,
            "startTime": 4070908800,
            "endTime": 4102444800,
        },
    }
    assert (await world.run(manifest(export("one"), datasets))).status == "succeeded"
    world.simulator.set_faults([Fault("lost-after-commit", method="DELETE", path="/flows/", nth=1)])
    report = await world.destroy()
    assert report.status == "succeeded", report.failures[:3]
    assert {row.status for row in report.items} == {"deleted"}


@scenario(seed_counts={"flows": 2})
async def a_lost_store_is_swept(world: World) -> None:
    """What bears a mark and is in no store is found in the lists, and deleted."""
    assert (await world.run(manifest(export("one")))).status == "succeeded"
    world.forget()
    seen = await look(world.profile, "dev", SystemClock(), Wishes())
    report = await world.perform(deletion(seen, strays(seen, {}), "dev"))
    assert report.status == "succeeded", report.failures[:3]
