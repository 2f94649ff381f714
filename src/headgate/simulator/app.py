"""The HTTP shell of the platform: a low-level aiohttp server, faults, latency, and the platform's
``Date``.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from email.utils import formatdate
from typing import TYPE_CHECKING, Any, Self

import orjson
from aiohttp import web

from headgate.simulator.control import Control
from headgate.simulator.dispatch import answer, is_token_path, suffered
from headgate.simulator.doorman import MAX_BODY, too_long, turned_away
from headgate.simulator.faults import Fault, FaultBook
from headgate.simulator.meddling import meddle
from headgate.simulator.mischief import drip, endless, huge, reset, reset_in_body, rewound
from headgate.simulator.reply import Ask, Reply
from headgate.simulator.seeding import furnish
from headgate.simulator.world import World

if TYPE_CHECKING:
    from types import TracebackType

    from headgate.simulator.options import Options

_HTML = b"<html><head><title>Bad Gateway</title></head><body><h1>The web server is busy</h1></body></html>"
_LOOPBACK = ("127.", "::1", "::ffff:127.")


def _request(message: Any, payload: Any, protocol: Any, writer: Any, task: Any) -> web.BaseRequest:
    loop = asyncio.get_running_loop()
    return web.BaseRequest(message, payload, protocol, writer, task, loop, client_max_size=MAX_BODY)


class Server:
    """Listens, and turns requests into :class:`Ask` and :class:`Reply` into bytes."""

    def __init__(self, options: Options) -> None:
        self.world = World(options)
        if self.world.is_new:
            furnish(self.world, options.seed_counts)
        self.book = FaultBook(options.faults, options.seed)
        self.control = Control(self.world, self.book)
        self._options = options
        self._runner: web.ServerRunner | None = None
        self._ticker: asyncio.Task[None] | None = None
        self._date = (-1, "")
        self.url = ""

    async def start(self, host: str, port: int) -> str:
        """Bind and listen; returns the base URL. ``port`` 0 takes a free one.

        Raises:
            OSError: the address cannot be bound.
        """
        if self._runner is not None:
            return self.url
        if self.world.journal is not None:
            self.world.journal.open()
            self.world.flush()
            self._ticker = asyncio.create_task(self._tick())
        server = web.Server(self._handle, request_factory=_request, access_log=None, keepalive_timeout=75.0)
        runner = web.ServerRunner(server, shutdown_timeout=0.2)
        await runner.setup()
        try:
            site = web.TCPSite(runner, host, port, backlog=1024, reuse_address=True)
            await site.start()
        except OSError:
            await runner.cleanup()
            raise
        self._runner = runner
        bound = runner.addresses[0]
        shown = f"[{bound[0]}]" if ":" in bound[0] else bound[0]
        self.url = f"http://{shown}:{bound[1]}"
        return self.url

    async def stop(self) -> None:
        """Stop listening, drop open connections, close the world's file. The state stays readable."""
        if self._ticker is not None:
            self._ticker.cancel()
            await asyncio.gather(self._ticker, return_exceptions=True)
            self._ticker = None
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None
        if self.world.journal is not None:
            self.world.flush()
            self.world.journal.close()

    async def _tick(self) -> None:
        """Record the platform's time every real second, so that a killed world resumes from about there."""
        while True:
            await asyncio.sleep(1.0)
            self.world.flush()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        transport = request.transport
        own = str(transport.get_extra_info("sockname")[0]) if transport is not None else ""
        refusal = turned_away(request.headers, own, request.content_length)
        if refusal is not None:
            return self._turn_away(refusal)
        try:
            body = await request.read()
        except web.HTTPRequestEntityTooLarge:  # it came in chunks and did not say
            return self._turn_away(too_long())
        world = self.world
        ask = Ask(
            request.method,
            request.path,
            list(request.query.items()),
            request.headers,
            body,
            world.ids.hex(32),
        )
        if ask.path.startswith("/__"):
            if not (request.remote or "").startswith(_LOOPBACK):
                return self._response(Reply(404), ask)
            return self._response(self.control.answer(ask), ask)
        fault = self.book.pick(ask.method, ask.path) if self.book.faults else None
        if fault is None:
            reply = answer(world, ask)
        else:
            outcome = await self._suffer(request, ask, fault)
            if isinstance(outcome, web.StreamResponse):
                return outcome
            reply = outcome
        if self._options.latency_s and not is_token_path(request.path):
            await world.real.sleep(self._latency())
        return self._response(reply, ask)

    def _turn_away(self, reply: Reply) -> web.Response:
        """Answer and close: what is still to come is not read."""
        response = web.Response(body=self._bytes(reply), status=reply.status, content_type="application/json")
        response.force_close()
        return response

    def _latency(self) -> float:
        sigma = self._options.latency_jitter
        factor = self.world.ids.random.lognormvariate(0.0, sigma) if sigma else 1.0
        return self._options.latency_s * factor

    async def _suffer(self, request: web.BaseRequest, ask: Ask, fault: Fault) -> web.StreamResponse | Reply:
        """Carry out a fault. A :class:`Reply` goes on as usual; a response has already been dealt with."""
        match fault.fault:
            case "slow":
                await self.world.real.sleep(fault.seconds)
                return answer(self.world, ask)
            case "conflict":
                meddle(self.world, ask.path)
                return answer(self.world, ask)
            case "status":
                headers = {} if fault.retry_after is None else {"Retry-After": f"{fault.retry_after:g}"}
                status = fault.status or 500
                suffered(self.world, ask, status)
                return Reply(status, fault.body, headers)
            case "html":
                status = fault.status or 502
                if status < 300:
                    answer(self.world, ask)
                else:
                    suffered(self.world, ask, status)
                return web.Response(body=_HTML, status=status, content_type="text/html", headers=self._headers(ask))
            case "clock":
                return self._response(answer(self.world, ask), ask, fault.seconds)
            case "body" | "half-json" | "huge" | "bomb" | "endless" | "loop":
                return self._spoilt(ask, fault)
            case "truncated" | "drip" | "reset-in-body":
                await self._in_part(request, ask, fault)
                return web.Response(status=500)
            case "lost-twice":
                path = ask.path
                answer(self.world, ask)
                answer(self.world, replace(ask, path=path, request_id=self.world.ids.hex(32)))
            case "lost-after-commit":
                answer(self.world, ask)
            case "reset":
                suffered(self.world, ask, 0)
                if request.transport is not None:
                    reset(request.transport)
            case _:
                suffered(self.world, ask, 0)
        if request.transport is not None:
            request.transport.abort()
        return web.Response(status=500)  # written to a closed connection: nobody sees it

    def _spoilt(self, ask: Ask, fault: Fault) -> web.Response:
        """The work is done, and the answer is another."""
        page = 1 + rewound(ask) if fault.fault in ("endless", "loop") else 0
        reply = answer(self.world, ask)
        if page:
            return self._response(endless(reply, page if fault.fault == "endless" else 1), ask)
        status = fault.status or reply.status
        headers = self._headers(ask) | reply.headers
        match fault.fault:
            case "body":
                body = orjson.dumps(fault.body)
            case "half-json":
                whole = self._bytes(reply)
                body = whole[: len(whole) // 2]
            case _:
                body = huge(fault.megabytes, packed=fault.fault == "bomb")
                headers |= {"Content-Encoding": "gzip"} if fault.fault == "bomb" else {}
        return web.Response(body=body, status=status, headers=headers, content_type="application/json")

    async def _in_part(self, request: web.BaseRequest, ask: Ask, fault: Fault) -> None:
        """Do the work, send a head that promises all of the answer (at least 64 bytes), and not all of that."""
        reply = answer(self.world, ask)
        whole = self._bytes(reply)
        fields = "".join(f"{name}: {value}\r\n" for name, value in self._headers(ask).items())
        head = (
            f"HTTP/1.1 {reply.status} Well\r\n{fields}Content-Type: application/json\r\n"
            f"Content-Length: {max(len(whole), 64)}\r\n\r\n"
        ).encode()
        transport = request.transport
        if transport is None:
            return
        match fault.fault:
            case "drip":
                await drip(transport, head, whole, lambda: self.world.real.sleep(fault.seconds))
            case "reset-in-body":
                await reset_in_body(transport, head, whole)
            case _:
                transport.write(head + whole[: len(whole) // 2])
                transport.close()

    def _headers(self, ask: Ask, shift_s: float = 0.0) -> dict[str, str]:
        second = int(self.world.now() + shift_s)
        if self._date[0] != second:
            self._date = (second, formatdate(second, usegmt=True))
        return {"Date": self._date[1], "x-request-id": ask.request_id}

    @staticmethod
    def _bytes(reply: Reply) -> bytes:
        body: Any = reply.body
        if body is None:
            return b""
        return body.encode() if isinstance(body, str) else orjson.dumps(body)

    def _response(self, reply: Reply, ask: Ask, shift_s: float = 0.0) -> web.Response:
        headers = self._headers(ask, shift_s) | reply.headers
        if reply.body is None:
            return web.Response(status=reply.status, headers=headers)
        kind = "text/plain" if isinstance(reply.body, str) else "application/json"
        return web.Response(body=self._bytes(reply), status=reply.status, headers=headers, content_type=kind)

    async def __aenter__(self) -> Self:
        await self.start("127.0.0.1", 0)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()
