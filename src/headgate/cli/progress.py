"""What can be seen of a run while it goes: a snapshot as plain data, which the views render.

The looker remembers what it has read of what is settled, so a look costs O(jobs begun and not over).
"""

from __future__ import annotations

import re
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from headgate.classes import frozen
from headgate.cli.chosen import Chosen
from headgate.cli.outlook import Outlook
from headgate.engine.live import State
from headgate.engine.record import problem_of
from headgate.planning.rows import entries_of
from headgate.report.render_causes import Cause, Causes
from headgate.report.render_table import entry_name, plural
from headgate.watch import PAUSED

if TYPE_CHECKING:
    from collections.abc import Iterable

    from headgate.cli.eta import Eta
    from headgate.clock import Clock
    from headgate.engine.live import Live
    from headgate.engine.machine import Machine
    from headgate.engine.tally import Tally
    from headgate.watch import Watch

#: The time over which the rate is averaged, in seconds.
_WINDOW_S: Final = 5.0
#: How long it is said that the rate is what it was again, in seconds.
_NEWS_S: Final = 20.0
#: Below this share of what may leave, it is not the rate that holds requests back.
_SLOW: Final = 0.6
_THOUSAND: Final = 1000
_TO: Final = re.compile(r" to [0-9.]+/s")
_IDS: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}")


@frozen
class EntryLine:
    """How far one entry is. ``noun`` is what it counts: items or pairs.

    ``steps`` of ``all_steps`` are the jobs behind its items (an item is done only when its last job is), or the
    pairs themselves.
    """

    name: str
    noun: str
    done: int
    total: int
    failed: int = 0
    steps: int = 0
    all_steps: int = 0


@frozen
class Snapshot:
    """One look at a run.

    ``rate_limit`` is what may leave in a second at present, ``allowed`` what was configured; ``pace`` says why they
    differ. ``flying`` counts requests that are on their way or next, by endpoint, ``in_flight`` only the former.
    ``waits`` say what waits and why, with counts; ``causes`` why some failed. ``left`` is ``None`` where nobody can say
    when it will be over; ``over_at`` is the time of day at which it will, half way between soonest and latest, and
    ``over_between`` are those two, in epoch seconds. ``slots`` requests may be under way at once.
    """

    run_id: str
    sandbox: str
    continued: bool
    elapsed_s: float
    rate_per_s: float
    rate_limit: float
    in_flight: int
    sent: int
    throttled: int
    retried: int
    entries: Sequence[EntryLine]
    waits: Sequence[str] = ()
    causes: Sequence[Cause] = ()
    jobs_done: int = 0
    jobs_total: int = 0
    stopping: str = ""
    allowed: float = 0.0
    pace: str = ""
    flying: Sequence[tuple[str, int]] = ()
    left: Eta | None = None
    over_at: datetime | None = None
    over_between: Sequence[float] = ()
    slots: int = 0

    @property
    def rate(self) -> str:
        """``49.8 of 50 req/s``."""
        limit = f"{self.rate_limit:,.0f}" if self.rate_limit >= _THOUSAND else f"{self.rate_limit:.3g}"
        return f"{self.rate_per_s:,.1f} of {limit} req/s"

    def count(self, noun: str) -> tuple[int, int, int]:
        """Done, total and failed of all entries that count ``noun``."""
        rows = [row for row in self.entries if row.noun == noun]
        return sum(row.done for row in rows), sum(row.total for row in rows), sum(row.failed for row in rows)


