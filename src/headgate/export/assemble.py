"""All flows of a sandbox as one manifest, in the order of their names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from headgate.classes import frozen
from headgate.export import audience_export, dataset_export, source_ingestion
from headgate.export.accounts import Accounts
from headgate.export.lake import Lake
from headgate.export.live import Chain, Live, chain, is_source_flow
from headgate.export.words import escaped, unmarked

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headgate.catalogue import Destination, Source


@frozen
class Exported:
    """A manifest, what it needs and what it leaves out.

    ``ids`` has a row for each item: ``{"item", "flow", "targetConnection", "sourceConnection", "baseConnection"}``, and
    of an ingestion ``schema``, ``dataset`` and ``mappingSet``. ``left`` says of every flow that is not in the manifest
    why not, ``notes`` what of those that are will be otherwise; ``variables`` what the environment must hold.
    ``given`` are schemas and datasets that are not made again but used as they are: variables of the manifest, whose
    values are ids of this sandbox; another has others, to be given with ``--set``.
    """

    manifest: Mapping[str, Any]
    ids: Sequence[Mapping[str, str]]
    left: Sequence[str]
    variables: Mapping[str, str]
    notes: Sequence[str] = ()
    given: Mapping[str, str] = field(default_factory=dict)


@frozen
class _Told:
    """One flow as an entry. ``ready`` are those of its keys that are written as they are, references included."""

    kind: str
    account: Destination | Source
    base: Mapping[str, Any] | None
    keys: Mapping[str, Any]
    ready: Mapping[str, Any] = field(default_factory=dict)
    ids: Mapping[str, str] = field(default_factory=dict)


def assemble(live: Live, name: str, select: Sequence[str] = ()) -> Exported:
    """The manifest called ``name`` of all flows, or of those whose name matches one of ``select`` (globs)."""
    accounts, lake = Accounts(), Lake(live)
    entries: list[dict[str, Any]] = []
    ids: list[dict[str, str]] = []
    left: list[str] = []
    notes: list[str] = []
    taken: set[str] = set()
    for flow in sorted(live.flows.values(), key=lambda one: (str(one.get("name")), str(one["id"]))):
        called = str(flow.get("name") or flow["id"])
        if select and not any(fnmatchcase(called, glob) for glob in select):
            continue
        stands = chain(live, flow)
        told = stands if isinstance(stands, str) else _told(live, stands, lake)
        if isinstance(told, str) or isinstance(stands, str):
            left.append(f"{called} ({flow['id']}): {told}")
            continue
        if told.base is None:
            left.append(f"{called} ({flow['id']}): it stands on no account")
            continue
        item = called if called not in taken else f"{called} ({str(flow['id'])[:8]})"
        taken.add(item)
        entries.append(_entry(item, told, flow, accounts))
        ids.append({"item": item, **_ids(stands, told)})
        if str(flow.get("state")).lower() == "disabled":
            notes.append(f"{item} ({flow['id']}): it is disabled here, and will be enabled there")
    manifest: dict[str, Any] = {"headgate": 1, "name": name}
    if lake.variables:
        manifest["vars"] = lake.variables
    if accounts.written:
        manifest["connections"] = accounts.written
    manifest["entries"] = entries
    return Exported(manifest, ids, left, accounts.variables, [*accounts.doubts, *notes], lake.given)


def _told(live: Live, stands: Chain, lake: Lake) -> _Told | str:
    """What ``stands`` is, or why no entry can say it."""
    for kind, way in (("audience-export", audience_export), ("dataset-export", dataset_export)):
        if (destination := way.destination_of(stands)) is not None:
            keys = way.entry(stands, destination)
            return keys if isinstance(keys, str) else _Told(kind, destination, stands.base, keys)
    if (source := source_ingestion.source_of(stands)) is not None:
        if stands.source_base is None:
            return "its source connection stands on no account"
        found = source_ingestion.entry(stands, source, live, lake)
        if isinstance(found, str):
            return found
        ids = source_ingestion.ids(stands)
        return _Told("source-ingestion", source, stands.source_base, *found, ids=ids)
    if is_source_flow(stands.flow):
        return "it reads from a source, but not a table into the data lake"
    return "no kind of entry makes such a flow"


def _entry(item: str, told: _Told, flow: Mapping[str, Any], accounts: Accounts) -> dict[str, Any]:
    entry: dict[str, Any] = {"kind": told.kind, "name": escaped(item)}
    if told.base is not None:
        entry["connection"] = accounts.key_of(told.base, told.account)
    if text := unmarked(str(flow.get("description") or "")):
        entry["description"] = escaped(text)
    return {**entry, **escaped(dict(told.keys)), **told.ready}


def _ids(stands: Chain, told: _Told) -> dict[str, str]:
    found = {"flow": stands.flow, "targetConnection": stands.target, "sourceConnection": stands.source}
    if told.base is not None:
        found["baseConnection"] = told.base
    return {**{role: str(thing["id"]) for role, thing in found.items()}, **told.ids}
