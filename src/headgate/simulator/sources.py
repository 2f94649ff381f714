"""Sources: what is known of them, and the rules of their connections and flows (facts 8). Pure judgements on bodies.

``sources.json`` was cut from the tutorial's tables and its flow spec. Of the other sources that the flow spec serves
only the ids are published: they take any credentials that have the right shape.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import orjson

from headgate.simulator.reply import Refusal, message, problem

if TYPE_CHECKING:
    from headgate.simulator.store import Entity, Store

_SCHEMA_VERSION = "application/vnd.adobe.xed-full+json;version=1"
_DATE_FORMAT = "yyyy-MM-dd HH:mm:ss"
_SECRET_NAMES = frozenset(
    {"password", "securityToken", "clientSecret", "accessToken", "refreshToken", "privateKey", "connectionString"}
)


@dataclass(frozen=True, slots=True)
class SourceAuth:
    """One way of authenticating at a source; shaped as that of a destination."""

    names: tuple[str, ...]
    type: str | None
    schema: Mapping[str, Any]
    secrets: frozenset[str]


@dataclass(frozen=True, slots=True)
class SourceSpec:
    """One source. ``auth`` is ``None`` where nothing is published of its credentials."""

    name: str
    connection_spec: str
    auth: tuple[SourceAuth, ...] | None
    encryption: bool = False

    def auth_spec(self, name: object) -> SourceAuth | None:
        """The auth spec called ``name``; any text names one where none is published."""
        if self.auth is not None:
            return next((spec for spec in self.auth if name in spec.names), None)
        return SourceAuth((name,), None, {"type": "object"}, _SECRET_NAMES) if isinstance(name, str) and name else None


class Sources:
    """Every source the platform knows, and the one flow spec that serves them."""

    def __init__(self) -> None:
        raw = orjson.loads(files("headgate.simulator").joinpath("sources.json").read_bytes())
        self.lake: str = raw["lake"]
        self.flow_spec: dict[str, Any] = raw["flowSpec"]
        named = [
            SourceSpec(
                row["name"],
                row["connectionSpec"],
                tuple(
                    SourceAuth(
                        (auth["name"],),
                        None,
                        {
                            "type": "object",
                            "properties": {name: {"type": "string"} for name in auth["params"]},
                            "required": auth["params"],
                        },
                        frozenset(auth["secrets"]),
                    )
                    for auth in row["auth"]
                ),
            )
            for row in raw["sources"]
        ]
        self.specs = {
            spec_id: SourceSpec(f"Source {spec_id[:8]}", spec_id, None)
            for spec_id in self.flow_spec["sourceConnectionSpecIds"]
        } | {spec.connection_spec: spec for spec in named}

    def views(self) -> list[dict[str, Any]]:
        """Their connection specs, and the data lake's, as ``GET /connectionSpecs`` shows them."""
        provider, version = self.flow_spec["providerId"], self.flow_spec["version"]
        rows = [
            {
                "id": spec.connection_spec,
                "name": spec.name,
                "providerId": provider,
                "version": version,
                "authSpec": [{"name": auth.names[0], "type": None, "spec": auth.schema} for auth in spec.auth or ()],
                "attributes": {"isSource": True},
            }
            for spec in self.specs.values()
        ]
        lake = {"id": self.lake, "name": "Data Lake", "providerId": provider, "version": version}
        return [*rows, {**lake, "authSpec": [], "attributes": {"isTarget": True}}]


def _invalid(text: str, violation: str = "body") -> Refusal:
    return message(400, text, code="400:create", violation=violation)


def check_table(body: Mapping[str, Any]) -> None:
    """The ``data`` and ``params`` of a source connection to a table."""
    data, params = body.get("data"), body.get("params")
    if not isinstance(data, Mapping) or data.get("format") != "tabular":
        raise _invalid("'data.format' must be tabular for this source")
    if not isinstance(params, Mapping) or not isinstance(params.get("tableName"), str) or not params["tableName"]:
        raise _invalid("'params.tableName' is required")
    columns = params.get("columns")
    if not isinstance(columns, list) or not columns:
        raise _invalid("'params.columns' must be a list of at least one column")
    names = set()
    for column in columns:
        if not isinstance(column, Mapping) or not all(isinstance(column.get(key), str) for key in ("name", "type")):
            raise _invalid("'params.columns[]' are {name, type, xdm} objects")
        xdm = column.get("xdm")
        if not isinstance(xdm, Mapping) or not isinstance(xdm.get("type"), str):
            raise _invalid("'params.columns[].xdm.type' is required")
        if column["name"] in names:
            raise _invalid(f"column {column['name']} stands twice")
        names.add(column["name"])


