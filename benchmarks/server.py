"""A server that does nothing, fast, in its own process: every request is answered 201 with an id and an etag.

Standard library only and started as a plain file, so that it starts quickly. It ends when its standard input
does, which is when whoever started it dies. ``GET /arrivals`` answers with the arrival times of all other
requests since it was last asked (monotonic seconds), and so is the witness of a paced run.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import sys
import threading
import time
from email.utils import formatdate
from typing import cast

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


class Desk:
    """What all connections share."""

    def __init__(self, latency_s: float) -> None:
        self.latency_s = latency_s
        self.arrivals: list[float] = []
        self.made = 0
        self._date_at = 0
        self._date = b""

    def answer(self) -> bytes:
        """The next object, as a whole response with a ``Date`` as the platform's answers have."""
        self.made += 1
        number = self.made
        return self._whole(
            b"201 Created", b'{"id":"%08x-0000-4000-8000-%012x","etag":"\\"%08x-0\\""}' % ((number,) * 3)
        )

    def told(self) -> bytes:
        """The arrivals, as a whole response; forgotten afterwards."""
        arrivals, self.arrivals = self.arrivals, []
        return self._whole(b"200 OK", json.dumps(arrivals).encode())

    def _whole(self, status: bytes, body: bytes) -> bytes:
        now = int(time.time())
        if now != self._date_at:
            self._date_at, self._date = now, formatdate(now, usegmt=True).encode()
        return b"HTTP/1.1 %b\r\nContent-Type: application/json\r\nDate: %b\r\nContent-Length: %d\r\n\r\n%b" % (
            status,
            self._date,
            len(body),
            body,
        )


class Wire(asyncio.Protocol):
    """One keep-alive connection: requests with a ``Content-Length`` or without a body."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._loop = asyncio.get_running_loop()
        self._buffer = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # by its manners: uvloop's is of no such class

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            length = _LENGTH.search(self._buffer, 0, end + 2)
            size = end + 4 + (int(length[1]) if length else 0)
            if len(self._buffer) < size:
                return
            head, self._buffer = self._buffer[:end], self._buffer[size:]
            self._answer(head)

    def _answer(self, head: bytes) -> None:
        desk, transport = self._desk, self._transport
        if transport is None:
            return
        if head.startswith(b"GET /arrivals"):
            transport.write(desk.told())
            return
        desk.arrivals.append(time.monotonic())
        if desk.latency_s:
            self._loop.call_later(desk.latency_s, self._late, transport, desk.answer())
        else:
            transport.write(desk.answer())

    def _late(self, transport: asyncio.Transport, answer: bytes) -> None:
        if not transport.is_closing():
            transport.write(answer)


async def serve(latency_s: float) -> None:
    """Serve until standard input ends; the port is the first line of standard output."""
    loop = asyncio.get_running_loop()
    desk, ended = Desk(latency_s), asyncio.Event()
    server = await loop.create_server(lambda: Wire(desk), "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)

    def watch() -> None:
        sys.stdin.buffer.read()
        loop.call_soon_threadsafe(ended.set)

    threading.Thread(target=watch, daemon=True).start()
    await ended.wait()
    server.close()


def main() -> None:
    """Arguments: ``--latency-ms``."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--latency-ms", type=float, default=0.0)
    arguments = parser.parse_args()
    try:
        import uvloop
    except ImportError:
        asyncio.run(serve(arguments.latency_ms / 1000))
    else:
        uvloop.run(serve(arguments.latency_ms / 1000))


if __name__ == "__main__":
    main()
