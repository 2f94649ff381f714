"""The Schema Registry: schemas of the tenant, their unique titles, and its many wishes about ``Accept`` (facts 9)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from headgate.simulator.gateway import json_body
from headgate.simulator.ids import Ids
from headgate.simulator.lake import keep, listed, of_sandbox
from headgate.simulator.reply import Ask, Refusal, Reply

if TYPE_CHECKING:
    from headgate.simulator.store import Entity
    from headgate.simulator.world import World

BASE = "/data/foundation/schemaregistry"
_LISTS = ("application/vnd.adobe.xed-id+json", "application/vnd.adobe.xed+json")
_ONE = re.compile(r"application/vnd\.adobe\.xed(-full|-notext|-full-notext|-full-desc)?\+json; ?version=(\d+(\.\d+)?)")
_XDM = "https://ns.adobe.com/xdm"
#: Adobe's own classes by name; others stand under ``/xdm/classes/``.
_CLASSES = frozenset({f"{_XDM}/context/profile", f"{_XDM}/context/experienceevent"})
_CLASS = re.compile(rf"{_XDM}/classes/[a-z0-9/_-]+")
_GLOBAL = re.compile(rf"{_XDM}/[a-z]+/[A-Za-z0-9/_-]+")
_KEYS = frozenset(
    {
        "type",
        "title",
        "description",
        "allOf",
        "definitions",
        "meta:containerId",
        "meta:resourceType",
        "meta:xdmType",
        "meta:class",
    }
)


def handle(world: World, ask: Ask) -> Reply:
    """Answer a request under ``BASE``."""
    head, _, rest = ask.path.partition("tenant/schemas")
    if head or (rest and not rest.startswith("/")):
        raise _refusal("XDM-1012-404", "Resource Not Found", f"Requested resource {ask.path} is not found", ask)
    one = rest.lstrip("/")
    match ask.method, bool(one):
        case "POST", False:
            return _create(world, ask)
        case "GET", False:
            return _list(world, ask)
        case "GET", True:
            return _get(world, ask, one)
        case "DELETE", True:
            world.commit("del", "schemas", _find(world, ask, one)["id"])
            return Reply(204)
        case _:
            raise _refusal("XDM-1400-405", "Method Not Allowed", f"{ask.method} is not allowed", ask, "path")


def _refusal(code: str, title: str, detail: str, ask: Ask, violation: str | None = None) -> Refusal:
    """Shape (h). Where no code is published for a refusal, it is one of ours."""
    status = int(code[-3:])
    report = {
        "registryRequestId": ask.request_id,
        "timestamp": datetime.now(UTC).strftime("%m-%d-%Y %H:%M:%S"),
        "detailed-message": detail,
        "sub-errors": [],
    }
    body = {
        "type": f"http://ns.adobe.com/aep/errors/{code}",
        "title": title,
        "status": status,
        "report": report,
        "detail": detail,
    }
    return Refusal(code, Reply(status, body), violation=violation, detail=detail)


def _invalid(ask: Ask, detail: str) -> Refusal:
    return _refusal("XDM-1600-400", "Schema validation error", detail, ask, "schema")


def tenant(world: World) -> str:
    """The organisation's namespace; follows from the seed."""
    return f"sim{Ids(world.options.seed, -3).hex(6)}"


def _create(world: World, ask: Ask) -> Reply:
    body = json_body(ask)
    if not isinstance(body, dict):
        raise _invalid(ask, "The request body must be a JSON object")
    if unknown := sorted(body.keys() - _KEYS):
        raise _invalid(ask, f"unknown field {unknown[0]}")
    title = body.get("title")
    if body.get("type") != "object" or not isinstance(title, str) or not title.strip():
        raise _invalid(ask, "'type' must be object and 'title' a text")
    if not isinstance(body.get("description", ""), str):
        raise _invalid(ask, "'description' must be a text")
    refs = _refs(ask, body)
    for entity in of_sandbox(world, "schemas", ask.sandbox):
        if entity["name"] == title:
            text = f"Title must be unique. An object {entity['id']} already exists with the same title"
            raise _refusal("XDM-3005-400", "Title not unique", text, ask)
    number, name = world.ids.hex(48), tenant(world)
    now_ms = int(world.now() * 1000)
    document = {
        **body,
        "$id": f"https://ns.adobe.com/{name}/schemas/{number}",
        "meta:altId": f"_{name}.schemas.{number}",
        "meta:resourceType": "schemas",
        "version": "1.0",
        "allOf": [{"$ref": ref, "type": "object", "meta:xdmType": "object"} for ref in refs],
        "refs": refs,
        "imsOrg": world.credentials.org_id,
        "meta:extensible": False,
        "meta:abstract": False,
        "meta:extends": refs,
        "meta:xdmType": "object",
        "meta:class": body.get("meta:class", refs[0]),
        "meta:containerId": "tenant",
        "meta:tenantNamespace": f"_{name}",
        "meta:registryMetadata": {
            "repo:createdDate": now_ms,
            "repo:lastModifiedDate": now_ms,
            "eTag": world.ids.hex(64),
        },
    }
    keep(world, ask, "schemas", entity_id=document["$id"], name=title, body=body, document=document)
    return Reply(201, document, {"Location": f"{BASE}/tenant/schemas/{document['meta:altId']}"})


