"""The validation GET of a dataset flow: read it when its changes are done, and compare it with what was asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from headgate.classes import frozen
from headgate.exchange import Answer, Verdict
from headgate.workflows.contract import Context, Ending, Pause, Phase, Settle, Signal, Step, failed
from headgate.workflows.reading import part, text
from headgate.workflows.selectors import BUSY_S, LOOKS, flow_of, get_flow, is_settled

#: A flow that was created with them may be shown without (facts 7.4): their absence says nothing.
_MAY_BE_HIDDEN: Final = frozenset({"exportMode", "endTime", "foldernameTemplate"})


@frozen
class DatasetCheckSpec:
    """What the flow must show."""

    flow_spec: str
    schedule: Mapping[str, Any]


def advance(ctx: Context, phase: Phase, signal: Signal | Answer) -> Step:
    """The procedure of a check."""
    looks = int(phase.get("looks", 0))
    if not isinstance(signal, Answer):
        return get_flow(ctx, {"at": "get", "looks": looks})
    if signal.verdict is not Verdict.OK:
        return failed(signal.problem)
    flow = flow_of(signal.body, str(ctx.inputs["flow"]["id"]))
    if not text(flow.get("id")):
        return failed(None, "the answer holds no flow", code="headgate-not-validated")
    if not is_settled(flow) and looks < LOOKS:
        return Pause(BUSY_S, "the flow is still being changed", {"at": "busy", "looks": looks + 1})
    wrong = _differing(ctx, flow)
    if wrong:
        return failed(
            None,
            f"flow {flow['id']}: {wrong}",
            code="headgate-not-validated",
            advice="somebody else changed it since: put it back, or write in the manifest what it shall be",
        )
    return Settle(Ending.SUCCEEDED, {"id": flow["id"], "state": flow.get("state")})


def _differing(ctx: Context, flow: Mapping[str, Any]) -> str:
    """The first way in which the flow is not what was asked for, or ``""``."""
    spec: DatasetCheckSpec = ctx.spec
    if part(flow, "flowSpec").get("id") != spec.flow_spec:
        return f"its flow spec is {part(flow, 'flowSpec').get('id')}, not {spec.flow_spec}"
    for role, key in (("source", "sourceConnectionIds"), ("target", "targetConnectionIds")):
        if flow.get(key) != [ctx.inputs[role]["id"]]:
            return f"its {key} are not those asked for"
    have = part(flow, "scheduleParams")
    for key, wanted in spec.schedule.items():
        # The property has two spellings (trap 30): one is sent, both are read.
        found = have.get(key, have.get("folderNameTemplate") if key == "foldernameTemplate" else None)
        if found is None and key in _MAY_BE_HIDDEN:
            continue
        if found != wanted and str(found) != str(wanted):
            return f"its scheduleParams have {key} {found}, and {wanted} was asked for"
    return ""
