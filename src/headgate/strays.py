"""Objects on the platform that bear headgate's mark and that a state store does not know: found, adopted, or deleted.

A store may be lost, or another machine may have made them. Nobody can know all stores: what is a stray to this one may
be well known to a colleague's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from headgate.classes import frozen
from headgate.engine.record import Made, Record, settled_data
from headgate.launch import new_run_id, report_of
from headgate.looking import looking
from headgate.planning.marker import scope_prefix
from headgate.planning.model import Plan
from headgate.planning.outline import Outline
from headgate.store.contract import RunRow
from headgate.workflows.contract import Ending
from headgate.workflows.destroy import Relations, Target, compile_destroy
from headgate.workflows.reading import text
from headgate.workflows.sweep import SWEPT, created_s, mark_of, used_by

if TYPE_CHECKING:
    from headgate.clock import Clock
    from headgate.launch import Wishes
    from headgate.planning.model import ItemRow
    from headgate.report import Report
    from headgate.settings import Profile
    from headgate.store import Store


@frozen
class Seen:
    """One object of the platform. ``created_s`` is in epoch seconds, 0 when unknown; ``uses`` are ids."""

    collection: str
    id: str
    name: str
    created_s: float
    marker: str
    uses: Sequence[str]


async def look(profile: Profile, sandbox: str, clock: Clock, wishes: Wishes) -> list[Seen]:
    """All objects of the swept collections in ``sandbox``, headgate's and others', in the platform's order.

    Raises:
        PlatformError: the platform refused, or could not be reached.
    """
    async with looking(replace(profile, sandbox=sandbox), clock, wishes.rate) as there:
        lists = await asyncio.gather(*(there.whole(collection) for collection in SWEPT))
    return [
        Seen(collection, one.id, text(one.raw.get("name")), created_s(one.raw), mark_of(one.raw), used_by(one.raw))
        for collection, seen in zip(SWEPT, lists, strict=True)
        for one in seen
    ]


def strays(seen: Iterable[Seen], known: Mapping[str, tuple[str, str]]) -> list[Seen]:
    """Of ``seen``, what bears headgate's mark and is not ``known`` (by marker: id and digest), the oldest first.

    What is in doubt is not a stray: the next run of its manifest looks for it.
    """
    ids = {remote for remote, _ in known.values() if remote}
    found = [one for one in seen if one.marker and one.id not in ids and known.get(one.marker, ("?", ""))[0]]
    order = {collection: number for number, collection in enumerate(SWEPT)}
    return sorted(found, key=lambda one: (order[one.collection], one.created_s, one.id))


def manifests(store: Store | None, sandbox: str) -> dict[str, str]:
    """The manifests that ``store`` has seen run in ``sandbox``, by the beginning of their marks."""
    names = {run.manifest for run in store.runs() if run.sandbox == sandbox} if store is not None else set()
    return {scope_prefix(sandbox, name): name for name in sorted(names) if name}


def scope_of(mark: str, sandbox: str, names: Mapping[str, str]) -> str:
    """Whose mark it is, as far as that can be told: a manifest's name, ``(shared)``, or nothing."""
    start = mark[: len(scope_prefix(sandbox, ""))]
    return "(shared)" if start == scope_prefix(sandbox, "") else names.get(start, "")


# -- deleting ----------------------------------------------------------------------------------------------------------


def deletion(seen: Iterable[Seen], chosen: Sequence[Seen], sandbox: str) -> Plan:
    """The plan that deletes ``chosen``, but for those that something else of ``seen`` uses."""
    known = Relations()
    for one in seen:
        known.told.add(one.id)
        for used in one.uses:
            known.use(used, one.id)
    shared = scope_prefix(sandbox, "")
    targets = [
        Target(one.id, one.collection, one.id, one.name, one.marker, one.marker.startswith(shared)) for one in chosen
    ]
    source = {"path": "", "command": "sweep", "target": "", "again": "sweep --delete"}
    return replace(compile_destroy("", sandbox, targets, known), source=source)


# -- adopting ----------------------------------------------------------------------------------------------------------


@frozen
class Match:
    """What of a manifest's plan is among the strays: ids by job; and marks that several objects bear."""

    plan: Plan
    found: Mapping[int, Seen]
    twins: Mapping[str, Sequence[Seen]]


def matched(plan: Plan, seen: Iterable[Seen], known: Mapping[str, tuple[str, str]]) -> Match:
    """Compare whole marks. Of what a sandbox has once the oldest is taken; else one mark on two objects is a doubt."""
    jobs = {job.spec.marker: index for index, job in enumerate(plan.jobs) if job.collection}
    bearers: dict[str, list[Seen]] = {}
    for one in seen:
        if one.marker in jobs and one.collection == plan.jobs[jobs[one.marker]].collection:
            bearers.setdefault(one.marker, []).append(one)
    found: dict[int, Seen] = {}
    twins: dict[str, list[Seen]] = {}
    for mark, several in bearers.items():
        if known.get(mark, ("", ""))[0] in {one.id for one in several}:
            if len(several) > 1:
                twins[mark] = several
            continue
        shared = getattr(plan.jobs[jobs[mark]].spec, "shared", False)
        if len(several) == 1 or shared:
            found[jobs[mark]] = min(several, key=lambda one: (one.created_s, one.id))
        else:
            twins[mark] = several
    return Match(plan, dict(sorted(found.items())), twins)


async def adopt(store: Store, match: Match, args: Mapping[str, Any], clock: Clock) -> Report:
    """Take what matched into the store, as a run that did nothing but find it.

    Raises:
        StoreError: the store cannot be written, or a living process drives a run of the manifest.
    """
    plan, now = match.plan, clock.now()
    place = {index: number for number, index in enumerate(match.found)}
    rows: list[ItemRow] = []
    row_of: dict[int, int] = {}
    for number, row in enumerate(plan.items):
        jobs = {role: place[index] for role, index in row.jobs.items() if index in place}
        if jobs:
            row_of[number] = len(rows)
            rows.append(replace(row, jobs=jobs))
    jobs_found = [
        replace(plan.jobs[index], item=row_of.get(plan.jobs[index].item, -1), needs={}, after={})
        for index in match.found
    ]
    small = Plan(plan.manifest, plan.sandbox, jobs_found, rows, (), (), plan.fingerprint)
    run = RunRow(
        new_run_id(plan.manifest, now, "adopt"),
        plan.manifest,
        str(args.get("path", "")),
        plan.sandbox,
        plan.fingerprint,
        "running",
        now,
        args={**args, "command": "adopt"},
    )
    began_mono = clock.mono()
    store.begin(run, Outline.of(small).packed())
    journal = store.journal(run.id)
    try:
        for number, (job, one) in enumerate(zip(jobs_found, match.found.values(), strict=True)):
            data = settled_data(Ending.SUCCEEDED, {"id": one.id, "found": "sweep"}, None, (), None)
            made = Made(one.marker, one.collection, one.id, job.spec.name, job.digest, "sweep")
            journal.append(Record("settled", number, data, made))
        await journal.flush()
    finally:
        journal.close()
    store.finish(run.id, "succeeded", clock.now(), 0, {"seconds": round(clock.mono() - began_mono, 3)})
    return report_of(store, run.id)
