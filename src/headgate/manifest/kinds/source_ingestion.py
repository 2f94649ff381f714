"""``source-ingestion``: a table of a source, read into a dataset on a schedule (seed 004; facts 8)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal

from pydantic import BaseModel

from headgate.catalogue import Finding, source
from headgate.catalogue.schema import type_name
from headgate.catalogue.source import check_delta, check_ingestion
from headgate.catalogue.words import nearest, suggestion
from headgate.manifest.connections import source_hint
from headgate.manifest.kinds.source_ingestion_body import MappingRow, ScheduleParams, SourceIngestionBody, typed
from headgate.manifest.references import UNRESOLVED

if TYPE_CHECKING:
    from headgate.manifest.grammar import Desk, Draft
    from headgate.manifest.model import Connection, Item
    from headgate.manifest.names import Names

#: A column as it is read, and not an expression over several.
_COLUMN: Final = re.compile(r"[^\s()'\",+*]+")
_URI: Final = re.compile(r"https?://\S+")


class SourceIngestion:
    """The grammar of ``source-ingestion``."""

    kind: ClassVar[str] = "source-ingestion"
    summary: ClassVar[str] = "A table of a source, read into a dataset on a schedule, with schema and mapping."
    example: ClassVar[str] = """\
- kind: source-ingestion
  name: Accounts
  source: salesforce_service_cloud
  connection:
    auth:
      specName: Basic Authentication
      params:
        username: "${env:SF_USER}"
        password: "${env:SF_PASSWORD}"
        securityToken: "${env:SF_TOKEN}"
  table:
    tableName: Account
    columns:
      - {name: Id, type: string, xdm: {type: string}}
      - name: LastModifiedDate
        type: string
        xdm: {type: string, format: date-time}
  schema:
    title: Accounts
    class: https://ns.adobe.com/xdm/context/profile
  dataset: {name: Accounts}
  mappings: [{sourceAttribute: Id, destinationXdmPath: _id}]
  deltaColumn: {name: LastModifiedDate}
  scheduleParams:
    {startTime: 1798800000, frequency: minute, interval: 15, backfill: true}
