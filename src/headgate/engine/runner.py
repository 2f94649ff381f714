"""The async shell around the machine: it performs what the machine decides, and tells it what came of it.

The order that makes ``kill -9`` harmless is kept here: an effect's intent is durable before its request may leave,
and what its answer means is journaled before anything that depends on it can become durable (one queue, in order).
Intents are written ahead of the slots, so that no slot waits for the disk.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from headgate.classes import frozen
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
    Ticked,
    Write,
)
from headgate.engine.record import TIMES
from headgate.faultpoint import Point, reach

if TYPE_CHECKING:
    from headgate.clock import Clock
    from headgate.engine.gate import Gate
    from headgate.engine.machine import Machine
    from headgate.engine.record import Record
    from headgate.engine.tally import Tally
    from headgate.exchange import Answer
    from headgate.pacing import Change
    from headgate.platform.contract import Platform
    from headgate.store.contract import Journal, Leased

#: How a run ends that is ended at once.
_AT_ONCE = Finish(Stop.INTERRUPTED, "stopped at once")
Observer = Callable[[Tell], None]
#: How often counters are handed to the store, in seconds.
COUNT_EVERY_S = 0.5


@frozen
class Limits:
    """Requests per second, and at once."""

    rate_per_s: float = 50.0
    concurrency: int = 100


class Runner:
    """Drives one machine to its end. ``journal.broken`` ends the run with a store error."""

    def __init__(
        self,
        machine: Machine,
        platform: Platform,
        journal: Journal,
        clock: Clock,
        gate: Gate,
        tally: Tally,
        *,
        limits: Limits,
        observers: tuple[Observer, ...] = (),
    ) -> None:
        self._machine, self._platform, self._journal, self._clock = machine, platform, journal, clock
        self._gate, self._tally, self._limits = gate, tally, limits
        self._observers = observers
        gate.listener = self._paced
        self._outbox: deque[Send] = deque()
        #: Requests that wait for leave, and whether anything may still leave.
        self._leaving: dict[int, Send] = {}
        self._stopped = False
        #: Nothing is sent any more, and nobody is told.
        self._over = False
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._ended: asyncio.Future[Finish] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at: float | None = None
        self._counted_at = 0.0
        self._began = clock.mono()
        #: When each job's first request left, in seconds of this life, until the job is settled.
        self._first: dict[int, float] = {}
        #: Requests on their way right now.
        self.flying = 0
        #: What went wrong in observers, which hear nothing since.
        self.deaf: list[Exception] = []

    @property
    def wall_s(self) -> float:
        """Seconds since this life of the run began."""
        return self._clock.mono() - self._began

    async def run(self, begun: Callable[[], None] = lambda: None) -> Finish:
        """Run until everything is settled or stopped. What was understood is durable when this returns.

        ``begun`` is called when the run can be stopped, before anything is decided.

        Raises:
            StoreError: the journal could not be written; nothing was sent after that.
        """
        loop = asyncio.get_running_loop()
        self._ended = loop.create_future()
        finish = _AT_ONCE
        async with asyncio.TaskGroup() as group:
            workers = [group.create_task(self._work()) for _ in range(self._limits.concurrency)]
            begun()
            self._tally.begin(self._clock.now())
            self._feed(Ticked(self._clock.mono()))
            broken = getattr(self._journal, "broken", None)
            await asyncio.wait(
                [self._ended, *([broken] if broken is not None else [])], return_when=asyncio.FIRST_COMPLETED
            )
            if self._ended.done():
                finish = self._ended.result()
            for worker in workers:
                worker.cancel()
        if self._timer is not None:
            self._timer.cancel()
        self._tally.limits = self._gate.found()
        self._journal.count(self._tally.as_dict(self.wall_s))
        await self._journal.flush()
        return finish

    def stop(self, reason: Stop, detail: str = "") -> None:
        """Start nothing new; let what is on its way end."""
        self._feed(StopAsked(reason, self._clock.mono(), detail))

    def hold(self, seconds: float) -> None:
        """Let no request leave for ``seconds`` from now; 0 ends that."""
        self._gate.hold(seconds)

    def cancel(self) -> None:
        """End at once. What is on its way stays an open intent, and a resume looks what became of it."""
        if self._ended is not None and not self._ended.done():
            self._over = True
            self._leaving.clear()
            self._outbox.clear()
            self._ended.set_result(_AT_ONCE)

    # -- performing ------------------------------------------------------------------------------------------------

    def _feed(self, event: Event) -> None:
        """Tell the machine and obey it. Called from tasks, timers and callbacks alike: a fault of ours ends the run."""
        try:
            for command in self._machine.handle(event):
                self._obey(command)
            self._set_timer()
        except Exception as error:
            if self._ended is None or self._ended.done():
                raise
            self._ended.set_exception(error)

    def _obey(self, command: Command) -> None:
        # What every job brings comes first.
        if isinstance(command, Send):
            if command.intent is not None:
                self._journal.append(command.intent, partial(self._post, command))
                reach(Point.INTENT_QUEUED, command.call.endpoint)
            else:
                self._post(command)
        elif isinstance(command, Write):
            if command.record.kind == "settled":
                self._time(command.record)
            self._journal.append(command.record)
        elif isinstance(command, Tell):
            if command.name == "retry":
                self._tally.retried += 1
            elif command.name == "run":
                self._tally.noticed(command.fields["lag"])
            elif command.name == "stop":
                self._recall()
            self._tell(command)
        elif isinstance(command, Lease):
            self._journal.lease(command.keys, command.note, partial(self._claimed, command.job))
        elif isinstance(command, Learn):
            self._journal.learn(command.rows)
        elif self._ended is not None and not self._ended.done():
            self._ended.set_result(command)

    def _claimed(self, job: int, answer: Leased) -> None:
        self._feed(Claimed(job, self._clock.mono(), answer.by, answer.notes, answer.known))

    def _tell(self, tell: Tell) -> None:
        """Tell those who listen. One that fails is told nothing more, and does not harm the run."""
        for observer in self._observers:
            try:
                observer(tell)
            except Exception as error:  # noqa: BLE001 - whatever it is, it is the observer's
                self._observers = tuple(other for other in self._observers if other is not observer)
                self.deaf.append(error)

    def _paced(self, change: Change) -> None:
        self._machine.paced(self._gate.rate)
        said = {"scope": change.scope, "perSecond": round(change.per_s, 2), "message": str(change)}
        self._tell(Tell("rate", -1, said))

    def _recall(self) -> None:
        """Give back what has not left: a stop lets requests on their way end, and none begin."""
        self._stopped = True
        recalled = [*self._leaving.values(), *self._outbox]
        self._leaving.clear()
        self._outbox.clear()
        for send in recalled:
            self._feed(Returned(send.job, send.attempt, self._clock.mono()))

    def _post(self, send: Send) -> None:
        reach(Point.MAY_LEAVE, send.call.endpoint)
        if self._over:
            return
        if self._stopped:  # its intent became durable too late
            self._feed(Returned(send.job, send.attempt, self._clock.mono()))
            return
        self._outbox.append(send)
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(None)
                break

    async def _work(self) -> None:
        perform, gate, mono = self._platform.perform, self._gate, self._clock.mono
        outbox, create_future = self._outbox, asyncio.get_running_loop().create_future
        while True:
            while not outbox:
                waiter = create_future()
                self._waiting.append(waiter)
                await waiter
            send = outbox.popleft()
            endpoint, at = send.call.endpoint, mono()
            if not gate.passes(endpoint, at):
                self._leaving[send.job] = send
                await gate.pass_one(endpoint)
                if self._leaving.pop(send.job, None) is not send:
                    continue  # given back while it waited
                at = mono()
            self.flying += 1
            reach(Point.LEAVING, endpoint)
            left_s = at - self._began
            self._first.setdefault(send.job, left_s)
            try:
                answer = await perform(send.call)
            finally:
                self.flying -= 1
            reach(Point.ANSWERED, endpoint)
            at = mono()
            self._count(send, answer, left_s, at)
            self._feed(Answered(send.job, send.attempt, answer, at))
            reach(Point.ANSWER_QUEUED, endpoint)

    def _ceiling(self) -> float:
        """The rate that requests are held to right now, for the report."""
        return self._gate.rate

    def _time(self, record: Record) -> None:
        """Put into a job's last record when its first request left and when it was over, for the report."""
        first = self._first.pop(record.job, None)
        if first is not None and isinstance(record.data, dict):
            before, now = self._tally.seconds, self._clock.mono() - self._began
            # (Milliseconds; ``round`` costs three times as much, and this is done for every job.)
            record.data[TIMES] = [int((before + first) * 1000) / 1000, int((before + now) * 1000) / 1000]

    def _count(self, send: Send, answer: Answer, left_s: float, now: float) -> None:
        refused = self._gate.answered(send.call, answer, send.job)
        self._tally.answered(send.call, answer, left_s, refused=refused)
        if now - self._counted_at >= COUNT_EVERY_S:
            self._counted_at = now
            self._machine.paced(self._gate.rate)
            self._tally.limits = self._gate.found()
            self._tally.ceiling.set(self._tally.seconds + now - self._began, self._ceiling())
            self._journal.count(self._tally.as_dict(now - self._began))

    # -- time ------------------------------------------------------------------------------------------------------

    def _set_timer(self) -> None:
        wake = self._machine.next_wake()
        if wake == self._timer_at and self._timer is not None:
            return
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._timer_at = wake
        if wake is not None:
            delay = max(0.0, wake - self._clock.mono())
            self._timer = asyncio.get_running_loop().call_later(delay, self._tick)

    def _tick(self) -> None:
        self._timer = None
        self._feed(Ticked(self._clock.mono()))
