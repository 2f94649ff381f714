"""How answers are spoilt on their way out: bytes, headers and links, for the faults that need more than a status."""

from __future__ import annotations

import asyncio
import socket
import struct
import zlib
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from headgate.simulator.reply import Ask, Reply

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

#: The sign of a continuation token that no list has given.
ENDLESS = "endless="


@lru_cache(maxsize=4)
def huge(megabytes: int, *, packed: bool) -> bytes:
    """A JSON object of so many megabytes; ``packed`` with gzip, to a thousandth of that."""
    start, filling, end = b'{"items":[],"filling":"', b"x" * (1024 * 1024), b'"}'
    if not packed:
        return start + filling * megabytes + end
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    parts = [packer.compress(start)]
    parts += [packer.compress(filling) for _ in range(megabytes)]
    return b"".join([*parts, packer.compress(end), packer.flush()])


def rewound(ask: Ask) -> int:
    """Make ``ask`` the request for the first page again; how many pages of an endless list it has seen."""
    seen, query = 0, []
    for name, value in ask.query:
        if name == "continuationToken" and value.startswith(ENDLESS):
            seen = int(value.removeprefix(ENDLESS))
        elif name == "start":
            query.append((name, "0" if value.isdigit() else ""))
        else:
            query.append((name, value))
    ask.query[:] = [(name, value) for name, value in query if (name, value) != ("start", "")]
    return seen


def endless(reply: Reply, page: int) -> Reply:
    """A list's page with a link to a further one, whatever there is."""
    if reply.status != 200 or not isinstance(reply.body, dict):
        return reply
    link = {"next": {"href": f"/next?continuationToken={ENDLESS}{page}"}}
    return Reply(200, {**reply.body, "_links": link}, reply.headers)


async def drip(transport: Any, head: bytes, whole: bytes, pause: Callable[[], Awaitable[None]]) -> None:
    """Send the head at once and ``whole`` byte by byte, until whoever reads it has had enough."""
    transport.write(head)
    for index in range(len(whole)):
        if transport.is_closing():
            return
        transport.write(whole[index : index + 1])
        await pause()
    transport.close()


async def reset_in_body(transport: Any, head: bytes, whole: bytes) -> None:
    """Send half of ``whole``, and a TCP reset once that has left."""
    transport.write(head + whole[: len(whole) // 2])
    await asyncio.sleep(0.01)
    reset(transport)


def reset(transport: Any) -> None:
    """Close with RST rather than FIN."""
    sock = transport.get_extra_info("socket")
    if sock is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
