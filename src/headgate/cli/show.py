"""Chooses how progress is shown, and shows it until the run is over."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import TYPE_CHECKING, Any, Final, Protocol

from headgate.cli import plain
from headgate.cli.app import say

if TYPE_CHECKING:
    from headgate.cli.progress import Looker, Snapshot
    from headgate.clock import Clock
    from headgate.watch import Watch

LIVE_EVERY_S: Final = 0.25
PLAIN_EVERY_S: Final = 5.0
#: Causes of failures that are told as they come; the report has all.
_MOST_CAUSES: Final = 10
#: A look may take at most this share of the time, however many jobs there are.
_SHARE: Final = 0.02


class View(Protocol):
    """Where progress goes."""

    def show(self, snapshot: Snapshot) -> None:
        """Show how the run stands."""

    def say(self, text: str) -> None:
        """Say something that stays."""

    def close(self) -> None:
        """End."""


class Lines:
    """Plain lines on stderr."""

    def __init__(self) -> None:
        self._known: set[tuple[int, str, str]] = set()

    def show(self, snapshot: Snapshot) -> None:
        """One line, and one for each cause of failures that is new: a log is read from its beginning."""
        for cause in snapshot.causes:
            key = (cause.status, cause.code, cause.example)
            if key not in self._known and len(self._known) < _MOST_CAUSES:
                self._known.add(key)
                say(plain.cause(cause))
        say(plain.line(snapshot))

    def say(self, text: str) -> None:
        """As it is."""
        say(text)

    def close(self) -> None:
        """Nothing to end."""


class Silence(Lines):
    """No progress; what must be said is said."""

    def show(self, snapshot: Snapshot) -> None:
        """Nothing."""


def choose(*, progress: bool) -> tuple[View, float]:
    """The view that fits stderr, and the seconds between two looks."""
    if not progress:
        return Silence(), PLAIN_EVERY_S
    if sys.stderr.isatty() and os.environ.get("TERM", "") != "dumb":
        from headgate.cli.live import Screen

        return Screen(), LIVE_EVERY_S
    return Lines(), PLAIN_EVERY_S


class Sight:
    """A run as it can be seen from its beginning; what looks at it is loaded once there may be something to see."""

    def __init__(self, watch: Watch, clock: Clock) -> None:
        self._watch, self._clock, self._began = watch, clock, clock.mono()
        self._looker: Looker | None = None

    def hear(self, tell: Any) -> None:
        """An observer of the run: passes on what the looker shows."""
        if tell.name == "rate":
            self._made().hear(tell)

    def look(self) -> Snapshot | None:
        """How the run stands; ``None`` before there is one."""
        return self._made().look()

    def _made(self) -> Looker:
        if self._looker is None:
            from headgate.cli.progress import Looker

            self._looker = Looker(self._watch, self._clock, self._began)
        return self._looker


async def keep_showing(sight: Sight, view: View, every_s: float, clock: Clock) -> None:
    """Look and show until cancelled."""
    pause = LIVE_EVERY_S if every_s == LIVE_EVERY_S else min(every_s, 1.0)
    while True:
        await asyncio.sleep(pause)
        began = clock.mono()
        snapshot = sight.look()
        if snapshot is not None:
            view.show(snapshot)
        pause = max(every_s, (clock.mono() - began) / _SHARE)
