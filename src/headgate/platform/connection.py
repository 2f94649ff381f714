"""The connection: a session that does nothing by itself, reading with an end, and what a break means."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import aiohttp

from headgate.exchange import Answer, Verdict
from headgate.platform.classify import trouble

if TYPE_CHECKING:
    from collections.abc import Mapping

    from yarl import URL

    from headgate.platform.endpoint import PlatformSettings

#: Longest answer that is read. A page of 100 flows with many selectors is some hundred kB.
MAX_ANSWER_BYTES = 8 * 1024 * 1024
#: Beyond this an answer is a long one, and so many of them are read at a time: a hundred requests may be under way, and
#: what all of them could bring together must fit into memory.
LONG_BYTES = 1024 * 1024
LONG_AT_ONCE = 8


class AnswerTooLongError(Exception):
    """The answer is longer than we read. Stays inside this room."""


def open_session(settings: PlatformSettings) -> aiohttp.ClientSession:
    """The session of a transport: no cookies, no proxies from the environment, TLS verified.

    Connecting, waiting for a free connection included, has a time of its own, so that a timeout while
    nothing was sent is known as such.
    """
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=settings.connections, ttl_dns_cache=300),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(
            total=settings.timeout_s, connect=min(settings.connect_timeout_s, settings.timeout_s)
        ),
        trust_env=False,
    )


async def read_body(headers: Mapping[str, str], content: aiohttp.StreamReader, long_ones: asyncio.Semaphore) -> bytes:
    """The whole body. Raises ``AnswerTooLongError`` rather than read more than is sane, compressed or not.

    Counted is what comes out of a compressed body, piece by piece: the library unpacks no more than it is asked for.
    What grows long waits its turn at ``long_ones``; the request's time goes on meanwhile.
    """
    text = headers.get("Content-Length")
    length = None if text is None else int(text)
    if length is not None and length <= LONG_BYTES and "Content-Encoding" not in headers:
        # Most answers are short, and are there whole with their head.
        return content.read_nowait() if content.is_eof() else await content.read()
    if length is not None and length > MAX_ANSWER_BYTES:
        raise AnswerTooLongError
    parts: list[bytes] = []
    size, turn = 0, False
    try:
        async for part in content.iter_any():
            size += len(part)
            if size > MAX_ANSWER_BYTES:
                raise AnswerTooLongError
            parts.append(part)
            if size > LONG_BYTES and not turn:
                await long_ones.acquire()
                turn = True
        return b"".join(parts)
    finally:
        if turn:
            long_ones.release()


def not_sent(error: Exception, url: URL) -> Answer:
    """Nothing left us: refused, no such host, no connection in time, or a certificate we do not trust."""
    where = f"{url.host}:{url.port}"
    if isinstance(error, aiohttp.ClientSSLError):
        code, said, advice = (
            "tls_failed",
            f"no trusted TLS connection to {where}",
            "check platform_url and the certificates",
        )
    elif isinstance(error, aiohttp.ConnectionTimeoutError):
        code, said, advice = (
            "connect_timeout",
            f"no connection to {where} in time",
            "check the network and the concurrency",
        )
    elif isinstance(error, aiohttp.ClientConnectorDNSError):
        code, said, advice = "unknown_host", f"{url.host} is not known", "check platform_url and the network"
    else:
        code, said, advice = (
            "not_connected",
            f"cannot connect to {where}",
            "check platform_url and the network",
        )
    reason = getattr(getattr(error, "os_error", None), "strerror", None)
    return replace(trouble(Verdict.NOT_SENT, code, f"{said}: {reason}" if reason else said, advice), requests=0)


def lost(error: Exception, timeout_s: float) -> Answer:
    """It left us, and nothing we can use came back."""
    if isinstance(error, TimeoutError):
        return trouble(Verdict.LOST, "timeout", f"no answer within {timeout_s:g} s")
    return trouble(
        Verdict.LOST,
        "connection_lost",
        f"the connection broke before an answer came ({type(error).__name__})",
    )
