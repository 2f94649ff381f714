"""Catalog: datasets, listed as an object keyed by id, made with an answer that is a list (facts 9, traps 50 to 52)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from headgate.simulator.gateway import json_body
from headgate.simulator.lake import keep, listed
from headgate.simulator.reply import Ask, Refusal, Reply, generic

if TYPE_CHECKING:
    from headgate.simulator.store import Entity
    from headgate.simulator.world import World

BASE = "/data/foundation/catalog"
_CONTENT_TYPE = "application/vnd.adobe.xed-full-notext+json;version=1"
_PARAMETERS = frozenset({"limit", "start", "orderBy", "name", "properties"})
_ORDERS = ("created", "updated", "name")


def _invalid(text: str, violation: str = "body") -> Refusal:
    return generic(400, "BadRequestError", text, violation=violation)


def handle(world: World, ask: Ask) -> Reply:
    """Answer a request under ``BASE``."""
    match [ask.method, *ask.path.split("/")]:
        case ["POST", "dataSets"]:
            return _create(world, ask)
        case ["GET", "dataSets"]:
            return _list(world, ask)
        case ["GET", "dataSets", dataset]:
            return Reply(200, {dataset: _find(world, ask, dataset)["document"]})
        case ["DELETE", "dataSets", dataset]:
            world.commit("del", "dataSets", _find(world, ask, dataset)["id"])
            return Reply(200, [f"@/dataSets/{dataset}"])
        case _:
            raise generic(404, "NotFoundError", "Resource not found.", violation="path")


def _find(world: World, ask: Ask, dataset: str) -> Entity:
    found = world.store.get("dataSets", dataset)
    if found is None or found["sandboxName"] != ask.sandbox:
        raise generic(404, "NotFoundError", "DataSet not found.")
    return found


def _create(world: World, ask: Ask) -> Reply:
    body = json_body(ask)
    if not isinstance(body, dict) or not isinstance(body.get("name"), str) or not body["name"].strip():
        raise _invalid("'name' is required")
    if unknown := sorted(body.keys() - {"name", "description", "tags", "schemaRef", "enableErrorDiagnostics"}):
        raise _invalid(f"unknown field {unknown[0]}")
    if not isinstance(body.get("description", ""), str):
        raise _invalid("'description' must be a text")
    reference = body.get("schemaRef")
    if not isinstance(reference, Mapping) or not isinstance(reference.get("id"), str):
        raise _invalid("'schemaRef.id' is required")
    if str(reference.get("contentType")).replace(" ", "") != _CONTENT_TYPE:
        raise _invalid(f"'schemaRef.contentType' must be {_CONTENT_TYPE}")
    schema = world.store.get("schemas", reference["id"])
    if schema is None or schema["sandboxName"] != ask.sandbox:
        raise _invalid(f"schema {reference['id']} does not exist", "reference")
    if unknown := [name for name, _ in ask.query if name != "requestDataSource"]:
        raise _invalid(f"unknown parameter {unknown[0]}", "query")
    dataset, now_ms = world.ids.hex(24), int(world.now() * 1000)
    document = {
        "version": "1.0.0",
        "imsOrg": world.credentials.org_id,
        "created": now_ms,
        "updated": now_ms,
        "createdClient": "headgate_simulator",
        "tags": {},
        "files": f"@/dataSetFiles?dataSetId={dataset}",
        **body,
    }
    keep(world, ask, "dataSets", entity_id=dataset, name=body["name"], body=body, document=document)
    return Reply(201, [f"@/dataSets/{dataset}"], {"Location": f"{BASE}/dataSets/{dataset}"})


def _list(world: World, ask: Ask) -> Reply:
    given = dict(ask.query)
    if unknown := sorted(given.keys() - _PARAMETERS):
        raise _invalid(f"unknown parameter {unknown[0]}", "query")
    limit, start = given.get("limit", "20"), given.get("start", "0")
    if not limit.isdigit() or not 1 <= int(limit) <= 100:
        raise _invalid("limit must lie between 1 and 100", "query")
    if not start.isdigit():
        raise _invalid("start must be an offset", "query")
    rows = listed(world, "dataSets", ask.sandbox)
    if "name" in given:
        rows = [row for row in rows if row["name"] == given["name"]]
    if "orderBy" in given:
        way, _, fields = given["orderBy"].partition(":")
        if way not in ("asc", "desc") or not fields or not set(fields.split(",")) <= set(_ORDERS):
            raise _invalid("orderBy is asc or desc, a colon, and fields", "query")
        rows.sort(key=lambda row: [_sort_key(row["document"], name) for name in fields.split(",")])
        if way == "desc":
            rows.reverse()
    rows = rows[int(start) : int(start) + int(limit)]
    names = given["properties"].split(",") if "properties" in given else None
    return Reply(200, {row["id"]: _shown(row["document"], names) for row in rows})


def _sort_key(document: Mapping[str, Any], name: str) -> Any:
    return document[name]


def _shown(document: Mapping[str, Any], names: list[str] | None) -> dict[str, Any]:
    return {key: value for key, value in document.items() if names is None or key in names}
