"""``headgate serve``: every run of a state store in a browser, live."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from headgate.cli import options
from headgate.cli.app import say

if TYPE_CHECKING:
    from headgate.cli.web import Place
    from headgate.settings import Profile


@click.command(
    short_help="Show every run in a browser, live.",
    epilog=options.examples(
        "headgate serve",
        "headgate serve --state postgresql://user@host/database --port 8080",
    ),
)
@options.listen
@options.profile
@options.verbose
def command(host: str, port: int, profile: str | None, state: str | None) -> int:
    """Serve a page with every run of the state store, and one of each run as it goes, until Ctrl-C.

    It reads the store. Who has the token that it prints can pause, drain and stop runs that go, whatever process and
    machine drives them: it asks through the store, where they look every second. Only this machine can reach it,
    unless --host says otherwise.
    """
    import asyncio

    from headgate.cli.web import Place
    from headgate.cli.wiring import load_profile

    try:
        asyncio.run(_serve(load_profile(profile, state), Place(host, port)))
    except KeyboardInterrupt:
        say("")
    return 0


async def _serve(profile: Profile, place: Place) -> None:
    import asyncio
    import signal
    from contextlib import suppress

    from headgate.cli.web import announce, reader_of
    from headgate.web.server import LivePage

    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        with suppress(NotImplementedError):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with LivePage(reader_of(profile), host=place.host, port=place.port) as page:
        announce(page, place, say)
        say(f"it shows the runs in {profile.state_shown} until Ctrl-C")
        await stop.wait()
