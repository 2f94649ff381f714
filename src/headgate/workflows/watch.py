"""Follow the runs of a group of flows to their end, many runs with one request.

Followed are a flow's latest run and every other one that was going on when it was first looked at. A failed run comes
with HTTP 200, and a success may hold errors (facts 3.2, 3.4): :mod:`headgate.workflows.runs` tells them apart.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from headgate.exchange import Answer, Call, Problem, Verdict
from headgate.workflows.contract import Ask, Await, Child, Context, Ending, Pause, Phase, Settle, Signal, Step, failed
from headgate.workflows.runs import RunState, created_ms, is_terminal, items_of, run_state
from headgate.workflows.verdict import verdict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

#: Pages of 100 runs that are read to find the latest runs of a group; who is not among them is asked for alone.
PAGES: Final = 5
#: Platform seconds in which a first run may appear; a flow that has none by then has nothing to follow.
APPEARS_S: Final = 600.0
#: A day, in platform seconds: when watching ends if nobody says otherwise.
WITHIN_S: Final = 86_400.0
_WORST: Final = (RunState.SUCCESS.value, RunState.PARTIAL.value, "running", RunState.FAILED.value)


def advance(ctx: Context, phase: Phase, signal: Signal | Answer) -> Step:
    """The procedure. ``spec``: ``{"flows": [id, …], "within": seconds}``. It ends with one child for each flow.

    In its phase: ``followed`` ``{run: [flow, createdAt]}``, ``done`` ``{run: [state, reason]}``, ``ask`` the flows
    still to be asked for in this look.
    """
    if isinstance(signal, Answer):
        return _found(ctx, phase, signal)
    if not phase:
        until = ctx.now_s + float(ctx.spec.get("within") or WITHIN_S)
        phase = {"since": ctx.now_s, "until": until, "followed": {}, "done": {}, "polls": 0}
    unread = next((end.problem for end in ctx.ended.values() if end.problem is not None), None)
    if unread is not None:
        return failed(unread)
    over = {run: [end.state, end.reason] for run, end in ctx.ended.items()}
    return _find(ctx, {**phase, "done": {**phase["done"], **over}}, _without_run(ctx, phase))


def _without_run(ctx: Context, phase: Phase) -> list[str]:
    having = {flow for flow, _ in phase["followed"].values()}
    return [flow for flow in ctx.spec["flows"] if flow not in having]


def _find(ctx: Context, phase: Phase, flows: Sequence[str], token: str = "") -> Step:
    """Ask for the runs of ``flows``: of all at once, or of one that the common list does not reach."""
    if not flows:
        return _judge(ctx, phase)
    alone = phase.get("pages", 0) >= PAGES
    asked = list(flows[:1]) if alone else list(flows)
    query = [("property", f"flowId=={','.join(asked)}"), ("limit", "100")]
    if token and not alone:
        query.append(("continuationToken", token))
    following = {**phase, "at": "find", "ask": list(flows)}
    return Ask(Call("GET", "flow", "/runs", "GET /runs", "poll", query=tuple(query)), following)


def _found(ctx: Context, phase: Phase, answer: Answer) -> Step:
    if answer.verdict is not Verdict.OK:
        return failed(answer.problem)
    asked: list[str] = phase["ask"]
    shown, token = items_of(answer.body)
    runs = dict(phase["followed"])
    having = {flow for flow, _ in runs.values()}
    for run in sorted(shown, key=created_ms, reverse=True):
        flow = run.get("flowId")
        if flow in asked and run.get("id") and (flow not in having or not is_terminal(run)):
            having.add(flow)
            runs[str(run["id"])] = [str(flow), created_ms(run)]
    alone = phase.get("pages", 0) >= PAGES
    following = _take({**phase, "followed": runs}, shown, list(runs))
    following["pages"] = int(phase.get("pages", 0)) + 1
    left = [flow for flow in asked if flow not in having]
    if alone:
        left = left[1:] if asked[0] in left else left
    if left and (token or alone):
        return _find(ctx, following, left, token)
    return _judge(ctx, following)


def _take(phase: Phase, shown: list[dict[str, Any]], wanted: Sequence[str]) -> Phase:
    """The phase with what is over under ``done``."""
    done = dict(phase["done"])
    for run in shown:
        if run.get("id") in wanted and is_terminal(run):
            state, reason = run_state(run)
            done[run["id"]] = [state.value, reason]
    return {**phase, "done": done}


# -- what to make of it ------------------------------------------------------------------------------------------------


def _judge(ctx: Context, phase: Phase) -> Step:
    """Settle when nothing is left to follow, or wait."""
    kept: Phase = {key: value for key, value in phase.items() if key not in ("at", "ask", "pages")}
    going_on = len(phase["followed"]) - len(phase["done"])
    awaited = _without_run(ctx, phase) if ctx.now_s < phase["since"] + APPEARS_S else []
    if (not going_on and not awaited) or ctx.now_s >= phase["until"]:
        return Settle(Ending.SUCCEEDED, children=tuple(_row(ctx, kept, str(flow)) for flow in ctx.spec["flows"]))
    polls = int(phase["polls"])
    # Kept once, so that a resumed run keeps its deadline and asks only for what was going on.
    following, keep, again_s = {**kept, "polls": polls + 1}, polls == 0, ctx.poll.wait(polls)
    if not going_on:
        return Pause(again_s, "waiting for a first run", following, keep=keep)
    runs = {run: (f"flow:{flow}",) for run, (flow, _) in phase["followed"].items() if run not in phase["done"]}
    until_s = min(float(phase["until"]), ctx.now_s + again_s) if awaited else float(phase["until"])
    began_ms = max(phase["followed"][run][1] for run in runs) if keep else 0  # later on nobody has looked
    began_s = min(began_ms / 1000, ctx.now_s) if began_ms else None
    why = f"{going_on} run{'s' if going_on != 1 else ''} in progress"
    return Await(runs, why, following, until_s, began_s, keep=keep)


def _row(ctx: Context, phase: Phase, flow: str) -> Child:
    runs = sorted((run for run, (owner, _) in phase["followed"].items() if owner == flow), key=_created(phase))
    if not runs:
        reason = "it has no run"
        return verdict(ctx.key, flow, Ending.SUCCEEDED, {"status": "unchanged", "runState": None, "reason": reason})
    ends = {run: phase["done"].get(run, ["running", None]) for run in runs}
    # The worst of them, and of several equally bad ones the latest.
    worst = max(runs, key=lambda run: (_WORST.index(ends[run][0]), runs.index(run)))
    state, reason = ends[worst]
    output = {"runId": worst, "runState": state, "reason": reason}
    if state == RunState.FAILED.value:
        problem = Problem(
            0, "headgate-watched-run", f"run {worst} failed: {reason}", advice="look at the run on the platform"
        )
        return verdict(ctx.key, flow, Ending.FAILED, output, problem)
    if state == "running":
        hours = (phase["until"] - phase["since"]) / 3600
        problem = Problem(
            0,
            "headgate-still-running",
            f"run {worst} was not over after {hours:g} hours",
            advice="watch again later, or give a longer `within`",
        )
        return verdict(ctx.key, flow, Ending.FAILED, output, problem)
    return verdict(ctx.key, flow, Ending.SUCCEEDED, {"status": "unchanged", **output})


def _created(phase: Mapping[str, Any]) -> Any:
    return lambda run: phase["followed"][run][1]
