"""Schemas, datasets and mapping sets as objects of the platform: how they are kept, whatever service they are of."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import orjson

from headgate.simulator.store import Entity

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headgate.simulator.reply import Ask
    from headgate.simulator.world import World


def keep(
    world: World,
    ask: Ask,
    kind: str,
    *,
    entity_id: str,
    name: str,
    body: Mapping[str, Any],
    document: Mapping[str, Any],
) -> None:
    """Make an object true. ``body`` is what was asked for, ``document`` what GET shows of it."""
    digest = hashlib.blake2b(orjson.dumps(body, option=orjson.OPT_SORT_KEYS), digest_size=12).hexdigest()
    entity: Entity = {
        "id": entity_id,
        "name": name,
        "createdAt": int(world.now() * 1000),
        "sandboxName": ask.sandbox,
        "document": dict(document),
        "_seq": world.store.sequence + 1,
        "_digest": digest,
    }
    world.commit("new", kind, entity)


def listed(world: World, kind: str, sandbox: str) -> list[Entity]:
    """Those objects of a kind in one sandbox that lists show, oldest first."""
    return [entity for entity in of_sandbox(world, kind, sandbox) if world.listed(entity)]


def of_sandbox(world: World, kind: str, sandbox: str) -> list[Entity]:
    """The objects of a kind in one sandbox, oldest first."""
    return [entity for entity in world.store.all(kind) if entity["sandboxName"] == sandbox]
