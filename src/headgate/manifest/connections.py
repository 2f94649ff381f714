"""Base connections: those under ``connections:`` and those written inline on an entry."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from headgate.catalogue import Finding, batch, batch_keys, source_keys
from headgate.catalogue import source as source_of
from headgate.catalogue.schema import type_name
from headgate.catalogue.words import nearest, suggestion
from headgate.classes import frozen
from headgate.manifest.model import Connection
from headgate.manifest.references import UNRESOLVED

#: The keys of a connection and what they mean.
MEANINGS: Final[Mapping[str, str]] = {
    "destination": "The destination, by its key in the catalogue: headgate catalog.",
    "source": "The source, by its key in the catalogue or the id of its connection spec.",
    "name": "Its name on the platform; else its key.",
    "auth": "Credentials. Everything below is a secret, wherever it comes from: ${env:NAME}, ${file:path}.",
    "encryptionSpecs": "How files are encrypted before they leave.",
    "id": "An existing connection, used as it is; exports need destination: beside it.",
}
_KEYS: Final = tuple(MEANINGS)


@frozen
class Built:
    """A connection and what is wrong with it. ``known`` is false when nothing should be concluded from it."""

    connection: Connection | None
    findings: tuple[Finding, ...]
    known: bool


def build(key: str, value: Any, line: int) -> Built:
    """A connection from its mapping (references resolved); findings' keys are relative to it.

    Args:
        key: Its key under ``connections:``, or empty for an inline one.
        value: The mapping, secrets wrapped; may be faulty.
        line: Its line in the manifest.
    """
    if value is UNRESOLVED:
        return Built(None, (), known=False)
    if not isinstance(value, Mapping):
        finding = Finding("", f"must be a mapping, not {type_name(value)}", f"keys: {', '.join(_KEYS)}")
        return Built(None, (finding,), known=False)
    found = [
        Finding(part, "unknown key", suggestion(part, _KEYS, noun="known keys")) for part in value if part not in _KEYS
    ]
    found += [
        Finding(part, f"must be text, not {type_name(value[part])}", "quote it to make it text")
        for part in ("destination", "source", "name", "id")
        if part in value and not (isinstance(value[part], str) and value[part])
    ]
    meant = {nearest(part, _KEYS) for part in value if part not in _KEYS}
    destination, source, existing = (_text(value, part) for part in ("destination", "source", "id"))
    if "destination" in value and "source" in value:
        found.append(Finding("source", "stands beside destination", "a connection has one of the two"))
    elif not {"destination", "source", "id"} & (set(value) | meant):
        found.append(Finding("", "names no destination, source or id", f"destination: {batch_keys()[0]}"))
    known = not any(part.key in ("destination", "source", "") for part in found) and not meant & {
        "destination",
        "source",
    }
    known = known and UNRESOLVED not in (value.get("destination"), value.get("source"))
    wrong = _specs(value, destination, source, existing)
    if any(finding.key in ("destination", "source") and finding.severity == "error" for finding in wrong):
        known = False
    auth = value.get("auth")
    encryption = value.get("encryptionSpecs")
    connection = Connection(
        key=key,
        name=_text(value, "name") or key,
        destination=destination,
        source=source,
        auth=auth if isinstance(auth, Mapping) else None,
        encryption=encryption if isinstance(encryption, Mapping) else None,
        id=existing,
        line=line,
    )
    return Built(connection, (*found, *wrong), known=known)


def _text(value: Mapping[str, Any], key: str) -> str | None:
    found = value.get(key)
    return found if isinstance(found, str) and found else None


def _specs(
    value: Mapping[str, Any], destination: str | None, source: str | None, existing: str | None
) -> list[Finding]:
    """What the catalogue says of the destination or source and of the credentials."""
    found: list[Finding] = []
    if existing is not None and "auth" in value:
        found.append(Finding("auth", "stands beside id", "an existing connection is used as it is: leave auth out"))
    wants_auth = "id" not in value
    if destination is not None:
        spec = batch(destination)
        if spec is None:
            hint = suggestion(destination, batch_keys(), noun="destinations")
            return [*found, Finding("destination", f"unknown destination '{destination}'", hint)]
        if spec.migrated_to is not None:
            found.append(
                Finding(
                    "destination",
                    f"'{destination}' is of the retired generation",
                    f"new connections use {spec.migrated_to}",
                    severity="warning",
                )
            )
        if wants_auth:
            found += spec.check_auth(value.get("auth"))
        found += spec.check_encryption(value.get("encryptionSpecs"))
    elif source is not None:
        known = source_of(source)
        if known is None:
            return [*found, Finding("source", f"unknown source '{source}'", source_hint(source))]
        if wants_auth:
            found += known.check_auth(value.get("auth"))
    return found


def source_hint(source: str) -> str:
    """What to write instead of an unknown source."""
    near = nearest(source, source_keys())
    return f"did you mean '{near}'?" if near else f"sources: {', '.join(source_keys())}, or a connection spec's id"