class Looker:
    """Looks at one run again and again."""

    def __init__(self, watch: Watch, clock: Clock, began: float | None = None) -> None:
        """``began`` is when the run did, by ``clock.mono()``; now if it is not given."""
        self._watch, self._clock = watch, clock
        self._began = clock.mono() if began is None else began
        self._sent: deque[tuple[float, int, int]] = deque()
        self._machine: Machine | None = None
        #: Of jobs, and of those that ended since the machine was made.
        self._seen = self._read = 0
        self._left: dict[int, int] = {}
        self._bad: set[int] = set()
        self._done: Counter[tuple[str, str]] = Counter()
        self._failed: Counter[tuple[str, str]] = Counter()
        self._total: Counter[tuple[str, str]] = Counter()
        self._steps: Counter[tuple[str, str]] = Counter()
        self._all_steps: Counter[tuple[str, str]] = Counter()
        self._causes = Causes()
        self._chosen: Chosen | None = None
        self._outlook: Outlook | None = None
        self._pace = (0.0, "", False)

    def hear(self, tell: Any) -> None:
        """An observer of the run: news of the rate are shown for as long as they matter."""
        if tell.name == "rate":
            of_all = not tell.fields.get("scope", "?")
            self._pace = (self._clock.mono(), str(tell.fields.get("message", "")), of_all)

    def look(self) -> Snapshot | None:
        """How the run stands; ``None`` before there is one."""
        watch = self._watch
        machine, run, tally = watch.machine, watch.run, watch.tally
        if machine is None or run is None or tally is None:
            return None
        if self._machine is None:
            self._begin(machine)
            if not watch.continued:  # else it is not known how many of them were sent by this life
                self._sent.append((self._began, 0, 0))
        waits = _Waits()
        self._follow(machine)
        flying: Counter[str] = Counter()
        for index, live in machine.live.begun():
            if live.state in (State.PAUSED, State.WAITING):
                waits.add(machine.jobs[index].kind, machine.jobs[index].spec, live, machine.awaits(index))
            elif live.state is State.RUNNING and live.call is not None:
                flying[live.call.endpoint] += 1
        now = self._clock.mono()
        ceiling = _ceiling(watch)
        if self._outlook is None:
            self._outlook = Outlook(machine, tally, now)
        left = None
        if watch.paused:
            self._outlook.paused(now)
        else:
            left = self._outlook.left(now, ceiling)
        return Snapshot(
            run.id,
            run.sandbox,
            watch.continued,
            now - self._began,
            self._rate(now, tally),
            ceiling,
            watch.runner.flying if watch.runner else 0,
            tally.sent,
            tally.throttled,
            tally.retried,
            [self._line(*entry) for entry in self._total],
            waits.words(),
            self._causes.top(),
            len(machine.jobs) - machine.open,
            len(machine.jobs),
            "" if machine.stopped is None else machine.stopped.detail or machine.stopped.reason.value,
            watch.limits.rate_per_s,
            self._news(now, ceiling),
            flying.most_common(),
            left,
            None if left is None else self._over_at((left.low_s + left.high_s) / 2),
            () if left is None else [round(self._clock.now() + seconds) for seconds in (left.low_s, left.high_s)],
            watch.limits.concurrency,
        )

    def _follow(self, machine: Machine) -> None:
        """Take in what was found, and what has ended, since the last look."""
        live, seen = machine.live, self._seen
        self._seen = len(machine.jobs)
        if not seen:
            ended: Iterable[int] = [index for index in range(self._seen) if live.is_over(index)]
        else:
            ended = live.ended[self._read :]
            if self._outlook is not None:
                self._outlook.found(range(seen, self._seen))
        self._read = len(live.ended)
        for index in ended:
            if (data := live.settled(index)) is not None:
                self._settled(machine, index, data)

    def _news(self, now: float, ceiling: float) -> str:
        """Why requests leave more slowly than they might, or why they do no more."""
        if self._watch.paused:
            return PAUSED
        since, said, of_all = self._pace
        lowered = ceiling < self._watch.limits.rate_per_s
        if not said and 0 < ceiling < self._watch.limits.rate_per_s:  # by so little, so far, that it is no news
            return f"rate lowered to {ceiling:.3g}/s, of {self._watch.limits.rate_per_s:.3g}/s asked for"
        if not said or not (lowered or now - since < _NEWS_S):
            return ""
        if of_all and lowered:  # it has gone further down, or up a little, since that was news
            said = _TO.sub(f" to {ceiling:.3g}/s", said, count=1)
        (then, before, refused), (_, sent, refusals) = self._sent[0], self._sent[-1]
        waits = lowered and refusals > refused and sent - before < _SLOW * ceiling * (now - then)
        return f"{said}; waits after each refusal as it is told to" if waits else said

    def _over_at(self, seconds: float) -> datetime:
        return datetime.fromtimestamp(self._clock.now() + seconds, UTC).astimezone()

    def _line(self, name: str, noun: str) -> EntryLine:
        key = name, noun
        # The jobs behind a pair or a chosen flow are not known beforehand: they are their own steps.
        whole = noun == "pairs" or not self._all_steps[key]
        steps, all_steps = (self._done, self._total) if whole else (self._steps, self._all_steps)
        return EntryLine(name, noun, self._done[key], self._total[key], self._failed[key], steps[key], all_steps[key])

    def _begin(self, machine: Machine) -> None:
        self._machine = machine
        plan = machine.plan
        own = Counter(job.item for job in machine.jobs if job.item >= 0 and job.kind != "adhoc")
        for row, entry in enumerate(entries_of(plan.items)):
            name = entry_name(entry), "items"
            self._total[name] += 1
            self._left[row] = own[row]
            self._all_steps[name] += own[row]
        for pair in plan.pairs:
            self._total[entry_name(pair.entry), "pairs"] += 1
        self._chosen = Chosen(machine, self._total, self._done, self._failed)

    def _rate(self, now: float, tally: Tally) -> float:
        self._sent.append((now, tally.sent, tally.throttled))
        while len(self._sent) > 2 and now - self._sent[0][0] > _WINDOW_S:
            self._sent.popleft()
        since, before, _ = self._sent[0]
        return (tally.sent - before) / (now - since) if now > since else 0.0

    def _settled(self, machine: Machine, index: int, data: Mapping[str, Any]) -> None:
        job, plan = machine.jobs[index], machine.plan
        failed = data["ending"] == "failed"
        if self._outlook is not None:
            self._outlook.settled(index, data)
        if job.kind == "adhoc":
            self._pairs(machine, job.spec, data)
        elif self._chosen is not None and self._chosen.settled(machine, index, data):
            pass
        elif job.item >= 0:
            name = entry_name(plan.items[job.item].entry), "items"
            if data["ending"] != "succeeded" and job.item not in self._bad:
                self._bad.add(job.item)
                self._failed[name] += 1
            self._steps[name] += 1
            self._left[job.item] -= 1
            self._done[name] += self._left[job.item] == 0
        problem = problem_of(data)
        if failed and problem is not None:
            example = plan.items[job.item].item if job.item >= 0 else job.key
            self._causes.add(problem.status, problem.code, problem.message, example, problem.advice)

    def _pairs(self, machine: Machine, spec: Mapping[str, Any], data: Mapping[str, Any]) -> None:
        rows = [(row[0], row[1] == "failed") for row in data.get("output", {}).get("pairs", ())]
        if not rows and not data.get("children"):
            rows = [(pair[0], data["ending"] == "failed") for pair in spec["pairs"]]
        for row, failed in rows:
            name = entry_name(machine.plan.pairs[row].entry), "pairs"
            self._done[name] += 1
            self._failed[name] += failed


