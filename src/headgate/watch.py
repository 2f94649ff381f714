"""A run in progress, for those who look at it, and for those who want to pause or stop it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

from headgate.engine.events import Stop
from headgate.engine.runner import Limits

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from headgate.engine.gate import Gate
    from headgate.engine.machine import Machine
    from headgate.engine.runner import Runner
    from headgate.engine.tally import Tally
    from headgate.store.contract import Journal, RunRow

#: What may be asked of a run while it goes.
ACTIONS: Final = ("pause", "go", "drain", "cancel")
#: Why a run that is paused does nothing.
PAUSED: Final = "paused from a live page: no request leaves until it goes on"


class Watch:
    """One run of this process. Filled in as it comes to life; used on its event loop alone."""

    def __init__(self, begun: Callable[[], None] = lambda: None) -> None:
        """``begun`` is called when everything is there, before anything is sent."""
        self._begun = begun
        self.run: RunRow | None = None
        self.machine: Machine | None = None
        self.runner: Runner | None = None
        self.tally: Tally | None = None
        self.journal: Journal | None = None
        self.limits = Limits()
        self.gate: Gate | None = None
        self.continued = False
        #: Whether somebody has asked that no request leaves for now.
        self.paused = False
        #: Tells the person at the terminal what was asked for from elsewhere.
        self.say: Callable[[str], object] = lambda _: None
        self._told: Mapping[str, Any] = {}
        self._asked = ""

    # -- what may be done to it ----------------------------------------------------------------------------------------

    def drain(self) -> None:
        """Start nothing new; save; end. Asked before the run has begun, it ends as soon as it does."""
        self._asked = "drain"
        self.go()
        self.heed()

    def cancel(self) -> None:
        """End at once; a resume looks what became of the requests on their way."""
        self._asked = "cancel"
        self.go()
        self.heed()

    @property
    def cancelled(self) -> bool:
        """Whether it was asked to end at once."""
        return self._asked == "cancel"

    def hold(self, seconds: float) -> None:
        """Let no request leave for ``seconds`` from now; what is on its way may end."""
        if self.runner is not None:
            self.runner.hold(seconds)

    def pause(self) -> None:
        """Let no request leave until it goes on; what is on its way may end."""
        self.paused = True
        self.heed()

    def go(self) -> None:
        """End a pause."""
        if self.paused and self.runner is not None:
            self.runner.hold(0.0)
        self.paused = False

    def ask(self, action: str) -> str:
        """What a live page asks, of this process or of another one; what came of it, in words.

        Raises:
            KeyError: there is no such action.
        """
        said = {"pause": self._ask_pause, "go": self._ask_go, "drain": self._ask_drain, "cancel": self._ask_cancel}
        words = said[action]()
        self.tell(self._told)
        return words

    def _ask_pause(self) -> str:
        if self.runner is None:
            return "the run has not begun yet"
        if not self.paused:
            self.pause()
            self.say(PAUSED)
        return "paused: no request leaves; what is on its way may end"

    def _ask_go(self) -> str:
        if self.paused:
            self.go()
            self.say("goes on, asked for on the live page")
        return "it goes on"

    def _ask_drain(self) -> str:
        self.say("stopping, asked for on the live page: nothing new is started, then the state is saved")
        self.drain()
        return "draining: what is on its way may end, nothing new is started, then the state is saved"

    def _ask_cancel(self) -> str:
        self.say("stopping at once, asked for on the live page")
        self.cancel()
        return "stopping at once; a resume looks what became of the requests on their way"

    # -- how it stands -------------------------------------------------------------------------------------------------

    def now(self) -> dict[str, Any]:
        """``inFlight``, ``paused``, ``stopping`` (words, or empty), and what was last told of it."""
        stopped = self.machine.stopped if self.machine is not None else None
        return {
            **self._told,
            **({"left": "", "overAt": [], "why": PAUSED} if self.paused else {}),
            "inFlight": self.runner.flying if self.runner is not None else 0,
            "paused": self.paused,
            "stopping": "" if stopped is None else stopped.detail or stopped.reason.value,
        }

    def tell(self, told: Mapping[str, Any]) -> None:
        """How it stands, for who looks from elsewhere: members that are JSON, and none of them a secret."""
        self._told = told
        if self.journal is not None:
            now = self.now()
            if not told:  # nobody will say when that has changed
                del now["inFlight"]
            self.journal.tell(now)

    # -- for who drives it ---------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """The run is about to send its first request."""
        self._begun()
        self.heed()

    def heed(self) -> None:
        """Pass on to the runner what was asked."""
        if self.runner is None:
            return
        if self.paused:
            self.runner.hold(math.inf)
        if self._asked == "drain":
            self.runner.stop(Stop.INTERRUPTED, "interrupted")
        elif self._asked == "cancel":
            self.runner.cancel()
