"""Jobs that may go, in the order in which they go.

Shares with a higher priority go first. Those of one priority take turns, one job each: an entry of ten thousand rows
does not make one of ten wait. In a share the job with the longest path below it goes first, and of equal ones the one
that has waited longest. A share that had nothing to do for a while has no claim to what it did not take.
"""

from __future__ import annotations

import heapq
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


class _Line:
    """Those of one share: for each path that any of them has, these one after another."""

    __slots__ = ("_of", "paths")

    def __init__(self) -> None:
        #: The paths that any has, the longest first; negative, for that is what a heap makes of it.
        self.paths: list[float] = []
        self._of: dict[float, deque[int]] = {}

    def push(self, job: int, path: float) -> None:
        same = self._of.get(-path)
        if same is None:
            same = self._of[-path] = deque()
            heapq.heappush(self.paths, -path)
        same.append(job)

    def pop(self) -> int:
        longest = self.paths[0]
        same = self._of[longest]
        job = same.popleft()
        if not same:
            heapq.heappop(self.paths)
            del self._of[longest]
        return job


class Ready:
    """Taking one costs the logarithm of how many different paths wait in its share, and of how many shares have any."""

    __slots__ = ("_lines", "_priorities", "_turns", "_waiting", "count")

    def __init__(self, priorities: Sequence[int]) -> None:
        """``priorities`` of the shares, by number; higher ones go first."""
        self._priorities = [-priority for priority in priorities]
        self._lines = [_Line() for _ in priorities]
        #: How many turns each share has had, or has been taken to have had.
        self._turns = [0] * len(priorities)
        #: (priority, turns, share) of those that have any.
        self._waiting: list[tuple[int, int, int]] = []
        #: How many there are.
        self.count = 0

    def push(self, job: int, share: int, path: float) -> None:
        """``job`` of ``share`` may go; ``path`` is the longest one below it."""
        line = self._lines[share]
        if not line.paths:
            priority = self._priorities[share]
            if self._waiting:
                self._turns[share] = max(self._turns[share], self._least(priority))
            heapq.heappush(self._waiting, (priority, self._turns[share], share))
        self.count += 1
        line.push(job, path)

    def pop(self) -> int:
        """The job that goes next.

        Raises:
            IndexError: there is none.
        """
        priority, turns, share = self._waiting[0]
        line = self._lines[share]
        job = line.pop()
        self.count -= 1
        self._turns[share] = turns + 1
        if line.paths:
            heapq.heapreplace(self._waiting, (priority, turns + 1, share))
        else:
            heapq.heappop(self._waiting)
        return job

    def _least(self, priority: int) -> int:
        """The fewest turns that one of the waiting shares of ``priority`` has had."""
        if self._waiting[0][0] == priority:
            return self._waiting[0][1]
        return min((turns for other, turns, _ in self._waiting if other == priority), default=0)
