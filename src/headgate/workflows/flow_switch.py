"""Enable or disable one flow, or let it go on to its deletion. Safe to repeat: the flow's own state is asked first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from headgate.exchange import Answer, Call, Verdict
from headgate.manifest.condition import matches
from headgate.workflows.contract import Ask, Child, Context, Ending, Phase, Settle, Signal, Step, failed
from headgate.workflows.delete import is_gone
from headgate.workflows.flow_state import done, get, given_up, is_busy, lost, skipped, state_of, wait
from headgate.workflows.reading import text
from headgate.workflows.selectors import BUSY_CODES, flow_of

if TYPE_CHECKING:
    from collections.abc import Mapping

#: The effect of an action, as :mod:`headgate.workflows.evidence` has it.
ACTION: Final = "POST /flows/{id}/action"
#: What a flow is after each action (facts 2.7).
STATES: Final = {"enable": "enabled", "disable": "disabled"}
_BEING_CHANGED: Final = "the flow is still being changed"


def advance(ctx: Context, phase: Phase, signal: Signal | Answer) -> Step:
    """The procedure. ``spec``: ``{"flow": id, "where": JMESPath | None, "action": "enable" | "disable" | "delete"}``.

    ``delete`` only makes sure that the flow is still meant, and leaves the rest to a child.
    """
    flow = str(ctx.spec["flow"])
    if isinstance(signal, Answer):
        return _acted(flow, phase, signal) if phase["at"] == "act" else _fetched(ctx, phase, signal)
    if signal is Signal.LOST:
        phase = lost(phase)
    return get(flow, phase)


def deletion(key: str, flow: str) -> Child:
    """The job that deletes ``flow``."""
    return Child(f"{key}:delete", "delete", {"collection": "flows", "id": flow})


def _fetched(ctx: Context, phase: Phase, answer: Answer) -> Step:
    spec, name = ctx.spec, str(ctx.spec["flow"])
    action = str(spec["action"])
    if action == "delete" and is_gone(answer):
        return done("deleted", reason="it was gone already")
    if answer.verdict is not Verdict.OK:
        return failed(answer.problem)
    flow = flow_of(answer.body, name)
    if not text(flow.get("id")):
        return failed(None, f"flow {name}: the answer holds no flow", code="headgate-answer")
    asked = "asked" in phase
    if action != "delete":
        if is_busy(flow):
            return wait(name, phase, _BEING_CHANGED)
        if state_of(flow) == STATES[action]:
            return done("updated" if asked else "unchanged", changes=_change(phase, action) if asked else [])
        if phase.get("taken"):
            return wait(name, phase, f"it was told to be {STATES[action]} and is not yet")
    if not matches(spec.get("where"), flow):
        return skipped("it was changed since it was selected, and is not meant any more")
    if action == "delete":
        return Settle(Ending.SUCCEEDED, children=(deletion(ctx.key, name),))
    if (end := given_up(name, phase, ACTION)) is not None:
        return end
    # Lower case and without subOp: the documents' own way, although the schema lists capitals (traps 55, 56).
    call = Call("POST", "flow", f"/flows/{name}/action", ACTION, "write", query=(("op", action),))
    return Ask(call, {**phase, "at": "act", "asked": state_of(flow)})


def _change(phase: Phase, action: str) -> list[Mapping[str, str]]:
    return [{"path": "/state", "from": str(phase["asked"]), "to": STATES[action]}]


def _acted(name: str, phase: Phase, answer: Answer) -> Step:
    if answer.verdict is Verdict.OK:
        return get(name, {**phase, "taken": True})
    if answer.problem is not None and answer.problem.code in BUSY_CODES:
        return wait(name, phase, _BEING_CHANGED)
    return failed(answer.problem)
