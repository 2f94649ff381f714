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
from headgate.catalogue.schema import Schema
from headgate.catalogue.words import either

Form = dict[str, Any]

#: What the parameters of accounts and targets are. Adobe's names; the hint of one destination is added to it.
MEANINGS: Final[Mapping[str, str]] = {
    "s3AccessKey": "The id of an AWS access key.",
    "s3SecretKey": "The secret of that key.",
    "accessId": "The id of an AWS access key.",
    "secretKey": "The secret of that key.",
    "connectionString": "The connection string of the storage account.",
    "url": "The address of the storage account.",
    "servicePrincipalId": "The application (client) id of the service principal.",
    "servicePrincipalKey": "The key of the service principal.",
    "tenant": "The directory (tenant) of the service principal.",
    "accessKeyId": "The id of an HMAC key of the project.",
    "secretAccessKey": "The secret of that key.",
    "domain": "The server, by name or address.",
    "host": "The server, by name or address.",
    "port": "The server's port, as text.",
    "username": "The account's user.",
    "password": "The account's password.",
    "sshKey": "The private key.",
    "securityToken": "The security token of the user.",
    "endpoint": "The address of the instance.",
    "bucketName": "The bucket that is written to.",
    "container": "The container that is written to.",
    "path": "The folder that is written to.",
    "remotePath": "The folder that is written to, on the server.",
    "mode": "How the target is addressed; told by the other keys where it is left out.",
    "format": "The format of the files: these destinations write CSV only.",
    "fileType": "The format of the files.",
    "datasetFileType": "The format of the files.",
    "compression": "How the files are compressed; JSON is exported compressed only.",
    "csvOptions": "How CSV is written; with fileType CSV only.",
    "quote": "The character around values.",
    "escape": "The character before a quote in a value.",
    "delimiter": "The character between values.",
    "nullValue": "What is written where there is no value.",
    "emptyValue": "What is written for empty text.",
    "includeFileManifest": "Whether a file that lists the exported files is written, too.",
    "encryptionAlgo": "PGPGPG encrypts, NONE does not.",
    "publicKey": "The public key, encoded in base64.",
    "specName": "The name of the specification, as Adobe has it.",
    "params": "Its parameters.",
}
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
