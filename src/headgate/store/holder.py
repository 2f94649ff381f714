"""Who holds a run or a key, in words, and whether that process may still be there."""

from __future__ import annotations

import os
import socket
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headgate.classes import frozen
from headgate.errors import StoreBusy, StoreError

if TYPE_CHECKING:
    from collections.abc import Sequence


@cache
def machine() -> str:
    """Which boot of which system, and which of its sets of process numbers, this process lives in; may be empty.

    Only of a process that says the same may its number be asked for: the same number means another process in
    another container, and after a restart.
    """
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        space = str(Path("/proc/self/ns/pid").readlink())
    except (OSError, ValueError):
        return ""
    return f"{boot} {space}"


@cache
def host() -> str:
    """This machine's name, for people."""
    return socket.gethostname()


def surely_gone(where: str, pid: int) -> bool:
    """Whether the process ``pid`` of ``where`` (its :func:`machine`) has ended. ``False`` where nobody can tell."""
    if not where or where != machine():
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False


@frozen
class Taker:
    """Who writes and asks: a run of an organisation's sandbox, and the process that drives it."""

    org: str
    sandbox: str
    run: str
    process: int


@frozen
class Holder:
    """A process that holds something. ``expired`` is the store's clock's word; ``started_at`` epoch seconds."""

    process: int
    host: str
    pid: int
    machine: str
    started_at: float
    expired: bool

    @classmethod
    def of(cls, row: Sequence[Any]) -> Holder:
        """From a row of its columns, in their order."""
        process, host_name, pid, where, started_at, expired = row
        return cls(process, host_name, pid, where, started_at, bool(expired))

    @property
    def lives(self) -> bool:
        """Whether it may still be at work."""
        return not self.expired and not surely_gone(self.machine, self.pid)

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}"

    def busy(self, run_id: str) -> StoreBusy:
        """What to say to who wants the run that this one drives."""
        since = datetime.fromtimestamp(self.started_at, UTC)
        return StoreBusy(
            f"run {run_id} is being driven by {self} (since {since:%Y-%m-%d %H:%M:%S} UTC); nothing was sent",
            hint=f"`headgate status {run_id}` shows how it stands",
        )


def fenced(run_id: str, by: object) -> StoreError:
    """What to say to a process that comes back late. ``by`` is who has the run now, if anybody."""
    return StoreError(
        f"run {run_id} was taken over by {by or 'another process'}; this one has stopped",
        hint="`headgate runs` shows who has it",
    )


def no_run(run_id: str, where: object) -> StoreError:
    """What to say when there is no such run."""
    return StoreError(f"there is no run {run_id} in {where}", hint="`headgate runs` lists them")


def other_organisation(run_id: str, org: str) -> StoreError:
    """What to say when the run is somebody else's."""
    return StoreError(
        f"run {run_id} belongs to the organisation {org}; nothing was sent",
        hint="use the profile of that organisation",
    )


def not_driven(run_id: str, process: int | None) -> StoreError:
    """What to say to who would end, or go on with, a run that is not its own.

    A ``process`` that has a number here has had a run: it was away for too long.
    """
    if process is not None:
        return fenced(run_id, None)
    return StoreError(f"run {run_id} is not driven by this process", hint="`headgate runs` shows who has it")


def fresh_for_s(lease_s: float) -> float:
    """For how long after its renewal a claim is relied upon: a little less than others believe it."""
    return lease_s - min(1.0, lease_s / 10)
