"""Where objects live: for every collection its service, its path, and when its turn comes to be deleted.

What refers to something is deleted before it, or the platform refuses (1418-400, facts 1.5) or is left with objects
that point nowhere. A new kind of object is a line here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from headgate.classes import frozen

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from headgate.exchange import Service


@frozen
class Collection:
    """One collection.

    ``stage``: what refers to others has a lower one than what it refers to, and is deleted first. ``role`` is what an
    item calls it. ``users`` are the collections, and in them the field, that may refer to an object of this one
    without headgate's knowledge: they are asked before it is deleted. ``marked``: a sweep looks here for objects that
    bear headgate's mark and are unknown to the store. ``address`` is
    how an id stands in a path.
    """

    service: Service
    path: str
    stage: int
    role: str
    one: str
    users: tuple[tuple[str, str], ...] = ()
    marked: bool = True
    headers: tuple[tuple[str, str], ...] = ()
    address: Callable[[str], str] = str

    @property
    def many(self) -> str:
        """Several of them, in words."""
        return f"{self.one}s"


def _schema_address(remote: str) -> str:
    """``https://ns.adobe.com/TENANT/schemas/HASH`` as the registry knows it too: ``_TENANT.schemas.HASH`` (facts 9)."""
    tenant, _, number = remote.partition("://")[2].partition("/")[2].partition("/schemas/")
    return f"_{tenant}.schemas.{number}" if number else remote


COLLECTIONS: Final[Mapping[str, Collection]] = {
    "flows": Collection("flow", "/flows", 0, "flow", "flow"),
    "sourceConnections": Collection("flow", "/sourceConnections", 1, "sourceConnection", "source connection"),
    "targetConnections": Collection("flow", "/targetConnections", 1, "targetConnection", "target connection"),
    "connections": Collection(
        "flow",
        "/connections",
        2,
        "baseConnection",
        "base connection",
        users=(("targetConnections", "baseConnectionId"), ("sourceConnections", "baseConnectionId")),
    ),
    "dataSets": Collection("catalog", "/dataSets", 3, "dataset", "dataset", marked=False),
    "schemas": Collection(
        "schemaregistry",
        "/tenant/schemas",
        4,
        "schema",
        "schema",
        marked=False,
        headers=(("Accept", "application/vnd.adobe.xed+json; version=1"),),
        address=_schema_address,
    ),
}
