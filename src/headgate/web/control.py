"""What the process that drives a run can tell and do about it, beyond what it writes to the store."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from headgate.launch import Watch

#: A pause is a hold that is renewed: should whoever renews it fail, the run goes on. In seconds.
_HOLD_S: Final = 1.0
_RENEW_S: Final = 0.25


class Control(Protocol):
    """One run that this process drives."""

    @property
    def run_id(self) -> str:
        """The run; empty before there is one."""
        ...

    def now(self) -> dict[str, Any]:
        """``inFlight``, ``waits`` (lines), ``paused`` and ``stopping`` (words, or empty)."""
        ...

    def do(self, action: str) -> str:
        """Pause, go on, drain or cancel; what came of it, in words.

        Raises:
            KeyError: there is no such action.
        """
        ...


class Driver:
    """Control of the run behind a :class:`~headgate.launch.Watch`. Used on its event loop alone."""

    def __init__(self, watch: Watch, waits: Callable[[], Sequence[str]], say: Callable[[str], None]) -> None:
        """``waits`` gives what waits and why; ``say`` tells the person at the terminal what was asked for."""
        self._watch, self._waits, self._say = watch, waits, say
        self._pause: asyncio.Task[None] | None = None
        self._actions = {"pause": self._hold, "go": self._go, "drain": self._drain, "cancel": self._cancel}

    @property
    def run_id(self) -> str:
        """The run; empty before there is one."""
        return self._watch.run.id if self._watch.run is not None else ""

    def now(self) -> dict[str, Any]:
        """How it stands."""
        runner, machine = self._watch.runner, self._watch.machine
        stopped = machine.stopped if machine is not None else None
        return {
            "inFlight": runner.flying if runner is not None else 0,
            "waits": list(self._waits()),
            "paused": self._pause is not None,
            "stopping": "" if stopped is None else stopped.detail or stopped.reason.value,
        }

    def do(self, action: str) -> str:
        """Pause, go on, drain or cancel."""
        return self._actions[action]()

    def close(self) -> None:
        """Let go: a pause does not outlive the page that asked for it."""
        if self._pause is not None:
            self._pause.cancel()
            self._pause = None
            self._watch.hold(0.0)

    def _hold(self) -> str:
        if self._watch.runner is None:
            return "the run has not begun yet"
        if self._pause is None:
            self._pause = asyncio.get_running_loop().create_task(self._renew())
            self._say("paused from the live page: no request leaves until it goes on")
        return "paused: no request leaves; what is on its way may end"

    async def _renew(self) -> None:
        while True:
            self._watch.hold(_HOLD_S)
            await asyncio.sleep(_RENEW_S)

    def _go(self) -> str:
        if self._pause is not None:
            self.close()
            self._say("goes on, asked for on the live page")
        return "it goes on"

    def _drain(self) -> str:
        self.close()
        self._say("stopping, asked for on the live page: nothing new is started, then the state is saved")
        self._watch.drain()
        return "draining: what is on its way may end, nothing new is started, then the state is saved"

    def _cancel(self) -> str:
        self.close()
        self._say("stopping at once, asked for on the live page")
        self._watch.cancel()
        return "stopping at once; a resume looks what became of the requests on their way"
