"""The pure machine: what is told to it goes in, what is to be done comes out. No I/O, no clock, no await.

States of a job, and what moves it::

    held ──(last edge settled)── ready ──(a slot is free)── running ──(answer)── ready | paused | waiting | settled
                                   ▲                                              │
                                   └──(time is up / keys are granted)─────────────┘

A job that is paused, or waits in line for keys, holds no slot. The walk is ready-first: whatever may go, goes, the
longest remaining path first, after the vanguard; there are no levels.
"""

from __future__ import annotations

import heapq
from array import array
from collections import Counter
from itertools import chain
from random import Random
from typing import TYPE_CHECKING, Any, Final

from headgate.engine.events import (
    Answered,
    Claimed,
    Command,
    Event,
    Finish,
    Learn,
    Lease,
    Returned,
    Send,
    Stop,
    StopAsked,
    Tell,
    Write,
)
from headgate.engine.judge import Judge
from headgate.engine.leases import Leases
from headgate.engine.live import Live, Rules, State
from headgate.engine.lives import Links, Lives
from headgate.engine.polls import Polls
from headgate.engine.ready import Ready
from headgate.engine.record import Made, Past, Record, children_of, problem_of, settled_data
from headgate.engine.skew import PlatformClock
from headgate.errors import InvalidTransition
from headgate.exchange import NO_SANDBOX, NO_TOKEN, Answer, Call, Problem, Verdict
from headgate.pacing.circuit import VANGUARD
from headgate.pacing.lengths import Lengths
from headgate.planning.grown import edges_of, grown, items_of, needs_of
from headgate.planning.model import DATASETS, Job, Plan, needless
from headgate.planning.shares import COMMON, shares
from headgate.workflows import PROCEDURES, converge
from headgate.workflows.contract import (
    ENDINGS,
    HELD,
    RUNS,
    Ask,
    Await,
    Context,
    Ending,
    Pause,
    Phase,
    Settle,
    Signal,
    Step,
    failed,
)
from headgate.workflows.create import ABSENT, replacing
from headgate.workflows.delete import GONE, DeleteSpec

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

#: How long before keys that another run holds are asked for again, in seconds.
LEASE_AGAIN_S: Final = 1.0
#: About what a group of the journal takes to be durable, with the wait before it, in seconds.
AHEAD_S: Final = 0.025
#: What a request weighs in a path against the length of a run, in seconds.
REQUEST_S: Final = 0.25
#: As records have it.
_SUCCEEDED: Final = Ending.SUCCEEDED.value
#: Seconds that the platform may ask to wait. Who is told to come back tomorrow is not kept waiting: a resume goes on.
PATIENCE_S = 3600.0