def _refs(ask: Ask, body: Mapping[str, Any]) -> list[str]:
    """The class and field groups of a new schema: one class, and nothing that does not exist."""
    rows = body.get("allOf")
    if not isinstance(rows, list) or not rows or not all(isinstance(row, Mapping) for row in rows):
        raise _invalid(ask, "'allOf' must be a list of references")
    refs = [row.get("$ref") for row in rows]
    for ref in refs:
        if not isinstance(ref, str) or not _GLOBAL.fullmatch(ref):
            raise _invalid(ask, f"Unable to resolve reference {ref}")
        if refs.count(ref) > 1:
            raise _invalid(ask, f"{ref} is referenced twice")
    classes = [ref for ref in refs if ref in _CLASSES or _CLASS.fullmatch(ref)]
    if len(classes) != 1:
        raise _invalid(ask, f"a schema implements one class, not {len(classes)}")
    if body.get("meta:class", classes[0]) != classes[0]:
        raise _invalid(ask, "'meta:class' is not the class of 'allOf'")
    return refs


def _list(world: World, ask: Ask) -> Reply:
    accept = ask.headers.get("Accept") or ""
    if accept not in _LISTS:
        text = f"The supplied Accept header is not valid: {accept} - a list takes xed or xed-id without a version"
        raise _refusal("XDM-1006-400", "Accept header invalid", text, ask, "accept")
    given = dict(ask.query)
    if unknown := sorted(given.keys() - {"property", "orderby", "start", "limit"}):
        raise _refusal("XDM-1700-400", "Invalid query", f"unknown parameter {unknown[0]}", ask, "query")
    if "orderby" not in given and {"start", "limit"} & given.keys():
        raise _refusal("XDM-1700-400", "Invalid query", "limit and start go with orderby only", ask, "query")
    rows = [entity["document"] for entity in listed(world, "schemas", ask.sandbox)]
    if "property" in given:
        field, operator, value = given["property"].partition("==")
        if not operator:
            raise _refusal("XDM-1700-400", "Invalid query", "property takes field==value", ask, "query")
        rows = [row for row in rows if str(row.get(field)) == value]
    following = None
    if order := given.get("orderby"):
        rows, following = _page(ask, rows, order, given)
    shown = rows if accept == _LISTS[1] else [{key: row[key] for key in _SHORT} for row in rows]
    page = {"orderby": given.get("orderby", ""), "next": following, "count": len(shown)}
    href = f"/tenant/schemas?orderby={order}&start={following}" if following else None
    return Reply(200, {"results": shown, "_page": page, "_links": {"next": {"href": href} if href else None}})


_SHORT = ("$id", "meta:altId", "version", "title")


def _page(
    ask: Ask, rows: list[dict[str, Any]], order: str, given: Mapping[str, str]
) -> tuple[list[dict[str, Any]], str | None]:
    """What follows ``start``, a value of the sort field, up to a page; and the value the next page starts from."""
    falling, field = order.startswith("-"), order.partition(",")[0].lstrip("-+")
    limit = given.get("limit", "300")
    if not limit.isdigit() or int(limit) > 500:
        raise _refusal("XDM-1700-400", "Invalid query", "limit lies between 0 and 500", ask, "query")
    rows = sorted(rows, key=lambda row: str(row.get(field)), reverse=falling)
    if "start" in given:
        start = given["start"]
        rows = [row for row in rows if (str(row.get(field)) < start if falling else str(row.get(field)) > start)]
    size = int(limit) or 300
    return rows[:size], str(rows[size - 1].get(field)) if len(rows) > size else None


def _find(world: World, ask: Ask, one: str) -> Entity:
    for entity in of_sandbox(world, "schemas", ask.sandbox):
        if one in (entity["id"], entity["document"]["meta:altId"]):
            return entity
    raise _refusal("XDM-1012-404", "Resource Not Found", f"Requested resource {one} is not found", ask)


def _get(world: World, ask: Ask, one: str) -> Reply:
    accept = ask.headers.get("Accept") or ""
    wanted = _ONE.fullmatch(accept)
    if wanted is None:
        text = f"The supplied Accept header is not valid: {accept} (Version should be specified)"
        raise _refusal("XDM-1007-400", "Accept header invalid", text, ask, "accept")
    entity = _find(world, ask, one)
    if wanted.group(2) not in ("1", "1.0"):
        raise _refusal("XDM-1008-406", "Not acceptable", f"version {wanted.group(2)} is not available", ask)
    return Reply(200, entity["document"])
