"""Runs of source flows: they begin by themselves, on the platform's clock, and look unlike those of destinations.

Nothing wakes up to begin one: the runs that are due are made true when somebody looks (facts 3.4, 8).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headgate.simulator.runs import Run, draw, run_view

if TYPE_CHECKING:
    from headgate.simulator.store import Entity
    from headgate.simulator.world import World

ORIGIN = "source"
#: Runs of a flow that come true at one look; of more than that only the latest.
_AT_ONCE = 50
_PERIODS = {"minute": 60.0, "hour": 3600.0, "day": 86400.0, "week": 604800.0}
_COPY_FAILED = {"code": "CONNECTOR-1001-500", "message": "Error occurred at copy activity."}
_PARTLY = {"code": "CONNECTOR-2001-500", "message": "Error occurred at promotion activity."}


def is_source_flow(flow: Entity) -> bool:
    """Whether a flow reads from a source."""
    return bool(flow["inheritedAttributes"]["properties"].get("isSourceFlow"))


def begin_due(world: World, flow: Entity) -> None:
    """Make the runs of ``flow`` that are due by now true."""
    if not is_source_flow(flow) or flow["state"] != "enabled":
        return
    for at in _due(flow, [run["at"] for run in world.runs.of_flow(flow["id"]) if run["origin"] == ORIGIN], world.now()):
        run = draw(
            flow,
            [],
            origin=ORIGIN,
            job=None,
            sequence=world.runs.sequence + 1,
            now=at,
            ids=world.ids,
            options=world.options,
        )
        world.commit("run", run)


def _due(flow: Entity, begun: list[float], now: float) -> list[float]:
    """When runs were to begin that have not: at the start, or at once if that lay behind; then at every interval."""
    schedule = flow.get("scheduleParams") or {}
    if type(schedule.get("startTime")) is not int:
        return []  # one that was not made through the door: whoever furnished it begins its runs
    first = max(float(schedule["startTime"]), flow["createdAt"] / 1000)
    if schedule["frequency"] == "once":
        return [first] if not begun and first <= now else []
    period = _PERIODS[schedule["frequency"]] * schedule["interval"]
    at = max(begun) + period if begun else first
    if at > now:
        return []
    count = int((now - at) // period) + 1
    return [at + number * period for number in range(max(0, count - _AT_ONCE), count)]


def source_run_view(run: Run, now: float) -> dict[str, Any]:
    """A run as ``GET /runs`` shows it: that of any other flow, with a source's own activities and no audiences."""
    view = run_view(run, now)
    if not view["activities"]:
        return view
    ended_ms, outcome = int(run["endsAt"] * 1000), run["outcome"]
    status, records = view["metrics"]["statusSummary"], view["metrics"]["recordSummary"]
    for key in ("sourceSummaries", "targetSummaries"):
        for row in records[key]:
            row.pop("entitySummaries")
    records.pop("skippedInfo", None)
    copy: dict[str, Any] = {"status": "success", "extensions": {"type": "one-time"}}
    promotion: dict[str, Any] = {"status": "success", "extensions": {}}
    if outcome == "failed":
        copy = {"status": "failed", "errors": [_COPY_FAILED], "extensions": {}}
        status["errors"] = records["failedInfo"] = [_COPY_FAILED]
    elif outcome == "partial":
        status["errors"] = [_PARTLY]
        promotion["extensions"] = {"errors": [{"code": "MAPPER-3700-400", "recordCount": 1}]}
    named = (
        [("copyActivity", copy)] if outcome == "failed" else [("copyActivity", copy), ("promotionActivity", promotion)]
    )
    view["activities"] = [
        {"id": f"{run['ref']}-{name}", "name": name, "updatedAtUTC": ended_ms, "statusSummary": said}
        for name, said in named
    ]
    status["activityRefs"] = [row["id"] for row in view["activities"]]
    view["sourceInfo"] = [
        {"id": run["source"], "type": "SourceConnection", "reference": {"type": "AdfRunId", "ids": [run["ref"]]}}
    ]
    view["targetInfo"] = [
        {"id": run["target"], "type": "TargetConnection", "reference": {"type": "Batch", "ids": [run["ref"]]}}
    ]
    return view