def _ceiling(watch: Watch) -> float:
    """Requests per second that may leave at present."""
    return watch.limits.rate_per_s if watch.gate is None else watch.gate.rate


class _Waits:
    """What waits, grouped by why."""

    def __init__(self) -> None:
        self.held = self.line = self.runs = 0
        self.until: float | None = None
        self.other: Counter[str] = Counter()

    def add(self, kind: str, spec: Any, live: Live, awaited: int) -> None:
        """One waiting job, and how many runs it waits for."""
        if live.held_until_s is not None and kind == "adhoc":
            self.held += len(spec["pairs"])
            self.until = min(self.until or live.held_until_s, live.held_until_s)
        elif live.state is State.WAITING and kind == "adhoc":
            self.line += 1
        elif awaited:
            self.runs += awaited
        else:
            self.other[_IDS.sub("…", live.reason)] += 1

    def words(self) -> list[str]:
        """One line for each reason."""
        lines = []
        if self.held:
            next_at = "" if self.until is None else f", next at {datetime.fromtimestamp(self.until, UTC):%H:%M:%S} UTC"
            lines.append(f"{plural(self.held, 'pair')} held: audiences younger than an hour{next_at}")
        if self.line:
            lines.append(f"{plural(self.line, 'ad-hoc job')} in line for an audience")
        if self.runs:
            lines.append(f"runs in progress: {self.runs:,}")
        lines += [f"{plural(count, 'job')}: {reason}" for reason, count in self.other.most_common(3)]
        rest = sum(self.other.values()) - sum(count for _, count in self.other.most_common(3))
        return [*lines, f"{plural(rest, 'job')} for other reasons"] if rest else lines
