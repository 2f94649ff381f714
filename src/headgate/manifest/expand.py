"""What a manifest expands to, for printing: plain data, every secret as its reference."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headgate.secret import masked

if TYPE_CHECKING:
    from headgate.manifest.model import Connection, Item, Manifest


def expanded(manifest: Manifest) -> list[dict[str, Any]]:
    """One mapping per item, in manifest order, in the form of an entry without ``foreach``."""
    return [_item(item, entry.priority) for entry in manifest.entries for item in entry.items]


def _item(item: Item, priority: int) -> dict[str, Any]:
    shown: dict[str, Any] = {"kind": item.kind, "name": item.name}
    if priority:
        shown["priority"] = priority
    if item.tags:
        shown["tags"] = list(item.tags)
    if item.connection is not None:
        shown["connection"] = item.connection.key or _connection(item.connection)
    body = dict(item.body)
    if "pairs" in body:
        rows = [{"destinationId": destination, "segmentId": segment} for destination, segment, _ in body["pairs"]]
        body["pairs"] = {"rows": rows}
        if body.get("apiVersion") != 1:
            body.pop("exportIds", None)
    shown.update(masked(body))
    return shown


def _connection(connection: Connection) -> dict[str, Any]:
    parts = {
        "destination": connection.destination,
        "source": connection.source,
        "name": connection.name,
        "auth": masked(dict(connection.auth)) if connection.auth else None,
        "encryptionSpecs": masked(dict(connection.encryption)) if connection.encryption else None,
        "id": connection.id,
    }
    return {key: value for key, value in parts.items() if value is not None}
