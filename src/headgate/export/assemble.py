"""All flows of a sandbox as one manifest, in the order of their names."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Final

from headgate.export import audience_export, dataset_export
from headgate.export.accounts import Accounts
from headgate.export.live import Chain, Live, chain
from headgate.export.words import escaped, unmarked

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headgate.catalogue import Destination


@dataclass(frozen=True, slots=True)
class Exported:
    """A manifest, what it needs and what it leaves out.

    ``ids`` has a row for each item: ``{"item", "flow", "targetConnection", "sourceConnection", "baseConnection"}``.
    ``left`` says of every flow that is not in the manifest why not; ``variables`` what the environment must hold.
    """

    manifest: Mapping[str, Any]
    ids: Sequence[Mapping[str, str]]
    left: Sequence[str]
    variables: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Way:
    """How flows of one kind are read: which destination they go to (``None``: not of this kind), and their keys."""

    kind: str
    destination_of: Callable[[Chain], Destination | None]
    entry: Callable[[Chain, Destination], dict[str, Any] | str]


_WAYS: Final = (
    _Way("audience-export", audience_export.destination_of, audience_export.entry),
    _Way("dataset-export", dataset_export.destination_of, dataset_export.entry),
)


def assemble(live: Live, name: str, select: Sequence[str] = ()) -> Exported:
    """The manifest called ``name`` of all flows, or of those whose name matches one of ``select`` (globs)."""
    accounts = Accounts()
    entries: list[dict[str, Any]] = []
    ids: list[dict[str, str]] = []
    left: list[str] = []
    taken: set[str] = set()
    for flow in sorted(live.flows.values(), key=lambda one: (str(one.get("name")), str(one["id"]))):
        called = str(flow.get("name") or flow["id"])
        if select and not any(fnmatchcase(called, glob) for glob in select):
            continue
        found = _written(live, flow, accounts)
        if isinstance(found, str):
            left.append(f"{called} ({flow['id']}): {found}")
            continue
        item = called if called not in taken else f"{called} ({str(flow['id'])[:8]})"
        taken.add(item)
        kind, keys, stands = found
        entries.append({"kind": kind, "name": escaped(item), **keys})
        ids.append(_ids(item, stands))
    manifest: dict[str, Any] = {"headgate": 1, "name": name}
    if accounts.written:
        manifest["connections"] = accounts.written
    manifest["entries"] = entries
    return Exported(manifest, ids, left, accounts.variables)


def _written(live: Live, flow: Mapping[str, Any], accounts: Accounts) -> tuple[str, dict[str, Any], Chain] | str:
    stands = chain(live, flow)
    if isinstance(stands, str):
        return stands
    for way in _WAYS:
        destination = way.destination_of(stands)
        if destination is None:
            continue
        keys = way.entry(stands, destination)
        if isinstance(keys, str):
            return keys
        if stands.base is None:
            return "it stands on no account"
        whole: dict[str, Any] = {"connection": accounts.key_of(stands.base, destination)}
        if text := unmarked(str(flow.get("description") or "")):
            whole["description"] = escaped(text)
        return way.kind, {**whole, **escaped(keys)}, stands
    properties = (flow.get("inheritedAttributes") or {}).get("properties") or {}
    if properties.get("isSourceFlow"):
        return "it reads from a source: ingestions are not exported yet"
    return "no kind of entry makes such a flow"


def _ids(item: str, stands: Chain) -> dict[str, str]:
    found = {"flow": stands.flow, "targetConnection": stands.target, "sourceConnection": stands.source}
    if stands.base is not None:
        found["baseConnection"] = stands.base
    return {"item": item, **{role: str(thing["id"]) for role, thing in found.items()}}
