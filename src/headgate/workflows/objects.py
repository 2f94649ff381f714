"""What resource entries have in common: marked bodies, digests, creation jobs, accounts and target connections."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol

from headgate.errors import Diagnostic, ManifestError
from headgate.planning.builder import Builder
from headgate.planning.content import content, digest_of, kind_of
from headgate.planning.marker import described
from headgate.planning.model import Job
from headgate.workflows.create import CreateSpec
from headgate.workflows.dialects import DIALECTS
from headgate.workflows.listing import LISTED, listing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headgate.catalogue import Destination
    from headgate.manifest.model import Connection, Item

#: What a creation asks, by its collection: one tuple for all of them.
_REQUESTS: Final = {name: (f"POST {dialect.path}",) for name, dialect in DIALECTS.items()}


def whole(body: Mapping[str, Any], text: str, plan: Builder, key: str, *, shared: bool = False) -> dict[str, Any]:
    """``body`` with its marked description and without its absent parts."""
    kept = {name: value for name, value in body.items() if value is not None}
    kept["description"] = described(text, plan.mark(key, shared=shared))
    return kept


class Account(Protocol):
    """What a base connection leads to: a destination or a source of the catalogue."""

    @property
    def key(self) -> str:
        """Its key in manifests."""

    @property
    def name(self) -> str:
        """Its name for people."""

    @property
    def connection_spec_id(self) -> str:
        """The id of its connection spec."""

    @property
    def version(self) -> str:
        """The version of its connection spec."""


def spec_of(account: Account) -> dict[str, str]:
    """The account's ``connectionSpec`` as bodies name it."""
    return {"id": account.connection_spec_id, "version": account.version}


class Creatable(Protocol):
    """The spec of a job that creates an object: a :class:`CreateSpec`, or one that becomes one at run time."""

    @property
    def collection(self) -> str:
        """Where the object is created."""

    @property
    def marker(self) -> str:
        """The mark it bears."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def body(self) -> Mapping[str, Any]:
        """What it is made from."""


def creation(
    plan: Builder,
    key: str,
    role: str,
    spec: Creatable,
    item: int,
    needs: Mapping[str, int],
    *,
    further: Any = None,
    led: tuple[str, ...] = (),
    kind: str = "create",
) -> int:
    """Add a creation.

    ``further`` is content the object gets after it, and counts to what it is made from. ``led`` are roles in ``needs``
    whose object may become another one in the object's life; when one of the others does, it is made anew too.
    """
    kinds: list[str] = []
    follows: list[str] = []
    below: list[str] = []
    for needed, edge in needs.items():
        job = plan.jobs[edge]
        if job.collection:
            (follows if needed in led else kinds).append(kind_of(job.digest))
            if spec.collection != "flows":
                below.append(job.spec.marker)
    return plan.add(
        Job(
            key,
            kind,
            role,
            spec,
            item,
            needs={**needs, LISTED: listing(plan, spec.collection)},
            collection=spec.collection,
            digest=content(spec, below, further, kinds, follows),
            requests=_REQUESTS[spec.collection],
        ),
    )


def base_connection(plan: Builder, item: Item, connection: Connection, account: Account) -> int:
    """The account's base connection; equal ones (name, account, credentials) are one, whoever uses them.

    Raises:
        ManifestError: two have one name and differ by their secrets alone. Which of them would be which could change
            with the order of rows, and a flow would get another account's credentials.
    """
    name = connection.name
    if not name:
        shown = {"auth": connection.auth, "encryption": connection.encryption}
        # Written on the entry without a name: all that say the same are one, and are called by what they say.
        name = f"{plan.manifest} {account.name} {digest_of([account.key, shown])[:8]}"
    key = f"base:{account.key}:{connection.key or name}"
    if not plan.share(key, (connection.auth, connection.encryption)):
        file, _, line = item.place.rpartition(":")
        message = f"two {account.name} connections differ by their secrets alone"
        hint = "give each a name of its own: `name:`, or a key under connections:"
        raise ManifestError((Diagnostic(file, int(line), f"item '{item.name}': connection", message, hint),))
    if (made := plan.find(key)) is not None:
        return made
    spec = CreateSpec(
        "connections",
        whole(
            {
                "name": name,
                "connectionSpec": spec_of(account),
                "auth": connection.auth,
                "encryptionSpecs": connection.encryption,
            },
            "",
            plan,
            key,
        ),
        plan.mark(key),
    )
    return creation(plan, key, "baseConnection", spec, -1, {})


def target_connection(
    plan: Builder, item: Item, index: int, destination: Destination, said: Mapping[str, Any]
) -> tuple[dict[str, int], dict[str, str]]:
    """The target connection of an item, and its base connection where that is not an existing one.

    Args:
        plan: Where the jobs go.
        item: The item; it has a connection.
        index: Its row.
        destination: What its connection is made of.
        said: ``params``, and ``data`` where the destination wants it.

    Returns:
        Jobs by role, and ids known beforehand by role: together the item's ``baseConnection`` and
        ``targetConnection``.
    """
    connection, key = item.connection, f"target:{item.name}"
    if connection is None:
        raise ValueError(f"{item.name}: an item without a connection passed the checks")
    body = whole(
        {"name": item.name, "connectionSpec": spec_of(destination), **said},
        str(item.body.get("description") or ""),
        plan,
        key,
    )
    if connection.id:
        spec = CreateSpec("targetConnections", {**body, "baseConnectionId": connection.id}, plan.mark(key))
        made = creation(plan, key, "targetConnection", spec, index, {})
        return {"targetConnection": made}, {"baseConnection": connection.id}
    base = base_connection(plan, item, connection, destination)
    spec = CreateSpec("targetConnections", body, plan.mark(key), (("baseConnectionId", "base"),))
    made = creation(plan, key, "targetConnection", spec, index, {"base": base})
    return {"baseConnection": base, "targetConnection": made}, {}
