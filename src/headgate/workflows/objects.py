"""Jobs that make one object: the marked body, the references, the listing that is asked first. For every entry kind."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import orjson

from headgate.errors import Diagnostic, ManifestError
from headgate.planning.builder import Builder, frozen
from headgate.planning.marker import described
from headgate.planning.model import Job
from headgate.secret import masked
from headgate.workflows.collections import COLLECTIONS
from headgate.workflows.create import CreateSpec
from headgate.workflows.listing import LISTED, listing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headgate.manifest.model import Connection, Item


@dataclass(frozen=True, slots=True)
class Wanted:
    """One object to be made.

    ``body`` is what is sent but for its mark and its references; absent parts are left out of it by whoever fills it,
    so that a null that is written is sent. ``text`` goes before the mark. ``item`` is -1 for what items share.
    """

    key: str
    role: str
    collection: str
    body: Mapping[str, Any]
    text: str = ""
    refs: tuple[tuple[str, str], ...] = ()
    item: int = -1
    filter: str = ""


def create(plan: Builder, wanted: Wanted, needs: Mapping[str, int]) -> int:
    """The job that makes ``wanted`` out of what ``needs`` (jobs by role) give."""
    mark, field = plan.mark(wanted.key), COLLECTIONS[wanted.collection].mark_field
    body = {**wanted.body, field: described(wanted.text, mark)}
    spec = CreateSpec(wanted.collection, body, mark, wanted.refs, filter=wanted.filter)
    return plan.add(
        Job(
            wanted.key,
            "create",
            wanted.role,
            spec,
            wanted.item,
            needs={**needs, LISTED: listing(plan, wanted.collection)},
            collection=wanted.collection,
            digest=digest_of(masked({name: getattr(spec, name) for name in spec.__slots__})),
            requests=(f"POST {COLLECTIONS[wanted.collection].path}",),
        ),
    )


def base_connection(
    plan: Builder, item: Item, connection: Connection, of: tuple[str, str], spec: Mapping[str, str]
) -> int:
    """The base connection of an item; equal ones (name, kind, credentials) are one.

    Args:
        plan: Where the job goes.
        item: Who needs it, for the message.
        connection: What is asked for; it has no ``id``.
        of: Key and name of the source or destination.
        spec: Its connection spec, ``{"id", "version"}``.

    Raises:
        ManifestError: two have one name and differ by their secrets alone. Which of them would be which could change
            with the order of rows, and a flow would get another account's credentials.
    """
    kind, title = of
    said = {"auth": masked(connection.auth), "encryption": masked(connection.encryption)}
    # Written on the entry without a name: all that say the same are one, and are called by what they say.
    name = connection.name or f"{plan.manifest} {title} {digest_of([kind, said])[:8]}"
    key = f"base:{kind}:{connection.key or name}"
    if not plan.share(key, frozen((connection.auth, connection.encryption))):
        file, _, line = item.place.rpartition(":")
        message = f"two {title} connections differ by their secrets alone"
        hint = "give each a name of its own: `name:`, or a key under connections:"
        raise ManifestError((Diagnostic(file, int(line), f"item '{item.name}': connection", message, hint),))
    parts = {"auth": connection.auth, "encryptionSpecs": connection.encryption}
    body = {"name": name, "connectionSpec": spec, **{part: value for part, value in parts.items() if value}}
    return create(plan, Wanted(key, "baseConnection", "connections", body), {})


def digest_of(value: Any) -> str:
    """A digest of JSON data that holds no secrets."""
    return blake2b(orjson.dumps(value, option=orjson.OPT_SORT_KEYS), digest_size=12).hexdigest()
