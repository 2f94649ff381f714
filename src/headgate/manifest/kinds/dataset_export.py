"""``dataset-export``: datasets of the data lake written to a cloud storage destination on a schedule."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from headgate.catalogue import Finding, batch, dataset_schedule, form
from headgate.catalogue.dataset_export import (
    DatasetDestination,
    check_datasets,
    dataset_destination,
    dataset_keys,
    rows_schema,
)
from headgate.catalogue.dataset_schedule import END_NOTICE, check_dataset_schedule, completed
from headgate.catalogue.words import suggestion
from headgate.manifest.field import shaped

if TYPE_CHECKING:
    from headgate.manifest.grammar import Desk, Draft
    from headgate.manifest.model import Connection, Item


def _datasets_form() -> dict[str, Any]:
    row = {"anyOf": [form.form(schema) for schema in rows_schema()]}
    return {"anyOf": [{"type": "array", "minItems": 1, "items": row}, *row["anyOf"]]}


class DatasetExportBody(BaseModel):
    """The own keys of a ``dataset-export`` entry. What stands inside them is the catalogue's to check.

    ``datasets`` is a list of ``{dataSetId, name}`` and ``{select: GLOB}``; one ``{select: GLOB}`` alone needs no list.
    """

    model_config = ConfigDict(extra="forbid", arbitrary_types_allowed=True)

    description: str | None = Field(None, description="Text for the objects' descriptions; headgate adds its mark.")
    datasets: Any = Field(
        description='What is exported: datasets by id, or by a pattern of their names: {select: "AAM *"}.',
        json_schema_extra=shaped(_datasets_form),
    )
    target: dict[str, Any] = Field(
        description="Where the files go, and what they are.",
        json_schema_extra=shaped(lambda: form.any_target(form.dataset_targets().values())),
    )
    scheduleParams: dict[str, Any] = Field(
        description="When it is exported.", json_schema_extra=shaped(dataset_schedule.form)
    )


class DatasetExport:
    """The grammar of ``dataset-export``."""

    kind: ClassVar[str] = "dataset-export"
    summary: ClassVar[str] = "Datasets of the data lake, by id or by name, to cloud storage: one dataflow an item."
    example: ClassVar[str] = """\
- kind: dataset-export
  name: Devices
  connection: {destination: data_landing_zone}
  datasets:
    - {dataSetId: 5ef3e3259ad2a1191ab7dd7d, name: AAM Devices Data}
    - {select: "AAM *"}
  target: {path: lake, datasetFileType: PARQUET, compression: GZIP}
  scheduleParams:
    exportMode: FIRST_FULL_THEN_INCREMENTAL
    timeUnit: hour
    interval: 3
    startTime: 1798800000
    endTime: 1830336000
"""
    action: ClassVar[bool] = False
    connected: ClassVar[bool] = True
    alone: ClassVar[bool] = True
    model: ClassVar[type[BaseModel]] = DatasetExportBody

    def complete(self, body: dict[str, Any], desk: Desk) -> Mapping[str, Any]:
        """Make ``datasets`` a list, and say when the exports end."""
        done = dict(body)
        if isinstance(done.get("datasets"), Mapping):
            done["datasets"] = [done["datasets"]]
            desk.draft.notes[id(done["datasets"])] = "alone"
        if isinstance(done.get("scheduleParams"), Mapping):
            done["scheduleParams"] = desk.draft.once(body["scheduleParams"], completed, "dataset schedule")
            if "endTime" in done["scheduleParams"] and body["scheduleParams"].get("endTime") is None:
                desk.draft.notes[id(done["scheduleParams"])] = "ended"
        return done

    def check_connection(self, connection: Connection) -> Iterator[Finding]:
        """A destination that can export datasets and whose specs are known."""
        if connection.source is not None:
            yield Finding(
                "connection",
                f"'{connection.key or connection.source}' is a source connection",
                "a dataset-export needs a connection with destination:",
            )
        elif connection.destination is None and connection.id is not None:
            yield Finding(
                "connection",
                f"connection '{connection.key or connection.id}' does not say its destination",
                "an existing connection (id:) also needs destination: KEY, so that its specs are known",
            )
        elif connection.destination is not None and dataset_destination(connection.destination) is None:
            found = batch(connection.destination)
            near = found.migrated_to if found is not None else None
            yield Finding(
                "connection",
                f"{found.name if found else connection.destination} cannot export datasets",
                f"use {near}" if near else suggestion(connection.destination, dataset_keys(), noun="those that can"),
            )

    def check(self, item: Item, draft: Draft) -> Iterator[Finding]:
        """Datasets, target and schedule against what the destination accepts."""
        key = item.connection.destination if item.connection else None
        destination = dataset_destination(key) if key is not None else None
        body = item.body
        if "datasets" in body:
            alone = draft.notes.get(id(body["datasets"])) == "alone"
            for finding in draft.once(body["datasets"], _datasets, "datasets"):
                # Told by the key under which it was written.
                yield replace(finding, key=finding.key.replace("datasets[0]", "datasets", 1)) if alone else finding
        if destination is not None and "target" in body:
            yield from draft.once(body["target"], partial(_target, destination=destination), (key, "datasets"))
        params = body.get("scheduleParams")
        if isinstance(params, Mapping):
            yield from draft.once(params, _schedule, "dataset schedule checked")
            if draft.notes.get(id(params)) == "ended":
                yield END_NOTICE.under("scheduleParams")


def _datasets(datasets: Any) -> list[Finding]:
    return list(check_datasets(datasets))


def _target(target: Any, destination: DatasetDestination) -> list[Finding]:
    return [finding.under("target") for finding in destination.check_target(target)]


def _schedule(params: Any) -> list[Finding]:
    return [finding.under("scheduleParams") for finding in check_dataset_schedule(params)]
