"""What was there before the client came: objects and flows of other people, made when a world is new."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headgate.simulator import connections, flows
from headgate.simulator.seeding_more import furnish_datasets, furnish_sources
from headgate.simulator.store import new_entity

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headgate.simulator.world import World


def furnish(world: World, counts: Mapping[str, int]) -> None:
    """Make ``counts["flows"]`` S3 flows with ``counts["audiences"]`` (default 1) audiences each.

    They share one account and one source, were mapped two hours before the world began (so the one-hour rule
    is behind them), and are not counted as created.
    """
    furnish_datasets(world, counts.get("datasetFlows", 0), _make)
    furnish_sources(world, counts.get("sourceFlows", 0))
    number = counts.get("flows", 0)
    if not number:
        return
    s3 = next(each for each in world.specs.destinations.values() if each.key == "amazon_s3")
    spec, store_spec = _spec(s3.connection_spec), _spec(world.specs.profile_store)
    auth = {"specName": "Access Key", "params": {"s3AccessKey": "A" * 20, "s3SecretKey": "s" * 40}}
    store = _make(world, "connections", {"name": "Profile store", "connectionSpec": store_spec})
    account = _make(world, "connections", {"name": "Shared S3 account", "connectionSpec": spec, "auth": auth})
    source_body = {"name": "Profiles", "connectionSpec": store_spec, "baseConnectionId": store, "params": {}}
    source = _make(world, "sourceConnections", source_body)
    params = {"bucketName": "shared", "path": "out/", "fileType": "CSV", "compression": "NONE"}
    for index in range(number):
        name = f"Existing flow {index + 1}"
        target_body = {"name": name, "connectionSpec": spec, "baseConnectionId": account, "params": params}
        target = _make(world, "targetConnections", target_body)
        selectors = [
            _selector(world.ids.uuid(), f"{name}, audience {n + 1}") for n in range(counts.get("audiences", 1))
        ]
        _make(
            world,
            "flows",
            {
                "name": name,
                "flowSpec": _spec(s3.segment_flow),
                "sourceConnectionIds": [source],
                "targetConnectionIds": [target],
                "transformations": [
                    {"name": "GeneralTransform", "params": {"segmentSelectors": {"selectors": selectors}}}
                ],
            },
        )


def _spec(spec_id: str) -> dict[str, str]:
    return {"id": spec_id, "version": "1.0"}


def _selector(audience: str, name: str) -> dict[str, Any]:
    schedule = {
        "frequency": "DAILY",
        "triggerType": "SCHEDULED",
        "startDate": "2020-01-01",
        "endDate": "2099-12-31",
        "startTime": "02:00",
    }
    value = {
        "id": audience,
        "name": name,
        "filenameTemplate": "%DESTINATION_NAME%_%SEGMENT_ID%",
        "exportMode": "DAILY_FULL_EXPORT",
        "schedule": schedule,
    }
    return {"type": "PLATFORM_SEGMENT", "value": value}


def _make(world: World, kind: str, body: dict[str, Any]) -> str:
    sandbox, then = world.credentials.sandbox, world.now() - 7200
    match kind:
        case "connections":
            kept = connections.base_connection(world.specs, body)
        case "sourceConnections":
            kept = connections.source_connection(world.specs, world.store, body, sandbox)
        case "targetConnections":
            kept = connections.target_connection(world.specs, world.store, body, sandbox)
        case _:
            kept = flows.flow(world.specs, world.store, body, sandbox=sandbox, now=then)
    entity = new_entity(
        kind,
        kept,
        entity_id=world.ids.uuid(),
        etag=world.ids.etag(then),
        now_ms=int(then * 1000),
        sandbox=sandbox,
        org=world.credentials.org_id,
        sequence=world.store.sequence + 1,
        client="exc_app",
    )
    world.commit("given", kind, entity)
    return str(entity["id"])
