"""The live page from the command line: beside a run, or by itself over a state store."""

from __future__ import annotations

from contextlib import asynccontextmanager
from functools import partial
from importlib.util import find_spec
from typing import TYPE_CHECKING

from headgate.classes import frozen
from headgate.cli.drive import state_flag

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from headgate.settings import Profile
    from headgate.watch import Watch
    from headgate.web.looks import Reader
    from headgate.web.server import LivePage


@frozen
class Place:
    """Where the page listens; port 0 takes a free one."""

    host: str = "127.0.0.1"
    port: int = 0


@asynccontextmanager
async def beside(place: Place, profile: Profile, watch: Watch) -> AsyncIterator[None]:
    """Serve the live page while a run goes.

    Raises:
        UsageError: the address cannot be bound.
    """
    from headgate.web.control import Driver
    from headgate.web.server import LivePage

    async with LivePage(reader_of(profile), Driver(watch), host=place.host, port=place.port) as page:
        announce(page, place, watch.say)
        yield


def reader_of(profile: Profile) -> Reader:
    """Reads the profile's store beside whoever writes it."""
    from headgate.store import open_store
    from headgate.web.looks import Reader

    opening = partial(open_store, profile.state, readonly=True, org=profile.org_id)
    writing = partial(open_store, profile.state, org=profile.org_id)
    return Reader(opening, profile.state_shown, state_flag(profile), writing)


def announce(page: LivePage, place: Place, say: Callable[[str], object]) -> None:
    """Say where the page is, and what it means that it is not on this machine alone."""
    from headgate.web.guard import is_loopback

    say(f"live page: {page.address}")
    if not is_loopback(place.host):
        say(
            f"warning: whoever can reach {place.host} sees names, ids and errors of every run in the state store; "
            "who has the token, which crosses the network unencrypted, can pause and stop each that goes"
        )
    if find_spec("bokeh") is None:
        say("the live page has no charts without bokeh: pip install 'headgate[report]'")
