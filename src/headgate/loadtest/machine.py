"""The engine's machine, driven by arrivals: items are held until they are due, and are measured from then on. Pure.

The set-up comes first: what arrivals share (accounts, listings, schemas) is made as in any run. When all of it is
there the clock of the stages starts. An arrival that finds no slot free when it is due, or that is noticed too late,
is dropped: it is skipped as a whole, and counted. Nothing that was begun is asked a second time because of the rate:
a refusal is a measurement, and asking again would be load that nobody offered. What was lost is looked up as in any
run, so that nothing is made twice and the clean-up knows what there is.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from headgate.classes import frozen
from headgate.engine.events import Answered, Command, Event, Stop, StopAsked
from headgate.engine.live import Rules, State
from headgate.engine.machine import Machine
from headgate.exchange import Problem, Verdict
from headgate.loadtest.meter import Meter, refused
from headgate.loadtest.stages import length, spelled
from headgate.workflows.contract import Ending

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from headgate.loadtest.stages import Arrival, Stage
    from headgate.loadtest.thresholds import Gauge, Threshold
    from headgate.planning.model import Plan

#: An arrival that this program comes to so late, in seconds, was not offered when it was due.
LATE_S: Final = 1.0
#: In the journal, the cause of jobs that were skipped because their arrival was dropped.
NO_SLOT: Final = "dropped: no slot was free when it was due"
TOO_LATE: Final = "dropped: this program came to it too late"


@frozen
class Course:
    """What a load test offers, and when it is stopped.

    ``arrivals`` come in order of time; number ``k`` of them is row ``rows[k]`` of the plan's items. ``grace_s`` is how
    long arrivals may go on after the last stage. ``abort``: stop as soon as a threshold is clearly missed.
    """

    stages: Sequence[Stage]
    arrivals: Sequence[Arrival]
    rows: Sequence[int]
    thresholds: Sequence[Threshold] = ()
    grace_s: float = 30.0
    abort: bool = False


class LoadMachine(Machine):
    """One load test."""

    def __init__(
        self,
        plan: Plan,
        rules: Rules,
        *,
        course: Course,
        at: float = 0.0,
        **more: Any,
    ) -> None:
        """As a machine, of which ``more`` are further arguments; ``course`` says who arrives when."""
        self.course = course
        self.meter = Meter(course.stages, course.thresholds)
        #: When the first stage began, monotonic seconds; ``None`` during the set-up.
        self.began_at: float | None = None
        #: Whether the grace after the last stage was over before all arrivals were.
        self.overrun = False
        self._now = at
        self._next = 0
        self._jobs_of: dict[int, list[int]] = {}
        for index, job in enumerate(plan.jobs):
            if job.item >= 0:
                self._jobs_of.setdefault(job.item, []).append(index)
        self._left = {row: len(jobs) for row, jobs in self._jobs_of.items()}
        self._setup = sum(1 for job in plan.jobs if job.item < 0)
        #: What of the set-up failed; then nobody arrives.
        self.failed_setup = ""
        #: Rows whose arrival has begun: when it was due, and its stage.
        self._due: dict[int, tuple[float, int]] = {}
        #: When each job's next request was due.
        self._asked: dict[int, float] = {}
        self._bad: set[int] = set()
        self._turned_away: set[int] = set()
        super().__init__(plan, rules, at=at, **more)

    # -- what may be asked of it ---------------------------------------------------------------------------------------

    def handle(self, *events: Event) -> list[Command]:
        """As the machine does; arrivals that are due by then are begun, or dropped."""
        commands: list[Command] = []
        for event in events:
            self._now = max(self._now, event.at)
            commands += super().handle(event)
            if not self.finished and self._offer():
                self._admit(self._now)
                self._maybe_finish()
                commands += self._out
                self._out = []
        return commands

    def next_wake(self) -> float | None:
        """As the machine does; the next arrival, and the end of the grace, are something to wake for."""
        wake = super().next_wake()
        if self.began_at is None or self.stopped is not None:
            return wake
        arrivals = self.course.arrivals
        mine = self.began_at + arrivals[self._next].at_s if self._next < len(arrivals) else self._over_at()
        return mine if wake is None else min(wake, mine)

    @property
    def active(self) -> int:
        """Arrivals that have begun and are not over."""
        return len(self._due)

    @property
    def elapsed_s(self) -> float:
        """Seconds since the first stage began, as far as this machine was told; 0 during the set-up."""
        return 0.0 if self.began_at is None else self._now - self.began_at

    def _offering(self) -> bool:
        """Whether nothing has stopped the test."""
        return self.stopped is None

    def _over_at(self) -> float:
        return (self.began_at or 0.0) + length(self.course.stages) + self.course.grace_s

    # -- arrivals ------------------------------------------------------------------------------------------------------

    def _offer(self) -> bool:
        """Set-up over, arrivals due, time up: whether anything of that has happened."""
        if not self._offering():
            return False
        if self.failed_setup:
            self._stop(StopAsked(Stop.ON_ERROR, self._now, f"the set-up failed: {self.failed_setup}"))
            return True
        if self.began_at is None:
            if self._setup:
                return False
            self.began_at = self._now
        begun = self._next
        while self._offering() and self._next < len(self.course.arrivals):
            due = self.began_at + self.course.arrivals[self._next].at_s
            if due > self._now + 1e-9:
                break
            self._arrive(self._next, due)
            self._next += 1
        whole_s = length(self.course.stages)
        elapsed_s = self._now - self.began_at
        # Who is done with the last arrival before its stage is over has offered all of it.
        self.meter.offered_s = whole_s if self._next == len(self.course.arrivals) else min(elapsed_s, whole_s)
        if self._offering() and self._now >= self._over_at() and self.open:
            self._give_up_waiting()
        return self._next > begun or not self._offering()

    def _arrive(self, number: int, due: float) -> None:
        row, stage = self.course.rows[number], self.course.arrivals[number].stage
        why = TOO_LATE if self._now - due > LATE_S else NO_SLOT if self.in_flight >= self.rules.concurrency else ""
        self.meter.due(stage, dropped=bool(why))
        if why:
            for index in self._jobs_of[row]:
                if not self.live.is_over(index):
                    self._record_settled(index, Ending.SKIPPED, {}, None, (), why)
            self._heed_thresholds()
            return
        self._due[row] = (due, stage)
        for index in self._jobs_of[row]:
            if self._may_begin(index):
                self._asked[index] = due
                self._make_ready(index)
        self._admit(self._now)

    def _give_up_waiting(self) -> None:
        """The grace is over: who is still on the way has failed, and took so long at least."""
        self.overrun = True
        for due, stage in self._due.values():
            self.meter.gave_up(stage, self._now - due)
        said = f"{len(self._due)} arrivals were not over {spelled(self.course.grace_s)} after the last stage"
        self._due.clear()
        self._stop(StopAsked(Stop.FINISH_BY, self._now, said))

    def _heed_thresholds(self) -> None:
        """Stop for a threshold that is clearly missed, where that is wanted."""
        if self.course.abort and self.stopped is None and (gauge := self.meter.broken) is not None:
            self._stop(StopAsked(Stop.THRESHOLD, self._now, f"threshold {gauge.threshold} is missed{_counted(gauge)}"))

    # -- what the machine does, measured -------------------------------------------------------------------------------

    def _make_ready(self, index: int) -> None:
        row = self.jobs[index].item
        if row >= 0:
            if self.live.state(index) is State.HELD and row not in self._due:
                return  # it has not arrived
            self._asked.setdefault(index, self._now)  # who had to wait for keys was due before
        super()._make_ready(index)

    def _answered(self, event: Answered) -> None:
        index, answer = event.job, event.answer
        row, call = self.jobs[index].item, self.live[index].call
        if row >= 0 and call is not None:
            due = self._asked.pop(index, event.at)
            if row in self._due:
                waited_s = event.at - due
                self.meter.answered(self._due[row][1], call.endpoint, waited_s, answer)
            if refused(answer):
                self._turned_away.add(index)
            if answer.verdict is Verdict.THROTTLED:
                problem = answer.problem or Problem(answer.status, "", "refused because of the rate")
                answer = replace(answer, verdict=Verdict.REJECTED, problem=problem, retry_after_s=None)
                event = Answered(event.job, event.attempt, answer, event.at)
        super()._answered(event)
        self._heed_thresholds()

    def _close(self, index: int, data: Mapping[str, Any], *, restored: bool = False) -> None:
        super()._close(index, data, restored=restored)
        row, well = self.jobs[index].item, data["ending"] == Ending.SUCCEEDED.value
        if row < 0:
            self._setup -= 1
            if not well and not self.failed_setup:
                self.failed_setup = self.jobs[index].key
            return
        self._asked.pop(index, None)
        self._left[row] -= 1
        if not well:
            self._bad.add(row)
        if self._left[row] == 0 and (arrived := self._due.pop(row, None)) is not None:
            due, stage = arrived
            self.meter.ended(stage, self._now - due, self._now - (self.began_at or 0.0), well=row not in self._bad)
            self._heed_thresholds()

    def _judge(self, index: int, data: Mapping[str, Any], *, restored: bool) -> None:
        # The same refusal again and again is a wall, but for the one that a load test is there to meet.
        if index not in self._turned_away:
            super()._judge(index, data, restored=restored)


def _counted(gauge: Gauge) -> str:
    one = gauge.threshold
    if one.quantile is not None:
        return f": {gauge.total - gauge.good:,} of {gauge.total:,} latencies are beyond it"
    return f": {gauge.good:,} of {gauge.total:,}"
