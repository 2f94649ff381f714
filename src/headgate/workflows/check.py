"""The validation GET: read a flow when its changes are done, compare, and keep what an activation needs to know.

The tutorials' validation step is a GET of the flow, although their curl says PATCH (trap 5).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from headgate.classes import frozen
from headgate.exchange import Answer, Verdict
from headgate.workflows.contract import Context, Ending, Pause, Phase, Settle, Signal, Step, failed
from headgate.workflows.reading import part, text
from headgate.workflows.selectors import (
    BUSY_S,
    LOOKS,
    flow_of,
    get_flow,
    is_settled,
    same,
    segment_values,
    transformation_params,
)

_NUMBER = re.compile(r"[0-9]{1,13}(\.[0-9]*)?")
_COMPARED = ("exportMode", "filenameTemplate", "schedule")


@frozen
class CheckSpec:
    """``wanted`` are the selector values that must be found; ``facts`` keeps the schedules for an activation.

    ``flow`` is the flow's id where it is not made by this run.
    Not frozen: that triples the cost of making one, and there are many. Nobody changes it.
    """

    wanted: tuple[Mapping[str, Any], ...] = ()
    facts: bool = False
    flow: str | None = None


def advance(ctx: Context, phase: Phase, signal: Signal | Answer) -> Step:
    """The procedure of a check."""
    looks = int(phase.get("looks", 0))
    if isinstance(signal, Answer):
        if signal.verdict is not Verdict.OK:
            return failed(signal.problem)
        remote = ctx.spec.flow if ctx.spec.flow is not None else str(ctx.inputs["flow"]["id"])
        flow = flow_of(signal.body, remote)
        if not text(flow.get("id")):
            return failed(None, f"the answer does not hold flow {remote}", code="headgate-not-validated")
        if not is_settled(flow) and looks < LOOKS:
            return Pause(BUSY_S, "the flow is still being changed", {"at": "busy", "looks": looks + 1})
        return _compared(ctx.spec, flow)
    if ctx.spec.flow is not None:
        ctx = Context(ctx.key, ctx.spec, {"flow": {"id": ctx.spec.flow}}, {}, ctx.now_s)
    return get_flow(ctx, {"at": "get", "looks": looks})


def _compared(spec: CheckSpec, flow: Mapping[str, Any]) -> Step:
    have = segment_values(transformation_params(flow))
    for wanted in spec.wanted:
        found = have.get(str(wanted["id"]))
        if found is None:
            return failed(
                None,
                f"flow {flow.get('id')}: audience {wanted['id']} is not among its selectors",
                code="headgate-not-validated",
                advice="run the manifest again: it adds what is missing",
            )
        for key in _COMPARED:
            if key in wanted and not same(wanted[key], found.get(key)):
                return failed(
                    None,
                    f"flow {flow.get('id')}: audience {wanted['id']} has another {key} than asked for",
                    code="headgate-not-validated",
                    advice="somebody else changed it since; compare and run again",
                )
    if not spec.facts:
        return Settle(Ending.SUCCEEDED, {"id": flow.get("id")})
    facts = {key: _facts(value) for key, value in have.items()}
    return Settle(Ending.SUCCEEDED, {"id": flow.get("id"), "state": flow.get("state"), "segments": facts})


def _facts(value: Mapping[str, Any]) -> list[Any]:
    """``[name, startDate, endDate, created_s, ad-hoc id]``: what an activation must know of a selector."""
    schedule = part(value, "schedule")
    created = str(value.get("createTime"))
    created_s = float(created) if _NUMBER.fullmatch(created) else 0.0
    if created_s > 1e11:  # milliseconds, whatever the field is said to be (trap 41)
        created_s /= 1000
    adhoc = text(value.get("systemSegmentId")) or text(value.get("id"))
    return [
        text(value.get("name")),
        text(schedule.get("startDate")),
        text(schedule.get("endDate")),
        created_s,
        adhoc,
    ]
