"""An event loop whose time passes only while nothing can be done: what is slow on this machine takes no time on it.

Tests of whole runs have client and platform in one process, on one loop. On this one a wait ends as soon as everything
else has come to rest, so that an hour of the platform's needs no hour and a busy machine misses no deadline.
"""

from __future__ import annotations

import asyncio
import queue
import selectors
import time

import pytest

import headgate.clock
from headgate.store import inbox, sqlite, sqlite_journal

#: What the kernel may still be carrying from one socket of this process to another, in seconds; of a wait of ``w``
#: seconds at most the twentieth part.
GRACE_S = 0.02
#: What one pass of the loop takes: a wait that is too short to be told from none would never be over.
PASS_S = 1e-6


class _Work:
    """What threads are doing for the loop: it does not let time pass before they are through."""

    def __init__(self) -> None:
        self.given = self.done = 0
        self.over = False

    @property
    def busy(self) -> bool:
        """Whether something is still to come of it."""
        return self.given != self.done and not self.over


class _Selector(selectors.DefaultSelector):
    """Looks whether there is anything to do; when not, the time that was to be waited is over."""

    def __init__(self) -> None:
        super().__init__()
        self.now = time.monotonic()
        self.works: list[_Work] = []

    def select(self, timeout=None):
        self.now += PASS_S
        ready = super().select(0)
        if ready or (timeout is not None and timeout <= 0):
            return ready
        while True:
            busy = any(work.busy for work in self.works)
            grace = 0.05 if timeout is None else 0.002 if busy else min(timeout / 20, GRACE_S)
            ready = super().select(grace)
            if ready:
                return ready
            if timeout is not None and not busy:
                self.now += timeout
                return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """See the head of this file."""

    #: The one that is open.
    current: VirtualLoop | None = None

    def __init__(self) -> None:
        self._looking = _Selector()
        super().__init__(self._looking)
        VirtualLoop.current = self

    def time(self) -> float:
        return self._looking.now

    def works(self) -> _Work:
        """A new account of what a thread does."""
        work = _Work()
        self._looking.works.append(work)
        return work

    def run_in_executor(self, executor, func, *args):
        work = self.works()
        work.given = 1
        future = super().run_in_executor(executor, func, *args)
        future.add_done_callback(lambda _: self._looking.works.remove(work))
        return future

    def close(self) -> None:
        VirtualLoop.current = None
        super().close()


class _Time:
    """The module ``time``, but for the two clocks."""

    def __getattr__(self, name):
        return getattr(time, name)

    @staticmethod
    def monotonic():
        loop = VirtualLoop.current
        return loop.time() if loop else time.monotonic()

    @classmethod
    def time(cls):
        return time.time() + cls.monotonic() - time.monotonic()


class _Queue(queue.SimpleQueue):
    """The journal's queue: what was put in has been written when its writer has come round."""

    def __init__(self) -> None:
        super().__init__()
        self.work = VirtualLoop.current.works() if VirtualLoop.current else _Work()
        self.taken = 0

    def put(self, item, block=True, timeout=None):
        self.work.given += 1
        super().put(item, block, timeout)

    def get(self, block=True, timeout=None):
        item = super().get(block, timeout)
        self.taken += 1
        return item

    def get_nowait(self):
        item = super().get_nowait()
        self.taken += 1
        return item


class _Queues:
    """The module ``queue``, as the journal knows it."""

    SimpleQueue, Empty = _Queue, queue.Empty


def install(patch) -> None:
    """Clock and journal go by the virtual loop, where there is one; ``patch`` is pytest's ``monkeypatch``."""
    group = sqlite_journal.SqliteJournal._group

    def counted(self, db):
        work = self._queue.work
        try:
            return group(self, db)
        except BaseException:
            work.over = True
            raise
        finally:
            work.done = self._queue.taken

    for module in (headgate.clock, inbox, sqlite, sqlite_journal):
        patch.setattr(module, "time", _Time())
    patch.setattr(sqlite_journal, "queue", _Queues)
    patch.setattr(sqlite_journal.SqliteJournal, "_group", counted)


def loops(config, item):
    """Pytest's hook for which loop a test is run on, for a room's ``conftest.py``."""
    return {"real": asyncio.new_event_loop} if item.get_closest_marker("real_time") else {"virtual": VirtualLoop}


@pytest.fixture(autouse=True)
def virtual_time(monkeypatch):
    """Everything of the room goes by the loop."""
    install(monkeypatch)
