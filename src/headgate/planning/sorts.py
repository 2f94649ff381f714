"""What jobs have in common, once, and their edges in columns."""

from __future__ import annotations

from array import array
from itertools import pairwise
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from headgate.planning.model import Job

#: Kind, role, collection, requests, names of what is needed, and names of what is only waited for.
Sort: TypeAlias = "tuple[str, str, str, tuple[str, ...], tuple[str, ...], tuple[str, ...]]"
#: The two kinds of names of a sort's edges.
Shape: TypeAlias = "tuple[tuple[str, ...], tuple[str, ...]]"


class Sorts:
    """The sorts and the edges of jobs, in the order in which those were added."""

    __slots__ = ("_number", "all", "ends", "of", "starts")

    def __init__(self) -> None:
        #: Sorts as they come together; which of those each job is of.
        self.all: list[Sort] = []
        self.of = array("i")
        #: The jobs that each job waits for, those that it needs first, and where those of each job begin.
        self.ends, self.starts = array("i"), array("i", [0])
        self._number: dict[Sort, int] = {}

    def append(self, job: Job) -> None:
        """Add ``job``."""
        needs, after = job.needs, job.after
        sort = job.kind, job.role, job.collection, job.requests, tuple(needs), tuple(after)
        number = self._number.get(sort)
        if number is None:
            number = self._number[sort] = len(self.all)
            self.all.append(sort)
        self.of.append(number)
        self.ends.extend(needs.values())
        if after:
            self.ends.extend(after.values())
        self.starts.append(len(self.ends))

    def edges(self, index: int) -> array[int]:
        """The jobs that job ``index`` waits for, those that it needs first."""
        return self.ends[self.starts[index] : self.starts[index + 1]]

    def needs(self, index: int) -> array[int]:
        """The jobs that job ``index`` needs."""
        return self.edges(index)[: len(self.all[self.of[index]][4])]

    def backwards(self) -> array[int]:
        """How far back all edges go, job by job: numbers that are much the same for jobs of one sort."""
        ends, starts = self.ends, pairwise(self.starts)
        return array("i", (index - edge for index, (a, b) in enumerate(starts) for edge in ends[a:b]))

    def shapes(self) -> list[Shape]:
        """The names of the edges of each sort."""
        return [(needs, after) for *_, needs, after in self.all]
