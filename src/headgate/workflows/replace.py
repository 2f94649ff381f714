"""What cannot be changed in place, made anew: new objects first, and the old ones deleted once the new flow is checked.

An object whose fixed content has changed (another spec, account, table, or other datasets; facts 2.6) is replaced, and
so is what stands on it, as digests tell: such changes do not reach a live flow (facts 8). But a dataset export that
reads other datasets keeps its flow, which is led to the new source connection (facts 7.2).

The new object bears the mark of the old one, whose id every look-up for it passes over. If a run ends for good before
the old objects are deleted, they bear a mark that the store knows by another id: a sweep finds them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from headgate.planning.content import same_kind
from headgate.planning.grown import Grown, grown
from headgate.planning.model import Job, Plan
from headgate.workflows.collections import COLLECTIONS
from headgate.workflows.delete import DeleteSpec

if TYPE_CHECKING:
    from headgate.planning.model import ItemRow

#: Whose objects can be replaced. A schema's title stays taken, and its data stays in a dataset.
REPLACEABLE: Final = ("connections", "sourceConnections", "targetConnections", "flows")
#: How the role of a deletion begins in an item's row.
OLD: Final = "old"


def replacements(plan: Plan, known: Mapping[str, tuple[str, str]]) -> dict[str, str]:
    """The objects of ``plan`` that a run replaces: ids of the old ones, by the key of their job.

    Args:
        plan: What is wanted.
        known: What exists, by marker: id and digest.
    """
    return {
        job.key: remote
        for job in (plan.jobs if known else ())
        if job.collection in REPLACEABLE
        for remote, digest in (known.get(job.spec.marker, ("", "")),)
        if remote and not same_kind(digest, job.digest)
    }


def extended(plan: Plan, olds: Mapping[str, str]) -> Plan:
    """``plan`` with the replacement of ``olds`` (by job key), and their deletion as its last jobs.

    A flow goes once the new one is checked, its connections once it is gone, an account once nothing uses it.
    """
    if not olds:
        return plan
    jobs = grown(plan.jobs)
    replaces = {index: olds[job.key] for index, job in enumerate(plan.jobs) if job.key in olds}
    deletions: dict[int, int] = {}
    rows = [_row(plan, row, replaces, jobs, deletions) for row in plan.items]
    for index in replaces:
        if index not in deletions:  # shared: all that may use it goes before
            users = [gone for made, gone in deletions.items() if index in plan.jobs[made].needs.values()]
            after = {f"before {number}": user for number, user in enumerate(users)}
            _delete(plan, index, replaces, jobs, deletions, needs={}, after=after)
    return replace(plan, jobs=jobs, items=tuple(rows), replaces=replaces)


def _row(
    plan: Plan, row: ItemRow, replaces: Mapping[int, str], jobs: list[Job] | Grown, deletions: dict[int, int]
) -> ItemRow:
    """The row with the deletions of what is its own."""
    own = [index for index in row.jobs.values() if index in replaces and plan.jobs[index].item >= 0]
    more: dict[str, int] = {}
    for index in sorted(own, key=lambda one: COLLECTIONS[plan.jobs[one].collection].stage):
        needs = {"check": row.jobs["check"]}
        flow = deletions.get(row.jobs["flow"])
        if flow is not None:
            needs["user"] = flow
        _delete(plan, index, replaces, jobs, deletions, needs=needs, after={})
        more[jobs[-1].role] = len(jobs) - 1
    return replace(row, jobs={**row.jobs, **more}) if more else row


def _delete(
    plan: Plan,
    index: int,
    replaces: Mapping[int, str],
    jobs: list[Job] | Grown,
    deletions: dict[int, int],
    *,
    needs: dict[str, int],
    after: dict[str, int],
) -> None:
    job = plan.jobs[index]
    where = COLLECTIONS[job.collection]
    deletions[index] = len(jobs)
    jobs.append(
        Job(
            f"replaced:{job.key}",
            "delete",
            f"{OLD}{where.role[:1].upper()}{where.role[1:]}",
            DeleteSpec(job.collection, replaces[index], job.spec.name, shared=job.item < 0),
            job.item,
            needs=needs,
            after=after,
            requests=(f"DELETE {where.path}/{{id}}", f"GET {where.path}/{{id}}"),
        )
    )
