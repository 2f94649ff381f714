"""Looks at a state store again and again: each look gives the state of a page, and reads only what is new.

Called in a thread of its own, one look at a time: stores block, and making rows of many jobs takes a while.
"""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, Protocol

from headgate.engine.record import JobPast, Past, children_of
from headgate.errors import HeadgateError, StoreError, StoreMissing
from headgate.launch import told_of
from headgate.planning.outline import Outline
from headgate.report.build import UNFINISHED, nothing_done, requests_of
from headgate.report.model import rfc3339
from headgate.report.page import commands
from headgate.report.page.payload import measured, payload
from headgate.report.story import Story, story

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from headgate.engine.record import Latest
    from headgate.store import RunRow, Store
    from headgate.web.delta import State

#: A run that says that it goes, and that nobody drives.
ABANDONED: Final = "abandoned"
#: Where a row's status stands, and the words beside it.
_STATUS_AND_WHY: Final = {"items": (2, 4), "pairs": (3, 8)}


class Look(Protocol):
    """Something that is looked at again and again."""

    def look(self, here: Mapping[str, Any] | None, *, rows: bool) -> State:
        """Its state now.

        Args:
            here: What the process that drives it tells, where that is this one.
            rows: Whether to make its rows anew, which takes long where there are many.

        Raises:
            HeadgateError: it cannot be read.
        """
        ...


class Reader:
    """A store that is opened when it is first read, and again after trouble."""

    def __init__(
        self,
        opening: Callable[[], Store],
        shown: str,
        flags: str = "",
        writing: Callable[[], Store] | None = None,
    ) -> None:
        """``shown`` is where the store is, without a password; ``flags`` what commands need to find it.

        ``writing`` opens it to ask something of who drives a run; without it nobody is asked anything.
        """
        self._opening, self.shown, self.flags, self._writing = opening, shown, flags, writing
        self._store: Store | None = None

    def store(self) -> Store:
        """The store.

        Raises:
            StoreError: it cannot be opened, or there is none yet (:class:`~headgate.errors.StoreMissing`).
        """
        if self._store is None:
            self._store = self._opening()
        return self._store

    def ask(self, run_id: str, action: str) -> str:
        """Ask something of the process that drives a run; whom, in words.

        Raises:
            StoreError: nobody drives it, or the store cannot be written to.
        """
        if self._writing is None:
            raise StoreError(f"{self.shown}: opened for reading only; nothing was asked")
        store = self._writing()
        try:
            return store.ask(run_id, action)
        finally:
            store.close()

    def close(self) -> None:
        """Let go of it."""
        if self._store is not None:
            with suppress(HeadgateError):
                self._store.close()
            self._store = None


def nothing() -> State:
    """The state of a page of which nothing is known yet."""
    state = payload(Story(nothing_done("", "", 0.0)))
    state["run"] |= {"status": "", "startedAt": None, "finishedAt": None}
    return {**state, "live": {}}


class OneRun:
    """The page of one run."""

    def __init__(self, reader: Reader, run_id: str) -> None:
        self._reader, self._id = reader, run_id
        self._outline: Outline | None = None
        self._past, self._number = Past(), 0
        self._row: RunRow | None = None
        self._state: State = {}

    def look(self, here: Mapping[str, Any] | None, *, rows: bool) -> State:
        """Its state now. What its counters say is always fresh; of the rest, only what was journaled since is read."""
        store = self._reader.store()
        row = store.run(self._id)
        if row is None:
            raise StoreError(f"there is no run {self._id!r} in {self._reader.shown}")
        driver = store.holder(self._id) if row.status == "running" else None
        if row.status != "running":
            if row != self._row:
                self._state = self._ended(store)
        elif driver is None:
            if rows:
                self._follow(store)
                self._state = self._going(row, ABANDONED)
        elif not self._state or rows:
            self._follow(store)
            self._state = self._going(row, row.status)
        else:
            told = Story(nothing_done("", "", 0.0), (), row.counters)
            run = {**self._state["run"], "wall": float(row.counters.get("seconds", 0.0)), "status": row.status}
            self._state = {
                **self._state,
                **measured(told),
                "run": run,
                "requests": requests_of(row.counters),
            }
        self._row = row
        now = here if here is not None else store.told(self._id) if driver is not None else {}
        live = {"driver": driver, "here": here is not None, "heeds": bool(now), "store": self._reader.shown, **now}
        return {**self._state, "live": live}

    def _follow(self, store: Store) -> None:
        """Read what was journaled since the last time."""
        if self._outline is None:
            self._outline = Outline.unpacked(store.outline(self._id))
        latest = store.latest(self._id, self._number)
        self._number = latest.number
        absorb(self._past, latest)

    def _ended(self, store: Store) -> State:
        """The whole of a run that has ended: exactly what its report page shows."""
        told = story(*told_of(store, self._id))
        return payload(told, commands(told, self._reader.flags))

    def _going(self, row: RunRow, status: str) -> State:
        assert self._outline is not None
        told = story(row, self._outline, self._past)
        state = payload(told)
        if status == ABANDONED:
            state["commands"] = [list(line) for line in commands(told, self._reader.flags)]
        else:
            open_rows(state)
        state["run"]["status"] = status
        return state


def absorb(past: Past, latest: Latest) -> None:
    """Add later records to what is known of a run's jobs."""
    for job, data in latest.settled.items():
        known = past.jobs.get(job)
        past.children += [(job, child) for child in children_of(data)]
        past.jobs[job] = JobPast(known.phase if known else {}, settled=data)
    past.jobs.update((job, JobPast(dict(data), kind == "intent")) for kind, job, data in latest.open)


def open_rows(state: State) -> State:
    """Of a run that goes: a row that has not come to its end is open; held is what waits for a time."""
    for table, (status, why) in _STATUS_AND_WHY.items():
        for row in state[table]:
            unfinished = row[why] in UNFINISHED
            if row[status] == "held" and (unfinished or not row[why]):
                row[status] = "open"
            if unfinished:
                row[why] = ""
    return state


class AllRuns:
    """The page that lists every run of the store, newest first."""

    def __init__(self, reader: Reader, here: Callable[[], str]) -> None:
        """``here`` gives the run that this process drives."""
        self._reader, self._here = reader, here

    def look(self, here: Mapping[str, Any] | None, *, rows: bool) -> State:  # noqa: ARG002 -- rows are all there is
        """Its state now."""
        live = {"store": self._reader.shown, "here": self._here()}
        try:
            store = self._reader.store()
        except StoreMissing:
            return {"runs": [], "live": live}
        return {"runs": [_line(store, run) for run in store.runs()], "live": live}


def _line(store: Store, run: RunRow) -> list[Any]:
    driver = store.holder(run.id) if run.status == "running" else None
    status = ABANDONED if run.status == "running" and driver is None else run.status
    seconds, sent = round(float(run.counters.get("seconds", 0.0))), int(run.counters.get("sent", 0))
    began = rfc3339(run.started_at)
    left = 0 if driver else run.open  # of a run that goes, what its last life had left
    return [run.id, run.manifest, run.sandbox, run.command, status, began, seconds, sent, left, driver]


def cpu_s() -> float:
    """CPU seconds of the calling thread: what a look costs others, however long it waited."""
    return time.thread_time()
