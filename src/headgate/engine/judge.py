"""The judge: counts the rows that have ended as jobs settle, and says when a run is to be stopped. Pure."""

from __future__ import annotations

from array import array
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from headgate.engine.events import Stop, StopAsked
from headgate.engine.record import problem_of
from headgate.pacing.circuit import Shares, Wall, Walls
from headgate.planning.grown import items_of
from headgate.planning.rows import entries_of
from headgate.workflows.contract import ENDINGS, SELECTED, Ending

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headgate.engine.live import Rules
    from headgate.exchange import Problem
    from headgate.planning.model import Job, Plan

_HINT: Final = "mend the cause, then `headgate resume` does what was not begun, and a new run what was refused"


class Judge:
    """One run's failures.

    A failed *row* is an item, a (flow, audience) pair, or a flow that was chosen while running; what several items
    share counts as a row of its own.
    """

    def __init__(self, plan: Plan, rules: Rules) -> None:
        self._plan, self._rules = plan, rules
        #: The entry of each item.
        self._entries = entries_of(plan.items)
        totals = Counter(self._entries)
        totals.update(row.entry for row in plan.pairs)
        self._shares = Shares(rules.tolerance, totals)
        self._walls = Walls()
        #: Somebody said that all may fail: then no wall stops it either.
        self._through = rules.tolerance is not None and rules.tolerance.ratio == 1.0
        self._choosing = {row.job: row.entry for row in plan.selections}
        #: Jobs of each item that are not settled yet; the last place is that of what belongs to none.
        self._left = array("i", bytes(4 * (len(plan.items) + 1)))
        for item, count in Counter(items_of(plan.jobs)).items():
            self._left[item] += count
        self._failed_items: set[int] = set()

    @property
    def failed_rows(self) -> int:
        """Rows that failed, in this life of the run."""
        return self._shares.failed

    def added(self, job: Job) -> None:
        """A job was found while running."""
        self._left[job.item] += 1

    def settled(
        self, index: int, root: int, job: Job, data: Mapping[str, Any], *, restored: bool = False
    ) -> StopAsked | None:
        """A job has ended as ``data`` (of its record) says; why the run is to be stopped now, if it is.

        Args:
            index: The job's number.
            root: That of the planned job it descends from.
            job: The job itself.
            data: What was journaled.
            restored: It ended in an earlier life: a resumed run is not stopped again by what stopped it before.
        """
        ending = ENDINGS[data["ending"]]
        entry = self._count(index, root, job, data, ending, restored=restored)
        if restored:
            return None
        if self._shares.failed:
            if self._rules.stop_on_error:
                return StopAsked(Stop.ON_ERROR, 0.0, f"{job.key} failed")
            if said := self._shares.exceeded(entry):
                return StopAsked(Stop.TOLERATE, 0.0, said, "")
        if ending is Ending.SUCCEEDED and not self._walls.begun:  # nothing was refused so far, nor was this
            return None
        wall = self._look(job, data, ending)
        if wall is None or self._through:
            return None
        hint = f"{wall.problem.advice}; {_HINT}" if wall.problem.advice else _HINT
        return StopAsked(Stop.WALL, 0.0, str(wall), hint)

    def _count(
        self, index: int, root: int, job: Job, data: Mapping[str, Any], ending: Ending, *, restored: bool
    ) -> str:
        """Count what has ended; the entry whose rows they are, empty for what is shared."""
        output = data.get("output", {})
        if job.kind == "adhoc":
            return self._count_pairs(job, output.get("pairs"), ending, restored=restored)
        entry = self._choosing.get(root, "") if job.item < 0 else self._entries[job.item]
        if chosen := len(output.get(SELECTED, ())):
            self._shares.more(entry, chosen)
        self._left[job.item] -= 1
        if entry and (index != root if job.item < 0 else not self._left[job.item]):
            self._shares.ended(entry)
        if ending is Ending.FAILED and not restored:
            owner = job.item if job.item >= 0 else -1 - index
            if owner not in self._failed_items:
                self._failed_items.add(owner)
                self._shares.count(entry)
        return entry

    def _count_pairs(self, job: Job, rows: list[Any] | None, ending: Ending, *, restored: bool) -> str:
        pairs = self._plan.pairs
        if rows is None:  # skipped, or given up without a word about its pairs
            rows = [[pair[0], "failed" if ending is Ending.FAILED else "skipped"] for pair in job.spec["pairs"]]
        entry = ""
        for row in rows:
            entry = pairs[row[0]].entry if row[0] < len(pairs) else ""
            self._shares.ended(entry)
            if row[1] == "failed" and not restored:
                self._shares.count(entry)
        return entry

    def _look(self, job: Job, data: Mapping[str, Any], ending: Ending) -> Wall | None:
        output = data.get("output", {})
        if "problem" not in data:
            # Words are put together only where something was refused before.
            if self._walls.begun and ending is Ending.SUCCEEDED and output and output.get("found") != "store":
                self._walls.done(_words(job))
            return None
        rows = output.get("pairs") if job.kind == "adhoc" else None
        problem: Problem | None = problem_of(data)
        if problem is not None and (ending is Ending.FAILED or (rows and all(row[1] == "failed" for row in rows))):
            return self._walls.refused(_words(job), problem)
        if ending is Ending.SUCCEEDED and output and output.get("found") != "store":
            self._walls.done(_words(job))
        return None


def _words(job: Job) -> str:
    """What jobs like this one do: ``create flows``, ``adhoc``. Those that do the same are told by the same words."""
    return f"{job.kind} {job.collection or getattr(job.spec, 'collection', '')}".strip()
