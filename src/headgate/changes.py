"""What a plan wants otherwise than it exists: what is changed in place, and what is refused before anything is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headgate.errors import UsageError
from headgate.planning.content import changed_parts, same_kind
from headgate.workflows.replace import REPLACEABLE

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from headgate.engine.record import Past
    from headgate.planning.model import Plan
    from headgate.store import Store

#: What to do about what cannot be changed in place.
WAYS_OUT = "put the content back, give the items new names, or `headgate destroy` them first"
#: From so many on it is quicker to read all that is known of a sandbox.
_FEW_MARKERS = 20_000


def changed_items(
    plan: Plan, known: Mapping[str, tuple[str, str]], among: Iterable[int] | None = None
) -> tuple[list[int], list[int]]:
    """Jobs whose object exists and was made from other content than now: those that can be changed, and the others.

    ``among`` are the jobs to look at, where not all are.
    """
    changed: list[int] = []
    stuck: list[int] = []
    if not known:
        return changed, stuck
    for index in range(len(plan.jobs)) if among is None else among:
        job = plan.jobs[index]
        found = known.get(job.spec.marker) if job.collection else None
        if found is not None and found[1] != job.digest:
            (changed if same_kind(found[1], job.digest) else stuck).append(index)
    return changed, stuck


def known_to(store: Store, plan: Plan, past: Past | None) -> tuple[Mapping[str, tuple[str, str]], list[int] | None]:
    """What the store knows of the plan's objects, and the jobs that it is about; ``None`` for all of them.

    Where a run is continued, only jobs that are not over can ask: often a few of many.
    """
    if past is None:
        return store.known(plan.sandbox), None
    over = past.settled()
    among = [index for index in range(len(plan.jobs)) if index not in over]
    markers = [plan.jobs[index].spec.marker for index in among if plan.jobs[index].collection]
    return store.known(plan.sandbox, markers if len(markers) < _FEW_MARKERS else None), among


def refuse_changes(
    plan: Plan, known: Mapping[str, tuple[str, str]], olds: Collection[str] = (), among: Iterable[int] | None = None
) -> None:
    """Before anything is sent.

    Args:
        plan: What is to be done.
        known: Objects that exist, by marker.
        olds: Keys of jobs that replace what exists.
        among: Jobs to look at, where not all are: what a continued run has made is not made again.

    Raises:
        UsageError: an object would have to become one that the platform does not change it to.
    """
    stuck = [index for index in changed_items(plan, known, among)[1] if plan.jobs[index].key not in olds]
    if stuck:
        names = "\n".join(f"  {stuck_words(plan, index, known)}" for index in stuck[:10]) + (
            f"\n  … and {len(stuck) - 10} more" if len(stuck) > 10 else ""
        )
        raise UsageError(
            f"{len(stuck)} object{'s' if len(stuck) != 1 else ''} of this manifest exist already and cannot be changed "
            f"to what it says now; nothing was sent\n{names}",
            hint=ways_out(plan, stuck),
        )


def ways_out(plan: Plan, stuck: Sequence[int]) -> str:
    """What to do about objects that cannot be changed in place."""
    if all(plan.jobs[index].collection in REPLACEABLE for index in stuck):
        return f"{WAYS_OUT}; or --replace, which makes new ones and then deletes the old"
    return WAYS_OUT


def stuck_words(plan: Plan, index: int, known: Mapping[str, tuple[str, str]]) -> str:
    """An object that cannot be changed to what is wanted now, and in which respects: as far as digests tell."""
    job = plan.jobs[index]
    found = known.get(job.spec.marker, ("", ""))[1]
    parts = changed_parts(found, job.digest, job.collection) or ["made from other content"]
    return f"{job.key}: {', '.join(parts)}"
