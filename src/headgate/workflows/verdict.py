"""A job that knows its end already: a row of the report for one flow, found by a job that looked at many."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from headgate.exchange import Answer, Problem
from headgate.workflows.contract import Child, Context, Ending, Phase, Settle, Signal, Step


def verdict(key: str, flow: str, ending: Ending, output: Mapping[str, Any], problem: Problem | None = None) -> Child:
    """The child that settles for ``flow`` as it is told."""
    spec: dict[str, Any] = {"flow": flow, "ending": ending.value, "output": dict(output)}
    if problem is not None:
        spec["problem"] = [problem.status, problem.code, problem.message, problem.request_id, problem.advice]
    return Child(f"{key}:{flow}", "verdict", spec)


def advance(ctx: Context, _phase: Phase, _signal: Signal | Answer) -> Step:
    """The procedure: settle, without a request."""
    spec = ctx.spec
    problem = Problem(*spec["problem"]) if spec.get("problem") else None
    return Settle(Ending(spec["ending"]), spec["output"], problem)


def in_order(_ctx: Context, _phase: Phase, _signal: Signal | Answer) -> Step:
    """The procedure of what only stands between: what comes before is over."""
    return Settle(Ending.SUCCEEDED)
