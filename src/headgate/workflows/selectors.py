"""Put a flow's audiences and attributes in place: one PATCH of what is missing, safe to repeat.

The creation's own etag is used when it is a usable one; else, and after a 412 or a lost answer, the flow is read
again and only what it still lacks is sent. An etag goes back as it came, its quotes included (trap 1), and a PATCH
may be answered by 200 or 202 with or without a body (trap 3), so nothing is read from its answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from headgate.classes import frozen
from headgate.exchange import Answer, Call, Verdict
from headgate.workflows.contract import Ask, Context, Ending, Pause, Phase, Settle, Signal, Step, failed
from headgate.workflows.evidence import EVIDENCE
from headgate.workflows.reading import part, rows, text

#: The effect of a change of a flow, and times it is tried again whatever the reason.
PATCH_FLOW = "PATCH /flows/{id}"
ROUNDS = 5
#: Platform seconds before a flow that is being updated is looked at again.
BUSY_S = 3.0
#: Looks at a flow that is still being changed before that is a failure (platform time: LOOKS x BUSY_S).
LOOKS = 200
#: "cannot be changed in this state" (facts 1.5: 1420, 1421, 1422, 1444, 1457).
BUSY_CODES = frozenset({"1420-400", "1421-400", "1422-400", "1444-400", "1457-400"})
_PARAMS = "/transformations/0/params"


@frozen
class SelectorsSpec:
    """What the flow must hold. ``segments`` are whole selector values, ``attributes`` XDM paths.

    ``legacy`` decides where mandatory and primary fields live: inside ``profileSelectors`` or beside it (facts 6.5).
    Not frozen: that triples the cost of making one, and there are many. Nobody changes it.
    """

    segments: tuple[Mapping[str, Any], ...]
    attributes: tuple[str, ...] = ()
    mandatory: tuple[str, ...] = ()
    primary: tuple[Mapping[str, Any], ...] = ()
    mapping: Mapping[str, Any] | None = None
    legacy: bool = False


def operations(spec: SelectorsSpec, params: Mapping[str, Any], *, exact: bool = False) -> list[dict[str, Any]]:
    """The JSON Patch that adds what ``params`` (the transformation's, as fetched) lacks; empty when complete.

    ``exact``: also what is there otherwise than wanted is replaced, and what is not wanted removed.
    """
    have = segment_values(params)
    ops = _corrections(spec, params) if exact else []
    ops += [
        _add("segmentSelectors/selectors/-", {"type": "PLATFORM_SEGMENT", "value": dict(segment)})
        for segment in spec.segments
        if str(segment["id"]) not in have
    ]
    profile = part(params, "profileSelectors")
    paths = {text(_value(selector).get("path")) for selector in rows(profile, "selectors")}
    ops += [
        _add("profileSelectors/selectors/-", {"type": "JSON_PATH", "value": {"path": path}})
        for path in spec.attributes
        if path not in paths
    ]
    holder, prefix = (profile, "profileSelectors/") if spec.legacy else (params, "")
    if spec.mandatory and holder.get("mandatoryFields") != list(spec.mandatory):
        ops.append(_add(f"{prefix}mandatoryFields", list(spec.mandatory)))
    if spec.primary and holder.get("primaryFields") != [dict(field) for field in spec.primary]:
        ops.append(_add(f"{prefix}primaryFields", [dict(field) for field in spec.primary]))
    if spec.mapping and params.get("profileMapping") != dict(spec.mapping):
        ops.append(_add("profileMapping", dict(spec.mapping)))
    return ops


def _corrections(spec: SelectorsSpec, params: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Replacements, then removals from the end: indexes are those of the flow as fetched (facts 2.6)."""
    wanted = {str(segment["id"]): segment for segment in spec.segments}
    ops: list[dict[str, Any]] = []
    gone: list[str] = []
    for index, selector in enumerate(rows(part(params, "segmentSelectors"), "selectors")):
        value = _value(selector)
        segment = wanted.get(text(value.get("id"))) or wanted.get(text(value.get("systemSegmentId")))
        path = f"{_PARAMS}/segmentSelectors/selectors/{index}"
        if segment is None:
            gone.append(path)
        elif not same(segment, value):
            # The whole selector is sent, with what the platform added to it.
            ops.append({"op": "replace", "path": path, "value": {**selector, "value": {**value, **segment}}})
    paths = set(spec.attributes)
    gone += [
        f"{_PARAMS}/profileSelectors/selectors/{index}"
        for index, selector in enumerate(rows(part(params, "profileSelectors"), "selectors"))
        if text(_value(selector).get("path")) not in paths
    ]
    # Within each list from the end, so that no removal moves what is removed after it.
    return ops + [{"op": "remove", "path": path} for path in reversed(gone)]


def same(wanted: Any, found: Any) -> bool:
    """Whether ``found`` holds what is ``wanted``; the platform adds keys of its own, and they may stay."""
    if isinstance(wanted, Mapping) and isinstance(found, Mapping):
        return all(same(value, found.get(key)) for key, value in wanted.items())
    return bool(wanted == found)


def _add(path: str, value: Any) -> dict[str, Any]:
    return {"op": "add", "path": f"{_PARAMS}/{path}", "value": value}


def _value(selector: Any) -> Mapping[str, Any]:
    return part(selector, "value")


def transformation_params(flow: Any) -> Mapping[str, Any]:
    """``transformations[0].params`` of a fetched flow, or an empty mapping."""
    steps = rows(flow, "transformations")
    return part(steps[0], "params") if steps else {}


def segment_values(params: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Selector values by every id an audience may be called: its own, and the system's (trap 68)."""
    found: dict[str, Mapping[str, Any]] = {}
    for selector in rows(part(params, "segmentSelectors"), "selectors"):
        value = _value(selector)
        for key in ("id", "systemSegmentId"):
            if isinstance(value.get(key), str):
                found[value[key]] = value
    return found


def flow_of(body: Any, remote: str) -> dict[str, Any]:
    """The flow ``remote`` in an answer: a single GET gives ``{"items": [flow]}`` or the flow itself (facts 2.1).

    Empty when there is none, or another one: an answer that a proxy mixed up must not be taken for it.
    """
    if isinstance(body, dict) and "items" in body:
        return next((row for row in rows(body, "items") if row.get("id") == remote), {})
    return body if isinstance(body, dict) and body.get("id") == remote else {}


def is_settled(flow: Mapping[str, Any]) -> bool:
    """Whether no change is under way: neither the state nor the last operation says so (facts 2.3, 2.7)."""
    state = str(flow.get("state") or "enabled").lower()
    status = part(flow, "lastOperation", "status").get("value")
    return state in ("enabled", "disabled") and str(status or "completed").lower() in ("completed", "success")


def quoted(etag: object) -> str | None:
    """The etag if it is one that can be sent back: a string that carries its own double quotes (traps 1, 2)."""
    return etag if isinstance(etag, str) and len(etag) > 2 and etag[0] == etag[-1] == '"' else None


def advance(ctx: Context, phase: Phase, signal: Signal | Answer) -> Step:
    """The procedure of the selector PATCH.

    In its phase: ``round`` counts 412s and busy flows, ``lost`` lost answers, ``looks`` looks at a busy flow.
    """
    spec: SelectorsSpec = ctx.spec
    if isinstance(signal, Answer):
        return _fetched(ctx, phase, signal) if phase["at"] == "get" else _patched(ctx, phase, signal)
    etag = quoted(ctx.inputs["flow"].get("etag"))
    if signal is Signal.START and etag and "found" not in ctx.inputs["flow"]:
        return _patch(ctx, etag, operations(spec, {}), {"at": "patch", "round": 0})
    following = _next(phase, "get", looks=int(phase.get("looks", 0)))
    if signal is Signal.LOST:
        following["lost"] = int(phase.get("lost", 0)) + 1
    return get_flow(ctx, following)


def _next(phase: Phase, at: str, *, rounds: int = 0, **more: int) -> Phase:
    kept: Phase = {"lost": phase["lost"]} if "lost" in phase else {}
    return {**kept, "at": at, "round": int(phase.get("round", 0)) + rounds, **more}


def get_flow(ctx: Context, phase: Phase) -> Ask:
    """Read the flow anew."""
    return Ask(Call("GET", "flow", f"/flows/{ctx.inputs['flow']['id']}", EVIDENCE[PATCH_FLOW].asked, "read"), phase)


def _patch(ctx: Context, etag: str, ops: list[dict[str, Any]], phase: Phase) -> Step:
    if not ops:
        return Settle(Ending.SUCCEEDED)
    call = Call(
        "PATCH",
        "flow",
        f"/flows/{ctx.inputs['flow']['id']}",
        EVIDENCE[PATCH_FLOW].effect,
        "write",
        body=ops,
        headers=(("If-Match", etag),),
    )
    return Ask(call, phase)


def _fetched(ctx: Context, phase: Phase, answer: Answer) -> Step:
    if answer.verdict is not Verdict.OK:
        return failed(answer.problem)
    remote = str(ctx.inputs["flow"]["id"])
    flow = flow_of(answer.body, remote)
    if not flow:
        return failed(None, f"the answer does not hold flow {remote}; it was not changed", code="headgate-answer")
    # A flow that was made from other content is brought to what is wanted now, and not only completed.
    exact = ctx.inputs["flow"].get("found") in ("same", "updated")
    ops = operations(ctx.spec, transformation_params(flow), exact=exact)
    lost, looks = int(phase.get("lost", 0)), int(phase.get("looks", 0))
    if not ops:
        tried = lost or int(phase.get("round", 0))
        return Settle(Ending.SUCCEEDED, {"found": "updated"} if tried and exact else {})
    if not is_settled(flow):
        if looks >= LOOKS:
            return failed(None, f"flow {remote} is still being changed by somebody; it was not changed")
        return Pause(BUSY_S, "the flow is still being changed", _next(phase, "busy", looks=looks + 1))
    etag = quoted(flow.get("etag"))
    if etag is None:
        return failed(None, f"flow {remote} has no usable etag; it was not changed")
    if lost >= EVIDENCE[PATCH_FLOW].losses:
        return failed(
            None,
            f"flow {remote}: the answers to {lost} changes were lost, and it was not changed",
            code="headgate-lost",
            advice="run again: what is in place is not sent twice",
        )
    return _patch(ctx, etag, ops, _next(phase, "patch"))


def _patched(ctx: Context, phase: Phase, answer: Answer) -> Step:
    if answer.verdict is Verdict.OK:
        changed = ctx.inputs["flow"].get("found") in ("same", "updated")
        return Settle(Ending.SUCCEEDED, {"found": "updated"} if changed else {})
    code = answer.problem.code if answer.problem else ""
    rounds = int(phase.get("round", 0))
    if rounds < ROUNDS and answer.status == 412:
        return get_flow(ctx, _next(phase, "get", rounds=1))
    if rounds < ROUNDS and code in BUSY_CODES:
        return Pause(BUSY_S, "the flow is still being changed", _next(phase, "busy", rounds=1))
    return failed(answer.problem)
