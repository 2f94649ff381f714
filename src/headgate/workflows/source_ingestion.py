"""``source-ingestion``: one dataflow from a table of a source to a dataset of the data lake (seed 004; facts 8).

Jobs of an item::

    base connection (shared) ─ source connection ──────────────────────┐
    schema (shared) ─┬─ dataset (shared) ─┬─ target connection ────────┼─ flow ─ check
                     └─ mapping set ──────│────────────────────────────┤
                          flow spec (by name, shared) ─────────────────┘

Items that name one schema or dataset share it: the grammar sees to it that they say the same of it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from headgate.catalogue import lake, source
from headgate.planning.content import digest_of
from headgate.planning.marker import described
from headgate.planning.model import ItemRow, Job
from headgate.workflows.check import CheckSpec
from headgate.workflows.create import CreateSpec
from headgate.workflows.find import FindSpec
from headgate.workflows.objects import base_connection, creation, spec_of, whole

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headgate.catalogue import Source
    from headgate.manifest.model import Item
    from headgate.planning.builder import Builder

#: Finds source flows whose names no filter can hold.
_SOURCE_FLOWS = "inheritedAttributes.properties.isSourceFlow==true"
_VERSION = "1.0"


def compile_item(item: Item, entry: str, plan: Builder) -> None:
    """Add the jobs and the row of one item."""
    body, index = item.body, len(plan.items)
    text = str(body.get("description") or "")
    known: dict[str, str] = {}
    jobs: dict[str, int] = {}
    _source_connection(plan, item, index, text, jobs, known)
    of_schema = _schema(plan, body["schema"], jobs, known)
    _dataset(plan, body["dataset"], of_schema, jobs, known)
    _target(plan, item, index, text, of_schema, jobs, known)
    _mapping_set(plan, item, index, of_schema, jobs)
    _flow(plan, item, index, text, jobs)
    jobs["check"] = plan.add(
        Job(
            f"check:{item.name}",
            "check",
            "check",
            CheckSpec(),
            index,
            needs={"flow": jobs["flow"]},
            requests=("GET /flows/{id}",),
        ),
    )
    plan.row(ItemRow(entry, item.name, item.kind, item.place, jobs, known))


def _found(item: Item) -> Source:
    """The source of an item."""
    named = item.body.get("source")
    spec: Mapping[str, Any] = named.get("connectionSpec", {}) if isinstance(named, dict) else {}
    key = spec.get("id") or (named if isinstance(named, str) else None) or (item.connection and item.connection.source)
    found = source(str(key))
    if found is None:
        raise ValueError(f"{item.name}: a source-ingestion without a source passed the checks")
    return replace(found, version=str(spec["version"])) if spec.get("version") else found


def _source_connection(
    plan: Builder, item: Item, index: int, text: str, jobs: dict[str, int], known: dict[str, str]
) -> None:
    of, key = _found(item), f"source:{item.name}"
    connection, table = item.connection, item.body["table"]
    if connection is None:
        raise ValueError(f"{item.name}: a source-ingestion without a connection passed the checks")
    body: dict[str, Any] = {
        "name": item.name,
        "connectionSpec": spec_of(of),
        "data": {"format": "tabular"},
        "params": {"tableName": table["tableName"], "columns": table["columns"]},
    }
    refs: tuple[tuple[str, str], ...] = ()
    needs = {}
    if connection.id:
        known["baseConnection"] = body["baseConnectionId"] = connection.id
    else:
        jobs["baseConnection"] = needs["base"] = base_connection(plan, item, connection, of)
        refs = (("baseConnectionId", "base"),)
    made = CreateSpec("sourceConnections", whole(body, text, plan, key), plan.mark(key), refs)
    jobs["sourceConnection"] = creation(plan, key, "sourceConnection", made, index, needs)


def _schema(
    plan: Builder, wish: Mapping[str, Any], jobs: dict[str, int], known: dict[str, str]
) -> tuple[str, dict[str, int]]:
    """The schema's id, or an empty one and the job that will know it."""
    if wish.get("id"):
        known["schema"] = str(wish["id"])
        return known["schema"], {}
    refs = [{"$ref": uri} for uri in dict.fromkeys((wish["class"], *(wish.get("fieldGroups") or ())))]
    body = {
        "type": "object",
        "title": wish["title"],
        "allOf": refs,
        "meta:containerId": "tenant",
        "meta:resourceType": "schemas",
        "meta:xdmType": "object",
        "meta:class": wish["class"],
    }
    key = f"schema:{wish['title']}"
    made = CreateSpec("schemas", whole(body, str(wish.get("description") or ""), plan, key), plan.mark(key))
    jobs["schema"] = creation(plan, key, "schema", made, -1, {})
    return "", {"schema": jobs["schema"]}


