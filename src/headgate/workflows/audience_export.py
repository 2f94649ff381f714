"""``audience-export``: one dataflow from the profile store to a batch destination (seeds 000 and 002; facts 6).

Jobs of an item::

    profile store base connection (one a sandbox) ─ source connection ─┐
    destination base connection (shared) ───────── target connection ──┴─ flow ─ selectors ─ check
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headgate.catalogue import Destination, batch, profile_store
from headgate.planning.builder import Builder
from headgate.planning.content import fields_of
from headgate.planning.model import ItemRow, Job
from headgate.workflows.check import CheckSpec
from headgate.workflows.create import CreateSpec
from headgate.workflows.find import FindSpec
from headgate.workflows.objects import creation, target_connection, whole
from headgate.workflows.selectors import SelectorsSpec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headgate.manifest.model import Item


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
    jobs = {"sourceConnection": _source(plan, item, index, text)}
    content = {"data": destination.target_data(), "params": destination.target_params(body["target"])}
    target, known = target_connection(plan, item, index, destination, content)
    jobs |= target
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


def profile_store_base(plan: Builder) -> int:
    """The profile store's base connection: headgate's own, one a sandbox, whatever the manifest (contract 4)."""
    store, key = profile_store(), "base:profile-store"
    if (made := plan.find(key)) is not None:
        return made
    spec = CreateSpec(
        "connections",
        whole(
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
    return creation(plan, key, "profileStore", spec, -1, {})


def _source(plan: Builder, item: Item, index: int, text: str) -> int:
    store, key = profile_store(), f"source:{item.name}"
    spec = CreateSpec(
        "sourceConnections",
        # ``data.schema`` is a literal null in the tutorials, so it is sent as one.
        whole(
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
    return creation(plan, key, "sourceConnection", spec, index, {"base": profile_store_base(plan)})


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
        whole({"name": item.name, "flowSpec": flow_spec, "transformations": [transformation]}, text, plan, key),
        plan.mark(key),
        tuple(refs),
    )
    return creation(plan, key, "flow", spec, index, needs, further=fields_of(selectors))


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
