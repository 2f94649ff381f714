"""The HTTP side of the live page: pages, scripts, events, and what needs the token."""

from __future__ import annotations

import asyncio
import secrets
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar

from aiohttp import web

from headgate.errors import HeadgateError, UsageError
from headgate.watch import ACTIONS
from headgate.web import pages
from headgate.web.channel import EVERY_S, Channel
from headgate.web.feed import Feed, event
from headgate.web.guard import HEADERS, TOKEN_HEADER, has_token, new_token, refused_host, refused_site
from headgate.web.looks import AllRuns, OneRun

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from types import TracebackType

    from headgate.web.control import Control
    from headgate.web.looks import Reader

T = TypeVar("T")
#: Browsers at once; each page is one.
_MOST: Final = 100
#: Pages whose last state is kept for who comes back.
_PAGES: Final = 20
#: Seconds of silence after which something is sent, so that a browser that is gone is noticed.
_BEAT_S: Final = 15.0
#: Seconds that browsers have to hear the last word.
_LAST_S: Final = 2.0
_KEEP: Final = "private, max-age=31536000, immutable"


class LivePage:
    """Serves every run of one store; ``control`` is of the one that this process drives, if it does.

    ``async with`` listens, and stops listening. ``url`` is then where.
    """

    def __init__(
        self,
        reader: Reader,
        control: Control | None = None,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        every_s: float = EVERY_S,
    ) -> None:
        self._reader, self._control, self._host, self._port, self._every_s = reader, control, host, port, every_s
        self.token = new_token()
        self.url = ""
        self._epoch = secrets.token_hex(4)
        self._channels: dict[str, Channel] = {}
        self._browsers = 0
        self._gone, self._over = asyncio.Event(), False
        self._thread: ThreadPoolExecutor | None = None
        self._runner: web.AppRunner | None = None

    @property
    def address(self) -> str:
        """What to open: the token is behind the ``#``, which a browser keeps to itself."""
        return f"{self.url}/#token={self.token}"

    async def __aenter__(self) -> Self:
        """Listen.

        Raises:
            UsageError: the address cannot be bound.
        """
        app = web.Application(middlewares=[self._doorman], client_max_size=4096)
        app.on_response_prepare.append(_with_headers)
        app.add_routes(
            [
                web.get("/", self._list),
                web.get("/events", partial(self._events, "")),
                web.get("/runs/{run}", self._run),
                web.get("/runs/{run}/events", self._events_of_run),
                web.post("/runs/{run}/{action}", self._act),
                web.get("/assets/{name}", self._asset),
            ]
        )
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="headgate-web")
        self._runner = web.AppRunner(
            app, access_log=None, handle_signals=False, shutdown_timeout=0.5, handler_cancellation=True
        )
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._host, self._port)
        try:
            await site.start()
        except OSError as error:
            await self._close()
            raise UsageError(
                f"cannot listen on {self._host}:{self._port}: {error.strerror or error}; nothing was sent",
                hint="--port 0 takes a free one",
            ) from error
        port = self._runner.addresses[0][1]
        self.url = f"http://{f'[{self._host}]' if ':' in self._host else self._host}:{port}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Tell browsers how it ended, and stop listening."""
        if self._browsers and self._runner is not None:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._last_words(), _LAST_S)
        await self._close()

    async def _last_words(self) -> None:
        heard = [channel for channel in self._channels.values() if channel.listened_to]
        for channel in heard:
            await channel.look()
        self._over = True
        for channel in heard:
            channel.wake()
        await self._gone.wait()

    async def _close(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
        if self._thread is not None:
            # Queued behind a look that may still go on: a store belongs to the thread that reads it.
            self._thread.submit(self._reader.close)
            self._thread.shutdown(wait=False)

    # -- who may come in -----------------------------------------------------------------------------------------------

    @web.middleware
    async def _doorman(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        if refused_host(request.headers.get("Host", ""), self._host):
            text = f"this is {self.url}; by another name it answers only when told: --host NAME"
            return _text(421, text)
        if refused_site(request.method, request.headers):
            return _text(403, "this page answers its own pages only")
        try:
            return await handler(request)
        except web.HTTPException as error:
            return _text(error.status, error.reason)

    # -- pages ---------------------------------------------------------------------------------------------------------

    async def _list(self, _request: web.Request) -> web.Response:
        return web.Response(text=pages.all_runs(), content_type="text/html")

    async def _run(self, _request: web.Request) -> web.Response:
        return web.Response(text=await asyncio.to_thread(pages.one_run), content_type="text/html")

    async def _asset(self, request: web.Request) -> web.Response:
        found = await asyncio.to_thread(pages.script, request.match_info["name"])
        if found is None:
            raise web.HTTPNotFound
        kind, body = found
        return web.Response(body=body, content_type=kind, charset="utf-8", headers={"Cache-Control": _KEEP})

    # -- events --------------------------------------------------------------------------------------------------------

    async def _events_of_run(self, request: web.Request) -> web.StreamResponse:
        return await self._events(request.match_info["run"], request)

    async def _events(self, run_id: str, request: web.Request) -> web.StreamResponse:
        """The state of a page, or what was missed of it, and then each change."""
        if self._browsers >= _MOST:
            return _text(503, "too many pages are open")
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream; charset=utf-8"})
        mark = request.headers.get("Last-Event-ID") or request.query.get("since", "")
        channel = self._channel(run_id)
        self._browsers += 1
        self._gone.clear()
        try:
            with suppress(ConnectionError):
                async with channel:
                    await response.prepare(request)
                    await response.write(b"retry: 1000\n\n")
                    await self._tell(response, channel, mark)
        finally:
            self._browsers -= 1
            if not self._browsers:
                self._gone.set()
        return response

    async def _tell(self, response: web.StreamResponse, channel: Channel, mark: str) -> None:
        number = 0
        while True:
            if await channel.news(number, _BEAT_S):
                missed, newest = channel.feed.since(mark), channel.feed.newest
                mark, number = newest.mark, newest.number
                # What cannot be told in changes, to one that is new or was away for long, is told whole.
                for part in [await self._in_thread(lambda: newest.whole)] if missed is None else missed:  # noqa: B023
                    await response.write(part)
            elif not self._over:
                await response.write(b":\n\n")
            if self._over and channel.feed.newest.number == number:
                await response.write(event("bye", "", {}))
                return

    def _channel(self, run_id: str) -> Channel:
        found = self._channels.pop(run_id, None)
        if found is None:
            look = OneRun(self._reader, run_id) if run_id else AllRuns(self._reader, self._driven)
            found = Channel(Feed(self._epoch), look, partial(self._here, run_id), self._in_thread, self._every_s)
        self._channels[run_id] = found  # the last used is the last
        quiet = [name for name, channel in self._channels.items() if not channel.listened_to and name != run_id]
        for name in quiet[: max(0, len(self._channels) - _PAGES)]:
            del self._channels[name]
        return found

    def _driven(self) -> str:
        return self._control.run_id if self._control is not None else ""

    def _here(self, run_id: str) -> Mapping[str, Any] | None:
        """What this process tells of a run that it drives."""
        control = self._control
        return control.now() if control is not None and run_id and run_id == control.run_id else None

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    # -- what changes something ----------------------------------------------------------------------------------------

    async def _act(self, request: web.Request) -> web.Response:
        run_id, action, control = request.match_info["run"], request.match_info["action"], self._control
        if not has_token(request.headers.get(TOKEN_HEADER), self.token):
            return _said(403, "this needs the token that was printed with the page's address")
        if action not in ACTIONS:
            return _said(404, f"there is no {action!r}")
        if control is not None and control.run_id == run_id:
            said = control.do(action)
        else:
            try:
                said = await self._in_thread(lambda: self._reader.ask(run_id, action))
            except HeadgateError as error:
                return _said(409, f"{error.message}; {error.hint}" if error.hint else error.message)
        channel = self._channels.get(run_id)
        if channel is not None and channel.listened_to:
            await channel.look(rows=False)
        return _said(200, said)


def _text(status: int, text: str) -> web.Response:
    return web.Response(status=status, text=f"{text}\n")


def _said(status: int, text: str) -> web.Response:
    return web.json_response({"said": text}, status=status)


async def _with_headers(_request: web.Request, response: web.StreamResponse) -> None:
    for name, value in HEADERS.items():
        if name != "Cache-Control" or name not in response.headers:
            response.headers[name] = value
