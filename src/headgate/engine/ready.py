"""Jobs that may go, in the order in which they go.

Shares with a higher priority go first. Those of one priority take turns, one job each: an entry of ten thousand rows
does not make one of ten wait. In a share the job with the longest path below it goes first, and of equal ones the one
that has waited longest. A share that had nothing to do for a while has no claim to what it did not take.
"""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


class Ready:
    """Taking one costs the logarithm of how many wait in its share, and of how many shares have any."""

    __slots__ = ("_lines", "_order", "_priorities", "_turns", "_waiting", "count")

    def __init__(self, priorities: Sequence[int]) -> None:
        """``priorities`` of the shares, by number; higher ones go first."""
        self._priorities = [-priority for priority in priorities]
        self._lines: list[list[tuple[float, int, int]]] = [[] for _ in priorities]
        #: How many turns each share has had, or has been taken to have had.
        self._turns = [0] * len(priorities)
        #: (priority, turns, share) of those that have any.
        self._waiting: list[tuple[int, int, int]] = []
        self._order = 0
        #: How many there are.
        self.count = 0

    def push(self, job: int, share: int, path: float) -> None:
        """``job`` of ``share`` may go; ``path`` is the longest one below it."""
        line = self._lines[share]
        if not line:
            priority = self._priorities[share]
            if self._waiting:
                self._turns[share] = max(self._turns[share], self._least(priority))
            heapq.heappush(self._waiting, (priority, self._turns[share], share))
        self._order += 1
        self.count += 1
        heapq.heappush(line, (-path, self._order, job))

    def pop(self) -> int:
        """The job that goes next.

        Raises:
            IndexError: there is none.
        """
        priority, turns, share = self._waiting[0]
        line = self._lines[share]
        job = heapq.heappop(line)[2]
        self.count -= 1
        self._turns[share] = turns + 1
        if line:
            heapq.heapreplace(self._waiting, (priority, turns + 1, share))
        else:
            heapq.heappop(self._waiting)
        return job

    def _least(self, priority: int) -> int:
        """The fewest turns that one of the waiting shares of ``priority`` has had."""
        if self._waiting[0][0] == priority:
            return self._waiting[0][1]
        return min((turns for other, turns, _ in self._waiting if other == priority), default=0)
