"""Real traffic: a proxy between headgate and the embedded platform that writes down whatever passes."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import orjson
from aiohttp import web
from yarl import URL

#: Set anew by whoever forwards a message, or of one connection only.
_HOP = frozenset({"host", "content-length", "transfer-encoding", "connection", "keep-alive"})


@dataclass
class Exchange:
    """One request and its answer. ``query`` holds decoded pairs in order; bodies are parsed JSON, or ``None``."""

    method: str
    path: str
    query: list[tuple[str, str]]
    headers: dict[str, str]
    body: Any
    status: int
    answer_headers: dict[str, str]
    answer: Any
    #: Which scenario it comes from, for messages.
    scenario: str = ""


@dataclass
class Recorder:
    """Listens at ``url``, forwards to ``upstream``, keeps every exchange that got an answer."""

    upstream: str
    url: str = ""
    kept: list[Exchange] = field(default_factory=list)

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        raw = await request.read()
        headers = [(name, value) for name, value in request.headers.items() if name.lower() not in _HOP]
        try:
            async with self._session.request(
                request.method,
                URL(self.upstream + request.raw_path, encoded=True),
                data=raw or None,
                headers=headers,
                allow_redirects=False,
                skip_auto_headers=("Accept", "User-Agent", "Content-Type", "Accept-Encoding"),
            ) as reply:
                answer = await reply.read()
        except aiohttp.ClientError:  # an answer lost on purpose: lose it for the client too
            request.transport.abort()
            return web.Response(status=500)
        self.kept.append(
            Exchange(
                request.method,
                request.path,
                list(request.query.items()),
                {name.lower(): value for name, value in headers},
                _json(raw),
                reply.status,
                {name.lower(): value for name, value in reply.headers.items()},
                _json(answer),
            )
        )
        kept = {name: value for name, value in reply.headers.items() if name.lower() not in _HOP}
        return web.Response(body=answer or None, status=reply.status, headers=kept)

    async def __aenter__(self) -> Recorder:
        self._session = aiohttp.ClientSession(auto_decompress=False)
        self._runner = web.ServerRunner(web.Server(self.handle, access_log=None), shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()
        await self._session.close()


@asynccontextmanager
async def recorded(upstream: str):
    """A recorder in front of ``upstream``."""
    async with Recorder(upstream) as recorder:
        yield recorder


def _json(raw: bytes) -> Any:
    return orjson.loads(raw) if raw.strip() else None
