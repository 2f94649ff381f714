"""Rules of flows: what may be created, what GET shows (facts 2.2, 2.3, 6.4, 7.4)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from headgate.simulator.connections import check_named, check_spec, inherited_base
from headgate.simulator.datasets import check_schedule, with_end
from headgate.simulator.reply import Refusal, message, problem
from headgate.simulator.selectors import settle_transformations
from headgate.simulator.sources import check_source_flow
from headgate.simulator.store import Entity, Store, shown
from headgate.simulator.typed import typed

if TYPE_CHECKING:
    from headgate.simulator.runs import RunBook
    from headgate.simulator.specs import Destination, Specs


def _invalid(text: str, violation: str = "body") -> Refusal:
    return message(400, text, code="400:create", violation=violation)


def flow(specs: Specs, store: Store, body: Any, *, sandbox: str, now: float) -> dict[str, Any]:
    """A new flow as it is kept."""
    body = check_named(body)
    if "state" in body:
        raise problem("1410-400", "`State` is not allowed in the create flow request.", violation="body")
    check_spec(specs, body.get("flowSpec"), "flowSpec")
    keys = ("name", "description", "flowSpec", "sourceConnectionIds", "targetConnectionIds", "scheduleParams")
    kept = {key: body[key] for key in keys if key in body}
    kept["transformations"] = body.get("transformations")
    if "scheduleParams" in kept:
        kept["scheduleParams"] = typed(kept["scheduleParams"])
    check_flow(specs, store, kept, before=[], sandbox=sandbox, now=now)
    if specs.flow_specs[kept["flowSpec"]["id"]].workflow == "datasets":
        kept["scheduleParams"] = with_end(kept["scheduleParams"], now)
    return kept


def check_flow(
    specs: Specs,
    store: Store,
    kept: dict[str, Any],
    *,
    before: list[dict[str, Any]],
    sandbox: str,
    now: float,
) -> None:
    """Check a whole flow, new or patched; fills in ``inheritedAttributes`` and the selectors' server fields.

    ``before``: audience selector values of the flow as it was.
    """
    source = _only(store, kept, "sourceConnectionIds", "sourceConnections", sandbox)
    target = _only(store, kept, "targetConnectionIds", "targetConnections", sandbox)
    spec = specs.flow_specs[kept["flowSpec"]["id"]]
    if spec.workflow == "sources":
        check_source_flow(specs.sources, store, kept, source, target, sandbox)
        kept["inheritedAttributes"] = {**_inherited(store, source, target), "properties": {"isSourceFlow": True}}
        return
    destination = specs.destinations.get(target["connectionSpec"]["id"])
    if destination is None or destination.connection_spec not in spec.targets:
        raise _invalid("the flow spec does not serve the target connection's destination", "flow-spec")
    segments = spec.workflow == "segments"
    if source["connectionSpec"]["id"] != (specs.profile_store if segments else specs.data_lake):
        raise _invalid("the flow spec does not take this source connection", "flow-spec")
    if destination.current and ("fileType" if segments else "datasetFileType") not in target["params"]:
        raise _invalid(f"the target connection lacks {'fileType' if segments else 'datasetFileType'}", "target")
    if segments:
        settle_transformations(kept["transformations"], before, destination, now)
    else:
        if kept.get("transformations") != []:
            raise _invalid("'transformations' of a dataset flow must be an empty list", "transformations")
        check_schedule(kept.get("scheduleParams"))
    kept["inheritedAttributes"] = _inherited(store, source, target)


def _only(store: Store, kept: Mapping[str, Any], key: str, kind: str, sandbox: str) -> Entity:
    ids = kept.get(key)
    if not isinstance(ids, list) or len(ids) != 1:
        raise _invalid(f"'{key}' must hold exactly one id", "reference")
    found = store.get(kind, ids[0]) if isinstance(ids[0], str) else None
    if found is None or found["sandboxName"] != sandbox:
        raise _invalid(f"{kind} not found with id = [{ids[0]}]", "reference")
    return found


def _inherited(store: Store, source: Entity, target: Entity) -> dict[str, Any]:
    result: dict[str, Any] = {"properties": {"isDestinationFlow": True}}
    for key, entity in (("sourceConnections", source), ("targetConnections", target)):
        row: dict[str, Any] = {"id": entity["id"], "connectionSpec": entity["connectionSpec"]}
        base = store.get("connections", entity.get("baseConnectionId", ""))
        if base is not None:
            row |= inherited_base(base)
        result[key] = [row]
    return result


def flow_view(entity: Entity, runs: RunBook, now: float) -> dict[str, Any]:
    """A flow as GET shows it. ``entity`` must be settled."""
    view = shown(entity)
    view["runs"] = f"/runs?property=flowId=={entity['id']}"
    last = runs.last_ended(entity["id"], now)
    if last is not None:
        view["lastRunDetails"] = {
            "id": last["id"],
            "state": "failed" if last["outcome"] == "failed" else "success",
            "startedAtUTC": int(last["at"] * 1000),
            "completedAtUTC": int(last["endsAt"] * 1000),
        }
    return view


def destination_of(specs: Specs, store: Store, entity: Entity) -> Destination | None:
    """The destination a flow exports to; ``None`` when its target connection is gone."""
    target = store.get("targetConnections", entity["targetConnectionIds"][0])
    return specs.destinations.get(target["connectionSpec"]["id"]) if target else None