def check_lake_target(store: Store, body: Mapping[str, Any], sandbox: str) -> None:
    """A target connection to the data lake: its dataset exists and is of the schema it names."""
    data, params = body.get("data"), body.get("params")
    schema = data.get("schema") if isinstance(data, Mapping) else None
    if not isinstance(data, Mapping) or data.get("format") != "parquet_xdm" or not isinstance(schema, Mapping):
        raise _invalid("'data' must be {format: parquet_xdm, schema: {id, version}}", "target")
    if str(schema.get("version")).replace(" ", "") != _SCHEMA_VERSION:
        raise _invalid(f"'data.schema.version' must be {_SCHEMA_VERSION}", "target")
    known(store, "schemas", schema.get("id"), sandbox)
    dataset = known(store, "dataSets", params.get("dataSetId") if isinstance(params, Mapping) else None, sandbox)
    if dataset["document"]["schemaRef"]["id"] != schema["id"]:
        text = "Schema with same id and version must be used in both mapping and target dataset."
        raise problem("1425-400", text, violation="schema")


def known(store: Store, kind: str, entity_id: Any, sandbox: str) -> Entity:
    """The object of this sandbox that has this id."""
    found = store.get(kind, entity_id) if isinstance(entity_id, str) else None
    if found is None or found["sandboxName"] != sandbox:
        raise _invalid(f"{kind} not found with id = [{entity_id}]", "reference")
    return found


def check_source_flow(
    sources: Sources, store: Store, flow: Mapping[str, Any], source: Entity, target: Entity, sandbox: str
) -> None:
    """A flow from a source to the data lake: what it joins, its transformations and its schedule."""
    if source["connectionSpec"]["id"] not in sources.specs:
        raise _invalid("the flow spec does not take this source connection", "flow-spec")
    if target["connectionSpec"]["id"] != sources.lake:
        raise _invalid("the flow spec does not serve this target connection", "flow-spec")
    steps = flow.get("transformations")
    if not isinstance(steps, list) or not all(isinstance(step, Mapping) for step in steps):
        raise _invalid("'transformations' must be a list of {name, params}", "transformations")
    by_name = {step.get("name"): step.get("params") for step in steps}
    if len(by_name) != len(steps) or not by_name.keys() <= {"Copy", "Mapping"}:
        raise _invalid("'transformations' are one Copy and one Mapping", "transformations")
    _check_copy(by_name.get("Copy"))
    if "Mapping" in by_name:
        _check_mapping(store, by_name["Mapping"], target, sandbox)
    check_schedule(flow.get("scheduleParams"))


def _check_copy(params: Any) -> None:
    delta = params.get("deltaColumn") if isinstance(params, Mapping) else None
    if not isinstance(delta, Mapping) or not isinstance(delta.get("name"), str) or not delta["name"]:
        raise _invalid("'transformations[Copy].params.deltaColumn.name' is required", "transformations")
    for key in ("dateFormat", "timezone"):
        if key in delta and not isinstance(delta[key], str):
            raise _invalid(f"'deltaColumn.{key}' must be of type string", "transformations")
    if delta.get("dateFormat", _DATE_FORMAT) != _DATE_FORMAT:
        raise _invalid(f"'deltaColumn.dateFormat' must be {_DATE_FORMAT}", "transformations")


def _check_mapping(store: Store, params: Any, target: Entity, sandbox: str) -> None:
    mapping_id = params.get("mappingId") if isinstance(params, Mapping) else None
    version = params.get("mappingVersion") if isinstance(params, Mapping) else None
    found = store.get("mappingSets", mapping_id) if isinstance(mapping_id, str) else None
    if found is None or found["sandboxName"] != sandbox:
        text = f"Error while validating mapping with id {mapping_id}, version {version}."
        raise problem("1419-400", text, violation="reference")
    if not isinstance(version, str) or version != str(found["document"]["version"]):  # a text for sources (trap 45)
        raise problem("1412-400", "Invalid Mapping Version in request.", violation="transformations")
    if found["document"]["xdmSchema"] != target["data"]["schema"]["id"]:
        text = "Schema with same id and version must be used in both mapping and target dataset."
        raise problem("1425-400", text, violation="schema")


def check_schedule(schedule: Any) -> None:
    """The flow spec's own schedule schema. What the tutorial's sample has as text is typed by now (trap 44)."""
    if not isinstance(schedule, Mapping):
        raise _invalid("'scheduleParams' is required", "schedule")
    start, frequency, interval = (schedule.get(key) for key in ("startTime", "frequency", "interval"))
    if type(start) is not int or not 0 < start < 1e11:
        raise _invalid("'scheduleParams.startTime' must be epoch seconds, an integer", "schedule")
    if frequency not in ("once", "minute", "hour", "day", "week"):
        raise _invalid("'scheduleParams.frequency' must be once, minute, hour, day or week", "schedule")
    if frequency == "once":
        if {"interval", "backfill"} & schedule.keys():
            raise _invalid("'scheduleParams': interval and backfill do not go with once", "schedule")
        return
    least = 15 if frequency == "minute" else 1
    if type(interval) is not int or interval < least:
        raise _invalid(f"'scheduleParams.interval' must be an integer of at least {least}", "schedule")
    if type(schedule.get("backfill", True)) is not bool:
        raise _invalid("'scheduleParams.backfill' must be of type boolean", "schedule")
