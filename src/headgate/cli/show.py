"""Chooses how progress is shown, and shows it until the run is over."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import TYPE_CHECKING, Final, Protocol

from headgate.cli import plain
from headgate.cli.app import say
from headgate.cli.progress import Looker

if TYPE_CHECKING:
    from headgate.cli.progress import Snapshot
    from headgate.clock import Clock
    from headgate.launch import Watch

LIVE_EVERY_S: Final = 0.25
PLAIN_EVERY_S: Final = 5.0
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

    def show(self, snapshot: Snapshot) -> None:
        """One line."""
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


async def keep_showing(watch: Watch, view: View, every_s: float, clock: Clock) -> None:
    """Look and show until cancelled."""
    looker = Looker(watch, clock)
    pause = LIVE_EVERY_S if every_s == LIVE_EVERY_S else min(every_s, 1.0)
    while True:
        await asyncio.sleep(pause)
        began = clock.mono()
        snapshot = looker.look()
        if snapshot is not None:
            view.show(snapshot)
        pause = max(every_s, (clock.mono() - began) / _SHARE)
