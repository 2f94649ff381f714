"""What a load test measures, stage by stage. Pure: it is told what happened and when, and keeps counts and latencies.

A latency is from when a request was due to its answer. The first requests of an arrival are due when the arrival is,
each further one as soon as what it needs is there; time spent waiting for a slot, for the journal or for this program
is in it. Refusals because of the rate are counted apart and have no latency: being turned away quickly is no service.
Every other answer has one, the lost and the faulty included: a timeout is a long latency, not a missing one.
"""

from __future__ import annotations

from array import array
from collections import Counter
from dataclasses import field
from typing import TYPE_CHECKING, Final

from headgate.classes import mutable
from headgate.exchange import Verdict
from headgate.loadtest.thresholds import ARRIVALS, Gauge, Threshold

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headgate.exchange import Answer
    from headgate.loadtest.stages import Stage

#: Different errors of a stage that are told apart.
_MOST_ERRORS: Final = 20


@mutable
class Measured:
    """What became of the arrivals of one stage, whenever it happened.

    ``latencies`` are seconds from due to answered, by endpoint; ``services`` those from leaving to answered: what is
    between the two is this program's own, its slots and its journal.
    """

    due: int = 0
    begun: int = 0
    dropped: int = 0
    done: int = 0
    failed: int = 0
    #: Of all arrivals, those that were done well while this stage lasted: what the platform kept up with.
    within: int = 0
    requests: int = 0
    throttled: int = 0
    errors: Counter[str] = field(default_factory=Counter)
    latencies: dict[str, array[float]] = field(default_factory=dict)
    services: dict[str, array[float]] = field(default_factory=dict)

    @property
    def faults(self) -> int:
        """Requests that were neither answered well nor throttled."""
        return self.errors.total()

    def of(self, what: str) -> array[float]:
        """Latencies of an endpoint, or of :data:`ARRIVALS`."""
        return _under(self.latencies, what)

    def service(self, what: str) -> array[float]:
        """Seconds that the platform took for an endpoint."""
        return _under(self.services, what)

    def add(self, other: Measured) -> None:
        """All that ``other`` has, too."""
        for name in ("due", "begun", "dropped", "done", "failed", "within", "requests", "throttled"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.errors.update(other.errors)
        for what, seconds in other.latencies.items():
            self.of(what).extend(seconds)
        for what, seconds in other.services.items():
            self.service(what).extend(seconds)


def _under(found: dict[str, array[float]], what: str) -> array[float]:
    if what not in found:
        found[what] = array("d")
    return found[what]


class Meter:
    """Counts for every stage, and a gauge for every threshold; warm-ups are counted and not judged."""

    def __init__(self, stages: Sequence[Stage], thresholds: Sequence[Threshold] = ()) -> None:
        self.stages = stages
        self.measured = [Measured() for _ in stages]
        self.gauges = [Gauge(one) for one in thresholds]
        self._ends: list[float] = []
        for stage in stages:
            self._ends.append((self._ends[-1] if self._ends else 0.0) + stage.seconds)
        #: How long arrivals were offered, in seconds: less than all stages where the test was stopped.
        self.offered_s = 0.0

    def _judged(self, stage: int) -> list[Gauge]:
        return [] if self.stages[stage].warm_up else self.gauges

    def due(self, stage: int, *, dropped: bool) -> None:
        """An arrival of ``stage`` is due; it is begun, or ``dropped``."""
        found = self.measured[stage]
        found.due += 1
        if dropped:
            found.dropped += 1
        else:
            found.begun += 1
        for gauge in self._judged(stage):
            gauge.count("arrivals", "dropped" if dropped else "")

    def answered(self, stage: int, endpoint: str, seconds: float, answer: Answer) -> None:
        """A request of an arrival of ``stage`` was answered, ``seconds`` after it was due."""
        found, gauges = self.measured[stage], self._judged(stage)
        found.requests += 1
        if refused(answer):
            found.throttled += 1
            for gauge in gauges:
                gauge.count("requests", "throttled")
            return
        faulty = answer.verdict is not Verdict.OK
        if faulty:
            said = error_of(answer)
            found.errors[said if said in found.errors or len(found.errors) < _MOST_ERRORS else "others"] += 1
        found.of(endpoint).append(seconds)
        found.service(endpoint).append(answer.elapsed_s)
        for gauge in gauges:
            gauge.count("requests", "errors" if faulty else "")
            gauge.latency(endpoint, seconds)

    def ended(self, stage: int, seconds: float, at_s: float, *, well: bool) -> None:
        """The last job of an arrival of ``stage`` is over, ``seconds`` after it was due and ``at_s`` into the test."""
        found, gauges = self.measured[stage], self._judged(stage)
        if well:
            found.done += 1
            for number, end_s in enumerate(self._ends):
                if at_s <= end_s:
                    self.measured[number].within += 1
                    break
            found.of(ARRIVALS).append(seconds)
        else:
            found.failed += 1
        for gauge in gauges:
            if well:
                gauge.latency(ARRIVALS, seconds)
            else:
                gauge.late("failed")

    def gave_up(self, stage: int, seconds: float) -> None:
        """An arrival of ``stage`` has not ended in time: it failed, and has taken ``seconds`` at least."""
        found = self.measured[stage]
        found.failed += 1
        found.of(ARRIVALS).append(seconds)
        for gauge in self._judged(stage):
            gauge.late("failed")
            gauge.latency(ARRIVALS, seconds)

    @property
    def broken(self) -> Gauge | None:
        """A threshold that is missed so clearly that the test may be stopped for it."""
        return next((gauge for gauge in self.gauges if gauge.broken), None)

    def whole(self) -> Measured:
        """All stages that count, together."""
        whole = Measured()
        for stage, found in zip(self.stages, self.measured, strict=True):
            if not stage.warm_up:
                whole.add(found)
        return whole

    def counted_s(self) -> float:
        """Seconds for which arrivals that count were offered."""
        begin, seconds = 0.0, 0.0
        for stage, end in zip(self.stages, self._ends, strict=True):
            if not stage.warm_up:
                seconds += max(0.0, min(end, self.offered_s) - begin)
            begin = end
        return seconds

    def achieved_per_s(self) -> float:
        """Arrivals done well while their kind was offered, per second."""
        seconds = self.counted_s()
        return self.whole().within / seconds if seconds else 0.0


def refused(answer: Answer) -> bool:
    """Whether the platform turned a request away because of the rate."""
    return answer.verdict is Verdict.THROTTLED or answer.status == 429


def error_of(answer: Answer) -> str:
    """What went wrong, in few words that are the same for the same trouble: ``400 1418-400``, ``500``, ``lost``."""
    problem = answer.problem
    words = [str(answer.status) if answer.status else answer.verdict.value, problem.code if problem is not None else ""]
    return " ".join(dict.fromkeys(word for word in words if word))
