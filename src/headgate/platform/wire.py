"""One HTTP/1.1 request and its answer, over aiohttp's connections and parser but past its client.

The client's own part of a request (redirects, cookies, authentication, tracing, a payload and a task to write it) is
most of what a request costs, and we use none of it: measured, going past it takes 0.4 of the CPU. What is hard to get
right stays aiohttp's: names, TLS, opening connections and how many there may be, and reading what a server sends. Open
connections that are not in use stay here: to give them back and ask for them again for every request costs a sixth of
all that is left. Each answer is read by a parser of its own: what came before it was asked for is no part of it.

What it takes of aiohttp is not all promised to stay as it is, so it is used with the versions it was tried with; with
any other, requests go through the client (``client.py``), which is slower and does the same.
"""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import aiohttp
from aiohttp import hdrs
from aiohttp.http_exceptions import HttpProcessingError

from headgate.faultpoint import Point, reach
from headgate.platform.connection import LONG_AT_ONCE, AnswerTooLongError, read_body
from headgate.platform.deadlines import Deadlines
from headgate.platform.reply import Reply

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aiohttp.client_proto import ResponseHandler
    from aiohttp.connector import Connection
    from yarl import URL

    from headgate.platform.headers import Head

#: Major and minor versions of aiohttp that the tests of this file passed with.
TRIED: Final = frozenset({"3.14"})

#: Who was not in use for so long, in seconds, is used no more: the other side may be about to close it.
KEPT_S: Final = 15.0
#: So many connections are looked at for one that can be used.
_TRIES: Final = 16
#: Encodings that the parser undoes: whatever aiohttp itself would ask for.
_ENCODINGS: Final = aiohttp.ClientRequest.DEFAULT_HEADERS[hdrs.ACCEPT_ENCODING]


class Wire:
    """The way to one origin through a session's connections; use it on the loop it was made on."""

    def __init__(self, session: aiohttp.ClientSession, origin: URL, timeout_s: float, connect_timeout_s: float) -> None:
        """Nothing is opened yet.

        Args:
            session: Whose connections are used; it closes them.
            origin: Scheme, host and port.
            timeout_s: For all of an exchange.
            connect_timeout_s: For getting a connection, waiting for a free one included.
        """
        if session.connector is None:
            raise RuntimeError("the session is closed")
        self._connector = session.connector
        self._loop = asyncio.get_running_loop()
        #: Open connections that are not in use, and since when; who came last goes first, so that the others may go.
        self._idle: list[tuple[Connection, float]] = []
        #: How many ask the session for a connection.
        self._asking = 0
        self._in_time = Deadlines(timeout_s)
        self._patience = aiohttp.ClientTimeout(connect=min(connect_timeout_s, timeout_s))
        self._origin = origin
        # By it the pool knows where to connect to; it is never sent.
        self._to = aiohttp.ClientRequest("GET", origin, session=session, loop=self._loop)
        self._always = f"Host: {origin.host_port_subcomponent}\r\nAccept-Encoding: {_ENCODINGS}\r\n"
        self._long_ones = asyncio.Semaphore(LONG_AT_ONCE)

    @staticmethod
    def known() -> bool:
        """Whether this version of aiohttp is one that the wire was tried with."""
        return aiohttp.__version__.rpartition(".")[0] in TRIED

    async def exchange(self, method: str, target: str, head: Head, data: bytes | None, subject: str = "") -> Reply:
        """Send one request and read its answer, as ``Way`` says."""
        length = "" if data is None and method == "GET" else f"Content-Length: {len(data or b'')}\r\n"
        request = f"{method} {target} HTTP/1.1\r\n{self._always}{head.lines}{length}\r\n".encode()
        if data:
            request += data
        reply: Reply | None = None
        try:
            with self._in_time:
                connection, protocol, transport = await self._connected()
                try:
                    transport.write(request)
                    message, content = await protocol.read()
                    while message.code < 200 and message.code != 101:  # it only informs
                        message, content = await protocol.read()
                    reach(Point.SENT, subject)
                    reply = Reply(message.code, message.headers)
                    reply.raw = await read_body(message.headers, content, self._long_ones)
                except BaseException:
                    connection.close()
                    raise
                if self._asking or protocol.should_close:
                    connection.release()
                else:
                    self._idle.append((connection, self._loop.time()))
        except AnswerTooLongError:
            assert reply is not None
            reply.too_long = True
        except HttpProcessingError as error:
            if reply is None:
                raise aiohttp.ClientPayloadError("not an answer of HTTP") from error
        except (aiohttp.ClientError, OSError, ValueError):
            if reply is None:
                raise
        assert reply is not None  # a status that came is true, though its body broke off
        return reply

    def close(self) -> None:
        """No exchange is under way, and none will be."""
        self._in_time.close()
        self._give_back()

    @contextmanager
    def sharing(self) -> Iterator[None]:
        """While somebody asks the session for a connection: it gets back what is not in use."""
        self._asking += 1
        self._give_back()
        try:
            yield
        finally:
            self._asking -= 1

    def _give_back(self) -> None:
        for connection, since in self._idle:
            if self._fresh(since):
                connection.release()
            else:
                connection.close()  # the session would take it for one that was in use just now
        self._idle.clear()

    def _fresh(self, since: float) -> bool:
        return self._loop.time() - since < KEPT_S

    async def _connected(self) -> tuple[Connection, ResponseHandler, asyncio.Transport]:
        """An open connection, on which nothing has come that was not asked for; who reads from it and who writes."""
        for _ in range(_TRIES):
            connection = self._kept() or await self._opened()
            protocol, transport = connection.protocol, connection.transport
            if (
                protocol is not None
                and transport is not None
                and not (transport.is_closing() or protocol.should_close)  # should: also where something came unasked
            ):
                protocol.set_response_params(read_until_eof=True)
                return connection, protocol, transport
            connection.close()
        raise aiohttp.ConnectionTimeoutError(f"no connection to {self._origin} stays open")

    def _kept(self) -> Connection | None:
        """One that is not in use."""
        while self._idle:
            connection, since = self._idle.pop()
            if self._fresh(since):
                return connection
            connection.close()
        return None

    async def _opened(self) -> Connection:
        """One from the session: one that somebody gave back to it, or a new one."""
        try:
            with self.sharing():
                return await self._connector.connect(self._to, traces=[], timeout=self._patience)
        except TimeoutError as error:
            raise aiohttp.ConnectionTimeoutError(f"no connection to {self._origin} in time") from error
