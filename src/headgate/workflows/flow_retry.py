"""Trigger a flow's failed run again: its latest run, if that one failed.

Documented for batch sources alone (facts 3.5); an export is run again by an activation. A run is never triggered
twice: after a lost answer a newer run of the flow is proof that it was.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from headgate.exchange import Answer, Call, Verdict
from headgate.manifest.condition import matches
from headgate.workflows.contract import Ask, Context, Pause, Phase, Signal, Step, failed
from headgate.workflows.evidence import EVIDENCE
from headgate.workflows.flow_state import done, get, given_up, lost, skipped
from headgate.workflows.reading import part, rows, text
from headgate.workflows.runs import RunState, created_ms, is_terminal, run_state
from headgate.workflows.selectors import flow_of

if TYPE_CHECKING:
    from collections.abc import Mapping

#: The effect, as :mod:`headgate.workflows.evidence` has it.
RETRIGGER: Final = "POST /runs/{id}/action"


def advance(ctx: Context, phase: Phase, signal: Signal | Answer) -> Step:
    """The procedure. ``spec``: ``{"flow": id, "where": JMESPath | None}``."""
    flow = str(ctx.spec["flow"])
    if isinstance(signal, Answer):
        match phase["at"]:
            case "get":
                return _fetched(ctx, phase, signal)
            case "runs":
                return _runs(flow, phase, signal)
            case _:
                return _triggered(phase, signal)
    if signal is Signal.LOST:
        return _list(flow, {**lost(phase), "look": 0})
    return _list(flow, phase) if "run" in phase else get(flow, phase)


def _fetched(ctx: Context, phase: Phase, answer: Answer) -> Step:
    if answer.verdict is not Verdict.OK:
        return failed(answer.problem)
    name = str(ctx.spec["flow"])
    flow = flow_of(answer.body, name)
    if not text(flow.get("id")):
        return failed(None, f"flow {name}: the answer holds no flow", code="headgate-answer")
    if not matches(ctx.spec.get("where"), flow):
        return skipped("it was changed since it was selected, and is not meant any more")
    if part(flow, "inheritedAttributes", "properties").get("isDestinationFlow"):
        return failed(
            None,
            f"flow {name} exports to a destination: its runs cannot be triggered again",
            code="headgate-no-retry",
            advice="use an activation for exports, and select sources by "
            "inheritedAttributes.properties.isSourceFlow==true",
        )
    return _list(name, phase)


def _list(flow: str, phase: Phase) -> Ask:
    query = (("property", f"flowId=={flow}"), ("limit", "100"))
    return Ask(Call("GET", "flow", "/runs", EVIDENCE[RETRIGGER].asked, "lookup", query=query), {**phase, "at": "runs"})


def _runs(flow: str, phase: Phase, answer: Answer) -> Step:
    if answer.verdict is not Verdict.OK:
        return failed(answer.problem)
    found = [run for run in rows(answer.body, "items") if text(run.get("id")) and run.get("flowId") == flow]
    newest: Mapping[str, Any] | None = max(found, key=created_ms, default=None)
    asked = phase.get("run")
    if asked:
        newer = [str(run["id"]) for run in found if run["id"] != asked and created_ms(run) > int(phase.get("of_ms", 0))]
        if len(newer) > 1:
            # All began after the failed one. Which was asked for cannot be told; none is triggered on top of them.
            return done("updated", runId=None, reason=f"one of the runs {', '.join(newer)} is the one asked for")
        if newer:
            return done("updated", runId=newer[0])
    if newest is None or not is_terminal(newest) or run_state(newest)[0] is not RunState.FAILED:
        return done("unchanged", reason="its latest run did not fail" if newest else "it has no run")
    look = int(phase.get("look", 0)) + 1
    again_s = EVIDENCE[RETRIGGER].wait(look) if asked else None
    if again_s is not None:
        return Pause(again_s, "looking whether the run was triggered", {**phase, "look": look})
    if (end := given_up(flow, phase, RETRIGGER)) is not None:
        return end
    run = str(newest["id"])
    # The documents write re-trigger, the schema RE_TRIGGER; as with flows, what the documents show is sent (facts 3.5).
    call = Call("POST", "flow", f"/runs/{run}/action", RETRIGGER, "write", query=(("op", "re-trigger"),))
    return Ask(call, {**phase, "at": "act", "run": run, "of_ms": created_ms(newest), "look": 0})


def _triggered(phase: Phase, answer: Answer) -> Step:
    if answer.verdict is not Verdict.OK:
        return failed(answer.problem)
    body = answer.body if isinstance(answer.body, dict) else {}
    first = next(iter(rows(body, "items")), body)
    return done("updated", runId=text(first.get("id")) or None, retried=phase["run"])
