"""What a fetched flow says of itself: whether it is being changed, how its last change ended, and the waits for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from headgate.exchange import Call, Problem
from headgate.workflows.contract import Ask, Ending, Pause, Phase, Settle, failed
from headgate.workflows.evidence import EVIDENCE
from headgate.workflows.reading import part, rows, text
from headgate.workflows.selectors import BUSY_S, LOOKS

if TYPE_CHECKING:
    from collections.abc import Mapping

_FAILED: Final = frozenset({"failed", "failure", "partial_failure"})
_GOING_ON: Final = frozenset({"in_progress", "inprogress", "queued", "scheduled", "processing", "pending"})
#: States that pass (facts 2.7). Drafts and errors do not: nobody should wait for them.
_PASSING: Final = frozenset(
    {"initializing", "enabling", "disabling", "updating", "deleting", "inprogress", "in_progress", "pending"}
)


def state_of(flow: Mapping[str, Any]) -> str:
    """The flow's state in lower case; ``enabled`` where it says none."""
    return (text(flow.get("state")) or "enabled").lower()


def is_busy(flow: Mapping[str, Any]) -> bool:
    """Whether a change is under way, by the state or by the last operation (facts 2.3, 2.6, 2.7)."""
    state = state_of(flow)
    status = text(part(flow, "lastOperation", "status").get("value")).lower()
    return state in _PASSING or state.endswith("-finalizing") or status in _GOING_ON


def operation_problem(flow: Mapping[str, Any]) -> Problem | None:
    """Why the last operation failed, if it did."""
    status = part(flow, "lastOperation", "status")
    if text(status.get("value")).lower() not in _FAILED:
        return None
    first = next(iter(rows(status, "errors")), {})
    said = f"{text(first.get('code'))}: {text(first.get('message'))}".strip(": ")
    return Problem(
        0, "headgate-operation-failed", f"flow {flow.get('id')}: the platform took the change, and then failed: {said}"
    )


def get(flow: str, phase: Phase) -> Ask:
    """Read the flow anew; the answer arrives in ``phase``."""
    return Ask(Call("GET", "flow", f"/flows/{flow}", "GET /flows/{id}", "read"), {**phase, "at": "get"})


def wait(flow: str, phase: Phase, why: str) -> Pause | Settle:
    """Look again in a while, or give up after many looks. The phase is kept: looks must not begin anew."""
    looks = int(phase.get("looks", 0)) + 1
    if looks > LOOKS:
        return failed(
            None,
            f"flow {flow}: {why}, for {LOOKS * BUSY_S / 60:.0f} minutes",
            code="headgate-busy",
            advice="look at the flow on the platform, then run again",
        )
    return Pause(BUSY_S, why, {**phase, "at": "get", "looks": looks})


def lost(phase: Phase) -> Phase:
    """The phase after one more lost answer. What became of the request is looked up in any case."""
    return {**phase, "lost": int(phase.get("lost", 0)) + 1}


def given_up(flow: str, phase: Phase, effect: str) -> Settle | None:
    """The end, where ``effect`` would be sent once more although its answers were lost too often."""
    count = int(phase.get("lost", 0))
    if count < EVIDENCE[effect].losses:
        return None
    return failed(
        None,
        f"flow {flow}: the answers to {count} requests were lost, and it did not happen",
        code="headgate-lost",
        advice="look at the platform's status, then run again: what is in place is not asked for twice",
    )


def done(status: str, **more: Any) -> Settle:
    """A flow dealt with; ``status`` is the report's word for it."""
    return Settle(Ending.SUCCEEDED, {"status": status, **more})


def skipped(reason: str) -> Settle:
    """A flow that is left alone, for a reason that is no failure."""
    return Settle(Ending.SUCCEEDED, {"status": "skipped", "reason": reason})
