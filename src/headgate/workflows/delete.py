"""Delete one object and see it gone. A 404 is the goal, whoever reached it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from headgate.exchange import Answer, Call, Verdict
from headgate.workflows.contract import Ask, Context, Ending, Pause, Phase, Settle, Signal, Step, failed

#: Platform seconds between looks at an object that is being deleted, and how many.
LOOK_AGAIN_S: Final = 3.0
LOOKS: Final = 200
_BUSY: Final = frozenset({"1420-400", "1421-400", "1422-400", "1457-400", "1458-400"})


@dataclass(frozen=True, slots=True)
class DeleteSpec:
    """What is to go."""

    collection: str
    id: str

    @classmethod
    def of(cls, spec: Any) -> DeleteSpec:
        """From a planned job's spec, or from a child's JSON."""
        return cls(str(spec["collection"]), str(spec["id"])) if isinstance(spec, Mapping) else spec


def advance(ctx: Context, phase: Phase, signal: Signal | Answer) -> Step:
    """The procedure of a deletion. DELETE answers 200, 202 or 204 (facts 2.8): over when GET answers 404."""
    spec = DeleteSpec.of(ctx.spec)
    if not isinstance(signal, Answer):
        # After a pause or a lost answer the object says itself whether it is still there.
        return _delete(spec, phase) if signal is Signal.START else _look(spec, phase)
    gone = signal.status == 404
    if gone or (phase["at"] == "delete" and signal.verdict is Verdict.OK and signal.status == 204):
        return Settle(Ending.SUCCEEDED, {"id": spec.id, "status": "deleted"})
    if phase["at"] == "look" and signal.verdict is Verdict.OK:
        return _wait(spec, phase) if phase.get("taken") else _delete(spec, phase)
    if signal.verdict is Verdict.OK:
        return _look(spec, {**phase, "taken": True})
    if phase["at"] == "delete" and signal.problem is not None and signal.problem.code in _BUSY:
        return _wait(spec, phase)
    return failed(signal.problem)


def _delete(spec: DeleteSpec, phase: Phase) -> Step:
    path = f"/{spec.collection}/{spec.id}"
    call = Call("DELETE", "flow", path, f"DELETE /{spec.collection}/{{id}}", "write")
    return Ask(call, {**phase, "at": "delete"})


def _look(spec: DeleteSpec, phase: Phase) -> Ask:
    path = f"/{spec.collection}/{spec.id}"
    return Ask(Call("GET", "flow", path, f"GET /{spec.collection}/{{id}}", "lookup"), {**phase, "at": "look"})


def _wait(spec: DeleteSpec, phase: Phase) -> Step:
    looks = int(phase.get("looks", 0)) + 1
    if looks > LOOKS:
        return failed(None, f"{spec.collection} {spec.id} is still there", code="headgate-not-deleted")
    return Pause(LOOK_AGAIN_S, "it is not gone yet", {**phase, "at": "look", "looks": looks})
