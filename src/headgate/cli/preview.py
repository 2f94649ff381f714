"""What the selections of a plan would choose and change, read from the platform: GETs only, by the code of the run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from headgate.classes import frozen
from headgate.clock import SystemClock
from headgate.exchange import Answer, Verdict
from headgate.workflows import select
from headgate.workflows.contract import SELECTED, Ask, Context, Ending, Settle, Signal
from headgate.workflows.flow_change import evaluate
from headgate.workflows.patching import Leaf, PatchError, leaves
from headgate.workflows.reading import rows, text

if TYPE_CHECKING:
    from headgate.exchange import Call
    from headgate.planning.model import Plan, SelectionRow
    from headgate.platform.contract import Platform
    from headgate.settings import Profile

#: Times a page is asked for when the platform throttles or fails.
_TRIES: Final = 4
_MOST_WAIT_S: Final = 10.0


@frozen
class FlowPreview:
    """One flow that would be chosen: what would change in it, or why that cannot be done."""

    flow: str
    name: str
    changes: Sequence[Leaf] = ()
    error: str = ""


@frozen
class Preview:
    """One selection. ``flows`` is ``None`` where nobody could look; ``note`` then says why, else what was left out."""

    entry: str
    item: str
    kind: str
    what: str
    flows: Sequence[FlowPreview] | None
    note: str = ""

    def as_json(self) -> dict[str, Any]:
        """For ``plan --json``."""
        shown = None
        if self.flows is not None:
            shown = [
                {"flow": one.flow, "name": one.name, "changes": list(one.changes), "error": one.error or None}
                for one in self.flows
            ]
        return {
            "entry": self.entry,
            "item": self.item,
            "kind": self.kind,
            "action": self.what,
            "selected": None if shown is None else len(shown),
            "flows": shown,
            "note": self.note or None,
        }


async def previews(plan: Plan, profile: Profile, reused: Mapping[int, str], *, simulate: bool) -> list[Preview]:
    """A preview of every selection of ``plan``; ``reused`` are ids of objects that exist, by job."""
    from headgate.embedded import simulated, world_of
    from headgate.looking import copied
    from headgate.platform.endpoint import PlatformSettings
    from headgate.platform.transport import Transport

    why = ""
    if simulate and not world_of(profile.state).exists():
        why = "the embedded platform holds nothing yet"
    elif not simulate and profile.missing:
        why = "without credentials nobody can look"
    if why:
        return [_unseen(plan, row, f"selected at run time: {why}") for row in plan.selections]
    profile = replace(profile, sandbox=plan.sandbox)
    async with AsyncExitStack() as stack:
        if simulate:
            profile, _ = await stack.enter_async_context(simulated(copied(stack, profile), plan.sandbox))
        transport = await stack.enter_async_context(Transport(PlatformSettings.of(profile), SystemClock()))
        return [await _preview(transport, plan, row, reused) for row in plan.selections]


def _unseen(plan: Plan, row: SelectionRow, why: str) -> Preview:
    return Preview(row.entry, row.item, row.kind, _what(plan, row), None, why)


def _what(plan: Plan, row: SelectionRow) -> str:
    told: Mapping[str, Any] = plan.jobs[row.job].spec["with"]
    return {"flow-update": "change", "watch": "watch"}.get(row.kind) or str(told.get("action", "retry"))


async def _preview(platform: Platform, plan: Plan, row: SelectionRow, reused: Mapping[int, str]) -> Preview:
    job = plan.jobs[row.job]
    inputs = {role: {"id": reused[edge]} for role, edge in job.after.items() if edge in reused}
    ctx = Context(job.key, job.spec, inputs, {}, 0.0)
    flows: dict[str, Mapping[str, Any]] = {}
    step = select.advance(ctx, {}, Signal.START)
    while not isinstance(step, Settle):
        if isinstance(step, Ask):
            answer = await _asked(platform, step.call)
            flows.update({text(flow.get("id")): flow for flow in rows(answer.body, "items")})
            step = select.advance(ctx, step.phase, answer)
        else:
            step = select.advance(ctx, step.phase, Signal.RESUME)
    if step.ending is not Ending.SUCCEEDED:
        said = step.problem.message if step.problem else "no answer"
        return _unseen(plan, row, f"selected at run time: the platform could not be read ({said})")
    chosen = step.output[SELECTED]
    found = [_flow(job.spec, flows[flow], flow, name) for flow, name in chosen if flow in flows]
    made = [name or flow for flow, name in chosen if flow not in flows]
    note = f"not there yet: {', '.join(made[:3])}{' …' if len(made) > 3 else ''}" if made else ""
    return Preview(row.entry, row.item, row.kind, _what(plan, row), found, note)


async def _asked(platform: Platform, call: Call) -> Answer:
    """The answer to a read, with a little patience."""
    clock = SystemClock()
    answer = await platform.perform(call)
    for number in range(1, _TRIES):
        if answer.verdict in (Verdict.OK, Verdict.REJECTED, Verdict.REFUSED, Verdict.NOT_SENT):
            break
        await clock.sleep(min(_MOST_WAIT_S, answer.retry_after_s or 0.5 * 2**number))
        answer = await platform.perform(call)
    return answer


def _flow(spec: Mapping[str, Any], flow: Mapping[str, Any], remote: str, name: str) -> FlowPreview:
    """What would become of one chosen flow."""
    if spec["then"] == "flow-change":
        try:
            return FlowPreview(remote, name, leaves(flow, evaluate(spec["with"], flow)))
        except PatchError as error:
            return FlowPreview(remote, name, error=f"the change does not fit: {error}")
    return FlowPreview(remote, name)