"""
    action: ClassVar[bool] = False
    connected: ClassVar[bool] = True
    alone: ClassVar[bool] = False
    model: ClassVar[type[BaseModel]] = SourceIngestionBody

    def complete(self, body: dict[str, Any], desk: Desk) -> Mapping[str, Any]:
        """Give numbers and truths their types, and mappings all of their keys."""
        del desk
        done = {**body, "scheduleParams": typed(ScheduleParams, body.get("scheduleParams"), bare=True)}
        if isinstance(body.get("mappings"), list):
            done["mappings"] = [typed(MappingRow, row) for row in body["mappings"]]
        return done

    def check_connection(self, connection: Connection) -> Iterator[Finding]:
        """A connection to a source."""
        if connection.destination is not None:
            yield Finding(
                "connection",
                f"'{connection.key or connection.destination}' is a destination's connection",
                "a source-ingestion needs a connection with source:",
            )

    def check(self, item: Item, draft: Draft) -> Iterator[Finding]:
        """What the parts say of each other, and what items that share a schema or a dataset say of it."""
        body = item.body
        yield from _source(body.get("source"), item.connection)
        columns = list(_columns(body.get("table")))
        yield from _twice(columns, "table.columns", "name", "column", "error")
        yield from _mappings(body.get("mappings"), {name for _, name in columns})
        yield from _delta(body.get("deltaColumn"), {name for _, name in columns})
        if isinstance(body.get("scheduleParams"), Mapping):
            for finding in check_ingestion(body["scheduleParams"]):
                yield finding.under("scheduleParams")
        yield from _schema(body.get("schema"))
        yield from _dataset(body.get("dataset"), body.get("schema"))
        yield from _shared(item, draft)


def _source(named: Any, connection: Connection | None) -> Iterator[Finding]:
    spec: Any = named
    if isinstance(named, Mapping):
        yield from _explicit(named)
        inner = named.get("connectionSpec")
        spec = inner.get("id") if isinstance(inner, Mapping) else None
    elif named is None:
        if connection is not None and connection.source is None:
            yield Finding("source", "missing, and the connection does not say it", source_hint(""))
        return
    elif not isinstance(named, str):
        yield Finding("source", f"must be text, not {type_name(named)}", source_hint(""))
    elif source(named) is None:
        yield Finding("source", f"unknown source '{named}'", source_hint(named))
    known = source(spec) if isinstance(spec, str) else None
    if known is None or connection is None or connection.source is None:
        return
    of = source(connection.source)
    if of is not None and of.connection_spec_id != known.connection_spec_id:
        yield Finding(
            "source",
            f"the connection is one of {of.name}, and this is {known.name}",
            "name a connection of this source, or leave source: to the connection",
        )


def _explicit(named: Mapping[str, Any]) -> Iterator[Finding]:
    keys = {"connectionSpec": ("id", "version"), "flowSpec": ("id", "version", "name")}
    for key in named:
        if key not in keys:
            yield Finding(f"source.{key}", "unknown key", suggestion(str(key), keys, noun="known keys"))
    for key, inner in keys.items():
        value = named.get(key)
        if value is None and key == "flowSpec":
            continue  # then CRMToAEP is looked up
        if not isinstance(value, Mapping):
            message = "missing" if value is None else f"must be a mapping, not {type_name(value)}"
            yield Finding(f"source.{key}", message, f"{key}: {{id: …, version: '1.0'}}")
            continue
        for part, text in value.items():
            if part not in inner:
                yield Finding(f"source.{key}.{part}", "unknown key", suggestion(str(part), inner, noun="known keys"))
            elif not isinstance(text, str) or not text:
                yield Finding(f"source.{key}.{part}", f"must be text, not {type_name(text)}", "quote it")
        if "id" not in value and not (key == "flowSpec" and "name" in value):
            yield Finding(f"source.{key}.id", "missing", "the id that Adobe's documentation gives")
        elif key == "connectionSpec" and isinstance(value["id"], str) and source(value["id"]) is None:
            yield Finding("source.connectionSpec.id", f"'{value['id']}' is no id of a connection spec", "a UUID")
        if {"id", "name"} <= value.keys():
            yield Finding(f"source.{key}.name", "stands beside id", "one of the two names the flow spec")


def _columns(table: Any) -> Iterator[tuple[int, str]]:
    """Position and name of every column whose name is known."""
    listed = table.get("columns") if isinstance(table, Mapping) else None
    for number, column in enumerate(listed if isinstance(listed, list) else ()):
        if isinstance(column, Mapping) and isinstance(column.get("name"), str):
            yield number, column["name"]


def _twice(
    names: list[tuple[int, str]], key: str, part: str, what: str, severity: Literal["error", "warning"]
) -> Iterator[Finding]:
    first: dict[str, int] = {}
    for number, name in names:
        if name in first:
            yield Finding(
                f"{key}[{number}].{part}",
                f"the {what} '{name}' stands twice, first as {key}[{first[name]}]",
                "keep one of the two",
                severity=severity,
            )
        first.setdefault(name, number)


def _mappings(mappings: Any, columns: set[str]) -> Iterator[Finding]:
    paths = []
    for number, row in enumerate(mappings if isinstance(mappings, list) else ()):
        if not isinstance(row, Mapping):
            continue
        name, path = row.get("sourceAttribute"), row.get("destinationXdmPath")
        if isinstance(name, str) and _COLUMN.fullmatch(name) and columns and name not in columns:
            near = nearest(name, columns)
            yield Finding(
                f"mappings[{number}].sourceAttribute",
                f"'{name}' is not among the columns of the table",
                f"did you mean '{near}'?" if near else "add it to table.columns: what is not read cannot be mapped",
            )
        if isinstance(path, str):
            paths.append((number, path))
    yield from _twice(paths, "mappings", "destinationXdmPath", "path", "warning")


def _delta(delta: Any, columns: set[str]) -> Iterator[Finding]:
    if not isinstance(delta, Mapping):
        return
    for finding in check_delta(delta):
        yield finding.under("deltaColumn")
    name = delta.get("name")
    if isinstance(name, str) and columns and name not in columns:
        # Adobe's own sample has such a one: whether it must be among them is nowhere said (facts 8).
        near = nearest(name, columns)
        yield Finding(
            "deltaColumn.name",
            f"'{name}' is not among the columns of the table",
            f"did you mean '{near}'?" if near else "add it to table.columns unless the table has it anyway",
            severity="warning",
        )


def _schema(schema: Any) -> Iterator[Finding]:
    if not isinstance(schema, Mapping):
        return
    if schema.get("id") is not None:
        for key in schema:
            if key in ("title", "class", "fieldGroups", "description"):
                yield Finding(f"schema.{key}", "stands beside id", "an existing schema is used as it is")
        return
    for key, hint in (
        ("title", "or id: of an existing schema"),
        ("class", "such as https://ns.adobe.com/xdm/context/profile"),
    ):
        if not schema.get(key):
            yield Finding(f"schema.{key}", "missing", hint)
    groups = schema.get("fieldGroups")
    uris = [("class", schema.get("class"))]
    uris += [(f"fieldGroups[{number}]", uri) for number, uri in enumerate(groups if isinstance(groups, list) else ())]
    for key, uri in uris:
        if isinstance(uri, str) and uri and not _URI.fullmatch(uri):
            yield Finding(f"schema.{key}", f"'{uri}' is no $id", "a URI: https://ns.adobe.com/xdm/…")


def _dataset(dataset: Any, schema: Any) -> Iterator[Finding]:
    if not isinstance(dataset, Mapping):
        return
    if dataset.get("id") is None:
        if not dataset.get("name"):
            yield Finding("dataset.name", "missing", "or id: of an existing dataset")
        return
    for key in ("name", "description"):
        if key in dataset:
            yield Finding(f"dataset.{key}", "stands beside id", "an existing dataset is used as it is")
    if isinstance(schema, Mapping) and schema.get("id") is None and schema.get("title") is not None:
        yield Finding(
            "schema",
            "is to be made, and an existing dataset has one already",
            "schema: {id: …} of the dataset's own schema: the flow is refused when the two differ",
            severity="warning",
        )


def _shared(item: Item, draft: Draft) -> Iterator[Finding]:
    """Items that name one schema or dataset share it, so they must say the same of it."""
    firsts = draft.once(draft.by_name, _firsts, "source-ingestion")
    for what, name, said in _said(item):
        first, before = firsts.get((what, name), (item, said))
        if before != said:
            yield Finding(
                f"{what}.{'title' if what == 'schema' else 'name'}",
                f"the {what} '{name}' is described otherwise at {first.place}",
                f"items that name one {what} share it: say the same of it, or give it another name",
            )


def _firsts(by_name: Names) -> dict[tuple[str, str], tuple[Item, Any]]:
    found: dict[tuple[str, str], tuple[Item, Any]] = {}
    for known in by_name.of("source-ingestion"):
        item = by_name[known]
        for what, name, said in _said(item):
            found.setdefault((what, name), (item, said))
    return found


def _said(item: Item) -> Iterator[tuple[str, str, Any]]:
    """What an item says of the schema and the dataset it wants made: ``(what, name, content)``."""
    schema, dataset = item.body.get("schema"), item.body.get("dataset")
    if not item.name or not isinstance(schema, Mapping):
        return
    title = schema.get("title")
    if isinstance(title, str) and title:
        content = (schema.get("class"), schema.get("fieldGroups") or [], schema.get("description"))
        yield "schema", title, content
    if isinstance(dataset, Mapping) and isinstance(dataset.get("name"), str) and dataset["name"]:
        of = schema.get("id") or title
        if of is not UNRESOLVED:
            yield "dataset", dataset["name"], (of, dataset.get("description"))
