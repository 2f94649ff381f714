"""What a destroy would delete: of all the state store knows, what a run or a manifest created. Decides, sends nothing.

Never what was only used: an object that a run found in the store or by its mark was not created by that run. Of a
manifest, what was found by its mark counts as created, for it was made by one of its runs that this store has
forgotten. A connection that a sandbox has once (the profile store's) goes only if this manifest created it, no other
run of the sandbox is unfinished, and nothing uses it when its turn comes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from headgate.classes import frozen
from headgate.engine.record import fold
from headgate.planning.marker import scope_prefix
from headgate.planning.outline import Outline
from headgate.workflows.collections import COLLECTIONS
from headgate.workflows.destroy import Target, compile_destroy, rebuilt, relations

if TYPE_CHECKING:
    from headgate.planning.model import Plan
    from headgate.store.contract import ObjectRow, RunRow, Store

#: How a run comes by what it creates, and by what an earlier one of its manifest has created.
_CREATED: Final = ("", "after")
_BY_MARK: Final = (*_CREATED, "before", "same", "updated", "sweep")


@frozen
class Scope:
    """Whose objects: those of ``manifest`` in ``sandbox``, or only those that ``run`` created.

    ``again`` is what a person types to ask for the same, ``path`` where the manifest is.
    """

    manifest: str
    sandbox: str
    run: str | None = None
    path: str = ""
    again: str = ""


@frozen
class Teardown:
    """What would be done. ``continues`` is an unfinished destroy of the same scope, ``ends`` what is given up for it.

    ``going`` counts the objects still to go, by collection; ``doubtful`` of them may not exist; ``kept`` says in
    words what stays.
    """

    plan: Plan
    going: Mapping[str, int]
    doubtful: int
    kept: Sequence[str]
    ends: Sequence[RunRow]
    continues: RunRow | None


def teardown(store: Store, scope: Scope) -> Teardown:
    """Look at what ``store`` knows.

    Raises:
        StoreError: the store cannot be read.
    """
    source = {
        "path": scope.path,
        "command": "destroy",
        "target": scope.run or scope.manifest,
        "again": f"destroy {scope.again}",
    }
    runs = {run.id: run for run in store.runs()}
    open_runs = [run for run in runs.values() if run.unfinished and run.sandbox == scope.sandbox]
    mine = [run for run in open_runs if run.manifest == scope.manifest]
    same = next((run for run in mine if run.command == "destroy" and run.args.get("target") == source["target"]), None)
    if same is not None:
        plan = replace(rebuilt(Outline.unpacked(store.outline(same.id))), source=source)
        past = fold(store.records(same.id)).jobs
        left = [job for index, job in enumerate(plan.jobs) if index not in past or past[index].settled is None]
        ends = [run for run in mine if run.id != same.id]
        return Teardown(plan, _counted([job.spec for job in left]), 0, [], ends, same)
    objects = store.objects(scope.sandbox)
    shared = scope_prefix(scope.sandbox, "")
    ours = [one for one in objects if one.run in runs and runs[one.run].manifest == scope.manifest]
    busy = any(run.manifest != scope.manifest for run in open_runs)
    chosen = [one for one in ours if _goes(one, scope, busy=busy, shared=one.marker.startswith(shared))]
    makers = {one.run for one in ours}
    outlines = [Outline.unpacked(store.outline(run)) for run in runs if run in makers]
    targets = [
        Target(one.marker, one.collection, one.id, one.name, one.marker, one.marker.startswith(shared))
        for one in chosen
    ]
    known = relations(outlines, {one.marker: one.collection for one in objects})
    plan = replace(compile_destroy(scope.manifest, scope.sandbox, targets, known), source=source)
    planned = {job.spec.marker for job in plan.jobs}
    return Teardown(
        plan,
        _counted([job.spec for job in plan.jobs]),
        sum(1 for job in plan.jobs if not job.spec.id),
        _kept(ours, chosen, planned, shared, scope, busy=busy),
        mine,
        None,
    )


def made_by_runs(store: Store, sandbox: str) -> Counter[str]:
    """How many objects each run created, or may have, that are known to be there still and that could be deleted.

    What a sandbox has once is not counted: others may have come to use it.
    """
    shared = scope_prefix(sandbox, "")
    return Counter(
        one.run
        for one in store.objects(sandbox)
        if one.found in _CREATED and one.collection in COLLECTIONS and not one.marker.startswith(shared)
    )


def _goes(one: ObjectRow, scope: Scope, *, shared: bool, busy: bool) -> bool:
    """Whether ``one``, of this manifest's runs, is to go."""
    if scope.run is not None and one.run != scope.run:
        return False
    if shared and busy:
        return False
    return one.found in (_CREATED if shared or scope.run is not None else _BY_MARK)


def _counted(specs: Sequence[object]) -> dict[str, int]:
    found = Counter(str(getattr(spec, "collection", "")) for spec in specs)
    return {collection: found[collection] for collection in COLLECTIONS if found[collection]}


def _kept(
    ours: Sequence[ObjectRow],
    chosen: Sequence[ObjectRow],
    planned: set[str],
    shared: str,
    scope: Scope,
    *,
    busy: bool,
) -> list[str]:
    """What stays, and why."""
    found: Counter[str] = Counter()
    marks = {one.marker for one in chosen}
    for one in ours:
        name = COLLECTIONS[one.collection].one if one.collection in COLLECTIONS else one.collection
        if one.marker in planned:
            continue
        if one.marker in marks and one.collection in COLLECTIONS:
            found[f"{name}: used by what stays"] += 1
        elif one.marker in marks:
            found[f"{name}: Adobe documents no way to delete them"] += 1
        elif scope.run is not None and one.run == scope.run and one.found not in _CREATED:
            found[f"{name}: used by this run, not created by it"] += 1
        elif one.marker.startswith(shared) and (scope.run is None or one.run == scope.run):
            why = "another run of this sandbox is unfinished" if busy else "not created by this manifest"
            found[f"{name} ({one.name}): {why}"] += 1
    return [f"{count:,} {what}" for what, count in sorted(found.items())]
