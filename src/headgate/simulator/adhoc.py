"""Ad-hoc activation: one request, many pairs, all or nothing (facts 4).

The order of judging is: form, eighty pairs, flows, mapping and schedule, the one-hour rule, runs going on.
A text the documents do not give is ours: those of the eighty, of one hour, of a scheduled run.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from headgate.simulator.flows import destination_of
from headgate.simulator.gateway import json_body
from headgate.simulator.reply import Ask, Refusal, Reply, generic, message
from headgate.simulator.runs import draw
from headgate.simulator.segmentation import profile_export_ids
from headgate.simulator.selectors import in_schedule
from headgate.simulator.store import Entity, adhoc_id, audience_selectors

if TYPE_CHECKING:
    from headgate.simulator.world import World

BASE = "/data/core/activation/disflowprovider"
MAX_PAIRS = 80
MIN_AGE_S = 3600
#: The host of every statusURL, wherever the platform really answers (trap 61).
STATUS_URL = "https://platform.adobe.io/data/foundation/flowservice/runs/"
_V2 = {"application/vnd.adobe.adhoc.activation+json", "version=2"}

Pair = tuple[str, str]


def handle(world: World, ask: Ask) -> Reply:
    """Answer ``POST /adhocrun``."""
    if (ask.method, ask.path) != ("POST", "adhocrun"):
        raise generic(404, "NotFoundError", "Resource not found.", violation="path")
    body = json_body(ask)
    pairs = _pairs(body)
    accept = {part.strip() for part in ask.headers.get("Accept", "").split(";")}
    if accept != _V2:  # the Accept header alone chooses the version (trap 11)
        _check_export_ids(world, body)
    if len(pairs) > MAX_PAIRS:
        raise _refused(
            "count",
            f"An ad-hoc job takes up to {MAX_PAIRS} audiences, not {len(pairs)}",
            violation="adhoc-over-80",
        )
    found = {flow_id: _flow(world, ask, flow_id) for flow_id, _ in pairs}
    now = world.now()
    selectors = _mapped(world, found, pairs, now)
    _check_age(selectors, pairs, now)
    _check_running(world, ask, found, pairs, now)
    return _accept(world, ask, found, pairs, now)


def _refused(kind: str, text: str, *, violation: str | None = None) -> Refusal:
    return message(400, text, code=f"adhoc:{kind}", violation=violation)


def _pairs(body: Any) -> list[Pair]:
    info = body.get("activationInfo") if isinstance(body, dict) else None
    if not isinstance(info, dict) or not info:
        raise _refused("body", "'activationInfo' must be an object of dataflow ids", violation="body")
    pairs: list[Pair] = []
    for flow_id, audiences in info.items():
        if not isinstance(audiences, list) or not audiences or not all(isinstance(a, str) and a for a in audiences):
            raise _refused("body", f"'activationInfo.{flow_id}' must be a list of audience ids", violation="body")
        pairs += [(flow_id, audience) for audience in audiences]
    if len(set(pairs)) != len(pairs):
        raise _refused("body", "an audience is listed twice for one dataflow", violation="adhoc-duplicate-pair")
    return pairs


def _check_export_ids(world: World, body: Any) -> None:
    ids = body.get("exportIds")
    if not isinstance(ids, list) or not ids or not all(isinstance(each, str) for each in ids):
        text = "'exportIds' must be a list of export job ids (strings) in version 1"
        raise _refused("export-ids", text, violation="adhoc-export-ids")
    known = profile_export_ids(world)
    for each in ids:
        if each not in known:
            text = f"Export job {each} is not a completed profile export"
            raise _refused("export-ids", text, violation="adhoc-export-ids")


def _flow(world: World, ask: Ask, flow_id: str) -> Entity:
    flow = world.store.get("flows", flow_id)
    if flow is None or flow["sandboxName"] != ask.sandbox:
        raise message(404, f"Destination instance {flow_id} not found", code="adhoc:404")
    return world.settle(flow)


def _mapped(world: World, found: dict[str, Entity], pairs: list[Pair], now: float) -> dict[Pair, dict[str, Any]]:
    """The selector of every pair.

    Raises:
        Refusal: the documented text, with the *names* of the first dataflow's bad audiences.
    """
    today = datetime.fromtimestamp(now, UTC).date().isoformat()
    selectors: dict[Pair, dict[str, Any]] = {}
    for flow_id, flow in found.items():
        mapped = {adhoc_id(value): value for value in audience_selectors(flow)}
        bad: list[str] = []
        usable = flow["state"] != "disabled" and destination_of(world.specs, world.store, flow) is not None
        for pair in pairs:
            if pair[0] != flow_id:
                continue
            value = mapped.get(pair[1])
            hidden = pair in world.out_of_schedule
            if value is None or not usable or hidden or not in_schedule(value, today):
                bad.append(_name(world, value, pair[1]))
            else:
                selectors[pair] = value
        if bad:
            text = f"Segments {', '.join(bad)} are not part of this dataflow or out of schedule range!"
            raise _refused("unmapped", text)
    return selectors


def _name(world: World, value: dict[str, Any] | None, audience: str) -> str:
    """What the platform calls an audience: by its own list, a selector's name, or for want of both its id."""
    named = world.options.audiences or {}
    own = value.get("name") if value else None
    return named.get(audience) or own or world.store.audience_names.get(audience) or audience


