"""The platform's objects, by sandbox, id and name, and who uses whom. No rules live here."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

SANDBOX_ID = "6ef74723-3ee7-46a4-b747-233ee7a6a41a"
KINDS = ("connections", "sourceConnections", "targetConnections", "flows")
#: Objects of other services.
LAKE_KINDS = ("schemas", "dataSets", "mappingSets")
ALL_KINDS = KINDS + LAKE_KINDS

#: An object as GET shows it, plus private keys that begin with ``_`` (``_seq``, ``_busyUntil``, ``_digest``).
Entity = dict[str, Any]


def shown(entity: Entity) -> dict[str, Any]:
    """``entity`` without its private keys."""
    return {key: value for key, value in entity.items() if key[0] != "_"}


def new_entity(
    kind: str,
    kept: dict[str, Any],
    *,
    entity_id: str,
    etag: str,
    now_ms: int,
    sandbox: str,
    org: str,
    sequence: int,
    client: str,
) -> Entity:
    """An object as it is right after its creation. ``kept`` is what the rules let through of its body."""
    entity: Entity = {
        "id": entity_id,
        "createdAt": now_ms,
        "updatedAt": now_ms,
        "createdBy": client,
        "updatedBy": client,
        "createdClient": client,
        "updatedClient": client,
        "sandboxId": SANDBOX_ID,
        "sandboxName": sandbox,
        "imsOrgId": org,
        **kept,
        "state": "enabled",
        "version": etag,
        "etag": etag,
        "_seq": sequence,
        "_digest": hashlib.blake2b(orjson.dumps(kept, option=orjson.OPT_SORT_KEYS), digest_size=12).hexdigest(),
    }
    if kind == "flows":
        entity["lastOperation"] = operation(now_ms, "create", [], completed=True)
    return entity


def operation(now_ms: int, name: str, ops: Any, *, completed: bool) -> dict[str, Any]:
    """A flow's ``lastOperation`` (facts 2.3)."""
    value = "completed" if completed else "IN_PROGRESS"
    return {
        "started": now_ms,
        "updated": now_ms,
        "percentCompleted": 100 if completed else 0,
        "status": {"value": value, "properties": None, "errors": []},
        "ops": ops,
        "operation": name,
    }


class Store:
    """Live objects. Cost: O(1) per put, delete and look-up by id or name."""

    def __init__(self) -> None:
        self._live: dict[str, dict[str, Entity]] = {kind: {} for kind in ALL_KINDS}
        self._by_name: dict[tuple[str, str], dict[str, None]] = {}
        self._users: dict[str, set[str]] = {}
        self._based: dict[str, set[str]] = {}
        #: When the deletion of an object that is being deleted is done, by kind and id.
        self.dying: dict[tuple[str, str], float] = {}
        self.audience_names: dict[str, str] = {}
        self.sequence = 0

    def get(self, kind: str, entity_id: str) -> Entity | None:
        """The live object of this id, of any sandbox."""
        return self._live[kind].get(entity_id)

    def put(self, kind: str, entity: Entity) -> None:
        """Create or overwrite."""
        entity_id = entity["id"]
        before = self._live[kind].get(entity_id)
        if before is not None and before["name"] != entity["name"]:
            self._by_name[kind, before["name"]].pop(entity_id, None)
        self._by_name.setdefault((kind, entity["name"]), {})[entity_id] = None
        self._live[kind][entity_id] = entity
        self.sequence = max(self.sequence, entity["_seq"])
        if before is not None and _base_of(before) != _base_of(entity):
            self._based.get(_base_of(before), set()).discard(entity_id)
        if base := _base_of(entity):
            self._based.setdefault(base, set()).add(entity_id)
        if kind == "flows":
            if before is not None:
                self._unuse(before)
            for used in _used_by(entity):
                self._users.setdefault(used, set()).add(entity_id)
            for selector in audience_selectors(entity):
                if selector.get("name"):
                    self.audience_names[adhoc_id(selector)] = selector["name"]

    def delete(self, kind: str, entity_id: str) -> None:
        """Forget the object."""
        entity = self._live[kind].pop(entity_id, None)
        self.dying.pop((kind, entity_id), None)
        if entity is not None:
            self._based.get(_base_of(entity), set()).discard(entity_id)
            self._by_name[kind, entity["name"]].pop(entity_id, None)
            if kind == "flows":
                self._unuse(entity)

    def users(self, entity_id: str) -> set[str]:
        """Ids of the live flows that use this connection."""
        return self._users.get(entity_id, set())

    def based(self, entity_id: str) -> set[str]:
        """Ids of the live source and target connections of this base connection."""
        return self._based.get(entity_id, set())

    def doom(self, kind: str, entity_id: str, gone_at: float) -> None:
        """Begin a deletion that is done at platform time ``gone_at``."""
        self.dying[kind, entity_id] = gone_at
        self._live[kind][entity_id]["state"] = "delete-finalizing"

    def all(self, kind: str) -> Iterable[Entity]:
        """Every live object of a kind, oldest first."""
        return self._live[kind].values()

    def count(self, kind: str) -> int:
        """How many are live."""
        return len(self._live[kind])

    def newest_first(
        self, kind: str, sandbox: str, ids: Iterable[str] | None = None, names: Iterable[str] | None = None
    ) -> Iterator[tuple[int, Entity]]:
        """``(sequence, entity)`` of one sandbox by falling sequence; narrowed to ``ids`` or ``names`` when
        given.
        """
        live = self._live[kind]
        chosen: Iterable[Entity]
        if ids is not None:
            chosen = sorted((live[i] for i in set(ids) if i in live), key=_sequence, reverse=True)
        elif names is not None:
            found = {i for name in names for i in self._by_name.get((kind, name), ())}
            chosen = sorted((live[i] for i in found), key=_sequence, reverse=True)
        else:
            chosen = reversed(live.values())
        for entity in chosen:
            if entity["sandboxName"] == sandbox:
                yield entity["_seq"], entity

    def _unuse(self, flow: Entity) -> None:
        for used in _used_by(flow):
            self._users.get(used, set()).discard(flow["id"])


def _sequence(entity: Entity) -> int:
    sequence: int = entity["_seq"]
    return sequence


def _base_of(entity: Entity) -> str:
    """The base connection a source or target connection names, or that it inherits."""
    base = (entity.get("inheritedAttributes") or {}).get("baseConnection") or {}
    return str(entity.get("baseConnectionId") or base.get("id") or "")


def _used_by(flow: Entity) -> list[str]:
    used: list[str] = [*flow["sourceConnectionIds"], *flow["targetConnectionIds"]]
    for side in ("sourceConnections", "targetConnections"):
        for row in flow["inheritedAttributes"].get(side, ()):
            base = row.get("baseConnection")
            if base:
                used.append(base["id"])
    return used


def audience_selectors(flow: Entity) -> list[dict[str, Any]]:
    """The ``value`` objects of a flow's audience selectors, in order; empty when it has none."""
    transformations = flow.get("transformations") or []
    try:
        selectors = transformations[0]["params"]["segmentSelectors"]["selectors"]
        return [selector["value"] for selector in selectors]
    except (LookupError, TypeError):
        return []


def adhoc_id(selector: dict[str, Any]) -> str:
    """The id ad-hoc activation knows an audience by: the system's own for external audiences (trap 68)."""
    return str(selector.get("systemSegmentId") or selector.get("id"))
