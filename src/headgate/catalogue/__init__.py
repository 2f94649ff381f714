"""Destinations as data, and what each of them accepts as checks.

Owns ``destinations.json`` (ids, credentials, targets) and the rules for schedules and file names. Refuses
HTTP, clocks and files other than its own. The data is read on first use: importing this room costs nothing.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headgate.catalogue.destination import AuthSpec, Destination
from headgate.catalogue.filename import CURRENT_MACROS, DEFAULT_TEMPLATE, LEGACY_MACROS, LEGACY_MANDATORY
from headgate.catalogue.finding import Finding
from headgate.catalogue.schedule import check_schedule, rules
from headgate.catalogue.source import CRM_FLOW, Source, ingestion_rules

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "DEFAULT_TEMPLATE",
    "AuthSpec",
    "Destination",
    "Finding",
    "Source",
    "batch",
    "batch_keys",
    "check_schedule",
    "describe",
    "describe_source",
    "lake",
    "profile_store",
    "source",
    "source_keys",
]


@cache
def _data() -> Mapping[str, Any]:
    text = Path(__file__).with_name("destinations.json").read_text(encoding="utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded


def _auth_specs(rows: list[dict[str, Any]]) -> tuple[AuthSpec, ...]:
    return tuple(
        AuthSpec(
            row["specName"],
            {"type": "object", "properties": row["properties"], "required": row["required"]},
            row.get("alias"),
        )
        for row in rows
    )


@cache
def batch(key: str) -> Destination | None:
    """The batch destination called ``key`` in manifests (``amazon_s3``), or ``None``."""
    data = _data()
    row = data["batch"].get(key)
    if row is None:
        return None
    target = row.get("target")
    return Destination(
        key=key,
        name=row["name"],
        generation=row["generation"],
        connection_spec_id=row["connectionSpecId"],
        flow_spec_id=row["flowSpecId"],
        flow_spec_name=row.get("flowSpecName"),
        auth=_auth_specs(row["auth"]),
        target_schema=None
        if target is None
        else {
            "type": "object",
            "required": target["required"],
            "properties": {**target["properties"], **data["fileOptions"]},
        },
        modes={mode: tuple(names) for mode, names in row.get("modes", {}).items()},
        encryption_schema=data["encryption"] if row["encryption"] else None,
        migrated_to=row.get("migratedTo"),
        data=data["legacyData"] if row["generation"] == "legacy" else None,
        version=data["version"],
    )


def batch_keys() -> tuple[str, ...]:
    """All keys of batch destinations: current generation first, as in the data."""
    return tuple(_data()["batch"])


def profile_store() -> Mapping[str, Any]:
    """``connectionSpecId``, ``data`` and ``params`` of the profile store, source of all audience exports."""
    store: Mapping[str, Any] = _data()["profileStore"]
    return store


def lake() -> Mapping[str, Any]:
    """The data lake as a target: ``connectionSpecId``, ``format``, ``schemaVersion`` and ``dataSetContentType``."""
    found: Mapping[str, Any] = _data()["lake"]
    return found


@cache
def source(key: str) -> Source | None:
    """The source called ``key`` in manifests, or the one whose connection spec has this id; ``None`` for neither.

    Of a source that is in the catalogue by no name, nothing is known but that id: what its credentials are called
    is for the platform to judge.
    """
    row = _data()["sources"].get(key)
    if row is not None:
        return Source(key, row["name"], row["connectionSpecId"], row["flowSpecName"], _auth_specs(row["auth"]))
    for name, known in _data()["sources"].items():
        if known["connectionSpecId"] == key.lower():
            return source(name)
    return Source(key, key, key.lower(), CRM_FLOW, None) if Source.ID.fullmatch(key) else None


def source_keys() -> tuple[str, ...]:
    """All keys a connection's ``source:`` may name."""
    return tuple(_data()["sources"])


def describe_source(key: str) -> dict[str, Any]:
    """One source for people (``headgate catalog KEY``): plain JSON data.

    Raises:
        KeyError: no source has this key.
    """
    found = source(key) if key in source_keys() else None
    if found is None:
        raise KeyError(key)
    return {
        "key": key,
        "name": found.name,
        "connectionSpecId": found.connection_spec_id,
        "flowSpecId": f"looked up by name: {found.flow_spec_name}",
        "targetConnectionSpecId": lake()["connectionSpecId"],
        "auth": _auth(found.auth or ()),
        "schedule": ingestion_rules(),
    }


def _auth(specs: tuple[AuthSpec, ...]) -> list[dict[str, Any]]:
    return [
        {
            "specName": spec.spec_name,
            "params": _params(spec.schema["properties"], spec.required),
            "secrets": list(spec.secrets),
        }
        for spec in specs
    ]


def describe(key: str) -> dict[str, Any]:
    """One destination for people (``headgate catalog KEY``): plain JSON data.

    Raises:
        KeyError: no batch destination has this key.
    """
    found = batch(key)
    if found is None:
        raise KeyError(key)
    if found.target_schema is not None:
        properties = found.target_schema["properties"]
        target = {"Server-to-server": _params(properties, found.target_schema["required"])}
    else:
        target = {
            mode: dict.fromkeys(names, "required") | {"includeFileManifest": "optional"}
            for mode, names in found.modes.items()
        }
    return {
        "key": key,
        "name": found.name,
        "generation": found.generation,
        "connectionSpecId": found.connection_spec_id,
        "flowSpecId": found.flow_spec_id or f"looked up by name: {found.flow_spec_name}",
        "migratedTo": found.migrated_to,
        "auth": _auth(found.auth),
        "target": target,
        "encryption": found.encryption_schema is not None,
        "filenameMacros": {
            "known": list(LEGACY_MACROS if found.legacy else CURRENT_MACROS),
            "mandatory": list(LEGACY_MANDATORY if found.legacy else ()),
        },
        "schedule": rules(legacy=found.legacy),
    }


def _params(properties: Mapping[str, Any], required: Any) -> dict[str, str]:
    shown = {}
    for name, schema in properties.items():
        notes = ["required" if name in required else "optional"]
        if "enum" in schema:
            notes.append("|".join(schema["enum"]))
        if "hint" in schema:
            notes.append(schema["hint"])
        shown[name] = "; ".join(notes)
    return shown