def _dataset(
    plan: Builder,
    wish: Mapping[str, Any],
    of_schema: tuple[str, dict[str, int]],
    jobs: dict[str, int],
    known: dict[str, str],
) -> None:
    if wish.get("id"):
        known["dataset"] = str(wish["id"])
        return
    schema, needs = of_schema
    reference: dict[str, Any] = {"contentType": lake()["dataSetContentType"]}
    refs: tuple[tuple[str, str], ...] = (("schemaRef.id", "schema"),)
    if schema:
        reference["id"], refs = schema, ()
    key = f"dataset:{wish['name']}"
    body = {"name": wish["name"], "schemaRef": reference}
    made = CreateSpec("dataSets", whole(body, str(wish.get("description") or ""), plan, key), plan.mark(key), refs)
    jobs["dataset"] = creation(plan, key, "dataset", made, -1, needs)


def _target(
    plan: Builder,
    item: Item,
    index: int,
    text: str,
    of_schema: tuple[str, dict[str, int]],
    jobs: dict[str, int],
    known: Mapping[str, str],
) -> None:
    schema, needs = of_schema
    to = lake()
    refs: list[tuple[str, str]] = []
    of: dict[str, Any] = {"version": to["schemaVersion"]}
    params: dict[str, Any] = {}
    if schema:
        of["id"] = schema
    else:
        refs.append(("data.schema.id", "schema"))
    if "dataset" in known:
        params["dataSetId"] = known["dataset"]
    else:
        refs.append(("params.dataSetId", "dataset"))
        needs = {**needs, "dataset": jobs["dataset"]}
    body = {
        "name": item.name,
        "connectionSpec": {"id": to["connectionSpecId"], "version": _VERSION},
        "data": {"format": to["format"], "schema": of},
        "params": params,
    }
    key = f"target:{item.name}"
    made = CreateSpec("targetConnections", whole(body, text, plan, key), plan.mark(key), tuple(refs))
    jobs["targetConnection"] = creation(plan, key, "targetConnection", made, index, needs)


def _mapping_set(
    plan: Builder, item: Item, index: int, of_schema: tuple[str, dict[str, int]], jobs: dict[str, int]
) -> None:
    """The tutorial's dialect: every key of every mapping, nulls included. Its name bears the mark.

    Version 0 of a set never changes, so the mark is of its content too: what maps otherwise is another set, and the
    flow is led to it. Sets cannot be deleted, and an old one that fits again is used again.
    """
    (schema, needs), key = of_schema, f"mapping:{item.name}"
    of = schema or plan.jobs[needs["schema"]].key
    mark = plan.mark(f"{key} {digest_of([of, item.body['mappings']], 6)}")
    body: dict[str, Any] = {
        "name": described(item.name, mark),
        "version": 0,
        "xdmVersion": _VERSION,
        "id": None,
        "mappings": item.body["mappings"],
    }
    refs: tuple[tuple[str, str], ...] = (("xdmSchema", "schema"),)
    if schema:
        body["xdmSchema"], refs = schema, ()
    made = CreateSpec("mappingSets", body, mark, refs)
    jobs["mappingSet"] = creation(plan, key, "mappingSet", made, index, needs)


def _flow(plan: Builder, item: Item, index: int, text: str, jobs: dict[str, int]) -> None:
    of, key = _found(item), f"flow:{item.name}"
    named = item.body.get("source")
    wish: Mapping[str, Any] = (named.get("flowSpec") if isinstance(named, dict) else None) or {}
    needs = {
        "source": jobs["sourceConnection"],
        "target": jobs["targetConnection"],
        "mapping": jobs["mappingSet"],
    }
    refs = [
        ("sourceConnectionIds[]", "source"),
        ("targetConnectionIds[]", "target"),
        ("transformations.1.params.mappingId", "mapping"),
        ("transformations.1.params.mappingVersion", "mapping.version"),
    ]
    flow_spec = {"version": str(wish.get("version") or _VERSION)}
    if wish.get("id"):
        flow_spec["id"] = str(wish["id"])
    else:
        name = str(wish.get("name") or of.flow_spec_name)
        refs.append(("flowSpec.id", "flowSpec"))
        needs["flowSpec"] = plan.add(
            Job(
                f"flow-spec:{name}",
                "find",
                "flowSpec",
                FindSpec("flow-spec", name),
                requests=("GET /flowSpecs",),
            ),
        )
    delta = {key: value for key, value in item.body["deltaColumn"].items() if value is not None}
    body = {
        "name": item.name,
        "flowSpec": flow_spec,
        "transformations": [
            {"name": "Copy", "params": {"deltaColumn": delta}},
            # A new set is of version 0; sources want it as text (trap 45).
            {"name": "Mapping", "params": {"mappingVersion": "0"}},
        ],
        "scheduleParams": item.body["scheduleParams"],
    }
    made = CreateSpec("flows", whole(body, text, plan, key), plan.mark(key), tuple(refs), filter=_SOURCE_FLOWS)
    jobs["flow"] = creation(plan, key, "flow", made, index, needs, led=("mapping",))
