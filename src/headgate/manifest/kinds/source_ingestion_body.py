"""The keys of a ``source-ingestion`` entry. Names are Adobe's (seed 004; facts 8)."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

Name = Field(min_length=1)


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", arbitrary_types_allowed=True)


class Xdm(BaseModel):
    """The type a column becomes. What exploring a source gives besides (``minimum`` …) is passed on."""

    model_config = ConfigDict(extra="allow")

    type: str = Name
    format: str | None = None


class Column(_Strict):
    """One column of the table."""

    name: str = Name
    type: str = Name
    xdm: Xdm
    xdm_type: str | None = Field(None, alias="meta:xdmType")


class Table(_Strict):
    """What is read of the source."""

    tableName: str = Name
    columns: list[Column] = Field(min_length=1)


class SchemaWish(_Strict):
    """A schema to be made (``title`` and ``class``, perhaps ``fieldGroups``) or an existing one (``id``)."""

    id: str | None = None
    title: str | None = None
    description: str | None = None
    class_: str | None = Field(None, alias="class")
    fieldGroups: list[str] = []


class DatasetWish(_Strict):
    """A dataset to be made (``name``) or an existing one (``id``)."""

    id: str | None = None
    name: str | None = None
    description: str | None = None


class MappingRow(_Strict):
    """Which attribute of the source goes where; sent with every key, as in the tutorial."""

    sourceAttribute: str = Name
    destinationXdmPath: str = Name
    identity: bool = False
    identityGroup: str | None = None
    namespaceCode: str | None = None
    version: int = 0


class DeltaColumn(_Strict):
    """The column that tells new rows from old ones."""

    name: str = Name
    dateFormat: str | None = None
    timezone: str | None = None


class ScheduleParams(_Strict):
    """When the table is read. Texts of Adobe's sample (``"15"``, ``"true"``) are taken, and sent typed (trap 44)."""

    startTime: int
    frequency: Literal["once", "minute", "hour", "day", "week"]
    interval: int | None = None
    backfill: bool | None = None


class SourceIngestionBody(_Strict):
    """The own keys of a ``source-ingestion`` entry.

    ``source`` is a key of the catalogue, the id of a connection spec, or
    ``{connectionSpec: {id, version?}, flowSpec: {id, version?} | {name}}`` for any other source of tables.
    """

    description: str | None = None
    source: Any = None
    table: Table
    schema_: SchemaWish = Field(alias="schema")
    dataset: DatasetWish
    mappings: list[MappingRow] = Field(min_length=1)
    deltaColumn: DeltaColumn
    scheduleParams: ScheduleParams


def typed(model: type[BaseModel], value: Any, *, bare: bool = False) -> Any:
    """``value`` as ``model`` reads it (``bare``: without what was not given), or itself where it cannot be read."""
    try:
        return model.model_validate(value).model_dump(exclude_none=bare)
    except (ValidationError, TypeError):
        return value
