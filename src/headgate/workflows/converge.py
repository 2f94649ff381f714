"""Bring an object that exists to what the manifest says now: read it, send what differs, read it again.

Only what the platform changes in place is changed: names, descriptions, a connection's credentials, a target's
location, a flow's schedule. What cannot be changed (facts 2.6: the spec of a connection, its type of credentials, the
datasets of a source connection) fails with the reason, and the object stays as it is. Schemas, datasets and mapping
sets are only looked at: whether they are there. What is gone from the platform is made again where that is asked for.

Whole objects are sent, for the platform replaces them whole (trap 42). Credentials are never compared, because what a
GET shows of them is masked (trap 60): they are sent when the object's content has changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from headgate.exchange import Answer, Call, Problem, Verdict
from headgate.planning.content import CHANGEABLE
from headgate.secret import Secret
from headgate.workflows.contract import Ask, Ending, Pause, Phase, Settle, Signal, Step, failed
from headgate.workflows.dialects import DIALECTS
from headgate.workflows.evidence import EVIDENCE, Evidence
from headgate.workflows.reading import part
from headgate.workflows.selectors import BUSY_CODES, BUSY_S, LOOKS, is_settled, quoted

if TYPE_CHECKING:
    from headgate.workflows.create import CreateSpec

#: Where a creation stands that finds its object there, made from other content. In this phase its id is under ``id``.
CHANGED: Final = "changed"
#: The phases that belong here.
PHASES: Final = frozenset({CHANGED, "read", "patch"})
#: In the phase of a look-up: the id of an object that exists no more, whatever a list may still say.
GONE: Final = "gone"
#: Times an object is read and changed again because somebody else changed it in between (412).
ROUNDS: Final = 5
#: An object was changed by this run (``found`` in its output).
UPDATED: Final = "updated"
_WORDS: Final = ("name", "description")
_PARTS: Final = ("params", "data", "scheduleParams", "encryptionSpecs")
_FIXED: Final = ("connectionSpec", "flowSpec", "baseConnectionId")
#: Transformations that are filled in after the flow is made, by jobs of their own.
_FILLED: Final = frozenset({"GeneralTransform"})
_LINKS: Final = ("sourceConnectionIds", "targetConnectionIds")
#: Where secrets are sent.
_SECRET: Final = frozenset({"/auth/params", "/encryptionSpecs"})


def can(spec: CreateSpec) -> bool:
    """Whether objects of this kind can be changed in place: those of Flow Service."""
    return spec.collection in CHANGEABLE


def begin(remote: str, *, changed: bool = False, again: bool = False) -> Phase:
    """The phase of a creation whose object is ``remote`` and may differ from what is wanted.

    ``changed``: it surely does, so its credentials are sent again, which nobody can compare. ``again``: should it be
    gone, it is made again; only where all that refers to it is compared too, and so learns its new id.
    """
    return {"at": CHANGED, "id": remote, "credentials": not changed, **({"again": True} if again else {})}


def advance(spec: CreateSpec, wanted: Mapping[str, Any], phase: Phase, signal: Signal | Answer) -> Step:
    """The procedure of an update. ``wanted`` is the whole body, references filled in."""
    if isinstance(signal, Answer):
        if phase["at"] == "patch":
            return _patched(spec, phase, signal)
        return _read(spec, wanted, phase, signal)
    if phase["at"] == "patch":
        phase = {**phase, "sent": True}  # perhaps: if nothing differs any more, it was
    if signal is Signal.LOST:
        phase = {**phase, "lost": int(phase.get("lost", 0)) + 1}
    return _get(spec, phase)


def evidence_of(spec: CreateSpec) -> Evidence:
    """What tells whether a change of the object was made."""
    return EVIDENCE[f"PATCH /{spec.collection}/{{id}}"]


def _get(spec: CreateSpec, phase: Phase) -> Ask:
    return Ask(DIALECTS[spec.collection].read(str(phase["id"])), {**phase, "at": "read"})


def _read(spec: CreateSpec, wanted: Mapping[str, Any], phase: Phase, answer: Answer) -> Step:
    remote = str(phase["id"])
    if answer.verdict is not Verdict.OK:
        if answer.status == 404 and phase.get("again"):
            # Before it is made again it is looked for by its mark, as after a lost answer.
            return Pause(0.0, "gone: looking for it before it is made again", {"at": "look", GONE: remote})
        if answer.status == 404:
            said = f"{spec.name}: its object {remote} is gone from the platform; nothing was made in its stead"
            advice = "somebody deleted it: `headgate run --refresh` makes it again"
            return failed(Problem(404, "headgate-gone", said, advice=advice))
        return failed(answer.problem)
    live = DIALECTS[spec.collection].object_of(answer.body, remote)
    if not live:
        return failed(None, f"{spec.name}: the answer does not hold {remote}; nothing was changed")
    if not can(spec):
        return Settle(Ending.SUCCEEDED, {"id": remote, "found": "same", **DIALECTS[spec.collection].also(live)})
    fixed = unchangeable(wanted, live)
    if fixed:
        said = f"{spec.name}: {', '.join(fixed)} cannot be changed on the platform; it was left as it is"
        return failed(
            None, said, code="headgate-unchangeable", advice="give the item another name, or destroy it first"
        )
    ops = operations(wanted, live, credentials=not phase.get("credentials"))
    if not ops:
        output = {"id": remote, "etag": live.get("etag"), "found": UPDATED if phase.get("sent") else "same"}
        return Settle(Ending.SUCCEEDED, output)
    looks = int(phase.get("looks", 0))
    if not is_settled(live):
        if looks >= LOOKS:
            return failed(None, f"{spec.name}: {remote} is still being changed by somebody; it was not changed")
        return Pause(BUSY_S, "the object is still being changed", {**phase, "looks": looks + 1})
    etag = quoted(live.get("etag"))
    if etag is None:
        return failed(None, f"{spec.name}: {remote} has no usable etag; it was not changed")
    if int(phase.get("round", 0)) > ROUNDS:
        said = f"{spec.name}: {remote} does not take the change; its etag is now {etag}"
        return failed(None, said, code="headgate-conflict", advice="somebody else changes it too; run again later")
    losses = int(phase.get("lost", 0))
    if losses >= evidence_of(spec).losses:
        said = f"{spec.name}: the answers to {losses} changes were lost, and it was not changed"
        return failed(None, said, code="headgate-lost", advice="run again: what is in place is not sent twice")
    call = Call(
        "PATCH",
        "flow",
        f"/{spec.collection}/{remote}",
        evidence_of(spec).effect,
        "write",
        body=ops,
        headers=(("If-Match", etag),),
    )
    # No secret may stand in a phase: what is to be sent is worked out anew each time.
    secret = any(op["path"] in _SECRET for op in ops)
    return Ask(call, {**phase, "at": "patch", "secret": secret})


def _patched(spec: CreateSpec, phase: Phase, answer: Answer) -> Step:
    following = {key: value for key, value in phase.items() if key != "secret"}
    following["round"] = int(phase.get("round", 0)) + 1
    if answer.verdict is Verdict.OK:
        # Accepted or done (trap 3): only the object itself tells.
        if phase.get("secret"):
            following["credentials"] = True
        return _get(spec, {**following, "sent": True})
    code = answer.problem.code if answer.problem else ""
    if answer.status == 412 and following["round"] <= ROUNDS:
        return _get(spec, following)
    if code in BUSY_CODES and following["round"] <= ROUNDS:
        return Pause(BUSY_S, "the object is still being changed", {**following, "at": "read"})
    return failed(answer.problem)


# -- what differs ------------------------------------------------------------------------------------------------------


def unchangeable(wanted: Mapping[str, Any], live: Mapping[str, Any]) -> list[str]:
    """What differs and cannot be changed in place."""
    found = [
        key
        for key in _FIXED
        if key in wanted and _identity(wanted[key]) != _identity(live.get(key)) and live.get(key) is not None
    ]
    wanted_auth, live_auth = part(wanted, "auth"), part(live, "auth")
    if wanted_auth and live_auth and wanted_auth.get("specName") != live_auth.get("specName"):
        found.append("auth.specName")
    datasets = part(wanted, "params").get("datasets")
    if datasets is not None and not _within(datasets, part(live, "params").get("datasets")):
        found.append("params.datasets")
    return found


def operations(wanted: Mapping[str, Any], live: Mapping[str, Any], *, credentials: bool) -> list[dict[str, Any]]:
    """The JSON Patch from ``live`` to ``wanted``; whole objects, and nothing that the platform keeps to itself."""
    ops = [
        {"op": "replace" if live.get(key) is not None else "add", "path": f"/{key}", "value": wanted[key]}
        for key in (*_WORDS, *_PARTS, *_LINKS)
        if wanted.get(key) is not None and not _same(key, wanted[key], live.get(key))
    ]
    steps = wanted.get("transformations") or ()
    filled = any(part(step).get("name") in _FILLED for step in steps)
    if steps and not filled and not _within(steps, live.get("transformations")):
        ops.append({"op": "replace", "path": "/transformations", "value": list(steps)})
    if not credentials:
        return ops
    if wanted.get("encryptionSpecs") and all(op["path"] != "/encryptionSpecs" for op in ops):
        ops.append({"op": "replace", "path": "/encryptionSpecs", "value": wanted["encryptionSpecs"]})
    auth = part(wanted, "auth")
    if auth.get("params"):
        ops.append({"op": "replace", "path": "/auth/params", "value": auth["params"]})
    return ops


def _same(key: str, wanted: Any, live: Any) -> bool:
    if key in _WORDS or key in _LINKS:
        return bool(wanted == live)
    # The platform adds keys of its own; what was asked for must be there.
    return _within(wanted, live)


def _within(wanted: Any, live: Any) -> bool:
    if isinstance(wanted, Secret):
        return live is not None  # what is shown of it is masked
    if isinstance(wanted, Mapping) and isinstance(live, Mapping):
        return all(_within(value, live.get(key)) for key, value in wanted.items() if value is not None)
    if isinstance(wanted, (list, tuple)) and isinstance(live, (list, tuple)):
        return len(wanted) == len(live) and all(_within(one, two) for one, two in zip(wanted, live, strict=True))
    return bool(wanted == live)


def _identity(value: Any) -> Any:
    """A spec is its id: its version may be written in several ways."""
    return value.get("id") if isinstance(value, Mapping) else value
