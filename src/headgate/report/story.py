"""A run as a story: its report, and what the report leaves out: when each job went, how fast answers came."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, Any

from headgate.classes import frozen
from headgate.engine.gauges import Histogram, Series
from headgate.engine.record import TIMES
from headgate.report.build import View, build

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from headgate.engine.record import Past
    from headgate.planning.outline import Outline
    from headgate.report.model import Report
    from headgate.store.contract import RunRow

#: The percentiles that are shown.
SHARES = (0.5, 0.9, 0.95, 0.99)


@frozen
class JobTime:
    """One job: what it is, how it ended (``""`` if it did not), and from when to when, in seconds of the run.

    ``item`` is a row of the outline's items, -1 for what several share. A job that asked nothing has no times.
    """

    key: str
    kind: str
    role: str
    item: int
    ending: str
    began_s: float | None = None
    ended_s: float | None = None


@frozen
class Story:
    """Everything a page or a comparison shows of a run. ``counters`` are those of the run's tally."""

    report: Report
    jobs: Sequence[JobTime] = ()
    counters: Mapping[str, Any] = field(default_factory=dict)
    #: What it was: ``run``, ``destroy``, ``sweep``, ``adopt``; and how to do the same again where that is known.
    command: str = "run"
    path: str = ""

    @property
    def latency(self) -> dict[str, Histogram]:
        """Seconds an answer took, by endpoint."""
        return {str(name): Histogram(packed) for name, packed in self.counters.get("latency", {}).items()}

    @property
    def series(self) -> Series:
        """Requests by the second in which they left."""
        return Series(self.counters.get("series"))


def story(run: RunRow, outline: Outline, past: Past) -> Story:
    """The story of ``run`` from what a store knows, or from its events."""
    report = build(run, outline, past)
    jobs = []
    for index, line in enumerate(View(outline, past).lines):
        found = past.jobs.get(index)
        settled = (found.settled if found is not None else None) or {}
        times = settled.get(TIMES) or (None, None)
        jobs.append(JobTime(line.key, line.kind, line.role, line.item, str(settled.get("ending", "")), *times))
    return Story(report, jobs, run.counters, run.command, run.path)
