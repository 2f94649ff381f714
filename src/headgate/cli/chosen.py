"""Flows chosen while running, as the progress view counts them: how many there are is known once they are chosen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headgate.report.render_table import entry_name
from headgate.report.selected import flows_of
from headgate.workflows.contract import SELECTED

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Mapping

    from headgate.engine.machine import Machine

#: An entry's name and what it counts.
Name = tuple[str, str]


class Chosen:
    """Counts into the counters of a looker: rows in all, done, failed."""

    def __init__(self, machine: Machine, total: Counter[Name], done: Counter[Name], failed: Counter[Name]) -> None:
        self._total, self._done, self._failed = total, done, failed
        self._names = {row.job: (entry_name(row.entry), "items") for row in machine.plan.selections}
        for name in self._names.values():
            total[name] += 0  # the entry is there, though nothing is chosen yet

    def settled(self, machine: Machine, index: int, data: Mapping[str, Any]) -> bool:
        """Take in a settled job; whether it belongs to a choice."""
        name = self._names.get(index)
        if name is not None:
            chosen = len(data.get("output", {}).get(SELECTED, ()))
            self._total[name] += chosen
            if data["ending"] != "succeeded":  # it is a row itself
                self._count(name, 1, bad=True, more=1)
            return True
        name = self._names.get(machine.root(index))
        if name is None:
            return False
        if not data.get("children"):
            job = machine.jobs[index]
            self._count(name, len(flows_of(job.kind, job.spec)), bad=data["ending"] == "failed")
        return True

    def _count(self, name: Name, rows: int, *, bad: bool, more: int = 0) -> None:
        self._total[name] += more
        self._done[name] += rows
        self._failed[name] += rows if bad else 0
