"""One HTTP request and its answer, through aiohttp's client."""

from __future__ import annotations

import asyncio
from contextlib import nullcontext
from typing import TYPE_CHECKING, Final

import aiohttp
from yarl import URL

from headgate.faultpoint import Point, reach
from headgate.platform.connection import LONG_AT_ONCE, AnswerTooLongError, read_body
from headgate.platform.reply import Reply

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from headgate.platform.headers import Head

#: What the client must not add by itself. All else it would add is always set.
_NOT_AUTOMATIC: Final = ("Accept",)


class Client:
    """The way to one origin through a session; see ``Way``."""

    def __init__(self, session: aiohttp.ClientSession, origin: URL, timeout_s: float, connect_timeout_s: float) -> None:
        """Nothing is opened yet. Times are in seconds, for all of an exchange and for getting a connection."""
        self._session = session
        self._origin = str(origin)
        self._patience = aiohttp.ClientTimeout(total=timeout_s, connect=min(connect_timeout_s, timeout_s))
        # aiohttp repeats GET, PUT and DELETE by itself when a connection breaks. What is sent twice must be counted,
        # paced and judged by whoever asked; aiohttp's own test client sets this too.
        session._retry_connection = False  # noqa: SLF001 -- there is no public switch
        self._long_ones = asyncio.Semaphore(LONG_AT_ONCE)

    async def exchange(self, method: str, target: str, head: Head, data: bytes | None, subject: str = "") -> Reply:
        """Send one request and read its answer, as ``Way`` says."""
        reply: Reply | None = None
        try:
            async with self._session.request(
                method,
                URL(self._origin + target, encoded=True),
                data=data,
                headers=head.fields,
                allow_redirects=False,
                # Given only when it matters: the library pays for it with another dict per request.
                skip_auto_headers=None if "Accept" in head.fields else _NOT_AUTOMATIC,
                timeout=self._patience,
            ) as response:
                reach(Point.SENT, subject)
                reply = Reply(response.status, response.headers)
                reply.raw = await read_body(response.headers, response.content, self._long_ones)
        except AnswerTooLongError:
            assert reply is not None
            reply.too_long = True
        except (aiohttp.ClientError, OSError, ValueError):
            if reply is None:
                raise
        assert reply is not None  # a status that came is true, though its body broke off
        return reply

    def sharing(self) -> AbstractContextManager[None]:
        """It keeps none for itself."""
        return nullcontext()

    def close(self) -> None:
        """There is nothing to close: the session is its maker's."""
