"""What the destinations of dataset exports accept: the same accounts as audience exports, other flows and files.

Connections (ids, credentials) are those of :func:`headgate.catalogue.batch`; here is what differs. Facts 7.2 to 7.4.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from headgate.catalogue import batch
from headgate.catalogue.dataset_folder import MACROS
from headgate.catalogue.dataset_schedule import rules
from headgate.catalogue.destination import Destination
from headgate.catalogue.finding import Finding
from headgate.catalogue.schema import Schema, type_name, violations
from headgate.catalogue.words import nearest


@cache
def _data() -> Mapping[str, Any]:
    text = Path(__file__).with_name("datasets.json").read_text(encoding="utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded


@dataclass(frozen=True, slots=True, eq=False)
class DatasetDestination:
    """A destination as dataset exports see it. ``account`` is what its connections are made of."""

    account: Destination
    flow_spec_id: str
    target_schema: Schema

    @property
    def name(self) -> str:
        """What people call it."""
        return self.account.name

    def check_target(self, target: Any) -> list[Finding]:
        """Everything wrong with a dataset export's ``target``; keys are relative to it (``path``)."""
        if not isinstance(target, Mapping):
            message = "missing" if target is None else f"must be a mapping, not {type_name(target)}"
            return [Finding("", message, f"params: {', '.join(self.target_schema['required'])}")]
        # Adobe's schema has both file types, and which of them counts is told by a keyword of its own (trap 34).
        found = [
            _misplaced(finding, target)
            for finding in violations(self.target_schema, {k: v for k, v in target.items() if k != "fileType"})
        ]
        if "fileType" in target and "datasetFileType" in target:
            message = "does not count in dataset exports, and is not sent"
            found.append(Finding("fileType", message, "datasetFileType decides", severity="warning"))
        if target.get("datasetFileType") == "JSON" and target.get("compression") == "NONE":
            # The tutorial's samples say NONE, and its text that JSON is exported compressed only (trap 35).
            found.append(Finding("compression", "JSON is exported compressed only", "use compression: GZIP"))
        return found

    def target_params(self, target: Mapping[str, Any]) -> dict[str, Any]:
        """The ``params`` of the target connection as they are sent, from a target that passed its check."""
        return {"mode": "Server-to-server", **{key: value for key, value in target.items() if key != "fileType"}}


def _misplaced(finding: Finding, target: Mapping[str, Any]) -> Finding:
    if finding.key == "datasetFileType" and finding.message == "missing" and "fileType" in target:
        return Finding(finding.key, finding.message, "fileType belongs to audience exports: use datasetFileType")
    return finding


@cache
def dataset_destination(key: str) -> DatasetDestination | None:
    """The destination called ``key`` in manifests, or ``None`` when it cannot export datasets."""
    data, account = _data(), batch(key)
    flow_spec_id = data["flowSpecs"].get(key)
    if account is None or account.target_schema is None or flow_spec_id is None:
        return None
    location = account.target_schema
    schema = {
        "type": "object",
        "required": [*location["required"], *data["required"]],
        "properties": {
            **{name: _without_audiences(location["properties"][name]) for name in location["required"]},
            **data["fileOptions"],
        },
    }
    return DatasetDestination(account, flow_spec_id, schema)


def _without_audiences(schema: Schema) -> Schema:
    """``schema`` without what its hint says of the macros of audiences, which no dataset has."""
    hint = str(schema.get("hint", "")).partition("; %SEGMENT")[0]
    return {**schema, "hint": hint} if hint else schema


def dataset_keys() -> tuple[str, ...]:
    """Keys of the destinations that can export datasets."""
    return tuple(_data()["flowSpecs"])


def data_lake_spec() -> dict[str, str]:
    """The connection spec of every dataset export's source. Its base connection is the platform's own business."""
    return {"id": _data()["dataLake"]["connectionSpecId"], "version": "1.0"}


def check_datasets(datasets: Any) -> Iterator[Finding]:
    """Everything wrong with ``datasets:`` as a list of ``{dataSetId, name}`` and ``{select}``; keys start there."""
    if not isinstance(datasets, list) or not datasets:
        wrong = "must not be empty" if isinstance(datasets, list) else f"must be a list, not {type_name(datasets)}"
        yield Finding("datasets", wrong, 'datasets: [{dataSetId: …, name: …}], or [{select: "AAM *"}]')
        return
    first: dict[str, int] = {}
    for number, row in enumerate(datasets):
        key = f"datasets[{number}]"
        if not isinstance(row, Mapping):
            yield Finding(key, f"must be a mapping, not {type_name(row)}", "keys: dataSetId and name, or select")
            continue
        meant = {nearest(str(name), ("dataSetId", "name", "select")) for name in row}
        kind = "selection" if "select" in row or meant == {"select"} else "dataset"
        yield from violations(_data()[kind], row, key)
        name = row.get("dataSetId")
        if kind == "dataset" and isinstance(name, str) and first.setdefault(name, number) != number:
            message = f"dataset '{name}' stands twice, first as datasets[{first[name]}]"
            yield Finding(f"{key}.dataSetId", message, "a flow exports a dataset once; keep one of the two")


def rows_schema() -> tuple[Schema, Schema]:
    """A row of ``datasets:``: one dataset, or a selection of some."""
    return _data()["dataset"], _data()["selection"]


def describe_datasets(key: str) -> dict[str, Any] | None:
    """What ``headgate catalog KEY`` says of dataset exports: plain JSON data, or ``None`` when there are none."""
    found = dataset_destination(key)
    if found is None:
        return None
    params = {}
    for name, schema in found.target_schema["properties"].items():
        notes = ["required" if name in found.target_schema["required"] else "optional"]
        if "enum" in schema:
            notes.append("|".join(schema["enum"]))
        elif "hint" in schema:
            notes.append(schema["hint"])
        params[name] = "; ".join(notes)
    params["compression"] += "; JSON needs GZIP"
    return {
        "flowSpecId": found.flow_spec_id,
        "sourceConnectionSpecId": data_lake_spec()["id"],
        "target": params,
        "foldernameMacros": [f"%{name}%" for name in MACROS],
        "scheduleParams": rules(),
    }
