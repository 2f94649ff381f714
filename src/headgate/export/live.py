"""What a sandbox holds, by id: flows and connections, and what ingestions write to, as their lists gave them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import TYPE_CHECKING, Any, Final

from headgate.classes import frozen

if TYPE_CHECKING:
    from collections.abc import Iterable

#: What is listed for an export.
COLLECTIONS: Final = ("flows", "targetConnections", "sourceConnections", "connections")

#: What is listed as well where a flow reads from a source.
OF_THE_LAKE: Final = ("schemas", "dataSets", "mappingSets")

#: Whose ids are kept of an item.
ROLES: Final = (
    "flow", "targetConnection", "sourceConnection", "baseConnection", "schema", "dataset", "mappingSet",
)  # fmt: skip


def ingests(flows: Iterable[Mapping[str, Any]]) -> bool:
    """Whether one of ``flows`` reads from a source."""
    return any(is_source_flow(flow) for flow in flows)


def is_source_flow(flow: Mapping[str, Any]) -> bool:
    """Whether ``flow`` reads from a source: it says so itself."""
    inherited = flow.get("inheritedAttributes")
    properties = inherited.get("properties") if isinstance(inherited, Mapping) else None
    return isinstance(properties, Mapping) and properties.get("isSourceFlow") is True


@frozen
class Live:
    """The lists, each by id. ``unread`` says of a collection why it could not be listed."""

    flows: Mapping[str, Mapping[str, Any]]
    targets: Mapping[str, Mapping[str, Any]]
    sources: Mapping[str, Mapping[str, Any]]
    bases: Mapping[str, Mapping[str, Any]]
    schemas: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    datasets: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    mapping_sets: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    unread: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, lists: Mapping[str, Iterable[Mapping[str, Any]]], unread: Mapping[str, str] | None = None) -> Live:
        """From the lists by collection; what has no id is left out."""
        by_id = {
            kind: {str(one["id"]): one for one in lists.get(kind, ()) if isinstance(one.get("id"), str)}
            for kind in (*COLLECTIONS, *OF_THE_LAKE)
        }
        flows, targets, sources, bases, schemas, datasets, mapping_sets = by_id.values()
        return cls(flows, targets, sources, bases, schemas, datasets, mapping_sets, unread or {})


@frozen
class Chain:
    """One flow and what it stands on. ``base`` is ``None`` where the target needs no account."""

    flow: Mapping[str, Any]
    target: Mapping[str, Any]
    source: Mapping[str, Any]
    base: Mapping[str, Any] | None
    source_base: Mapping[str, Any] | None


def chain(live: Live, flow: Mapping[str, Any]) -> Chain | str:
    """What ``flow`` stands on, or why that cannot be told."""
    target, source = (_only(flow, key, kind) for key, kind in (("target", live.targets), ("source", live.sources)))
    if isinstance(target, str) or isinstance(source, str):
        return target if isinstance(target, str) else str(source)
    base = live.bases.get(str(target.get("baseConnectionId")))
    if base is None and target.get("baseConnectionId"):
        return f"its account {target['baseConnectionId']} is not there"
    return Chain(flow, target, source, base, live.bases.get(str(source.get("baseConnectionId"))))


def _only(flow: Mapping[str, Any], role: str, kind: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Any] | str:
    ids = flow.get(f"{role}ConnectionIds")
    if not isinstance(ids, list) or len(ids) != 1:
        return f"it has {len(ids) if isinstance(ids, list) else 'no'} {role} connections, and one is expected"
    found = kind.get(str(ids[0]))
    return found if found is not None else f"its {role} connection {ids[0]} is not there"
