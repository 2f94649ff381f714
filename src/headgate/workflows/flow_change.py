"""Change one flow: read, modify, write the whole of what the platform replaces, and see it in place.

Every PATCH carries the etag of the object it was worked out from (traps 1, 42). A 412 means that somebody was quicker:
the flow is read again, must still be selected, and the change is worked out anew, three times at most. An answer of
200 or 202 only says that the change was taken (trap 3): it is over when the flow shows it and is no longer busy.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from headgate.exchange import Answer, Call, Problem, Verdict
from headgate.manifest.condition import matches
from headgate.workflows.contract import Ask, Context, Phase, Settle, Signal, Step, failed
from headgate.workflows.flow_state import done, get, given_up, is_busy, lost, operation_problem, skipped, wait
from headgate.workflows.patching import PatchError, applied, in_place, leaves
from headgate.workflows.reading import text
from headgate.workflows.selectors import BUSY_CODES, PATCH_FLOW, flow_of, quoted
from headgate.workflows.whole import operations

if TYPE_CHECKING:
    from collections.abc import Mapping

#: PATCHes of one flow that may be answered by 412.
ROUNDS: Final = 3
_MARK: Final = re.compile(r"\[headgate:[0-9a-f]{24}\]")
_BEING_CHANGED: Final = "the flow is still being changed"


def advance(ctx: Context, phase: Phase, signal: Signal | Answer) -> Step:
    """The procedure. ``spec``: ``{"flow": id, "where": JMESPath | None, "change": {"set" | "patch": …}}``.

    Its output is ``{"status": "updated" | "unchanged" | "skipped", "changes": [leaf, …], "reason"}``.
    """
    flow = str(ctx.spec["flow"])
    if isinstance(signal, Answer):
        return _patched(flow, phase, signal) if phase["at"] == "patch" else _fetched(ctx, phase, signal)
    if signal is Signal.LOST:
        phase = lost(phase)
    elif phase.get("at") == "patch":  # a crash: nobody knows whether the request left
        phase = {**phase, "lost": int(phase.get("lost", 0)) or 1}
    return get(flow, phase)


def evaluate(spec: Mapping[str, Any], flow: Mapping[str, Any]) -> dict[str, Any]:
    """The flow as it should be.

    Marks in its description stay: without them what headgate made could be taken for missing, and made again.

    Raises:
        PatchError: the change does not fit it.
    """
    wanted = applied(flow, spec["change"])
    said = text(wanted.get("description"))
    marks = [mark for mark in _MARK.findall(text(flow.get("description"))) if mark not in said]
    if marks:
        wanted["description"] = " ".join([said, *marks]).strip()
    return wanted


def _fetched(ctx: Context, phase: Phase, answer: Answer) -> Step:
    spec, name = ctx.spec, str(ctx.spec["flow"])
    if answer.verdict is not Verdict.OK:
        return failed(answer.problem)
    flow = flow_of(answer.body, name)
    if not text(flow.get("id")):
        return failed(None, f"flow {name}: the answer holds no flow", code="headgate-answer")
    if "changes" in phase:
        step = _sent(name, phase, flow, repeatable="set" in spec["change"])
        if step is not None:
            return step
    return _changed(ctx, phase, flow)


def _sent(name: str, phase: Phase, flow: Mapping[str, Any], *, repeatable: bool) -> Step | None:
    """What became of the change that was sent; ``None`` when it surely did not happen, or may safely be made again."""
    taken = bool(phase.get("taken"))
    if is_busy(flow):
        return wait(name, phase, _BEING_CHANGED)
    problem = operation_problem(flow) if taken else None
    if problem is not None:
        return failed(problem)
    if in_place(flow, phase["changes"]):
        return done("updated", changes=phase["changes"])
    moved = flow.get("etag") != phase.get("etag")
    if taken and not moved:  # the etag stays while the platform is still at it
        return wait(name, phase, "the change was taken and does not show yet")
    if taken or (moved and not repeatable):
        # Whether it was overwritten or never made cannot be told, and adding to a list twice is not the same as once.
        return _conflict(name, phase, flow, "it was changed by somebody else at the same time")
    return None


def _changed(ctx: Context, phase: Phase, flow: Mapping[str, Any]) -> Step:
    """Work the change out on the flow as fetched, and send it."""
    spec, name = ctx.spec, str(ctx.spec["flow"])
    rounds = int(phase.get("round", 0))
    try:
        wanted = evaluate(spec, flow)
    except PatchError as error:
        return failed(
            None,
            f"flow {name}: the change does not fit: {error}",
            code="headgate-patch",
            advice="look at the flow, and mend the path; or narrow `select` to flows that have it",
        )
    changes = leaves(flow, wanted)
    if not changes:
        return done("unchanged")
    if not matches(spec.get("where"), flow):
        return skipped("it was changed since it was selected, and is not meant any more")
    if is_busy(flow):
        return wait(name, phase, _BEING_CHANGED)
    if rounds >= ROUNDS:
        return _conflict(name, phase, flow, f"it was changed by somebody else {rounds} times while this was tried")
    etag = quoted(flow.get("etag"))
    if etag is None:
        return failed(None, f"flow {name} has no usable etag; it was not changed", code="headgate-etag")
    if (end := given_up(name, phase, PATCH_FLOW)) is not None:
        return end
    call = Call(
        "PATCH",
        "flow",
        f"/flows/{name}",
        PATCH_FLOW,
        "write",
        body=operations(flow, wanted),
        headers=(("If-Match", etag),),
    )
    kept: Phase = {key: phase[key] for key in ("lost", "looks") if key in phase}
    return Ask(call, {**kept, "at": "patch", "round": rounds, "etag": etag, "changes": changes})


def _patched(name: str, phase: Phase, answer: Answer) -> Step:
    if answer.verdict is Verdict.OK:
        return get(name, {**phase, "taken": True})
    without = {key: value for key, value in phase.items() if key != "changes"}  # refused: it surely did not happen
    if answer.status == 412:
        return get(name, {**without, "round": int(phase.get("round", 0)) + 1})
    if answer.problem is not None and answer.problem.code in BUSY_CODES:
        return wait(name, without, _BEING_CHANGED)
    return failed(answer.problem)


def _conflict(name: str, phase: Phase, flow: Mapping[str, Any], why: str) -> Settle:
    return failed(
        Problem(
            412,
            "headgate-conflict",
            f"flow {name}: {why}; sent If-Match {phase.get('etag')}, the platform has {flow.get('etag')}",
            advice="run again when nobody else works on it; nothing of theirs was overwritten",
        )
    )
