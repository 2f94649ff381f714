"""In which state each job of a run is: for pictures of it. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from headgate.planning.edges import Edges, unpacked
from headgate.planning.graph import Shown
from headgate.report.build import FOUND
from headgate.workflows.contract import HELD

if TYPE_CHECKING:
    from headgate.engine.record import JobPast, Past
    from headgate.planning.outline import Line, Outline

#: Every state there may be, the gravest first.
STATES: Final = ("failed", "skipped", "in doubt", "running", "held", "waiting", "succeeded", "reused")


def shown(outline: Outline, past: Past) -> tuple[list[Shown], Edges]:
    """The jobs of a run with their states, and their edges; jobs that were found necessary while it ran come last."""
    entries = entries_of(outline)
    jobs = [
        Shown(line.key, line.kind, line.role, entries.get(index, ""), name_of(outline, line), _state(past, index))
        for index, line in enumerate(outline.jobs)
    ]
    edges: Edges = list(unpacked(outline.edges)) if outline.edges else [((), ())] * len(jobs)
    for parent, child in past.children:
        of = jobs[parent]
        state = _state(past, len(jobs))
        jobs.append(Shown(child.key, child.kind, of.role, of.entry, child.key.partition(":")[2], state))
        edges.append(((parent,), ()))
    return jobs, edges


def entries_of(outline: Outline) -> dict[int, str]:
    """The entry of each job that belongs to one."""
    found = {index: outline.items[line.item].entry for index, line in enumerate(outline.jobs) if line.item >= 0}
    found.update((row.job, row.entry) for row in outline.pairs)
    found.update((row.job, row.entry) for row in outline.selections)
    return found


def name_of(outline: Outline, line: Line) -> str:
    """What a person calls a job: its item, or what its key says of what several share."""
    return outline.items[line.item].item if line.item >= 0 else line.key.partition(":")[2] or line.key


def _state(past: Past, index: int) -> str:
    settled = past.done.get(index)
    job: JobPast | None = past.jobs.get(index)
    if settled is None and job is not None:
        settled = job.settled
    if settled is not None:
        ending = str(settled["ending"])
        return "reused" if ending == "succeeded" and settled.get("output", {}).get("found") in FOUND else ending
    if job is None or not job.phase:
        return "waiting"
    if job.phase.get(HELD):
        return "held"
    return "in doubt" if job.lost else "running"