class Machine:
    """One run of one plan.

    ``known`` are objects of earlier runs by marker, ``(id, digest)``; an empty id is one that was asked for and
    whose answer no run has understood. ``lengths`` is what is known of how long runs take.
    """

    def __init__(
        self,
        plan: Plan,
        rules: Rules,
        *,
        now_s: float,
        at: float = 0.0,
        past: Past | None = None,
        known: Mapping[str, tuple[str, str]] | None = None,
        lengths: Lengths | None = None,
    ) -> None:
        self.plan = plan
        self.rules = rules
        self.jobs = grown(plan.jobs)
        self.live: Lives
        self.counts = dict.fromkeys(Ending, 0)
        self.stopped: StopAsked | None = None
        self.finished = False
        self.in_flight = 0
        self._open = self._planned = len(self.jobs)
        self._links: Links
        whose = shares(plan)
        self._shares = whose.of
        self._ready = Ready(whose.priorities)
        self._wakes: list[tuple[float, int, int]] = []
        self._leases = Leases()
        #: Jobs whose keys are not yet known to be ours in the store that other runs share.
        self._unleased: dict[int, tuple[str, ...]] = {}
        #: Why the store did not grant them, as it was told.
        self._denied: dict[int, str] = {}
        self._ours: set[str] = set()
        #: Jobs whose one journaled effect is about to leave: given back, they are as if they had never begun.
        self._unsent: set[int] = set()
        #: Jobs whose object an earlier run may have made.
        self._doubted: set[int] = set()
        self._judgement = Judge(plan, rules)
        #: The planned job each child descends from, in the order of the children.
        self._roots: list[int] = []
        self._budget = rules.retry.budget()
        self._rng = Random(rules.seed)
        self._answered_once = False
        #: Jobs admitted beyond the slots; answers since when.
        self._ahead_now = rules.ahead
        self._answers, self._answers_at = 0, at
        self._clock = PlatformClock(now_s, at, rules.time_scale)
        self._out: list[Command] = []
        self._polls = Polls(rules.poll, lengths or Lengths(), rules.rate_per_s, rules.time_scale)
        self._look_at: float | None = None
        #: What a job of the vanguard weighs more than the heaviest path.
        self._ahead = 0.0
        self._settle(past or Past())
        self._link()
        if past is not None:
            self._restore(past)
        self._reuse(known or {}, past)
        for index in self._unsettled():
            if past is not None and not self.live.is_over(index) and (cause := self._failed_need(index)) is not None:
                self._record_settled(index, Ending.SKIPPED, {}, None, (), cause)
            elif self._may_begin(index):
                self._make_ready(index)
        del self._undecided

    # -- what may be asked of it ---------------------------------------------------------------------------------

    def handle(self, *events: Event) -> list[Command]:
        """Take events in, give the commands that follow, in the order in which they are to be obeyed."""
        for event in events:
            if isinstance(event, Answered):
                self._answered(event)
            elif isinstance(event, StopAsked):
                self._stop(event)
            elif isinstance(event, Returned):
                self._returned(event)
            elif isinstance(event, Claimed):
                self._claimed(event)
            else:
                self._wake(event.at)
            self._admit(event.at)
            if self._polls.waiting:
                self._look(event.at)
            if not self._open or self.stopped is not None:
                self._maybe_finish()
        commands, self._out = self._out, []
        return commands

    def next_wake(self) -> float | None:
        """When something that waits for time may go on (monotonic seconds); ``None`` if nothing does."""
        while self._wakes and not self._is_current_wake(self._wakes[0]):
            heapq.heappop(self._wakes)
        wake = self._wakes[0][0] if self._wakes else None
        if self._look_at is None or not self._polls.waiting:
            return wake
        return self._look_at if wake is None else min(wake, self._look_at)

    def platform_now(self, at: float) -> float:
        """The platform's clock at monotonic second ``at``, epoch seconds, as far as its answers tell."""
        return self._clock.now(at)

    def durable(self) -> dict[int, tuple[Any, ...]]:
        """What a fold of all records given so far would say: settled data, or the phase and whether it is open."""
        view: dict[int, tuple[Any, ...]] = {index: ("open", *durable) for index, durable in self.underway()}
        for index in range(len(self.jobs)):
            if (data := self.live.settled(index)) is not None:
                view[index] = ("settled", dict(data))
        return view

    def underway(self) -> list[tuple[int, tuple[Phase, bool]]]:
        """Jobs that are not over and have something journaled: the phase, and whether an effect is on its way."""
        return [(index, live.durable) for index, live in self.live.begun() if live.durable is not None]

    def states(self) -> dict[State, int]:
        """How many jobs are in each state."""
        return self.live.count()

    def waits(self) -> list[tuple[int, Live]]:
        """Jobs that are paused or in line, with their reasons; for people."""
        return [(index, live) for index, live in self.live.begun() if live.state in (State.PAUSED, State.WAITING)]

    def settled(self) -> set[int]:
        """Jobs that are over."""
        return set(filter(self.live.is_over, range(len(self.live))))

    def counts_failed(self) -> int:
        """Jobs that failed, in all lives of the run."""
        return self.counts[Ending.FAILED]

    def awaits(self, index: int) -> int:
        """How many runs job ``index`` waits for that are not known to be over."""
        return self._polls.awaits(index)

    def lasting(self, index: int, at: float, share: float, guess_s: float) -> float:
        """How much longer job ``index`` will wait for runs that it starts or has started, in seconds.

        ``share`` is how likely they are over by then; ``guess_s`` (platform seconds) is taken where nothing is known.
        """
        job = self.jobs[index]
        runs = PROCEDURES[job.kind].runs(job.spec)
        return self._polls.lasting(index, runs, self._clock.now(at), share, guess_s) / self.rules.time_scale

    def paced(self, rate_per_s: float) -> None:
        """So many requests may leave in a second from now on; polls have a share of it. 0 is a pause: it stays."""
        if rate_per_s:
            self._polls.rate_per_s = rate_per_s

    @property
    def failed_rows(self) -> int:
        """Rows (items, pairs, chosen flows) that failed in this life of the run."""
        return self._judgement.failed_rows

    def path(self, index: int) -> float:
        """How long the longest path from job ``index`` on is, in requests: those go first."""
        return self._links.priority[index]

    def root(self, index: int) -> int:
        """The planned job that job ``index`` descends from; itself for a planned one."""
        planned = self._planned
        return index if index < planned else self._roots[index - planned]

    @property
    def open(self) -> int:
        """Jobs not yet settled."""
        return self._open

    # -- building ------------------------------------------------------------------------------------------------

    # Most jobs of a resumed run are over, and many: what is done for each of those is kept to next to nothing.

    def _settle(self, past: Past) -> None:
        """Planned jobs, and those of them that are over."""
        over = past.settled()
        self.live = Lives(len(self.jobs), over)
        every = range(len(self.jobs))
        self._undecided: Sequence[int] = array("i", (index for index in every if index not in over)) if over else every
        planned = over if not past.children else {i: data for i, data in over.items() if i < len(self.jobs)}
        for ending, count in Counter([data["ending"] for data in planned.values()]).items():
            self.counts[ENDINGS[ending]] += count
            self._open -= count
        for index, data in planned.items():
            self._judgement.settled(index, index, self.jobs[index], data, restored=True)
            output = data.get("output")
            if output and RUNS in output:
                self._ours.update(output[RUNS])

    def _unsettled(self) -> Sequence[int]:
        """Jobs that are not over, in order."""
        children = range(len(self.plan.jobs), len(self.jobs))
        return array("i", (index for index in chain(self._undecided, children) if not self.live.is_over(index)))

    def _link(self) -> None:
        over = self.live.is_over if self._open < len(self.jobs) else None
        unsettled, count = self._unsettled(), len(self.jobs)
        # The longest path below each job: those go first. It is counted in jobs, and in runs that are waited for as far
        # as their lengths are known.
        self._ahead = count + (sum(map(self._weight, unsettled)) if self._polls.lengths else 0.0)
        self._items = items_of(self.plan.jobs)
        self._links = Links(count, unsettled, edges_of(self.plan.jobs), over, self._path)

    def _path(self, index: int, below: float) -> float:
        """The longest path of a job, where that of what waits for it is ``below``."""
        # The vanguard goes before all others, so that what is refused at the end of the path is met early.
        ahead = self._ahead if 0 <= self._items[index] < VANGUARD else 0
        return 1.0 + max(below, ahead) + (self._weight(index) if self._polls.lengths else 0.0)

    def _weight(self, index: int) -> float:
        """How long the longest run that a job starts will take, in requests; nothing where nobody knows."""
        runs = PROCEDURES[self.jobs[index].kind].runs(self.jobs[index].spec)
        longest_s = self._polls.lengths.longest(runs) if runs else None
        return (longest_s or 0.0) / self.rules.time_scale / REQUEST_S

    def _restore(self, past: Past) -> None:
        planned, over = len(self.jobs), past.settled()
        for parent in {parent for parent, _ in past.children if parent < planned}:
            # It is over, but its children stand where it stood.
            self._links.priority[parent] = self._path(parent, self._links.priority[parent])
        for parent, child in past.children:
            self._add_child(parent, child.key, child.kind, child.spec)
        for index in range(planned, len(self.jobs)):
            if index in over:
                self._close(index, over[index], restored=True)
        for index, job in sorted(past.jobs.items()):
            live = self.live[index]
            if live.settled is not None:
                continue
            live.phase, live.durable = job.phase, (job.phase, job.lost)
            if not job.phase:
                continue  # all of it was given back before it left
            live.signal = Signal.RESUME
            self._ours.update(job.phase.get(RUNS, ()))
            keys = PROCEDURES[self.jobs[index].kind].keys(self.jobs[index].spec, job.phase)
            if keys:
                self._leases.force(index, keys)
                self._unleased[index] = keys

    def _reuse(self, known: Mapping[str, tuple[str, str]], past: Past | None) -> None:
        for index in self._unsettled() if known or self.plan.replaces else ():
            job = self.jobs[index]
            if not job.collection:
                continue
            if index in self.plan.replaces and not self.live[index].phase:
                self.live[index].phase, self.live[index].signal = replacing(self.plan.replaces[index]), Signal.RESUME
                self._doubted.add(index)
                continue
            if past is not None and index in past.jobs and past.jobs[index].phase:
                continue
            found = known.get(job.spec.marker)
            if found is not None:
                self._recall(index, *found)
        if known or past:
            self._spare_listings()

    def _recall(self, index: int, remote: str, digest: str) -> None:
        """Go by what the store knows of a job's object: its id, and what it was made from."""
        job, live = self.jobs[index], self.live[index]
        live.signal = Signal.RESUME
        if not remote:
            self._doubted.add(index)  # another run may have made it: look first
        elif self.rules.refresh or digest != job.digest:
            # Made from other content, or to be compared: its own job brings it to what is wanted.
            live.phase = converge.begin(remote, changed=digest != job.digest, again=self.rules.refresh)
        else:
            # Held on its edges or not: what exists needs nothing to be made.
            self._record_settled(index, Ending.SUCCEEDED, {"id": remote, "found": "store"}, None, (), None)

    def _spare_listings(self) -> None:
        """Ask for no list that nobody needs any more."""
        among = self._unsettled()
        existing = {
            index
            for index in among
            # What may have to be made again must know what to choose from.
            if (live := self.live.look(index)).durable or (live.phase and DATASETS not in self.jobs[index].needs)
        }
        for index in needless(self.jobs, existing, among):
            self._record_settled(index, Ending.SUCCEEDED, {}, None, (), None)

    def _failed_need(self, index: int) -> str | None:
        """The failed ancestor of a job that must be skipped: a crash may fall between its failure and the skip."""
        for edge in needs_of(self.jobs)(index):
            data = self.live.settled(edge)
            if data is not None and data["ending"] != _SUCCEEDED:
                return data.get("cause") or self.jobs[edge].key
        return None

    def _add_child(self, parent: int, key: str, kind: str, spec: Mapping[str, Any]) -> int:
        first = self.jobs[parent]
        self.jobs.append(Job(key, kind, first.role, spec, first.item, dict(first.needs), dict(first.after)))
        self.live.append()
        index = len(self.jobs) - 1
        self._roots.append(self.root(parent))
        self._judgement.added(self.jobs[index])
        # Who only waits for the parent waits for what it becomes; who takes its output has it already.
        dependents = self._links.dependents(parent)
        after = [each for each in dependents if parent not in self.jobs[each].needs.values()]
        self._links.append(self._links.priority[parent], after)
        self._open += 1
        return index

    # -- time, stops -----------------------------------------------------------------------------------------------

    def _is_current_wake(self, wake: tuple[float, int, int]) -> bool:
        live = self.live.look(wake[2])
        return live.state is State.PAUSED and live.attempt == wake[1]

    def _wake(self, at: float) -> None:
        while self._wakes and self._wakes[0][0] <= at + 1e-9:
            wake = heapq.heappop(self._wakes)
            if self._is_current_wake(wake):
                self._rouse(wake[2])

    def _stop(self, event: StopAsked) -> None:
        if self.stopped is None:
            self.stopped = event
            self._out.append(Tell("stop", -1, {"reason": event.reason.value, "detail": event.detail}))
            for index, live in self.waits():
                if live.held_until_s is not None:
                    self._record_step(index, {**live.phase, HELD: live.reason})

    def _maybe_finish(self) -> None:
        if not self.finished and (self._open == 0 or (self.stopped is not None and self.in_flight == 0)):
            self.finished = True
            stop = self.stopped if self._open else None
            self._out.append(Finish(stop.reason, stop.detail, stop.hint) if stop else Finish(None))

    # -- runs that are waited for ----------------------------------------------------------------------------------

    def _look(self, at: float) -> None:
        """Ask for awaited runs, where that is due."""
        now_s = self._clock.now(at)
        idle = not self._ready.count and self.in_flight == 0
        while self.stopped is None and (due := self._polls.due(at, now_s, idle=idle)) is not None:
            index, call = due
            live = self.live[index]
            live.tries = live.throttles = 0
            self._send(index, live, call)
        self._look_at = self._polls.next_at(at, now_s, idle=idle) if not self.stopped else None

    def _looked(self, index: int, answer: Answer, at: float) -> None:
        """What a waiting job carried for the board was answered."""
        polls, now_s = self._polls, self._clock.now(at)
        learnt: dict[str, None] = {}
        for found in polls.answered(index, answer, at, now_s):
            said = {"run": found.run, "state": found.state, "seconds": found.seconds, "lag": found.lag_s}
            said["ended"] = None if found.lag_s is None else now_s - found.lag_s
            self._out.append(Tell("run", found.job, said))
            learnt.update(dict.fromkeys(found.keys if found.seconds is not None else ()))
        if learnt:
            self._out.append(Learn({key: polls.lengths.row(key) for key in learnt}))
        self._await_on(index, at)
        for job in polls.woken():
            self._rouse(job)

    def _await_on(self, index: int, at: float) -> None:
        until_s, reason = self._polls.until(index)
        self._pause(index, at + max(0.0, until_s - self._clock.now(at)) / self.rules.time_scale, reason)

    def _rouse(self, index: int) -> None:
        """Its time is up, or all that it waited for is over."""
        if self._polls.waits(index):
            self._surroundings(index).ended = self._polls.drop(index)
        self._make_ready(index)

    # -- the walk --------------------------------------------------------------------------------------------------

    def _may_begin(self, index: int) -> bool:
        """Whether a job has only waited for others, and does so no more."""
        return self._links.waits_for[index] == 0 and self.live.state(index) is State.HELD

    def _make_ready(self, index: int) -> None:
        self.live.ready(index)
        path = self._links.priority[index]
        # The vanguard goes before all others, whosever it is.
        self._ready.push(index, COMMON if path > self._ahead else self._shares[self.root(index)], path)

    def _admit(self, at: float) -> None:
        ready, most = self._ready, self.rules.concurrency + self._ahead_now
        while ready.count and self.in_flight < most and self.stopped is None:
            index = ready.pop()
            live = self.live.admitted(index)
            if live is None:
                continue
            if live.call is not None:
                self._send(index, live, live.call)
            elif index in self._unleased:
                self._lease(index)
            else:
                self._advance(index, live, live.signal, at)

    def _advance(self, index: int, live: Live, signal: Signal | Answer, at: float, *, understood: bool = False) -> None:
        """Ask the procedure what to do next, and do it. ``understood``: an effect's answer came in just now."""
        if self._polls.waiting and isinstance(signal, Answer) and self._polls.carries(index):
            self._looked(index, signal, at)
            return
        job = self.jobs[index]
        context = live.context or self._surroundings(index)
        context.now_s, context.dated = self._clock.now(at), self._clock.heard
        try:
            step = PROCEDURES[job.kind].advance(context, live.phase, signal)
        except Exception as error:
            if not isinstance(signal, Answer):
                raise
            # One odd answer is no reason to end the run of ten thousand items.
            said = f"{job.key}: the platform's answer was not understood ({type(error).__name__})"
            step = failed(
                None, said, code="headgate-answer", advice="please report it; what was sent is looked up again"
            )
        live.signal = Signal.RESUME
        self._apply(index, live, step, at, understood=understood)

    def _apply(self, index: int, live: Live, step: Step, at: float, *, understood: bool) -> None:
        if isinstance(step, Settle):
            self._record_settled(index, step.ending, step.output, step.problem, step.children, None)
            return
        live.phase = step.phase
        if understood or (isinstance(step, (Pause, Await)) and step.keep):
            self._record_step(index, step.phase)
        if isinstance(step, Ask):
            live.call, live.tries, live.throttles = step.call, 0, 0
            if live.state is State.RUNNING or self.stopped is not None:
                self._make_ready(index)
            else:
                self._send(index, live, step.call)
        elif isinstance(step, Pause):
            self._pause(index, at + max(0.0, step.seconds) / self.rules.time_scale, step.reason)
            live.held_until_s = step.until_s if step.held else None
            if step.held:
                self._out.append(Tell("hold", index, {"reason": step.reason, "until": step.until_s}))
        elif isinstance(step, Await):
            self._polls.wait(index, step, at, self._clock.now(at))
            self._surroundings(index).ended = {}
            self._await_on(index, at)
        else:
            live.state = State.WAITING
            live.reason = PROCEDURES[self.jobs[index].kind].denied(self.jobs[index].spec, "another job of this run")
            self._unleased[index] = step.keys
            if self._leases.claim(index, step.keys):
                self._lease(index)

    def _lease(self, index: int) -> None:
        """Ask the store for the keys that no other job of this run holds."""
        live = self.live[index]
        live.state, live.reason = State.WAITING, "asking whether another run holds what it needs"
        note = PROCEDURES[self.jobs[index].kind].note
        self._out.append(Lease(index, self._unleased[index], note(self._surroundings(index))))

    def _claimed(self, event: Claimed) -> None:
        if event.job not in self._unleased:
            raise InvalidTransition(f"{self.jobs[event.job].key}: keys it did not ask for")
        if event.by:
            reason = PROCEDURES[self.jobs[event.job].kind].denied(self.jobs[event.job].spec, event.by)
            self._pause(event.job, event.at + LEASE_AGAIN_S, reason)
            if self._denied.get(event.job) != reason:
                self._denied[event.job] = reason
                self._out.append(Tell("hold", event.job, {"reason": reason, "until": None}))
            return
        keys = self._unleased.pop(event.job)
        self._denied.pop(event.job, None)
        context = self._surroundings(event.job)
        own = PROCEDURES[self.jobs[event.job].kind].note(context)
        context.left, context.granted = tuple(note for note in event.notes if note not in own), True
        context.known = next((event.known[key] for key in keys if key in event.known), None)
        if context.known is not None:
            self._hear_of(event.job, *context.known)
        if not self.live.is_over(event.job):
            self._make_ready(event.job)

    def _hear_of(self, index: int, remote: str, digest: str) -> None:
        """The store knows of the object whose mark is ours now: since the run began, another may have made it."""
        replaced = self.live[index].phase.get(converge.GONE)  # it is there, and is not what is wanted
        if self.jobs[index].collection and self.stopped is None and not (remote and remote == replaced):
            self._recall(index, remote, digest)

    def _pause(self, index: int, until: float, reason: str) -> None:
        live = self.live[index]
        live.state, live.reason = State.PAUSED, reason
        live.attempt += 1
        heapq.heappush(self._wakes, (until, live.attempt, index))

    def _send(self, index: int, live: Live, call: Call) -> None:
        live.state, live.call = State.RUNNING, call
        live.attempt += 1
        live.tries += 1
        self.in_flight += 1
        if live.tries == 1:
            self._budget.request()
        intent, durable = None, live.durable
        if call.effect and (durable is None or durable != (live.phase, True)):
            if not (durable and durable[0]) and index not in self._doubted:
                self._unsent.add(index)
            live.durable = (live.phase, True)
            intent = Record("intent", index, live.phase, self._made(index, ""))
        self._out.append(Send(index, live.attempt, call, intent))

    def _surroundings(self, index: int) -> Context:
        """The job's context, whatever the time."""
        live = self.live[index]
        if live.context is None:  # edges are settled before a job starts, so this is made once
            live.context = self._make_context(index)
        return live.context

    def _make_context(self, index: int) -> Context:
        job = self.jobs[index]
        inputs: dict[str, Mapping[str, Any]] = {}
        missing: dict[str, str] = {}
        for edges in (job.needs, job.after) if job.after else (job.needs,):
            for role, edge in edges.items():
                settled = self.live.settled(edge)
                if settled is not None and settled["ending"] == _SUCCEEDED:
                    inputs[role] = settled.get("output", {})
                else:
                    missing[role] = self._blame(edge)
        return Context(job.key, job.spec, inputs, missing, 0.0, self._ours, poll=self.rules.poll)

    def _blame(self, edge: int) -> str:
        data = self.live.settled(edge) or {}
        root = data.get("cause") or self.jobs[edge].key
        problem = problem_of(data)
        return f"{root} failed" + (f": {problem.message}" if problem else "")

    # -- answers ---------------------------------------------------------------------------------------------------

    def _answered(self, event: Answered) -> None:
        live = self.live[event.job]
        if live.state is not State.RUNNING or live.attempt != event.attempt:
            raise InvalidTransition(
                f"{self.jobs[event.job].key}: an answer to attempt {event.attempt} in state {live.state.name}"
            )
        self.in_flight -= 1
        self._answers += 1
        if event.at >= self._answers_at + AHEAD_S:
            self._look_ahead(event.at)
        answer, call = event.answer, live.call
        if call is None:
            raise InvalidTransition(f"{self.jobs[event.job].key}: an answer without a call")
        refused = answer.verdict is Verdict.REFUSED and (
            answer.status == 401 or not self._answered_once or _closed(answer)
        )
        if not refused and answer.verdict not in (Verdict.NOT_SENT, Verdict.THROTTLED):
            self._unsent.discard(event.job)  # it left, and something was done with it
        if answer.date_s is not None:
            self._clock.hear(event.at, answer.date_s)
        match answer.verdict:
            case Verdict.OK | Verdict.REJECTED:
                self._answered_once = True
                live.call = None
                self._advance(event.job, live, answer, event.at, understood=call.effect)
            case Verdict.REFUSED if refused:
                code = answer.problem.code if answer.problem is not None else ""
                self._halt(event, "no such sandbox" if code in NO_SANDBOX else "the platform refused the credentials")
            case Verdict.REFUSED:
                live.call = None
                self._advance(event.job, live, answer, event.at, understood=call.effect)
            case _:
                self._again(event, call)

    def _look_ahead(self, at: float) -> None:
        """Admit as many jobs beyond the slots as were answered in the time that a group of the journal takes."""
        least = self.rules.ahead
        answers = int(self._answers * AHEAD_S / (at - self._answers_at))
        self._ahead_now = min(max(least, answers), self.rules.ahead_times * least)
        self._answers, self._answers_at = 0, at

    def _returned(self, event: Returned) -> None:
        live = self.live[event.job]
        if live.state is not State.RUNNING or live.attempt != event.attempt:
            raise InvalidTransition(f"{self.jobs[event.job].key}: given back in state {live.state.name}")
        self.in_flight -= 1
        self._make_ready(event.job)
        self._unbegin(event.job)

    def _unbegin(self, index: int) -> None:
        """Take back the intent of an effect that surely did not leave: a resume need not look what became of it."""
        if index in self._unsent:
            self._unsent.discard(index)
            self.live[index].durable = ({}, False)
            self._out.append(Write(Record("step", index, {}, self._made(index, ""))))

    def _halt(self, event: Answered, what: str) -> None:
        problem = event.answer.problem
        said, hint = (f"{what}: {problem.message}", problem.advice) if problem else (what, "")
        self._stop(StopAsked(Stop.PLATFORM, event.at, said, hint))
        self._make_ready(event.job)  # not done; a resume asks again
        self._unbegin(event.job)

    def _again(self, event: Answered, call: Call) -> None:
        """Throttled, faulty, lost or not sent: wait, then ask again, or find out first whether it happened."""
        live, answer = self.live[event.job], event.answer
        if (answer.retry_after_s or 0.0) > PATIENCE_S:
            self._halt(event, f"the platform asks to come back in {(answer.retry_after_s or 0.0) / 3600:.0f} hours")
            return
        uncertain = call.effect and answer.verdict in (Verdict.LOST, Verdict.FAULT)
        if answer.verdict is Verdict.THROTTLED:
            live.throttles += 1
        # Patience with throttling is not patience with faults: each is counted by itself. An effect that may have
        # happened is always looked into: its procedure has a bound of its own.
        tries = live.throttles if answer.verdict is Verdict.THROTTLED else max(1, live.tries - live.throttles)
        delay = self.rules.retry.delay(answer.verdict, 1 if uncertain else tries, answer.retry_after_s, self._rng)
        if uncertain and delay is None:
            delay = 0.0
        if delay is None:
            self._give_up(event, call)
            return
        if answer.verdict is not Verdict.THROTTLED and not self._budget.spend():
            # So much fails that retrying is what keeps a platform down. Nothing is called failed for it.
            self._halt(event, f"too many requests fail ({self._budget.spent} retries)")
            return
        problem = answer.problem
        self._out.append(
            Tell(
                "retry",
                event.job,
                {
                    "verdict": answer.verdict.value,
                    "status": answer.status,
                    "endpoint": call.endpoint,
                    "delay": round(delay, 3),
                    "message": problem.message if problem else "",
                },
            )
        )
        if uncertain:
            # The call is dropped: the procedure is told that it may have happened, and asks before it sends again.
            live.call, live.signal = None, Signal.LOST
        self._pause(event.job, event.at + delay, f"{answer.verdict.value} {answer.status or ''}: trying again".strip())

    def _give_up(self, event: Answered, call: Call) -> None:
        """No more tries. An effect stays open, so that a resume looks what became of it; a look the job judges."""
        if call.effect or event.answer.verdict is Verdict.NOT_SENT or not self._answered_once:
            throttled = event.answer.verdict is Verdict.THROTTLED
            self._halt(event, "the platform takes no more requests" if throttled else "the platform cannot be reached")
            return
        live = self.live[event.job]
        live.call = None
        self._advance(event.job, live, event.answer, event.at)

    # -- endings ---------------------------------------------------------------------------------------------------

    def _record_step(self, index: int, phase: Phase) -> None:
        self.live[index].durable = (phase, False)
        self._ours.update(phase.get(RUNS, ()))
        self._out.append(Write(Record("step", index, phase)))

    def _record_settled(
        self,
        index: int,
        ending: Ending,
        output: Mapping[str, Any],
        problem: Problem | None,
        children: Collection[Any],
        cause: str | None,
    ) -> None:
        data = settled_data(ending, output, problem, children, cause)
        made = self._outcome(index, ending, output)
        self._out.append(Write(Record("settled", index, data, made, self._leases.held(index))))
        self._out.append(
            Tell("settled", index, {"ending": data["ending"], "message": problem.message if problem else ""})
        )
        if children:
            for child in children_of(data):
                self._make_ready(self._add_child(index, child.key, child.kind, child.spec))
        self._close(index, data)

    def _outcome(self, index: int, ending: Ending, output: Mapping[str, Any]) -> Made | None:
        """What there is, or is no more, now that a job is over."""
        job = self.jobs[index]
        if job.collection:
            found = str(output.get("found", ""))
            if ending is Ending.SUCCEEDED and found != "store":
                return self._made(index, str(output.get("id", "")), found)
            # Absent: there is nothing to be in doubt of.
            return self._made(index, "") if output.get(ABSENT) else None
        if job.kind == "delete" and output.get(GONE):
            spec = DeleteSpec.of(job.spec)
            return Made(spec.marker, spec.collection, str(output.get("id", "")), spec.name, "", gone=True)
        return None

    def _made(self, index: int, remote: str, found: str = "") -> Made | None:
        job = self.jobs[index]
        if not job.collection:
            return None
        return Made(job.spec.marker, job.collection, remote, job.spec.name, job.digest, found)

    def _close(self, index: int, data: Mapping[str, Any], *, restored: bool = False) -> None:
        ending = ENDINGS[data["ending"]]
        if self.live.is_over(index):
            raise InvalidTransition(f"{self.jobs[index].key}: settled twice")
        self.live.close(index, data)
        self._open -= 1
        self.counts[ending] += 1
        output = data.get("output")
        if output and RUNS in output:
            self._ours.update(output[RUNS])
        if self._leases.held(index):
            for granted in self._leases.release(index):
                self._lease(granted)
        for dependent in self._links.dependents(index):
            self._edge_settled(dependent, index, ending, restored=restored)
        self._judge(index, data, restored=restored)

    def _edge_settled(self, dependent: int, edge: int, ending: Ending, *, restored: bool) -> None:
        self._links.waits_for[dependent] -= 1
        if restored or self.live.is_over(dependent):
            return  # a restored run has its own record of what was skipped for it, later in the journal
        if ending is not Ending.SUCCEEDED and edge in self.jobs[dependent].needs.values():
            cause = (self.live.settled(edge) or {}).get("cause") or self.jobs[edge].key
            self._record_settled(dependent, Ending.SKIPPED, {}, None, (), cause)
        elif self._may_begin(dependent):
            self._make_ready(dependent)

    def _judge(self, index: int, data: Mapping[str, Any], *, restored: bool) -> None:
        """Count what has ended, and stop where that is too much of a bad thing."""
        asked = self._judgement.settled(index, self.root(index), self.jobs[index], data, restored=restored)
        if asked is not None and self.stopped is None:
            self._stop(asked)


def _closed(answer: Answer) -> bool:
    """Whether nobody gets through: it was the token endpoint that refused, or there is no such sandbox."""
    code = answer.problem.code if answer.problem is not None else ""
    return code == NO_TOKEN or code in NO_SANDBOX
