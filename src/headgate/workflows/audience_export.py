"""``audience-export``: one dataflow from the profile store to a batch destination (seeds 000 and 002; facts 6).

Jobs of an item::

    profile store base connection (one a sandbox) ─ source connection ─┐
    destination base connection (shared) ───────── target connection ──┴─ flow ─ selectors ─ check
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headgate.catalogue import Destination, batch, profile_store
from headgate.errors import Diagnostic, ManifestError
from headgate.planning.builder import Builder, frozen
from headgate.planning.content import content, digest_of, plain
from headgate.planning.marker import described
from headgate.planning.model import ItemRow, Job
from headgate.secret import masked
from headgate.workflows.check import CheckSpec
from headgate.workflows.create import CreateSpec
from headgate.workflows.find import FindSpec
from headgate.workflows.listing import LISTED, listing
from headgate.workflows.selectors import SelectorsSpec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headgate.manifest.model import Connection, Item


def compile_item(item: Item, entry: str, plan: Builder) -> None:
    """Add the jobs and the row of one item."""
    connection = item.connection
    if connection is None or connection.destination is None:
        raise ValueError(f"{item.name}: an audience export without a destination passed the checks")
    destination = batch(connection.destination)
    if destination is None:
        raise ValueError(f"{item.name}: unknown destination {connection.destination!r} passed the checks")
    body, index = item.body, len(plan.items)
    text = str(body.get("description") or "")
    jobs: dict[str, int] = {}
    known: dict[str, str] = {}
    jobs["sourceConnection"] = _source(plan, item, index, text)
    target = CreateSpec(
        "targetConnections",
        _whole(
            {
                "name": item.name,
                "connectionSpec": _spec(destination),
                "data": destination.target_data(),
                "params": destination.target_params(body["target"]),
            },
            text,
            plan,
            f"target:{item.name}",
        ),
        plan.mark(f"target:{item.name}"),
    )
    if connection.id:
        known["baseConnection"] = connection.id
        target = CreateSpec(target.collection, {**target.body, "baseConnectionId": connection.id}, target.marker)
        needs = {}
    else:
        jobs["baseConnection"] = _base_connection(plan, item, connection, destination)
        target = CreateSpec(target.collection, target.body, target.marker, (("baseConnectionId", "base"),))
        needs = {"base": jobs["baseConnection"]}
    jobs["targetConnection"] = _job(plan, f"target:{item.name}", "targetConnection", target, index, needs)
    selectors = _selectors(item, destination)
    jobs["flow"] = _flow(plan, item, index, text, destination, jobs, selectors)
    jobs["selectors"] = plan.add(
        Job(
            f"selectors:{item.name}",
            "selectors",
            "selectors",
            selectors,
            index,
            needs={"flow": jobs["flow"]},
            requests=("PATCH /flows/{id}",),
        ),
    )
    jobs["check"] = plan.add(
        Job(
            f"check:{item.name}",
            "check",
            "check",
            CheckSpec(wanted=selectors.segments),
            index,
            needs={"flow": jobs["flow"], "selectors": jobs["selectors"]},
            requests=("GET /flows/{id}",),
        ),
    )
    plan.row(ItemRow(entry, item.name, item.kind, item.place, jobs, known))


def _whole(body: Mapping[str, Any], text: str, plan: Builder, key: str, *, shared: bool = False) -> dict[str, Any]:
    """``body`` with its marked description and without its absent parts."""
    whole = {name: value for name, value in body.items() if value is not None}
    whole["description"] = described(text, plan.mark(key, shared=shared))
    return whole


def _spec(destination: Destination) -> dict[str, str]:
    return {"id": destination.connection_spec_id, "version": destination.version}


def _job(
    plan: Builder, key: str, role: str, spec: CreateSpec, item: int, needs: Mapping[str, int], *, further: Any = None
) -> int:
    """Add a creation; ``further`` is content the object gets after it, and counts to what it is made from."""
    return plan.add(
        Job(
            key,
            "create",
            role,
            spec,
            item,
            needs={**needs, LISTED: listing(plan, spec.collection)},
            collection=spec.collection,
            digest=content(spec, [] if spec.collection == "flows" else _marks(plan, needs), further),
            requests=(f"POST /{spec.collection}",),
        ),
    )


def _marks(plan: Builder, needs: Mapping[str, int]) -> list[str]:
    """The marks of the objects that ``needs`` leads to."""
    return [job.spec.marker for edge in needs.values() if (job := plan.jobs[edge]).collection]


def profile_store_base(plan: Builder) -> int:
    """The profile store's base connection: headgate's own, one a sandbox, whatever the manifest (contract 4)."""
    store, key = profile_store(), "base:profile-store"
    spec = CreateSpec(
        "connections",
        _whole(
            {
                "name": "headgate profile store",
                "connectionSpec": {"id": store["connectionSpecId"], "version": "1.0"},
            },
            "Base connection to the profile store",
            plan,
            key,
            shared=True,
        ),
        plan.mark(key, shared=True),
        shared=True,
    )
    return _job(plan, key, "profileStore", spec, -1, {})


def _source(plan: Builder, item: Item, index: int, text: str) -> int:
    store, key = profile_store(), f"source:{item.name}"
    spec = CreateSpec(
        "sourceConnections",
        # ``data.schema`` is a literal null in the tutorials, so it is sent as one.
        _whole(
            {
                "name": item.name,
                "connectionSpec": {"id": store["connectionSpecId"], "version": "1.0"},
                "data": store["data"],
                "params": store["params"],
            },
            text,
            plan,
            key,
        ),
        plan.mark(key),
        (("baseConnectionId", "base"),),
    )
    return _job(plan, key, "sourceConnection", spec, index, {"base": profile_store_base(plan)})


def _base_connection(plan: Builder, item: Item, connection: Connection, destination: Destination) -> int:
    """The destination's base connection; equal ones (name, destination, credentials) are one.

    Raises:
        ManifestError: two have one name and differ by their secrets alone. Which of them would be which could change
            with the order of rows, and a flow would get another account's credentials.
    """
    said = {"auth": masked(connection.auth), "encryption": masked(connection.encryption)}
    name = connection.name
    if not name:
        # Written on the entry without a name: all that say the same are one, and are called by what they say.
        name = f"{plan.manifest} {destination.name} {digest_of([destination.key, said])[:8]}"
    key = f"base:{destination.key}:{connection.key or name}"
    if not plan.share(key, frozen((connection.auth, connection.encryption))):
        file, _, line = item.place.rpartition(":")
        message = f"two {destination.name} connections differ by their secrets alone"
        hint = "give each a name of its own: `name:`, or a key under connections:"
        raise ManifestError((Diagnostic(file, int(line), f"item '{item.name}': connection", message, hint),))
    spec = CreateSpec(
        "connections",
        _whole(
            {
                "name": name,
                "connectionSpec": _spec(destination),
                "auth": connection.auth,
                "encryptionSpecs": connection.encryption,
            },
            "",
            plan,
            key,
        ),
        plan.mark(key),
    )
    return _job(plan, key, "baseConnection", spec, -1, {})


def _flow(
    plan: Builder,
    item: Item,
    index: int,
    text: str,
    destination: Destination,
    jobs: Mapping[str, int],
    selectors: SelectorsSpec,
) -> int:
    key = f"flow:{item.name}"
    refs = [("sourceConnectionIds[]", "source"), ("targetConnectionIds[]", "target")]
    needs = {"source": jobs["sourceConnection"], "target": jobs["targetConnection"]}
    flow_spec = {"version": destination.version}
    if destination.flow_spec_id:
        flow_spec["id"] = destination.flow_spec_id
    else:
        # Adobe Campaign's flow spec is in no table: it is looked up by its name (facts 6.1).
        name = str(destination.flow_spec_name)
        needs["flowSpec"] = plan.add(
            Job(
                f"flow-spec:{name}",
                "find",
                "flowSpec",
                FindSpec("flow-spec", name),
                requests=("GET /flowSpecs",),
            ),
        )
        refs.append(("flowSpec.id", "flowSpec"))
    transformation = destination.transformation()
    if not destination.legacy and item.body.get("attributes"):
        transformation["params"]["profileSelectors"] = {"selectors": []}
    spec = CreateSpec(
        "flows",
        _whole({"name": item.name, "flowSpec": flow_spec, "transformations": [transformation]}, text, plan, key),
        plan.mark(key),
        tuple(refs),
    )
    return _job(plan, key, "flow", spec, index, needs, further=plain(selectors))


def _selectors(item: Item, destination: Destination) -> SelectorsSpec:
    body = item.body
    segments = tuple(
        {key: value for key, value in audience.items() if value is not None} for audience in body["audiences"]
    )
    return SelectorsSpec(
        segments=segments,
        attributes=tuple(str(path) for path in body.get("attributes") or ()),
        mandatory=tuple(body.get("mandatoryFields") or ()),
        primary=tuple(body.get("primaryFields") or ()),
        mapping=body.get("profileMapping"),
        legacy=destination.legacy,
    )
