"""Data Prep: mapping sets, in the tutorial's dialect and the current one. Refusals have no body (facts 9, 1.4 l)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from headgate.simulator.gateway import json_body
from headgate.simulator.lake import keep, listed
from headgate.simulator.reply import Ask, Refusal, Reply

if TYPE_CHECKING:
    from headgate.simulator.store import Entity
    from headgate.simulator.world import World

BASE = "/data/foundation/conversion"
_CLIENT = "headgate_simulator"
_KEYS = frozenset(
    {"id", "version", "name", "xdmSchema", "xdmVersion", "mappings", "outputSchema", "inputSchema", "tags"}
)
_ORDERS = {f"{sign}{field}" for sign in ("", "+", "-") for field in ("createdDate", "updatedDate")}


def _invalid(text: str, violation: str = "body", *, status: int = 400) -> Refusal:
    return Refusal(f"{status}:mappingSets", Reply(status), violation=violation, detail=text)


def handle(world: World, ask: Ask) -> Reply:
    """Answer a request under ``BASE``."""
    match [ask.method, *ask.path.split("/")]:
        case ["POST", "mappingSets"]:
            return _create(world, ask)
        case ["GET", "mappingSets"]:
            return _list(world, ask)
        case ["GET", "mappingSets", found]:
            return Reply(200, _find(world, ask, found)["document"])
        case _:
            raise _invalid("no such path", "path", status=404)


def _find(world: World, ask: Ask, mapping_set: str) -> Entity:
    found = world.store.get("mappingSets", mapping_set)
    if found is None or found["sandboxName"] != ask.sandbox:
        raise Refusal("404:mappingSets", Reply(404), detail=f"mapping set {mapping_set} does not exist")
    return found


def _create(world: World, ask: Ask) -> Reply:
    body = json_body(ask)
    if not isinstance(body, dict):
        raise _invalid("the request body must be a JSON object")
    if unknown := sorted(body.keys() - _KEYS):
        raise _invalid(f"unknown field {unknown[0]}")
    if body.get("id") is not None or body.get("version") not in (None, 0):
        raise _invalid("a new mapping set has no id, and version 0")
    if not isinstance(body.get("name", ""), str):
        raise _invalid("'name' must be a text")
    schema, rows = _content(body)
    known = world.store.get("schemas", schema)
    if known is None or known["sandboxName"] != ask.sandbox:
        raise _invalid(f"schema {schema} does not exist", "reference")
    found, now_ms = world.ids.hex(32), int(world.now() * 1000)
    dated = {"createdDate": now_ms, "modifiedDate": now_ms, "createdBy": _CLIENT, "modifiedBy": _CLIENT}
    document = {
        "id": found,
        "version": 0,
        **dated,
        **({"name": body["name"]} if body.get("name") else {}),
        "xdmSchema": schema,
        "xdmVersion": body.get("xdmVersion", "1.0"),
        "outputSchema": {"schemaRef": {"id": schema, "contentType": "1.0"}},
        "mappings": [{"id": world.ids.hex(32), "version": 0, **dated, **row} for row in rows],
        "status": "PUBLISHED",
    }
    keep(world, ask, "mappingSets", entity_id=found, name=body.get("name") or found, body=body, document=document)
    return Reply(200, {"id": found, "version": 0, **dated})  # 200, not 201 (trap 50)


def _content(body: Mapping[str, Any]) -> tuple[str, list[dict[str, Any]]]:
    """The schema's id and the mappings, as a GET shows them, of either dialect."""
    mappings = body.get("mappings")
    if not isinstance(mappings, list) or not mappings or not all(isinstance(row, Mapping) for row in mappings):
        raise _invalid("'mappings' must be a list of at least one mapping")
    if "xdmSchema" in body:
        schema, source, destination = body["xdmSchema"], "sourceAttribute", "destinationXdmPath"
        if body.get("xdmVersion") != "1.0":
            raise _invalid("'xdmVersion' must be 1.0")
    else:
        output = body.get("outputSchema")
        reference = output.get("schemaRef") if isinstance(output, Mapping) else None
        schema, source, destination = (
            reference.get("id") if isinstance(reference, Mapping) else None,
            "source",
            "destination",
        )
    if not isinstance(schema, str):
        raise _invalid("the schema of the mapping set is required")
    rows = []
    for row in mappings:
        if not all(isinstance(row.get(key), str) and row[key] for key in (source, destination)):
            raise _invalid(f"a mapping needs {source} and {destination}")
        if type(row.get("identity", False)) is not bool or type(row.get("version", 0)) is not int:
            raise _invalid("'identity' is true or false, and 'version' a number")
        rows.append(
            {
                "sourceType": "text/x.schema-path",
                "source": row[source],
                "destination": row[destination],
                "sourceAttribute": row[source],
                "destinationXdmPath": row[destination],
                "identity": row.get("identity", False),
                "primaryIdentity": False,
                "identityGroup": row.get("identityGroup"),
                "namespaceCode": row.get("namespaceCode"),
            }
        )
    return schema, rows


def _list(world: World, ask: Ask) -> Reply:
    given = dict(ask.query)
    if unknown := sorted(given.keys() - {"limit", "start", "name", "orderBy", "expandSchema"}):
        raise _invalid(f"unknown parameter {unknown[0]}", "query")
    if not all(given.get(key, "").isdigit() for key in ("limit", "start")) or not 1 <= int(given["limit"]) <= 1000:
        raise _invalid("limit and start are both required, and numbers", "query")
    order = given.get("orderBy", "createdDate")
    if order not in _ORDERS:
        raise _invalid("orderBy is createdDate or updatedDate, perhaps with + or -", "query")
    rows = listed(world, "mappingSets", ask.sandbox)
    if "name" in given:
        rows = [row for row in rows if row["document"].get("name") == given["name"]]
    if order.startswith("-"):
        rows.reverse()
    limit, start = int(given["limit"]), int(given["start"])
    shown = [row["document"] for row in rows[start : start + limit]]
    links = {"page": {"href": "/mappingSets?limit={limit}&start={start}", "templated": True}}
    if start + limit < len(rows):
        links["next"] = {"href": f"/mappingSets?limit={limit}&start={start + limit}", "templated": False}
    return Reply(200, {"data": shown, "_page": {"count": len(shown), "limit": limit}, "_links": links})
