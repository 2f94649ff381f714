"""``POST /runs/{id}/action?op=re-trigger``: a new run of a failed one, for batch sources alone (facts 3.5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headgate.simulator.reply import Ask, Reply, message, not_found, problem
from headgate.simulator.runs import draw

if TYPE_CHECKING:
    from headgate.simulator.world import World

#: The documents' spelling and the schema's.
_OPS = ("re-trigger", "re_trigger")


def retrigger(world: World, ask: Ask, run_id: str) -> Reply:
    """Start a new run of the same flow; the answer names it."""
    run, now = world.runs.by_id.get(run_id), world.now()
    if run is None or run["sandbox"] != ask.sandbox:
        raise not_found("runs", run_id)
    op = dict(ask.query).get("op", "").lower()
    if op not in _OPS:
        raise problem("1435-400", f"Unsupported action '{op}' received.", violation="action")
    flow = world.store.get("flows", run["flowId"])
    if flow is None:
        raise problem("1430-400", f"The flow with ID {run['flowId']} is not found.")
    if not flow["inheritedAttributes"]["properties"].get("isSourceFlow"):
        raise message(400, "runs of this flow cannot be triggered again", code="400:retrigger", violation="action")
    if run["endsAt"] > now or (run["outcome"] != "failed" and run["records"]):
        raise message(400, "only failed runs, or runs without records, can be triggered again", code="400:retrigger")
    fresh = draw(
        flow,
        [],
        origin="scheduled",
        job=None,
        sequence=world.runs.sequence + 1,
        now=now,
        ids=world.ids,
        options=world.options,
        forced=world.forced_outcomes.pop(0) if world.forced_outcomes else None,
    )
    world.commit("run", fresh)
    return Reply(200, {"id": fresh["id"], "etag": fresh["etag"]})
