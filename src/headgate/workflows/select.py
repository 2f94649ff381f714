"""Choose flows while running: list them, keep those that are meant, and start a job for each.

Which flows there are is known to the platform alone, so an action on existing flows is one job that lists and then
settles with children. What it chose is journaled with it: a resumed run goes on with the same flows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from headgate.exchange import Answer, Call, Problem, Verdict
from headgate.manifest.condition import matches
from headgate.workflows.contract import (
    SELECTED,
    Ask,
    Child,
    Context,
    Ending,
    Pause,
    Phase,
    Settle,
    Signal,
    Step,
    failed,
)
from headgate.workflows.evidence import EVIDENCE
from headgate.workflows.flow_switch import deletion
from headgate.workflows.listing import PAGES, repeats, signature
from headgate.workflows.reading import rows, text
from headgate.workflows.runs import items_of
from headgate.workflows.verdict import verdict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

#: Flows in one request: their ids must fit into an address.
GROUP: Final = 50

#: ``[id, name]`` of a chosen flow.
Chosen = list[str]


def advance(ctx: Context, phase: Phase, signal: Signal | Answer) -> Step:
    """The procedure. Its output is ``{"selected": [[id, name], …]}``, its children do the work.

    ``spec``: ``{"property": [filter, …], "where": JMESPath | None, "flows": [[what was written, role | ""], …],
    "then": kind of child, "with": what every child is told}``. With ``flows`` the list is asked for their ids.
    """
    if isinstance(signal, Answer):
        return _listed(ctx, phase, signal)
    if signal is Signal.START or not phase:
        phase = {"group": 0, "tokens": [], "found": []}
    groups = _groups(ctx)
    if groups is not None and not groups:
        return _settle(ctx, [])
    return _page(ctx, phase)


def meant(spec: Mapping[str, Any], flows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Those of the listed ``flows`` that ``spec`` means, each once."""
    found: dict[str, Mapping[str, Any]] = {}
    for flow in flows:
        remote = text(flow.get("id"))
        if remote and remote not in found and matches(spec.get("where"), flow):
            found[remote] = flow
    return list(found.values())


def _wanted(ctx: Context) -> list[str]:
    """The ids that were named, of the manifest's own items included; the oldest mention first."""
    ids = (str(ctx.inputs.get(role, {}).get("id", "")) if role else written for written, role in ctx.spec["flows"])
    return list(dict.fromkeys(remote for remote in ids if remote))


def _groups(ctx: Context) -> list[list[str]] | None:
    """The named ids in groups of one request each; ``None`` when flows are chosen by filter."""
    if not ctx.spec.get("flows"):
        return None
    ids = _wanted(ctx)
    return [ids[at : at + GROUP] for at in range(0, len(ids), GROUP)]


def _page(ctx: Context, phase: Phase) -> Ask:
    groups = _groups(ctx)
    properties = ctx.spec.get("property", ()) if groups is None else [f"id=={','.join(groups[phase['group']])}"]
    query = [*(("property", condition) for condition in properties), ("limit", "100")]
    if phase["tokens"]:
        query.append(("continuationToken", phase["tokens"][-1]))
    return Ask(Call("GET", "flow", "/flows", "GET /flows", "read", query=tuple(query)), phase)


def _listed(ctx: Context, phase: Phase, answer: Answer) -> Step:
    if answer.verdict is not Verdict.OK:
        return failed(answer.problem)
    if not isinstance(answer.body, dict) or not isinstance(answer.body.get("items"), list):
        return failed(None, "the list of flows has no items", code="headgate-list")
    seen = {remote for remote, _ in phase["found"]}
    found: list[Chosen] = [
        *phase["found"],
        *(
            [str(flow["id"]), text(flow.get("name"))]
            for flow in meant(ctx.spec, rows(answer.body, "items"))
            if flow["id"] not in seen
        ),
    ]
    token = items_of(answer.body)[1]
    page = signature([text(flow.get("id")) for flow in rows(answer.body, "items")])
    if token in phase["tokens"] or len(phase["tokens"]) >= PAGES or repeats(phase, page, token):
        return failed(None, "the list of flows does not end", code="headgate-list")
    if token:
        return _page(ctx, {**phase, "tokens": [*phase["tokens"], token], "found": found, "page": page})
    groups = _groups(ctx)
    if groups is None:
        return _settle(ctx, found)
    if phase["group"] + 1 < len(groups):
        return _page(ctx, {**phase, "group": phase["group"] + 1, "tokens": [], "found": found})
    looks = int(phase.get("again", 0)) + 1
    hidden = set(_wanted(ctx)) - {remote for remote, _ in found}
    made = {str(ctx.inputs.get(role, {}).get("id", "")) for _, role in ctx.spec["flows"] if role}
    # One that this manifest made is there for sure; one that is only named is given one more look.
    again_s = EVIDENCE["POST /flows"].wait(looks) if hidden and (looks == 1 or hidden & made) else None
    if again_s is not None:
        why = "looking again for flows that the list does not show"
        return Pause(again_s, why, {"group": 0, "tokens": [], "found": [], "again": looks})
    return _settle(ctx, found)


def _settle(ctx: Context, found: list[Chosen]) -> Settle:
    lost = _not_found(ctx, {remote for remote, _ in found})
    if ctx.spec.get("flows"):  # in the order in which they were written
        order = {remote: at for at, remote in enumerate(_wanted(ctx))}
        found = sorted(found, key=lambda chosen: order.get(chosen[0], len(order)))
    children = [*children_of(ctx.key, ctx.spec, [remote for remote, _ in found]), *(child for _, child in lost)]
    selected = [*found, *(chosen for chosen, _ in lost)]
    return Settle(Ending.SUCCEEDED, {SELECTED: selected}, children=tuple(children))


def _not_found(ctx: Context, seen: set[str]) -> list[tuple[Chosen, Child]]:
    """Named flows that do not exist, or were not made."""
    found = []
    for written, role in ctx.spec.get("flows", ()):
        remote = str(ctx.inputs.get(role, {}).get("id", "")) if role else written
        if remote in seen:
            continue
        seen.add(remote)
        if remote:
            problem = Problem(
                404, "headgate-no-flow", f"flow {remote} does not exist in this sandbox", advice="look at the id"
            )
            found.append(([remote, written if role else ""], verdict(ctx.key, remote, Ending.FAILED, {}, problem)))
        else:
            output = {"status": "skipped", "reason": ctx.missing.get(role, "it was not made")}
            found.append((["", written], verdict(ctx.key, written, Ending.SKIPPED, output)))
    return found


def children_of(key: str, spec: Mapping[str, Any], flows: Sequence[str]) -> list[Child]:
    """A child for each of ``flows``; one for each group of them where many are looked at in one request."""
    then, told = str(spec["then"]), dict(spec["with"])
    if then == "watch":
        groups = [list(flows[at : at + GROUP]) for at in range(0, len(flows), GROUP)]
        return [Child(f"{key}:{number}", then, {"flows": group, **told}) for number, group in enumerate(groups, 1)]
    where = spec.get("where")
    if then == "flow-switch" and told["action"] == "delete" and not where:
        return [deletion(f"{key}:{flow}", flow) for flow in flows]
    return [Child(f"{key}:{flow}", then, {"flow": flow, "where": where, **told}) for flow in flows]
