"""What became of what earlier runs made: every known object of a plan beside the live one. Only reads."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import field, replace
from typing import TYPE_CHECKING, Any, Final

from headgate.changes import WAYS_OUT, stuck_words, ways_out
from headgate.classes import frozen
from headgate.embedded import simulated
from headgate.looking import copied, looking
from headgate.planning.content import same_kind
from headgate.workflows.drift import FIXED, differences, wanted_body

if TYPE_CHECKING:
    from headgate.looking import Looker
    from headgate.planning.model import Job, Plan
    from headgate.settings import Profile
    from headgate.workflows.patching import Leaf

#: Up to so many objects of a collection are read one by one; of more, the collection is listed.
ONE_BY_ONE: Final = 10
#: What may be said of an object, the gravest first; an item is called by the gravest of its objects.
ACTIONS: Final = ("refused", "gone", "replace", "create", "update", "drifted", "reuse")


@frozen
class ObjectState:
    """One object that the store knows. ``job`` is the index of the one that makes it.

    ``action``: ``reuse`` it is as wanted; ``drifted`` it is not, although the manifest still says what it said;
    ``update`` the manifest says something else now, and it can be changed; ``refused`` it cannot, for ``reason``;
    ``replace`` it cannot and is made anew; ``gone`` it is not there any more. ``differences`` are
    ``{"path", "from", "to"}`` with ``fixed`` where the platform does not change the place.
    """

    job: int
    id: str
    action: str
    differences: Sequence[Leaf] = field(default=())
    reason: str = ""

    def as_json(self, plan: Plan) -> dict[str, Any]:
        """For ``plan --json``."""
        job = plan.jobs[self.job]
        shown = [
            {
                "path": leaf["path"],
                **({"live": leaf["from"]} if "from" in leaf else {}),
                **({"wanted": leaf["to"]} if "to" in leaf else {}),
                "changeable": not leaf.get(FIXED, False),
            }
            for leaf in self.differences
        ]
        return {
            "job": job.key,
            "role": job.role,
            "id": self.id,
            "action": self.action,
            "differences": shown,
            "reason": self.reason or None,
        }


async def drift(
    plan: Plan, profile: Profile, known: Mapping[str, tuple[str, str]], *, simulate: bool
) -> dict[int, ObjectState]:
    """The state of every object of ``plan`` that is ``known`` (by marker: id and digest), by job.

    Raises:
        PlatformError: the platform refuses, or cannot be reached.
    """
    ids = {
        index: found[0]
        for index, job in enumerate(plan.jobs)
        if job.collection and (found := known.get(job.spec.marker)) and found[0]
    }
    if not ids:
        return {}
    async with AsyncExitStack() as stack:
        there = replace(profile, sandbox=plan.sandbox)
        if simulate:
            there, _ = await stack.enter_async_context(simulated(copied(stack, there), plan.sandbox))
        looker = await stack.enter_async_context(looking(there))
        live = await _read(looker, plan, ids)
    return _judged(plan, known, ids, live)


async def _read(looker: Looker, plan: Plan, ids: Mapping[int, str]) -> dict[int, Mapping[str, Any] | None]:
    """The live objects by job; ``None`` for what is gone. A list may lag, so what it lacks is asked for by its id."""
    of: dict[str, list[int]] = {}
    for index in ids:
        of.setdefault(plan.jobs[index].collection, []).append(index)
    found: dict[int, Mapping[str, Any] | None] = {}

    async def one(collection: str, index: int) -> None:
        found[index] = await looker.one(collection, ids[index])

    async def many(collection: str, jobs: Sequence[int]) -> None:
        if len(jobs) > ONE_BY_ONE:
            listed = {seen.id: seen.raw for seen in await looker.whole(collection)}
            found.update({index: listed[ids[index]] for index in jobs if ids[index] in listed})
        await asyncio.gather(*(one(collection, index) for index in jobs if index not in found))

    await asyncio.gather(*(many(collection, jobs) for collection, jobs in of.items()))
    return found


def _judged(
    plan: Plan,
    known: Mapping[str, tuple[str, str]],
    ids: Mapping[int, str],
    live: Mapping[int, Mapping[str, Any] | None],
) -> dict[int, ObjectState]:
    selected = {job.needs["flow"]: job.spec for job in plan.jobs if job.kind == "selectors"}
    gone = {index for index, found in live.items() if found is None}
    states: dict[int, ObjectState] = {}
    for index, remote in ids.items():
        job, found = plan.jobs[index], live[index]
        if found is None:
            states[index] = ObjectState(index, remote, "gone", reason="gone: will be made again")
            continue
        below = {role: edge for role, edge in job.needs.items() if edge in ids}
        wanted = wanted_body(job, {role: ids[edge] for role, edge in below.items() if edge not in gone})
        leaves = differences(job, wanted, found, selected.get(index))
        lost = [plan.jobs[edge].key for edge in below.values() if edge in gone]
        states[index] = _state(plan, index, remote, known, leaves, lost)
    return states


def _state(
    plan: Plan,
    index: int,
    remote: str,
    known: Mapping[str, tuple[str, str]],
    leaves: Sequence[Leaf],
    lost: Sequence[str],
) -> ObjectState:
    job: Job = plan.jobs[index]
    before = known[job.spec.marker][1]
    if index in plan.replaces:
        return ObjectState(index, remote, "replace", leaves, stuck_words(plan, index, known))
    if not same_kind(before, job.digest):
        return ObjectState(
            index, remote, "refused", leaves, f"{stuck_words(plan, index, known)}: {ways_out(plan, [index])}"
        )
    if lost and job.collection not in ("flows", "mappingSets"):
        reason = f"it stands on {', '.join(lost)}, which is gone, and cannot be led to a new one: {WAYS_OUT}"
        return ObjectState(index, remote, "refused", leaves, reason)
    if any(leaf.get(FIXED) for leaf in leaves):
        reason = f"somebody changed what cannot be changed back: {WAYS_OUT}"
        return ObjectState(index, remote, "refused", leaves, reason)
    if before != job.digest:
        return ObjectState(index, remote, "update", leaves)
    return ObjectState(index, remote, "drifted" if leaves else "reuse", leaves)
