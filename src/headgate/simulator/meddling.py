"""Somebody else at work on the same objects: what makes a client's etag stale at the worst moment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headgate.simulator.store import KINDS

if TYPE_CHECKING:
    from headgate.simulator.world import World

_SOMEBODY = "exc_app"


def meddle(world: World, path: str) -> None:
    """Save the object that ``path`` names as somebody in the user interface would: another etag, the same content."""
    parts = path.strip("/").split("/")
    for kind in KINDS:
        if kind in parts[:-1]:
            entity = world.store.get(kind, parts[parts.index(kind) + 1])
            if entity is not None and "_busyUntil" not in world.settle(entity):
                touch(world, kind, str(entity["id"]))
            return


def touch(world: World, kind: str, entity_id: str, **changes: object) -> None:
    """Change an object behind the client's back; ``changes`` replace its top-level parts.

    Raises:
        ValueError: no such object.
    """
    entity = world.store.get(kind, entity_id)
    if entity is None:
        raise ValueError(f"no {kind} {entity_id}")
    now = world.now()
    etag = world.ids.etag(now)
    after = {**entity, **changes, "etag": etag, "version": etag, "updatedAt": int(now * 1000), "updatedBy": _SOMEBODY}
    world.commit("given", kind, after)
    world.flush()
