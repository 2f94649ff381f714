"""The keys of a ``source-ingestion`` entry. Names are Adobe's (seed 004; facts 8)."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from headgate.catalogue import source_keys
from headgate.catalogue.source import Source, interval_forms
from headgate.manifest.field import Whole, shaped


def _source_form() -> dict[str, Any]:
    text = {"type": "string", "minLength": 1}
    spec = {
        "id": {**text, "description": "Its id, as Adobe's documentation gives it."},
        "version": {**text, "description": "Its version: '1.0'."},
    }
    closed = {"type": "object", "additionalProperties": False}
    name = {**text, "description": "Its name, instead of an id: it is looked up."}
    explicit = {
        "connectionSpec": {**closed, "description": "Whose connection spec it is.", "properties": spec},
        "flowSpec": {**closed, "description": "The flow spec; else CRMToAEP.", "properties": {**spec, "name": name}},
    }
    # Written out only to be completed by an editor: any id of a connection spec is taken.
    return {
        "anyOf": [
            {"type": "string", "enum": list(source_keys())},
            {"type": "string", "pattern": rf"^{Source.ID.pattern}$"},
            {**closed, "properties": explicit, "required": ["connectionSpec"]},
            {"type": "null"},
        ]
    }


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", arbitrary_types_allowed=True)


class Xdm(BaseModel):
    """The type a column becomes. What exploring a source gives besides (``minimum`` …) is passed on."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(min_length=1, description="The JSON type: string, integer, number, boolean.")
    format: str | None = Field(None, description="Its format: date-time, date.")


class Column(_Strict):
    """One column of the table."""

    name: str = Field(min_length=1, description="The column's name in the source.")
    type: str = Field(min_length=1, description="Its type in the source.")
    xdm: Xdm = Field(description="The type it becomes.")
    xdm_type: str | None = Field(None, alias="meta:xdmType", description="The XDM type, where exploring gives one.")


class Table(_Strict):
    """What is read of the source."""

    tableName: str = Field(min_length=1, description="The table.")
    columns: list[Column] = Field(min_length=1, description="Its columns; what is not read cannot be mapped.")


class SchemaWish(_Strict):
    """A schema to be made (``title`` and ``class``, perhaps ``fieldGroups``) or an existing one (``id``)."""

    id: str | None = Field(None, description="An existing schema's $id, used as it is.")
    title: str | None = Field(None, description="The title of a schema to be made; items that name one share it.")
    description: str | None = Field(None, description="Its description.")
    class_: str | None = Field(
        None, alias="class", description="The class of a schema to be made: https://ns.adobe.com/xdm/context/profile."
    )
    fieldGroups: list[str] = Field([], description="The $ids of its field groups.")


class DatasetWish(_Strict):
    """A dataset to be made (``name``) or an existing one (``id``)."""

    id: str | None = Field(None, description="An existing dataset's id, used as it is.")
    name: str | None = Field(None, description="The name of a dataset to be made; items that name one share it.")
    description: str | None = Field(None, description="Its description.")


class MappingRow(_Strict):
    """Which attribute of the source goes where; sent with every key, as in the tutorial."""

    sourceAttribute: str = Field(min_length=1, description="A column, or an expression over some.")
    destinationXdmPath: str = Field(min_length=1, description="The XDM path it goes to.")
    identity: bool = Field(False, description="Whether it is an identity.")
    identityGroup: str | None = Field(None, description="The group of the identity.")
    namespaceCode: str | None = Field(None, description="The code of its namespace.")
    version: Whole = Field(0, description="Of the mapping; 0.")


class DeltaColumn(_Strict):
    """The column that tells new rows from old ones."""

    name: str = Field(min_length=1, description="The column.")
    dateFormat: str | None = Field(None, description="Its format: yyyy-MM-dd HH:mm:ss is the only one documented.")
    timezone: str | None = Field(None, description="Its time zone.")


class ScheduleParams(BaseModel):
    """When the table is read. Texts of Adobe's sample (``"15"``, ``"true"``) are taken, and sent typed (trap 44)."""

    model_config = ConfigDict(extra="forbid", json_schema_extra=lambda schema: schema.update(allOf=interval_forms()))

    startTime: Whole = Field(description="When it begins: epoch seconds.")
    frequency: Literal["once", "minute", "hour", "day", "week"] = Field(description="The unit of interval, or once.")
    interval: Whole | None = Field(None, description="Every so many of them; minutes are 15 at least.")
    backfill: bool | None = Field(None, description="Whether what was there before is read, too.")


class SourceIngestionBody(_Strict):
    """The own keys of a ``source-ingestion`` entry.

    ``source`` is a key of the catalogue, the id of a connection spec, or
    ``{connectionSpec: {id, version?}, flowSpec: {id, version?} | {name}}`` for any other source of tables.
    """

    description: str | None = Field(None, description="Text for the objects' descriptions; headgate adds its mark.")
    source: Any = Field(
        None,
        description="The source: a key of the catalogue, the id of a connection spec, or both specs written out.",
        json_schema_extra=shaped(_source_form),
    )
    table: Table = Field(description="What is read.")
    schema_: SchemaWish = Field(alias="schema", description="The schema of the dataset: to be made, or an id.")
    dataset: DatasetWish = Field(description="Where the rows go: a dataset to be made, or an id.")
    mappings: list[MappingRow] = Field(min_length=1, description="Which column goes where.")
    deltaColumn: DeltaColumn = Field(description="What tells new rows from old ones.")
    scheduleParams: ScheduleParams = Field(description="When it is read.")


def typed(model: type[BaseModel], value: Any, *, bare: bool = False) -> Any:
    """``value`` as ``model`` reads it (``bare``: without what was not given), or itself where it cannot be read."""
    try:
        return model.model_validate(value).model_dump(exclude_none=bare)
    except (ValidationError, TypeError):
        return value
