"""What is left of a run, from the machine's jobs, and so when it will be over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from headgate.cli.eta import Ahead, Eta, Pace
from headgate.engine.live import State
from headgate.planning.forecast import Assumptions, rounds_of
from headgate.report.build import FOUND

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

    from headgate.engine.machine import Machine
    from headgate.engine.tally import Tally
    from headgate.planning.model import Job

#: Seconds between two estimates: a number that changes all the time cannot be read.
_EVERY_S: Final = 2.0
#: Seconds between two looks at every ad-hoc run that is to come: there may be many.
_RUNS_EVERY_S: Final = 10.0
#: How likely the shortest and the longest time is, by all that is known of such runs; and how much more or less a run
#: may take than is assumed where nothing is known.
_SHARES: Final = (0.1, 0.9)
_SPREAD: Final = (0.5, 2.0)
_ASSUMED: Final = Assumptions()
#: Requests of a job whose plan was kept without them (a resumed run's), by kind; one where it is not here.
_USUAL: Final = {"adhoc": 3, "delete": 2}


class Outlook:
    """Estimates again and again; begins with what stands when it is made."""

    def __init__(self, machine: Machine, tally: Tally, now: float) -> None:
        self._machine, self._tally = machine, tally
        self._pace = Pace()
        self._sent, self._polls = tally.sent, tally.polls
        self._pace.add(now, 0)
        self._planned = 0
        self._choosing = {row.job for row in machine.plan.selections}
        #: Of jobs that are not over: how much they ask, and which are activations, watches, and make flows.
        self._requests = 0
        self._adhoc: set[int] = set()
        self._watches: set[int] = set()
        self._flows: set[int] = set()
        self.found(index for index in range(len(machine.jobs)) if not machine.live.is_over(index))
        self._runs: tuple[int, float, tuple[float, float]] = (-1, 0.0, (0.0, 0.0))
        self._said: tuple[float, Eta | None] | None = None
        #: When it was last looked at, and seconds for which it was paused: those are no rate.
        self._looked, self._away = now, 0.0

    def settled(self, index: int, data: Mapping[str, Any]) -> None:
        """A job is over that was not when this began."""
        asks = _asks(self._machine.jobs[index])
        self._planned += asks
        self._requests -= asks
        for those in (self._choosing, self._adhoc, self._watches):
            those.discard(index)
        if data.get("output", {}).get("found") in FOUND:
            self._flows.discard(index)

    def found(self, indexes: Iterable[int]) -> None:
        """There are jobs that were not there before, or are looked at for the first time."""
        for index in indexes:
            job = self._machine.jobs[index]
            self._requests += _asks(job)
            if job.kind == "adhoc":
                self._adhoc.add(index)
            elif job.kind == "watch":
                self._watches.add(index)
            if job.role == "flow":
                self._flows.add(index)

    def left(self, now: float, ceiling: float) -> Eta | None:
        """When the run will be over; ``None`` where nobody can say."""
        sent = self._tally.sent - self._sent
        self._looked = now
        self._pace.add(now - self._away, sent)
        if self._said is None or now - self._said[0] >= _EVERY_S:
            self._said = now, self._estimated(now, sent, ceiling)
        return self._said[1]

    def paused(self, now: float) -> None:
        """It is paused, and was since it was last looked at: nobody can say for how long, and what was said is over."""
        self._away += now - self._looked
        self._looked, self._said = now, None

    def _estimated(self, now: float, sent: int, ceiling: float) -> Eta | None:
        live = self._machine.live
        # How many flows will be chosen, and how long others' runs take, is not known.
        if self._machine.stopped is not None or self._choosing or self._watches:
            return None
        self._pace.took(self._planned, max(0, sent - (self._tally.polls - self._polls)))
        adhoc = sorted(self._adhoc)
        held = [until for at in adhoc if (until := live.look(at).held_until_s) is not None]
        scale = self._machine.rules.time_scale
        return self._pace.left(
            Ahead(
                self._requests,
                (max(held) - self._machine.platform_now(now)) / scale if held else 0.0,
                _ASSUMED.hold_s / scale if self._to_be_held(adhoc) else 0.0,
                self._left_runs(adhoc, now),
            ),
            now - self._away,
            sent,
            ceiling,
        )

    def _to_be_held(self, adhoc: Iterable[int]) -> bool:
        """Whether a job waits for flows that this run makes: their audiences will be too young."""
        jobs, live = self._machine.jobs, self._machine.live
        return any(
            live.state(at) is State.HELD and any(jobs[check].needs.get("flow", -1) in self._flows for check in checks)
            for at in adhoc
            if (checks := jobs[at].after.values())
        )

    def _left_runs(self, adhoc: Sequence[int], now: float) -> tuple[float, float]:
        """How long ad-hoc jobs will wait for their runs, at least and at most, in seconds."""
        machine, (count, looked, found) = self._machine, self._runs
        if count != len(adhoc) or now - looked >= _RUNS_EVERY_S:
            jobs = [machine.jobs[at] for at in adhoc]
            low, high = (
                rounds_of(jobs, [machine.lasting(at, now, share, _ASSUMED.run_s * spread) for at in adhoc])[1]
                for share, spread in zip(_SHARES, _SPREAD, strict=True)
            )
            looked, found = now, (low, high)
            self._runs = len(adhoc), looked, found
        return max(0.0, found[0] - (now - looked)), max(0.0, found[1] - (now - looked))


def _asks(job: Job) -> int:
    """How many requests a job takes when all goes well."""
    return len(job.requests) or _USUAL.get(job.kind, 1)
