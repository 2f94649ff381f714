"""A server that does nothing, fast, in its own process: every request is answered 201 with an id and an etag.

Standard library only and started as a plain file, so that it starts quickly. It ends when its standard input
does, which is when whoever started it dies. ``GET /arrivals`` answers with the arrival times of all other
requests since it was last asked (monotonic seconds), and so is the witness of a paced run. Told to, it has a rate
limit, which the embedded platform's models keep; ``GET /witness`` then answers with ``[second, method, passed]`` of
every request, in seconds since the first one. Its latency may be drawn for each request; ``GET /draws`` then answers
with ``[second, latency, name]`` of every object it made, for who wants to know how fast all this could have been.

``POST /token`` gets a token from it, for clients that insist on one.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import re
import sys
import threading
import time
from collections.abc import Callable
from email.utils import formatdate
from typing import cast

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
#: The first of a body, as both orjson and json write it.
_NAME = re.compile(rb'"name": ?"([^"]*)"')

_REFUSALS = {
    429: (b"429 Too Many Requests", b'{"error_code":"429050","message":"Too many requests"}'),
    500: (b"500 Internal Server Error", b""),
    503: (b"503 Service Unavailable", b""),
}


#: Says whether a request that comes at a time (monotonic seconds) passes.
Admits = Callable[[float], bool]


class Desk:
    """What all connections share."""

    def __init__(
        self, latency_s: float, admits: Admits | None = None, refusal: int = 429, spread: float = 0.0, seed: int = 0
    ) -> None:
        self._latency_s = latency_s
        self._spread = spread
        self._rng = random.Random(seed)
        self.draws: list[tuple[float, float, str]] = []
        self.arrivals: list[float] = []
        self.witnessed: list[tuple[float, str, bool]] = []
        self._admits = admits
        self._refusal = _REFUSALS[refusal]
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

    def latency_s(self, body: bytes) -> float:
        """How long to wait before the answer to a request that came just now."""
        if not self._spread:
            return self._latency_s
        drawn = self._latency_s * self._rng.lognormvariate(0.0, self._spread)
        if name := _NAME.search(body):
            self.draws.append((time.monotonic(), drawn, name[1].decode()))
        return drawn

    def drawn(self) -> bytes:
        """What was drawn for whom, as a whole response; forgotten afterwards."""
        draws, self.draws = self.draws, []
        return self._whole(b"200 OK", json.dumps(draws).encode())

    def token(self) -> bytes:
        """A token for a day, as a whole response."""
        return self._whole(b"200 OK", b'{"access_token":"benchmark","token_type":"bearer","expires_in":86400}')

    def heard(self, head: bytes) -> bytes:
        """The answer to a request: the next object, nothing to list, or a refusal without a word of how long."""
        now = time.monotonic()
        self.arrivals.append(now)
        if self._admits is None:
            return self.answer()
        passed = self._admits(now)
        self.witnessed.append((now, head[: head.index(b" ")].decode(), passed))
        if not passed:
            return self._whole(*self._refusal)
        return self._whole(b"200 OK", b'{"items":[]}') if head.startswith(b"GET ") else self.answer()

    def witness(self) -> bytes:
        """What came and what passed, as a whole response; forgotten afterwards."""
        witnessed, self.witnessed = self.witnessed, []
        first = witnessed[0][0] if witnessed else 0.0
        said = json.dumps([[round(at - first, 6), method, passed] for at, method, passed in witnessed])
        return self._whole(b"200 OK", said.encode())

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
            head, body, self._buffer = self._buffer[:end], self._buffer[end + 4 : size], self._buffer[size:]
            self._answer(head, body)

    def _answer(self, head: bytes, body: bytes) -> None:
        desk, transport = self._desk, self._transport
        if transport is None:
            return
        if head.startswith(b"GET /arrivals"):
            transport.write(desk.told())
            return
        if head.startswith(b"GET /witness"):
            transport.write(desk.witness())
            return
        if head.startswith(b"GET /draws"):
            transport.write(desk.drawn())
            return
        if head.startswith(b"POST /token"):
            transport.write(desk.token())
            return
        answer = desk.heard(head)
        if latency_s := desk.latency_s(body):
            self._loop.call_later(latency_s, self._late, transport, answer)
        else:
            transport.write(answer)

    def _late(self, transport: asyncio.Transport, answer: bytes) -> None:
        if not transport.is_closing():
            transport.write(answer)


def _limit(rate: str, model: str, burst: float | None, changes: list[str]) -> Admits:
    # Only for those who ask for it: a plain server starts without.
    from headgate.simulator.throttle import Throttle

    pairs = [(float(at), float(factor)) for at, _, factor in (change.partition("=") for change in changes)]
    return Throttle(rate, model, burst, pairs).admit


async def serve(desk: Desk) -> None:
    """Serve until standard input ends; the port is the first line of standard output."""
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    server = await loop.create_server(lambda: Wire(desk), "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)

    def watch() -> None:
        sys.stdin.buffer.read()
        loop.call_soon_threadsafe(ended.set)

    threading.Thread(target=watch, daemon=True).start()
    await ended.wait()
    server.close()


def main() -> None:
    """Arguments: ``--latency-ms`` and how it is spread, and those of a rate limit."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--latency-ms", type=float, default=0.0)
    parser.add_argument("--spread", type=float, default=0.0, help="sigma: lognormal, with that latency as its median")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--limit", help="like 50/s or 3000/min")
    parser.add_argument("--model", default="bucket")
    parser.add_argument("--burst", type=float)
    parser.add_argument("--change", action="append", default=[], help="SECONDS=FACTOR")
    parser.add_argument("--refusal", type=int, default=429)
    arguments = parser.parse_args()
    limit = arguments.limit
    admits = _limit(limit, arguments.model, arguments.burst, arguments.change) if limit else None
    desk = Desk(arguments.latency_ms / 1000, admits, arguments.refusal, arguments.spread, arguments.seed)
    try:
        import uvloop
    except ImportError:
        asyncio.run(serve(desk))
    else:
        uvloop.run(serve(desk))


if __name__ == "__main__":
    main()
