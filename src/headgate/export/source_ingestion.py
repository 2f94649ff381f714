"""From a flow that reads from a source back to a ``source-ingestion`` entry."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from headgate.catalogue import lake, source
from headgate.catalogue.source import CRM_FLOW, CRM_FLOW_ID
from headgate.export.live import is_source_flow

if TYPE_CHECKING:
    from headgate.catalogue import Source
    from headgate.export.lake import Lake
    from headgate.export.live import Chain, Live

_VERSION: Final = "1.0"
_COLUMN: Final = ("name", "type", "xdm", "meta:xdmType")
_DELTA: Final = ("name", "dateFormat", "timezone")
_SCHEDULE: Final = ("startTime", "frequency", "interval", "backfill")
#: How a mapping set says that a mapping is the plain copy of a column, in either dialect.
_PLAIN: Final = frozenset({"", "ATTRIBUTE", "text/x.schema-path"})
_IDENTITY: Final = ("identityGroup", "namespaceCode")


class _CannotSayError(Exception):
    """Why a flow cannot be written as an entry."""


def source_of(chain: Chain) -> Source | None:
    """The source of a flow that reads from one into the data lake; ``None`` for another kind of flow."""
    if not is_source_flow(chain.flow) or _spec(chain.target).get("id") != lake()["connectionSpecId"]:
        return None
    return source(str(_spec(chain.source).get("id")))


def entry(chain: Chain, of: Source, live: Live, lake_of: Lake) -> tuple[dict[str, Any], dict[str, Any]] | str:
    """The entry's own keys, those of them that are ready to be written as they are, or why there are none."""
    try:
        steps = _steps(chain.flow)
        keys = {
            **_explicit(chain, of),
            "table": _table(chain.source),
            "schema": {},
            "dataset": {},
            "mappings": _mappings(live, steps.get("Mapping", {}), chain),
            "deltaColumn": _delta(steps.get("Copy", {})),
            "scheduleParams": _schedule(_inner(chain.flow, "scheduleParams")),
        }
        wishes = lake_of.wishes(*_lake_ids(chain))
    except _CannotSayError as error:
        return str(error)
    if isinstance(wishes, str):
        return wishes
    return keys, {"schema": wishes[0], "dataset": wishes[1]}


def ids(chain: Chain) -> dict[str, str]:
    """The ids of what only ingestions have, by role."""
    schema, dataset = _lake_ids(chain)
    mapping = _steps(chain.flow).get("Mapping", {})
    return {"schema": schema, "dataset": dataset, "mappingSet": str(mapping.get("mappingId"))}


def _explicit(chain: Chain, of: Source) -> dict[str, Any]:
    """``source:``, where the account alone does not say it: another flow spec than the usual, another version."""
    flow_spec, spec = _inner(chain.flow, "flowSpec"), _spec(chain.source)
    versions = [str(one.get("version") or _VERSION) for one in (spec, flow_spec)]
    if of.flow_spec_name == CRM_FLOW and flow_spec.get("id") == CRM_FLOW_ID and versions == [_VERSION, _VERSION]:
        return {}
    if not isinstance(flow_spec.get("id"), str):
        raise _CannotSayError("it does not say its flow spec")
    named = {"id": of.connection_spec_id, "version": versions[0]}
    return {"source": {"connectionSpec": named, "flowSpec": {"id": flow_spec["id"], "version": versions[1]}}}


def _table(connection: Mapping[str, Any]) -> dict[str, Any]:
    data, params = _inner(connection, "data"), _inner(connection, "params")
    if data.get("format") != "tabular":
        raise _CannotSayError(
            f"its source is read as {data.get('format') or 'something'}, and entries read tables only"
        )
    if unknown := sorted(key for key, value in params.items() if value and key not in ("tableName", "columns")):
        raise _CannotSayError(f"its source connection has {', '.join(unknown)}, which no entry can say")
    rows = params.get("columns")
    columns = [
        {key: row[key] for key in _COLUMN if row.get(key) is not None}
        for row in (rows if isinstance(rows, list) else ())
        if isinstance(row, Mapping)
    ]
    if not params.get("tableName") or not columns or not all({"name", "type", "xdm"} <= row.keys() for row in columns):
        raise _CannotSayError("its source connection does not say its table and the names and types of its columns")
    return {"tableName": params["tableName"], "columns": columns}


