"""A plan's jobs and more of them behind: children found while running, deletions of what is replaced."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from typing import Final, overload

from headgate.planning.model import Job
from headgate.planning.packed import PackedJobs

#: Jobs that stay made: those in flight, and what those ask for.
_RECENT: Final = 1024


class Grown(Sequence[Job]):
    """Packed jobs, which stay packed, and more behind them."""

    def __init__(self, first: Sequence[Job]) -> None:
        self._first, self._more = first, list[Job]()
        self._count = len(first)
        #: Jobs that stay made: what is asked for is mostly among them. One goes for each that comes: many at once would
        #: look like growth to the garbage collector, which would search all that there is again and again.
        self._recent: dict[int, Job] = {}
        #: Which of them came first. The dict knows too, but must search for it.
        self._oldest = deque[int]()
        self._whole = first.whole if isinstance(first, PackedJobs) else first.__getitem__

    def append(self, job: Job) -> None:
        """One more."""
        self._more.append(job)

    def __len__(self) -> int:
        """How many there are."""
        return self._count + len(self._more)

    @overload
    def __getitem__(self, index: int) -> Job: ...

    @overload
    def __getitem__(self, index: slice) -> list[Job]: ...

    def __getitem__(self, index: int | slice) -> Job | list[Job]:
        """A job, or several."""
        try:
            return self._recent[index]  # type: ignore[index]
        except (KeyError, TypeError):
            pass  # not there, or a slice
        if isinstance(index, slice):
            return [self[one] for one in range(*index.indices(len(self)))]
        if index < 0:
            index += len(self)
            if index < 0:
                raise IndexError(index)
            return self[index]
        if index >= self._count:
            return self._more[index - self._count]
        job = self._recent[index] = self._whole(index)
        self._oldest.append(index)
        if len(self._oldest) > _RECENT:
            del self._recent[self._oldest.popleft()]
        return job

    def __iter__(self) -> Iterator[Job]:
        """All of them, one by one."""
        return chain(self._first, self._more)

    def edges(self, index: int) -> Sequence[int]:
        """The jobs that job ``index`` waits for."""
        return edges_of(self._first)(index) if index < self._count else edges_of(self._more)(index - self._count)

    def needs(self, index: int) -> Sequence[int]:
        """The jobs that job ``index`` needs."""
        return needs_of(self._first)(index) if index < self._count else needs_of(self._more)(index - self._count)


def grown(jobs: Sequence[Job]) -> list[Job] | Grown:
    """``jobs`` with room for more; the same list is never given twice."""
    return Grown(jobs) if isinstance(jobs, (PackedJobs, Grown)) else list(jobs)


def edges_of(jobs: Sequence[Job]) -> Callable[[int], Sequence[int]]:
    """What says which jobs a job waits for, by index: those that it needs, and then the others."""
    if isinstance(jobs, (PackedJobs, Grown)):
        return jobs.edges

    def edges(index: int) -> Sequence[int]:
        job = jobs[index]
        return (*job.needs.values(), *job.after.values()) if job.after else list(job.needs.values())

    return edges


def needs_of(jobs: Sequence[Job]) -> Callable[[int], Sequence[int]]:
    """What says which jobs a job needs, by index."""
    if isinstance(jobs, (PackedJobs, Grown)):
        return jobs.needs
    return lambda index: list(jobs[index].needs.values())


def with_secrets(jobs: Sequence[Job]) -> Iterable[Job]:
    """The jobs that secrets may be found in."""
    return jobs.aside.values() if isinstance(jobs, PackedJobs) else jobs


def items_of(jobs: Sequence[Job]) -> Sequence[int]:
    """The item of each job."""
    return jobs.items if isinstance(jobs, PackedJobs) else [job.item for job in jobs]
