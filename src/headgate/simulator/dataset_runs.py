"""Runs of dataset flows: they follow from the schedule and the clock, and are written down when somebody looks.

A full export runs once; an incremental one at its start and then every interval, on the grid of ``startTime``, until
``endTime``. What a disabled flow missed is not made up for. Facts 7.4; that a flow made after its start runs at once
is a choice of this platform.
"""

from __future__ import annotations

from math import floor, inf
from typing import TYPE_CHECKING, Any

from headgate.simulator.runs import draw

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from headgate.simulator.store import Entity
    from headgate.simulator.world import World

_UNIT_S = {"day": 86_400, "hour": 3_600}


def due(flow: Entity, last: float | None, now: float) -> Iterator[float]:
    """When ``flow`` runs after its run due at ``last`` (``None``: its first), up to ``now``; epoch seconds."""
    schedule = flow["scheduleParams"]
    start, step = schedule["startTime"], schedule["interval"] * _UNIT_S[schedule["timeUnit"]]
    until = min(now, schedule.get("endTime") or inf)
    since = flow.get("_enabledAt", 0.0)
    if last is None:
        last = max(start, flow["createdAt"] / 1000, since)
        if last > until:
            return
        yield last
    if not step:
        return
    at = start + (floor((max(last, since) - start) / step) + 1) * step
    while at <= until:
        yield at
        at += step


def settle_runs(world: World, flows: Iterable[Entity]) -> None:
    """Write down the runs that the dataset flows among ``flows`` have begun by now."""
    now, specs = world.now(), world.specs.flow_specs
    for flow in flows:
        spec = specs.get(flow["flowSpec"]["id"])
        if spec is None or spec.workflow != "datasets" or flow["state"] == "disabled":
            continue
        for at in due(flow, world.runs.last_due(flow["id"]), now):
            _begin(world, flow, at)


def _begin(world: World, flow: Entity, at: float) -> None:
    run: dict[str, Any] = draw(
        flow,
        [],
        origin="dataset",
        job=None,
        sequence=world.runs.sequence + 1,
        now=at,
        ids=world.ids,
        options=world.options,
    )
    source = world.store.get("sourceConnections", run["source"])
    run["datasets"] = [row["dataSetId"] for row in source["params"]["datasets"]] if source else []
    world.commit("run", run)
