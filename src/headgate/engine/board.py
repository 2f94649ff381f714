"""Which runs are awaited, when to ask for them, and what an answer says of them. Pure; seconds are the platform's.

One list request answers for all. While up to a hundred runs are awaited it names them (``id==a,b,…``); of more it asks
for what ended since its last answer (``metrics.durationSummary.completedAtUTC>…``: any property of a run filters a
list, facts 2.4), a while before that, because lists may lag. What such a list cannot tell — a failed run without a
time (facts 3.3), one that ended before anybody looked, a list that lags too much — comes out by looks at the ids, which
each run has now and then as its age grows. A run that no list shows is asked for alone.

A look is worth while once the youngest of those awaited may be over: at the age at which such runs were first seen to
end, or else the policy's ``first_s``. Looks grow apart with the age, and are closer together the more runs share them.
"""

from __future__ import annotations

import heapq
import math
from collections import deque
from typing import TYPE_CHECKING, Any, Final

from headgate.engine.awaited import (
    NEVER_SHOWN,
    OMITTED,
    PAGE_S,
    Awaited,
    Look,
    Noticed,
    apart,
    began_s,
    ended_s,
    noticed,
)
from headgate.exchange import Answer, Call, Problem, Verdict
from headgate.workflows.contract import RunEnd
from headgate.workflows.runs import is_terminal, items_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from headgate.pacing import PollPolicy
    from headgate.pacing.lengths import Lengths

#: Runs on one page, and ids in one question.
PAGE: Final = 100
#: By how much a list of what ended reaches back beyond the last answer: at first, and when it was seen to lag.
OVERLAP_S: Final = 15.0
OVERLAP_MOST_S: Final = 240.0
#: So many ends in a row that the list of what ended did not show, and it is not asked any more.
MISSES: Final = 20
#: How long it is not asked when it is full of the runs of others.
CROWDED_S: Final = 120.0


