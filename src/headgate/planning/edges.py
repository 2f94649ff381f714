"""Edges in few bytes, for an outline: which jobs each job waits for, by index."""

from __future__ import annotations

from array import array
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from headgate.planning import grown
from headgate.planning.packed import PackedJobs

if TYPE_CHECKING:
    from headgate.planning.model import Job

#: Of each job, the jobs that it needs, and those that it only waits for.
Edges: TypeAlias = "list[tuple[Sequence[int], Sequence[int]]]"


def packed(jobs: Sequence[Job]) -> dict[str, Any]:
    """The edges of ``jobs`` as JSON: how many each has, and then where they all lead (both as arrays).

    Inside an item it is said how far back, and else which job it is: so that equal chains read equal, and so do
    thousands of edges to what is shared. That packs to a few bits.
    """
    shapes: dict[tuple[int, int], int] = {}
    kinds, ends = array("i"), array("i")
    items = grown.items_of(jobs)
    for index, (needs, after) in enumerate(_each(jobs)):
        item, shape = items[index], (len(needs), len(after))
        kind = shapes.get(shape)
        if kind is None:
            kind = shapes[shape] = len(shapes)
        kinds.append(kind)
        for edge in needs:
            ends.append(index - edge if items[edge] == item else -1 - edge)
        for edge in after:
            ends.append(index - edge if items[edge] == item else -1 - edge)
    return {"shapes": list(shapes), "kinds": kinds, "ends": ends}


def _each(jobs: Sequence[Job]) -> Iterator[tuple[Collection[int], Collection[int]]]:
    """Of each job, the jobs that it needs, and those that it only waits for."""
    if not isinstance(jobs, (PackedJobs, grown.Grown)):
        return ((job.needs.values(), job.after.values()) for job in jobs)
    edges, first = jobs.edges, jobs.needs
    return ((needs, edges(index)[len(needs) :]) for index, needs in enumerate(map(first, range(len(jobs)))))


def unpacked(data: Mapping[str, Any]) -> Edges:
    """The edges again, in the order of the jobs."""
    shapes, ends, at = data["shapes"], data["ends"], 0
    found: Edges = []
    for index, kind in enumerate(data["kinds"]):
        needs, after = shapes[kind]
        edges = [index - end if end > 0 else -1 - end for end in ends[at : at + needs + after]]
        found.append((edges[:needs], edges[needs:]))
        at += needs + after
    return found


def edges_of(jobs: Sequence[Job]) -> Edges:
    """The edges of a plan's own jobs."""
    return [(list(job.needs.values()), list(job.after.values())) for job in jobs]