def _lake_ids(chain: Chain) -> tuple[str, str]:
    """The ids of the schema and the dataset."""
    data, schema = _inner(chain.target, "data"), _inner(_inner(chain.target, "data"), "schema").get("id")
    dataset = _inner(chain.target, "params").get("dataSetId")
    if data.get("format") != lake()["format"] or not isinstance(schema, str) or not isinstance(dataset, str):
        raise _CannotSayError("its target connection does not say its schema and its dataset")
    return schema, dataset


def _steps(flow: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
    rows = flow.get("transformations")
    found: dict[str, Mapping[str, Any]] = {}
    for row in rows if isinstance(rows, list) else ():
        name = row.get("name") if isinstance(row, Mapping) else None
        if name not in ("Copy", "Mapping") or name in found:
            raise _CannotSayError(f"its transformation {name!r} is none that an entry can say")
        found[name] = _inner(row, "params")
    return found


def _mappings(live: Live, params: Mapping[str, Any], chain: Chain) -> list[dict[str, Any]]:
    remote = str(params.get("mappingId") or "")
    if not remote:
        raise _CannotSayError("it maps nothing")
    found = live.mapping_sets.get(remote)
    if found is None:
        why = live.unread.get("mappingSets", "it is not in Data Prep's list")
        raise _CannotSayError(f"its mapping set {remote} cannot be read: {why}")
    if (used := str(params.get("mappingVersion", 0))) != (now := str(found.get("version", 0))):
        raise _CannotSayError(f"it uses version {used} of its mapping set {remote}, and only version {now} can be read")
    of = found.get("xdmSchema") or _inner(_inner(found, "outputSchema"), "schemaRef").get("id")
    if of is not None and of != _lake_ids(chain)[0]:
        raise _CannotSayError(f"its mapping set {remote} is of another schema")
    rows = found.get("mappings")
    made = [_mapping_row(row) for row in (rows if isinstance(rows, list) else ()) if isinstance(row, Mapping)]
    if not made:
        raise _CannotSayError(f"its mapping set {remote} shows no mappings")
    return made


def _mapping_row(row: Mapping[str, Any]) -> dict[str, Any]:
    at, to = row.get("sourceAttribute") or row.get("source"), row.get("destinationXdmPath") or row.get("destination")
    if str(row.get("sourceType") or "") not in _PLAIN:
        raise _CannotSayError(f"its mapping to {to} is an expression, and entries copy columns only")
    if not isinstance(at, str) or not isinstance(to, str):
        raise _CannotSayError("one of its mappings does not say from where, or to where")
    kept: dict[str, Any] = {"sourceAttribute": at, "destinationXdmPath": to}
    if row.get("identity"):
        kept["identity"] = True
    return {**kept, **{key: row[key] for key in _IDENTITY if row.get(key) is not None}}


def _delta(params: Mapping[str, Any]) -> dict[str, Any]:
    delta = _inner(params, "deltaColumn")
    if not delta.get("name"):
        raise _CannotSayError("it has no delta column, and an entry must name one")
    return {key: delta[key] for key in _DELTA if delta.get(key) is not None}


def _schedule(schedule: Mapping[str, Any]) -> dict[str, Any]:
    if schedule.get("startTime") is None or not schedule.get("frequency"):
        raise _CannotSayError("it has no schedule")
    return {key: schedule[key] for key in _SCHEDULE if schedule.get(key) is not None}


def _spec(thing: Mapping[str, Any]) -> Mapping[str, Any]:
    return _inner(thing, "connectionSpec")


def _inner(thing: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = thing.get(key)
    return found if isinstance(found, Mapping) else {}