def _check_age(selectors: dict[Pair, dict[str, Any]], pairs: list[Pair], now: float) -> None:
    for pair in pairs:
        if now - float(selectors[pair]["createTime"]) < MIN_AGE_S:
            text = (
                f"Audience {pair[1]} for order {pair[0]} is not ready for ad-hoc activation: "
                "at least one hour must pass after its first activation"
            )
            raise _refused("one-hour", text, violation="adhoc-one-hour")


def _check_running(world: World, ask: Ask, found: dict[str, Entity], pairs: list[Pair], now: float) -> None:
    for flow_id in found:
        run = world.runs.scheduled_on(flow_id, now)
        if run is not None:
            text = f"Scheduled export is still running for order {flow_id} with run id {run['id']}"
            raise _refused("scheduled", text)
    for flow_id, audience in pairs:
        runs = world.runs.going_on(ask.sandbox, audience, now)
        if not runs:
            continue
        same = next((run for run in runs if run["flowId"] == flow_id), None)
        run = same or runs[0]
        if same is None and run["origin"] == "adhoc":
            world.commit(
                "overlap",
                {
                    "audience": audience,
                    "flow": flow_id,
                    "running": run["flowId"],
                    "run": run["id"],
                    "requestId": ask.request_id,
                    "at": now,
                },
            )
        word = world.options.adhoc_wording
        text = f"Run already going on for {word} {audience} for order {run['flowId']} with run id {run['id']}"
        raise _refused("running", text)


def _accept(world: World, ask: Ask, found: dict[str, Entity], pairs: list[Pair], now: float) -> Reply:
    job = world.ids.uuid()
    order: list[dict[str, str]] = []
    concurrent: dict[str, set[str]] = {}
    for flow_id, audience in pairs:
        forced = world.forced_outcomes.pop(0) if world.forced_outcomes else None
        run = draw(
            found[flow_id],
            [audience],
            origin="adhoc",
            job=job,
            sequence=world.runs.sequence + 1,
            now=now,
            ids=world.ids,
            options=world.options,
            forced=forced,
        )
        world.commit("run", run)
        order.append({"segment": audience, "order": flow_id, "statusURL": STATUS_URL + run["id"]})
        going = world.runs.going_on(ask.sandbox, audience, now)
        concurrent[audience] = {str(each["job"]) for each in going if each["origin"] == "adhoc"}
    world.commit(
        "job",
        {
            "id": job,
            "pairs": [f"{flow_id}|{audience}" for flow_id, audience in pairs],
            "concurrent": max((len(jobs) for jobs in concurrent.values()), default=1),
            "active": world.runs.active_pairs(now),
        },
    )
    return Reply(200, {"order": order})
