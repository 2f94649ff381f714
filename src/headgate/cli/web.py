"""The live page from the command line: beside a run, or by itself over a state store."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from typing import TYPE_CHECKING

from headgate.cli.drive import state_flag

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from headgate.cli.progress import Snapshot
    from headgate.cli.show import View
    from headgate.launch import Watch
    from headgate.settings import Profile
    from headgate.web.looks import Reader
    from headgate.web.server import LivePage


@dataclass(frozen=True, slots=True)
class Place:
    """Where the page listens; port 0 takes a free one."""

    host: str = "127.0.0.1"
    port: int = 0


class Overheard:
    """A view that keeps what it was last shown, so that nobody has to look twice."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._last: Snapshot | None = None

    def waits(self) -> Sequence[str]:
        """What waits and why, when it was last looked at."""
        return self._last.waits if self._last is not None else ()

    def show(self, snapshot: Snapshot) -> None:
        """Keep it, and show it."""
        self._last = snapshot
        self._view.show(snapshot)

    def say(self, text: str) -> None:
        """As it is."""
        self._view.say(text)

    def close(self) -> None:
        """End."""
        self._view.close()


@asynccontextmanager
async def beside(place: Place, profile: Profile, watch: Watch, view: View) -> AsyncIterator[View]:
    """Serve the live page while a run goes; the view to show that run in.

    Raises:
        UsageError: the address cannot be bound.
    """
    from headgate.web.control import Driver
    from headgate.web.server import LivePage

    heard = Overheard(view)
    driver = Driver(watch, heard.waits, view.say)
    try:
        async with LivePage(reader_of(profile), driver, host=place.host, port=place.port) as page:
            announce(page, place, view.say, driving=True)
            yield heard
    finally:
        driver.close()


def reader_of(profile: Profile) -> Reader:
    """Reads the profile's store beside whoever writes it."""
    from headgate.store import open_store
    from headgate.web.looks import Reader

    opening = partial(open_store, profile.state, readonly=True, org=profile.org_id)
    return Reader(opening, profile.state_shown, state_flag(profile))


def announce(page: LivePage, place: Place, say: Callable[[str], None], *, driving: bool) -> None:
    """Say where the page is, and what it means that it is not on this machine alone."""
    from headgate.web.guard import is_loopback

    say(f"live page: {page.address}")
    if not is_loopback(place.host):
        say(
            f"warning: whoever can reach {place.host} sees names, ids and errors of every run in the state store"
            + ("; who has the token, which crosses the network unencrypted, can pause and stop this run" * driving)
        )
    if find_spec("bokeh") is None:
        say("the live page has no charts without bokeh: pip install 'headgate[report]'")
