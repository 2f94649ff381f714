"""The circuit: when asking on makes no sense. It opens at a wall, and when more has failed than is tolerated.

A *wall* is the same refusal, :data:`WINDOW` times in a row, with no success between: of one thing that is done (all
creations of flows, say) or of everything. Who is refused fifty times in the same words will be refused ten thousand
times. Five bad rows are no wall, nor is trouble of several kinds, nor one that lets something through.

*Tolerance* holds for the whole run and, as a share, for every entry of it, once enough of an entry's rows have ended
for a share of them to mean something.

Counters only; seconds do not matter here.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from headgate.classes import frozen, mutable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headgate.exchange import Problem
    from headgate.pacing.rate import Tolerance

#: Equal refusals in a row that make a wall. What is on its way at that moment (the run's concurrency) comes on top.
WINDOW: Final = 50
#: So many items go all their way before the others begin theirs: a wall at its end is met after a window of them, and
#: not after everything that comes before it has been made ten thousand times. Some more than a window: a few may fail
#: by themselves.
VANGUARD: Final = WINDOW + 10
#: Rows of an entry that must have ended before the share of it that failed is judged.
ENOUGH_ROWS: Final = 20

#: What differs between two rows that are refused for one reason: ids, numbers, what is quoted.
_OWN_WORDS = re.compile(r"'[^']*'|\"[^\"]*\"|`[^`]*`|\[[^\]]*\]|\S*\d\S*")


@frozen
class Wall:
    """The same refusal ``count`` times in a row, on ``what`` (``""``: on everything)."""

    count: int
    what: str
    problem: Problem

    def __str__(self) -> str:
        said = " ".join(str(part) for part in (self.problem.status or "", self.problem.code) if part)
        where = f" to {self.what}" if self.what else ""
        return f"a wall: {self.count} times in a row the same refusal{where}, {said}: {self.problem.message}"


@mutable
class _Streak:
    """Equal refusals since the last success or other refusal."""

    sign: tuple[int, str] = (0, "")
    count: int = 0

    def refused(self, sign: tuple[int, str]) -> int:
        self.count = self.count + 1 if sign == self.sign else 1
        self.sign = sign
        return self.count

    def done(self) -> None:
        self.count = 0


class Walls:
    """Looks for walls in the endings of jobs, in the order in which they end."""

    def __init__(self, window: int = WINDOW) -> None:
        self._window = window
        self._all = _Streak()
        self._by_what: dict[str, _Streak] = {}

    @property
    def begun(self) -> bool:
        """Whether anything was refused so far: before that there is nothing to be told of."""
        return bool(self._by_what)

    def done(self, what: str) -> None:
        """Something of the kind ``what`` was done: there is a way through."""
        self._all.done()
        if what in self._by_what:
            self._by_what[what].done()

    def refused(self, what: str, problem: Problem) -> Wall | None:
        """Something of the kind ``what`` was refused; the wall, if this makes one.

        A problem without an HTTP status of 4xx is nobody's refusal, and is passed over.
        """
        if not 400 <= problem.status < 500:
            return None
        sign = sign_of(problem)
        here = self._by_what.setdefault(what, _Streak()).refused(sign)
        everywhere = self._all.refused(sign)
        if here >= self._window:
            return Wall(here, what, problem)
        return Wall(everywhere, "", problem) if everywhere >= self._window else None


def sign_of(problem: Problem) -> tuple[int, str]:
    """What makes two refusals the same: status and code; without a code, the words that are not a row's own."""
    return problem.status, problem.code or " ".join(_OWN_WORDS.sub("…", problem.message).split())


@mutable
class _Rows:
    """The rows of one entry: all, those that have ended, and those of them that failed."""

    total: int
    ended: int = 0
    failed: int = 0


class Shares:
    """Failed rows against those that are tolerated."""

    def __init__(self, tolerance: Tolerance | None, totals: Mapping[str, int], enough: int = ENOUGH_ROWS) -> None:
        """Begin with nothing ended. ``totals`` are the rows of each entry; more may come to be known later."""
        self.failed = 0
        self._tolerance = tolerance
        self._enough = enough
        self._entries = {entry: _Rows(total) for entry, total in totals.items()}
        self._total = sum(totals.values())

    def more(self, entry: str, rows: int) -> None:
        """``rows`` of ``entry`` have come to be known."""
        self._entries.setdefault(entry, _Rows(0)).total += rows
        self._total += rows

    def ended(self, entry: str, rows: int = 1) -> None:
        """``rows`` of ``entry`` have ended, well or not."""
        self._entries.setdefault(entry, _Rows(0)).ended += rows

    def count(self, entry: str, rows: int = 1) -> None:
        """``rows`` of ``entry`` have failed. What several entries share has the entry ``""``."""
        self.failed += rows
        if entry:
            self._entries.setdefault(entry, _Rows(0)).failed += rows

    def exceeded(self, entry: str = "") -> str:
        """In words, by how much more has failed than is tolerated, in all or of ``entry``; empty if it has not."""
        tolerance = self._tolerance
        if tolerance is None or not self.failed:
            return ""
        if tolerance.exceeded(self.failed, self._total):
            return f"{self.failed} failed, {tolerance} tolerated"
        rows = self._entries.get(entry)
        # A count says how many of the run may fail; an entry can only have fewer.
        if rows is None or tolerance.ratio is None or rows.ended < self._enough:
            return ""
        if tolerance.exceeded(rows.failed, rows.total):
            return f"{rows.failed} of {rows.total} of {entry!r} failed, {tolerance} tolerated"
        return ""
