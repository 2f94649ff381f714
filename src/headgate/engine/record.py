"""What is journaled, and what a journal means: ``fold(records)`` is the machine's durable state, all of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import TYPE_CHECKING, Any, Final, Literal

from headgate.classes import frozen, mutable
from headgate.exchange import Problem
from headgate.workflows.contract import Child, Ending, Phase

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

#: In the data of a ``settled`` record: when the job's first request left and when the job was over, in seconds that
#: the run has been going. Not there for a job that asked nothing.
TIMES: Final = "t"

RecordKind = Literal["intent", "step", "settled"]


@frozen
class Made:
    """An object that exists on the platform because of us, or was found to: for the next run to use again.

    An empty ``id`` in an ``intent`` leaves it in doubt until an answer is understood; in another record it says that
    the object was not made. ``gone``: the object of this ``id`` (or, without one, what was in doubt under ``marker``)
    exists no more, and is to be forgotten.

    ``found`` is how the run came by it: ``""`` its own request was answered; ``after`` found by its mark after a
    request of ours; ``before``, ``same``, ``updated`` and ``sweep`` found by its mark, made by a run that this state
    does not remember. What is found in any other way is not ours to delete. A store keeps the first of these, and the
    run of it, for as long as the id is the same.
    """

    marker: str
    collection: str
    id: str
    name: str
    digest: str
    found: str = ""
    gone: bool = False


@frozen
class Record:
    """One line of the journal.

    ``intent``: the effect of ``phase`` may leave from now on. ``step``: its answer is understood, the job goes on in
    ``phase``; an empty one takes back an intent whose effect did not leave. ``settled``: the job is over, as ``data``
    says. Records are kept in the order they are given. ``frees`` are keys that the run holds no more once this is
    durable; they are not part of the journal.
    """

    kind: RecordKind
    job: int
    data: Mapping[str, Any]
    made: Made | None = None
    frees: tuple[str, ...] = ()


@frozen
class Latest:
    """The last record of each job, up to record ``number``.

    ``settled`` has the data of jobs that are over, in the order of their records; ``open`` kind, job and data of the
    others, in that order likewise.
    """

    number: int
    settled: dict[int, Mapping[str, Any]]
    open: Sequence[tuple[RecordKind, int, Mapping[str, Any]]]


@mutable
class JobPast:
    """What the journal knows of one job."""

    phase: Phase = field(default_factory=dict)
    lost: bool = False
    settled: Mapping[str, Any] | None = None


@mutable
class Past:
    """What the journal knows of a run: jobs by index, and children in the order in which they were found."""

    jobs: dict[int, JobPast] = field(default_factory=dict)
    children: list[tuple[int, Child]] = field(default_factory=list)
    #: The data of jobs that are over, where no more than that is known of them: they are not in ``jobs``.
    done: dict[int, Mapping[str, Any]] = field(default_factory=dict)

    def settled(self) -> Mapping[int, Mapping[str, Any]]:
        """The data of all jobs that are over."""
        more = {index: job.settled for index, job in self.jobs.items() if job.settled is not None}
        return {**more, **self.done} if more else self.done


def fold(records: Iterable[Record]) -> Past:
    """The durable state that ``records`` (oldest first) leave behind."""
    past = Past()
    for record in records:
        job = past.jobs.get(record.job)
        if job is None:
            job = past.jobs[record.job] = JobPast()
        if record.kind == "settled":
            job.settled = record.data
            past.children += [(record.job, child) for child in children_of(record.data)]
        else:
            job.phase, job.lost = dict(record.data), record.kind == "intent"
    return past


def fold_latest(latest: Latest, before: Past | None = None) -> Past:
    """The durable state that the last record of each job leaves behind.

    It differs from :func:`fold` of all records in the phases of settled jobs alone, which nobody goes on from.

    Args:
        latest: As a store gives it.
        before: What was folded of earlier records; it is added to.
    """
    past = before or Past()
    past.done.update(latest.settled)
    for job, data in latest.settled.items():
        if "children" in data:
            past.children += [(job, child) for child in children_of(data)]
        past.jobs.pop(job, None)
    past.jobs.update((job, JobPast(dict(data), kind == "intent")) for kind, job, data in latest.open)
    return past


def settled_data(
    ending: Ending,
    output: Mapping[str, Any],
    problem: Problem | None,
    children: Collection[Child],
    cause: str | None,
) -> dict[str, Any]:
    """The data of a ``settled`` record. ``cause`` is the failed ancestor of a skipped job."""
    data: dict[str, Any] = {"ending": ending.value}
    if output:
        data["output"] = dict(output)
    if problem is not None:
        data["problem"] = [problem.status, problem.code, problem.message, problem.request_id, problem.advice]
    if children:
        data["children"] = [[child.key, child.kind, dict(child.spec)] for child in children]
    if cause is not None:
        data["cause"] = cause
    return data


def children_of(data: Mapping[str, Any]) -> list[Child]:
    """The children a ``settled`` record names."""
    return [Child(str(key), str(kind), spec) for key, kind, spec in data.get("children", ())]


def problem_of(data: Mapping[str, Any]) -> Problem | None:
    """The problem a ``settled`` record names."""
    found = data.get("problem")
    return Problem(*found) if found else None