class Board:
    """See the head of this module. Jobs are numbers; a run may be awaited by several."""

    def __init__(self, poll: PollPolicy, lengths: Lengths) -> None:
        self._poll, self._lengths = poll, lengths
        self._runs: dict[str, Awaited] = {}
        #: Of each job, what it still awaits and what it will be told.
        self._jobs: dict[int, tuple[set[str], dict[str, RunEnd]]] = {}
        #: Runs that may be over, and when the others may be (or are looked at all the same).
        self._ripe: dict[str, None] = {}
        self._unripe: list[tuple[float, str]] = []
        #: When each run is due to be looked at by its id.
        self._by_id: list[tuple[float, str]] = []
        #: When those are due that no list shows.
        self._lone: list[tuple[float, str]] = []
        self._queue: deque[Look] = deque()
        #: Lists that are being read.
        self._listing = 0
        #: When the next look is due, and from when on one may be made for who has only become ripe.
        self._next_s = self._soon_s = self._youngest_s = 0.0
        self._in_all = 0
        #: Lower bound of the next list of what ended, whether that list is of use, and from when on it is asked.
        self._since_s: float | None = None
        self._overlap_s = OVERLAP_S
        self._missed = 0
        self._useful = True
        #: Whether that list was the last look.
        self._since_last = False
        self._crowded_s = 0.0
        #: Of the runs that were all named together: lists not yet answered, and when the first answer was given.
        self._naming: tuple[int, float] = (0, 0.0)
        #: What has been noticed and not yet been told, and jobs that await nothing any more.
        self.news: list[Noticed] = []
        self.woken: list[int] = []

    # -- who waits -----------------------------------------------------------------------------------------------------

    @property
    def jobs(self) -> Collection[int]:
        """Jobs that wait, the longest first."""
        return self._jobs.keys()

    def awaited(self, job: int) -> list[Awaited]:
        """The runs that ``job`` waits for and that are not known to be over."""
        waits = self._jobs.get(job)
        return [self._runs[run] for run in waits[0]] if waits else []

    def __len__(self) -> int:
        return len(self._runs)

    def wait(self, job: int, runs: Mapping[str, tuple[str, ...]], began_s: float | None, now_s: float) -> None:
        """``job`` waits for ``runs`` (their keys by id).

        ``began_s`` is when the youngest began that was seen just now; ``None`` where nobody looked: then they are
        looked at at once.
        """
        self._jobs[job] = (set(runs), {})
        if self._since_s is None and began_s is not None:
            self._since_s = now_s
        for run, keys in runs.items():
            awaited = self._runs.get(run)
            if awaited is None:
                awaited = self._runs[run] = Awaited(run, keys, began_s)
                self._in_all = max(self._in_all, len(self._runs))
                awaited.ripe_s = now_s
                if began_s is not None:  # and so it was seen going on just now
                    soonest = began_s + (self._lengths.soonest(keys) or self._poll.first_s)
                    awaited.ripe_s = max(soonest, now_s + apart(now_s - began_s, self._in_all, self._poll.cap_s))
                heapq.heappush(self._unripe, (min(awaited.ripe_s, now_s + self._poll.cap_s), run))
                self._due(awaited, now_s if began_s is None else awaited.ripe_s + self._poll.first_s)
            awaited.jobs.add(job)
        if began_s is None:
            self._next_s = self._soon_s = now_s

    def drop(self, job: int) -> dict[str, RunEnd]:
        """``job`` waits no longer. What it has to be told, which may be all or a part of what it waited for."""
        open_runs, told = self._jobs.pop(job)
        for run in open_runs:
            awaited = self._runs[run]
            awaited.jobs.discard(job)
            if not awaited.jobs:
                self._forget(run)
        return told

    def shift(self, by_s: float) -> None:
        """The clock was set: what was to be in so many seconds is still to be in so many."""
        for heap in (self._unripe, self._by_id, self._lone):
            heap[:] = [(at_s + by_s, run) for at_s, run in heap]
        for awaited in self._runs.values():
            awaited.ripe_s += by_s
            awaited.due_s += by_s
            awaited.single_s += by_s
        self._next_s, self._soon_s = self._next_s + by_s, self._soon_s + by_s
        self._youngest_s, self._crowded_s = self._youngest_s + by_s, self._crowded_s + by_s

    def _forget(self, run: str) -> None:
        del self._runs[run]
        self._ripe.pop(run, None)

    # -- when to ask what ----------------------------------------------------------------------------------------------

    def next_s(self) -> float | None:
        """When there is something to ask; ``None`` while nothing is awaited, or a list is being read."""
        if self._queue:
            return 0.0
        if not self._runs or self._listing:
            return None
        times = [self._next_s] if self._ripe else []
        if self._first(self._lone):
            times.append(self._lone[0][0])
        if self._first(self._unripe):
            times.append(max(self._unripe[0][0], self._soon_s))
        return min(times, default=None)

    def ask(self, now_s: float) -> Look | None:
        """The next request that is due, if any. Each is :meth:`answered`."""
        # The list of what ended goes before names that are still to be asked for, but not time and again: where little
        # may be asked, it would always be due.
        again = self._ripe and now_s >= self._next_s and not self._by_lists and not self._since_last
        if not self._listing and (not self._queue or again):
            self._plan(now_s)
        while self._queue:
            look = self._queue.popleft()
            if look.kind == "ids" and (left := [run for run in look.runs if run in self._runs]) != [*look.runs]:
                if not left:  # they are over since
                    self._named(math.inf)
                    continue
                look = _ids(left)
            if look.kind == "one" and look.runs[0] not in self._runs:
                continue
            self._since_last = look.kind == "since"
            self._listing += look.kind != "one"
            return look
        return None

    @property
    def _by_lists(self) -> bool:
        return len(self._runs) <= PAGE or not self._useful or self._since_s is None

    def _plan(self, now_s: float) -> None:
        """Queue what is due."""
        forced = self._ripen(now_s) if now_s >= self._soon_s else False
        if forced or (self._ripe and now_s >= self._next_s):
            self._next_s = now_s + self._apart(now_s)
            self._soon_s = now_s + apart(self._poll.first_s, self._in_all, self._poll.cap_s)
            if self._by_lists or now_s < self._crowded_s:
                self._name(self._runs if len(self._runs) <= PAGE else self._ripe, now_s)
                pages_s = PAGE_S * len(self._queue) if len(self._queue) > 1 else 0.0
                self._next_s, self._soon_s = max(self._next_s, now_s + pages_s), max(self._soon_s, now_s + pages_s)
                self._naming = (sum(look.kind == "ids" for look in self._queue), math.inf)
            else:
                if not self._queue:
                    self._name(self._swept(now_s), now_s)
                self._queue.appendleft(_since((self._since_s or now_s) - self._overlap_s))
        while self._first(self._lone) and self._lone[0][0] <= now_s:
            awaited = self._runs[heapq.heappop(self._lone)[1]]
            if awaited.alone and now_s >= awaited.single_s:  # else a list has shown it since
                self._queue.append(_one(awaited.run))
                self._later(awaited, now_s)

    def _apart(self, now_s: float) -> float:
        """How far the next look is from one that is made now."""
        # Of one that nobody knows when it began, as if that were so long ago as the first look mostly is.
        return apart(max(now_s - self._youngest_s, self._poll.first_s), self._in_all, self._poll.cap_s)

    def _ripen(self, now_s: float) -> bool:
        """Who may be over now is looked at from now on; whether anybody is to be looked at for that."""
        forced = False
        while self._first(self._unripe) and self._unripe[0][0] <= now_s:
            run = heapq.heappop(self._unripe)[1]
            awaited, forced = self._runs[run], True
            if awaited.ripe_s > now_s:  # it should not be over for a long time; but who knows
                heapq.heappush(self._unripe, (min(awaited.ripe_s, now_s + self._poll.cap_s), run))
                continue
            self._ripe[run] = None
            self._youngest_s = max(self._youngest_s, now_s if awaited.born_s is None else awaited.born_s)
        return forced

    def _swept(self, now_s: float) -> list[str]:
        """Runs whose look by id is due; a page is asked for in full: who would be due next comes along."""
        due: list[str] = []
        while self._first(self._by_id) and (self._by_id[0][0] <= now_s or len(due) % PAGE):
            at_s, run = heapq.heappop(self._by_id)
            if self._runs[run].due_s == at_s:  # else it has been looked at since that was noted
                self._runs[run].due_s = 0.0
                due.append(run)
        return due

    def _name(self, runs: Iterable[str], now_s: float) -> None:
        named = list(runs)
        for at in range(0, len(named), PAGE):
            self._queue.append(_ids(named[at : at + PAGE]))
        for run in named:
            awaited = self._runs[run]
            if self._useful:
                self._due(awaited, now_s + self._poll.wait(awaited.looks))
            awaited.looks += 1

    def _due(self, awaited: Awaited, at_s: float) -> None:
        awaited.due_s = at_s
        heapq.heappush(self._by_id, (at_s, awaited.run))

    def _later(self, awaited: Awaited, now_s: float) -> None:
        """Ask for it alone, later and later as its age grows."""
        age_s = max(self._poll.first_s, now_s - (awaited.born_s or now_s))
        awaited.single_s = now_s + apart(age_s, 1, self._poll.cap_s)
        heapq.heappush(self._lone, (awaited.single_s, awaited.run))

    def _first(self, heap: list[tuple[float, str]]) -> bool:
        """Whether there is anything in ``heap`` that is still awaited; then it is the first."""
        while heap and heap[0][1] not in self._runs:
            heapq.heappop(heap)
        return bool(heap)

    # -- what was answered ---------------------------------------------------------------------------------------------

    def answered(self, look: Look, answer: Answer, now_s: float) -> None:
        """Take in the answer to ``look``; what it tells is in ``news`` and ``woken``."""
        self._listing -= look.kind != "one"
        if answer.verdict is not Verdict.OK:
            self._refused(look, answer, now_s)
            return
        shown, token = items_of(answer.body)
        at_s = now_s if answer.date_s is None else answer.date_s
        if self._since_s is None:
            self._since_s = at_s
        seen = {str(run.get("id")) for run in shown}
        for run in shown:
            self._see(look, run, now_s)
        if look.kind == "since":
            self._page_read(look, token, at_s, now_s)
        elif look.kind == "ids" and token and (rest := [run for run in look.runs if run not in seen]) != [*look.runs]:
            self._queue.appendleft(_ids(rest))  # a page may be smaller than was asked for
        elif look.kind == "ids":
            self._named(at_s)
            if self._by_lists:  # now that it is known how old they are
                self._next_s = max(self._next_s, now_s + self._apart(now_s))
            for missing in (run for run in look.runs if run not in seen):
                self._hidden(missing, now_s)
        elif (awaited := self._runs.get(look.runs[0])) is not None and look.runs[0] in seen and not awaited.alone:
            # What its own address shows and lists do not is asked for alone from now on. What neither shows may
            # take a while to become readable (facts 3.6): it stays in the lists.
            awaited.alone = awaited.hidden >= (OMITTED if awaited.listed else NEVER_SHOWN)
            if awaited.alone:
                self._later(awaited, now_s)

    def _named(self, at_s: float) -> None:
        """All runs that may be over have been asked for by their names: none ended long before that unseen."""
        left, first_s = self._naming
        self._naming = (left - 1, min(first_s, at_s))
        if left == 1 and self._since_s is not None and self._naming[1] < math.inf:
            self._since_s = max(self._since_s, self._naming[1])

    def _hidden(self, run: str, now_s: float) -> None:
        """A list that named ``run`` did not show it: ask for it alone, if that is no accident."""
        awaited = self._runs.get(run)
        if awaited is None or awaited.alone:
            return
        awaited.hidden += 1
        if now_s >= awaited.single_s and (not awaited.listed or awaited.hidden >= OMITTED):
            awaited.single_s = now_s + self._poll.wait(awaited.looks)
            self._queue.append(_one(run))

    def _see(self, look: Look, run: Mapping[str, Any], now_s: float) -> None:
        awaited = self._runs.get(str(run.get("id")))
        if awaited is None:
            return  # of somebody else, or known to be over
        if look.kind != "one":
            awaited.listed, awaited.hidden, awaited.alone = True, 0, False
        if awaited.born_s is None and (born_s := began_s(run)) is not None:
            awaited.born_s = min(born_s, now_s)
            if len(self._runs) <= PAGE:
                self._youngest_s = max(one.born_s or 0.0 for one in self._runs.values())
        if not is_terminal(run):
            return
        self._judge(look, run)
        found = noticed(run, awaited, now_s)
        if found.seconds is not None:
            self._lengths.learn(found.keys, found.seconds)
        self.news.append(found)
        self._tell(awaited, RunEnd(found.state, found.reason))

    def _judge(self, look: Look, run: Mapping[str, Any]) -> None:
        """Whether the list of what ended should have shown a run that is over: then it reaches back further."""
        if look.kind == "since":
            self._missed = 0
            return
        end = ended_s(run)
        if self._by_lists or self._since_s is None or end is None or end > self._since_s - self._overlap_s:
            return
        self._overlap_s = min(OVERLAP_MOST_S, self._overlap_s * 2)
        self._missed += 1
        self._useful = self._missed < MISSES

    def _tell(self, awaited: Awaited, end: RunEnd) -> None:
        self._forget(awaited.run)
        for job in sorted(awaited.jobs):
            open_runs, told = self._jobs[job]
            open_runs.discard(awaited.run)
            told[awaited.run] = end
            if not open_runs:
                self.woken.append(job)

    def _page_read(self, look: Look, token: str, at_s: float, now_s: float) -> None:
        first_s = at_s if look.page == 0 else look.first_s
        if not token:
            self._since_s = max(self._since_s or 0.0, first_s)
        elif look.page > len(self._runs) // PAGE + 1:
            # Naming the runs takes fewer requests than to read what others have done. The bound stays where it is.
            self._crowded_s, self._next_s = now_s + CROWDED_S, now_s
        else:
            self._queue.appendleft(_since(look.since_s, token, look.page + 1, first_s))

    def _refused(self, look: Look, answer: Answer, now_s: float) -> None:
        if look.kind == "since":
            # Refused it is of no use; where it could only not be answered, the runs are named for a while.
            self._useful = self._useful and answer.verdict not in (Verdict.REJECTED, Verdict.REFUSED)
            self._crowded_s, self._next_s = now_s + CROWDED_S, now_s
        elif look.kind == "ids":
            self._naming = (0, 0.0)
            self._queue += [_one(run) for run in look.runs if run in self._runs]
        elif answer.status != 404 and (awaited := self._runs.get(look.runs[0])) is not None:
            # Nobody can say what becomes of it: who waits for it has to know that.
            problem = answer.problem or Problem(answer.status, "", "no answer")
            self._tell(awaited, RunEnd("running", None, problem))


def _since(since_s: float, token: str = "", page: int = 0, first_s: float = 0.0) -> Look:
    call = _list(f"metrics.durationSummary.completedAtUTC>{int(since_s * 1000)}", token)
    return Look("since", call, (), page, first_s, since_s)


def _ids(runs: list[str]) -> Look:
    return Look("ids", _list(f"id=={','.join(runs)}"), tuple(runs))


def _list(condition: str, token: str = "") -> Call:
    query = (("property", condition), ("limit", str(PAGE)), *((("continuationToken", token),) if token else ()))
    return Call("GET", "flow", "/runs", "GET /runs", "poll", query=query)


def _one(run: str) -> Look:
    return Look("one", Call("GET", "flow", f"/runs/{run}", "GET /runs/{id}", "poll"), (run,))
