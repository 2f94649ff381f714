"""Dataset exports and ingestions that were there before the client came, made when a world is new."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headgate.simulator.store import new_entity

if TYPE_CHECKING:
    from collections.abc import Callable

    from headgate.simulator.world import World

_START = 1_725_148_800
#: When seeded ingestions are to run: not while anybody looks.
_LATER = 4_102_444_800
#: End dates of the seeded dataset exports, in turn: the default once given to old flows, one far away, none at all.
END_TIMES = (1_756_684_800, 1_830_336_000, None, 1_788_220_800, 1_788_220_801)
#: Their cadences, in turn (facts 7.4).
CADENCES = (("hour", 3), ("day", 1), ("hour", 12), ("hour", 6))


def furnish_datasets(world: World, number: int, make: Callable[[World, str, dict[str, Any]], str]) -> None:
    """``number`` dataset exports to S3, of one account, with end dates and cadences that differ.

    ``make(world, kind, body)`` makes an object of somebody else by the rules that hold for everybody.
    """
    if not number:
        return
    s3 = next(each for each in world.specs.destinations.values() if each.key == "amazon_s3")
    spec, lake = _spec(s3.connection_spec), _spec(world.specs.data_lake)
    auth = {"specName": "Access Key", "params": {"s3AccessKey": "B" * 20, "s3SecretKey": "s" * 40}}
    account = make(world, "connections", {"name": "Data lake exports", "connectionSpec": spec, "auth": auth})
    params = {"bucketName": "lake", "path": "out/", "datasetFileType": "PARQUET", "compression": "GZIP"}
    known = sorted(world.specs.datasets.names.items())
    for index in range(number):
        name = f"Existing dataset export {index + 1}"
        dataset, called = known[index % len(known)]
        datasets = [{"dataSetId": dataset, "name": called}]
        source = make(
            world, "sourceConnections", {"name": name, "connectionSpec": lake, "params": {"datasets": datasets}}
        )
        target = make(
            world,
            "targetConnections",
            {"name": name, "connectionSpec": spec, "baseConnectionId": account, "params": params},
        )
        unit, interval = CADENCES[index % len(CADENCES)]
        schedule: dict[str, Any] = {
            "exportMode": "FIRST_FULL_THEN_INCREMENTAL",
            "timeUnit": unit,
            "interval": interval,
            "startTime": _START + index,
            "foldernameTemplate": "%DESTINATION%_%DATASET_ID%_%DATETIME(YYYYMMdd_HHmmss)%",
        }
        end = END_TIMES[index % len(END_TIMES)]
        if end is not None:
            schedule["endTime"] = end
        make(
            world,
            "flows",
            {
                "name": name,
                "description": f"Export number {index + 1}, made by hand",
                "flowSpec": _spec(str(s3.dataset_flow)),
                "sourceConnectionIds": [source],
                "targetConnectionIds": [target],
                "transformations": [],
                "scheduleParams": schedule,
            },
        )


def furnish_sources(world: World, number: int) -> None:
    """``number`` batch ingestions, as far as their runs and states need them: their connections are not shown."""
    for index in range(number):
        source, target = world.ids.uuid(), world.ids.uuid()
        kept = {
            "name": f"Existing ingestion {index + 1}",
            "flowSpec": _spec(world.specs.data_lake),
            "sourceConnectionIds": [source],
            "targetConnectionIds": [target],
            "transformations": [],
            "scheduleParams": {"startTime": _LATER, "frequency": "once"},
            "inheritedAttributes": {
                "properties": {"isSourceFlow": True},
                "sourceConnections": [{"id": source}],
                "targetConnections": [{"id": target}],
            },
        }
        then = world.now() - 7200
        entity = new_entity(
            "flows",
            kept,
            entity_id=world.ids.uuid(),
            etag=world.ids.etag(then),
            now_ms=int(then * 1000),
            sandbox=world.credentials.sandbox,
            org=world.credentials.org_id,
            sequence=world.store.sequence + 1,
            client="exc_app",
        )
        world.commit("given", "flows", entity)


def _spec(spec_id: str) -> dict[str, str]:
    return {"id": spec_id, "version": "1.0"}
