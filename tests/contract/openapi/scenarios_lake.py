"""More scenarios: tables that are read into the data lake, by way of four services."""

from __future__ import annotations

from typing import Any

from headgate.export import assemble
from headgate.looking import live
from headgate.simulator import Fault

from tests.contract.openapi.samples import manifest
from tests.contract.openapi.stage import DELETE_S, DELETE_SCALE, World, scenario

PROFILE = "https://ns.adobe.com/xdm/context/profile"
DETAILS = "https://ns.adobe.com/xdm/context/profile-person-details"
#: A source that the catalogue does not know: whoever uses it names both its specs.
OTHER = "3416976c-a9ca-4bba-901a-1f08f66978ff"
OTHER_FLOW = "14518937-270c-4525-bdec-c2ba7cce3860"


def auth(**params: str) -> dict[str, Any]:
    return {"specName": "Basic Authentication", "params": {**params, "username": "u", "password": "fake-password"}}


def cloud() -> dict[str, Any]:
    return {"source": "salesforce_service_cloud", "auth": auth(securityToken="fake-token")}


def ingestion(name: str, **changes: Any) -> dict[str, Any]:
    """A table of a source, into a dataset and a schema of its own."""
    return {
        "kind": "source-ingestion",
        "name": name,
        "source": "salesforce_service_cloud",
        "connection": cloud(),
        "table": {
            "tableName": "Contact",
            "columns": [
                {"name": "Id", "type": "string", "xdm": {"type": "string"}},
                {
                    "name": "LastModifiedDate",
                    "type": "string",
                    "meta:xdmType": "date-time",
                    "xdm": {"type": "string", "format": "date-time"},
                },
            ],
        },
        "schema": {"title": f"Schema of {name}", "class": PROFILE, "fieldGroups": [DETAILS]},
        "dataset": {"name": f"Dataset of {name}"},
        "mappings": [{"sourceAttribute": "Id", "destinationXdmPath": "_id"}],
        "deltaColumn": {"name": "LastModifiedDate", "dateFormat": "yyyy-MM-dd HH:mm:ss", "timezone": "UTC"},
        "scheduleParams": {"startTime": 1590792316, "frequency": "minute", "interval": 15, "backfill": True},
        **changes,
    }


@scenario()
async def tables_of_every_source(world: World) -> None:
    """Both sources of the catalogue and one of no catalogue, with every frequency."""
    now = {"source": "servicenow", "auth": auth(endpoint="https://fake.example")}
    other = {"source": OTHER, "auth": {"specName": "Anything", "params": {"host": "h"}}}
    entries = [
        ingestion(
            f"other {frequency}",
            source="servicenow",
            connection=now,
            deltaColumn={"name": "Id"},
            scheduleParams={"startTime": 1590792316, "frequency": frequency, **more},
        )
        for frequency, more in (
            ("once", {}),
            ("hour", {"interval": 6}),
            ("day", {"interval": 1}),
            ("week", {"interval": 1}),
        )
    ]
    named = {
        "connectionSpec": {"id": OTHER, "version": "1.0"},
        "flowSpec": {"id": OTHER_FLOW, "version": "1.0"},
    }
    entries += [ingestion("cloud"), ingestion("third", source=named, connection=other)]
    report = await world.run(manifest(*entries))
    assert report.status == "succeeded", report.failures[:3]


@scenario()
async def tables_changed_in_place(world: World) -> None:
    """Another column, another schedule, other words; the list of every service is read when the store is lost."""
    before = ingestion("table", description="as it was")
    assert (await world.run(manifest(before))).status == "succeeded"
    world.forget()
    after = ingestion("table", description="as it is now")
    after["table"]["columns"].append({"name": "Name", "type": "string", "xdm": {"type": "string"}})
    after["scheduleParams"]["interval"] = 30
    report = await world.run(manifest(after))
    assert report.status == "succeeded", report.failures[:3]


@scenario(
    faults=[
        Fault("lost-after-commit", method="POST", path=f"/{kind}$", nth=1)
        for kind in ("schemas", "dataSets", "mappingSets", "sourceConnections", "targetConnections", "flows")
    ]
)
async def ingestions_with_lost_answers(world: World) -> None:
    """Each service is asked for what it has made, in its own way."""
    report = await world.run(manifest(ingestion("table"), ingestion("with, a comma")))
    assert report.status == "succeeded", report.failures[:3]


@scenario()
async def a_title_that_is_taken(world: World) -> None:
    """Titles of schemas are unique in a tenant, and this one is another manifest's."""
    assert (await world.run(manifest(ingestion("table")))).status == "succeeded"
    report = await world.run(manifest(ingestion("table"), name="another"))
    assert report.status == "failed"
    assert any(exchange.status == 400 and exchange.path.endswith("/schemas") for exchange in world.recorder.kept)


@scenario(time_scale=DELETE_SCALE, delete_seconds=DELETE_S)
async def an_ingestion_is_destroyed(world: World) -> None:
    """Its dataset and its schema too; its mapping set has no deletion."""
    assert (await world.run(manifest(ingestion("table")))).status == "succeeded"
    report = await world.destroy()
    assert report.status == "succeeded", report.failures[:3]


@scenario()
async def an_ingestion_is_looked_at_exported_and_replaced(world: World) -> None:
    """Every object is read where it lives, every list too, and a table that changed is another flow."""
    assert (await world.run(manifest(ingestion("table")))).status == "succeeded"
    report = await world.run(manifest(ingestion("table")), refresh=True)
    assert [row.status for row in report.items] == ["reused"]
    assert not assemble(await live(world.profile), "exported").left
    after = ingestion("table")
    after["table"]["tableName"] = "Account"
    report = await world.run(manifest(after), replace=True)
    assert [row.status for row in report.items] == ["replaced"], report.failures[:3]
