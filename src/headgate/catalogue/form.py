"""The catalogue's data as JSON Schema, for editors: what :mod:`headgate.catalogue.schema` checks, in standard words.

Rendered from the very tables that the checks read. A form may be laxer than the check (what two keys say of each
other is often left to the check), never stricter: an editor must not complain about what is loaded.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from headgate.catalogue import batch, batch_keys, source, source_keys
from headgate.catalogue.dataset_export import dataset_destination, dataset_keys
from headgate.catalogue.destination import AuthSpec, Destination
from headgate.catalogue.meanings import MEANINGS
from headgate.catalogue.schema import Schema
from headgate.catalogue.words import either

Form = dict[str, Any]

#: Legacy destinations take these beside the location.
_LEGACY_EXTRA: Final[Mapping[str, Schema]] = {
    "includeFileManifest": {"type": "boolean"},
    "format": {"type": "string", "enum": ["CSV"]},
}


def form(schema: Schema, name: str = "") -> Form:
    """A schema of the catalogue's data in standard words: closed, and with descriptions."""
    done: Form = {key: schema[key] for key in ("type", "enum", "pattern", "contentEncoding", "format") if key in schema}
    # The hint of a choice is the choices.
    said = [MEANINGS.get(name, ""), "" if "enum" in schema else _sentence(str(schema.get("hint", "")))]
    if text := " ".join(part for part in said if part):
        done["description"] = text
    if "properties" in schema:
        done["properties"] = {key: form(inner, key) for key, inner in schema["properties"].items()}
        done["required"] = list(schema.get("required", ()))
        done["additionalProperties"] = False
    return done


def _sentence(hint: str) -> str:
    return f"{hint[0].upper()}{hint[1:].rstrip('.')}." if hint else ""


def auth_form(specs: tuple[AuthSpec, ...] | None, owner: str) -> Form:
    """``auth:`` of an account. ``specs`` is ``None`` where the catalogue does not know what they are called."""
    if specs is not None and not specs:
        return {"description": f"{owner} takes no credentials.", "type": "null"}
    names = [name for spec in specs or () for name in (spec.spec_name, spec.alias) if name]
    known: Form = {"type": "string", "description": "The way of signing in, by Adobe's name for it."}
    done: Form = {
        "description": f"Credentials of {owner}: {either(names)}." if names else f"Credentials of {owner}.",
        "type": "object",
        "required": ["specName", "params"],
        "properties": {
            "specName": {**known, "enum": names} if names else known,
            "params": {"type": "object", "description": "Its parameters; all of them are kept secret."},
            "type": {"description": "Adobe's samples have it; not sent."},
        },
        "additionalProperties": False,
    }
    for spec in specs or ():
        spelt = [name for name in (spec.spec_name, spec.alias) if name]
        described = f"{MEANINGS['params']} Required: {', '.join(spec.required)}."
        done.setdefault("allOf", []).append(
            {
                "if": {"properties": {"specName": {"enum": spelt}}, "required": ["specName"]},
                "then": {"properties": {"params": {**form(spec.schema), "description": described}}},
            }
        )
    return done


def accounts() -> dict[tuple[str, str], Form]:
    """``auth:`` by ``("destination" | "source", key)``."""
    found: dict[tuple[str, str], Form] = {}
    for key in batch_keys():
        destination = batch(key)
        if destination is not None:
            found["destination", key] = auth_form(destination.auth, destination.name)
    for key in source_keys():
        known = source(key)
        if known is not None:
            found["source", key] = auth_form(known.auth, known.name)
    return found


def encryption(key: str) -> Form | None:
    """``encryptionSpecs:`` of a destination, or ``None`` where it has none."""
    destination = batch(key)
    if destination is None or destination.encryption_schema is None:
        return None
    done = form(destination.encryption_schema)
    return {**done, "description": f"How files are encrypted before they go to {destination.name}."}


def audience_target(key: str) -> Form:
    """``target:`` of an audience export to one destination."""
    destination = batch(key)
    if destination is None:
        raise KeyError(key)
    schema = destination.target_schema or _legacy(destination)
    return {**form(schema), "description": f"Where in {destination.name} the files go, and what they are."}


def _legacy(destination: Destination) -> Schema:
    text: Schema = {"type": "string"}
    names = list(dict.fromkeys(name for names in destination.modes.values() for name in names))
    return {
        "type": "object",
        "required": names if len(destination.modes) == 1 else [],
        "properties": {
            **dict.fromkeys(names, text),
            "mode": {"type": "string", "enum": list(destination.modes)},
            **_LEGACY_EXTRA,
        },
    }


def dataset_target(key: str) -> Form:
    """``target:`` of a dataset export to one destination."""
    destination = dataset_destination(key)
    if destination is None:
        raise KeyError(key)
    done = form(destination.target_schema)
    # Samples of the tutorial have both; only datasetFileType counts, and the other is said to be superfluous.
    done["properties"]["fileType"] = {"description": "Does not count here: datasetFileType does.", "deprecated": True}
    return {**done, "description": f"Where in {destination.name} the files go, and what they are."}


def any_target(forms: Iterable[Form]) -> Form:
    """A target whose destination is not known here (it stands under ``connections:``): what any of ``forms`` takes."""
    seen: dict[str, list[Form]] = {}
    for one in forms:
        for name, inner in one["properties"].items():
            seen.setdefault(name, []).append(inner)
    properties: Form = {}
    for name, variants in seen.items():
        first = variants[0]
        if all(variant == first for variant in variants):
            properties[name] = first
            continue
        merged: Form = {"type": first["type"], "description": MEANINGS[name]}
        if all("enum" in variant for variant in variants):
            merged["enum"] = list(dict.fromkeys(choice for variant in variants for choice in variant["enum"]))
        properties[name] = merged
    return {
        "description": "Where the files go, and what they are. `headgate catalog KEY` shows what a destination takes.",
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
    }


def audience_targets() -> dict[str, Form]:
    """``target:`` of audience exports by destination."""
    return {key: audience_target(key) for key in batch_keys()}


def dataset_targets() -> dict[str, Form]:
    """``target:`` of dataset exports by destination."""
    return {key: dataset_target(key) for key in dataset_keys()}
