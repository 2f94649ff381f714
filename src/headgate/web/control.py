"""What the process that drives a run can tell and do about it, beyond what it writes to the store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from headgate.watch import Watch


class Control(Protocol):
    """One run that this process drives."""

    @property
    def run_id(self) -> str:
        """The run; empty before there is one."""
        ...

    def now(self) -> dict[str, Any]:
        """How it stands: ``inFlight``, ``paused``, ``stopping`` (words, or empty); where it is known, when it will be
        over (``left``, ``overAt``), ``why`` the rate is what it is, and what ``waits``.
        """
        ...

    def do(self, action: str) -> str:
        """Pause, go on, drain or cancel; what came of it, in words.

        Raises:
            KeyError: there is no such action.
        """
        ...


class Driver:
    """Control of the run behind a :class:`~headgate.watch.Watch`. Used on its event loop alone."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch

    @property
    def run_id(self) -> str:
        """The run; empty before there is one."""
        return self._watch.run.id if self._watch.run is not None else ""

    def now(self) -> dict[str, Any]:
        """How it stands."""
        return self._watch.now()

    def do(self, action: str) -> str:
        """Pause, go on, drain or cancel."""
        return self._watch.ask(action)
