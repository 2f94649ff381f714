"""A small platform that misbehaves on demand: one route per way to go wrong, and a ledger of what it was asked."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest
from aiohttp import web

from headgate.clock import SystemClock
from headgate.platform import PlatformSettings, Transport
from headgate.platform.wire import Wire
from headgate.secret import Secret

FLOW = "/data/foundation/flowservice"
CLIENT_SECRET = "p8e-client-secret"


@dataclass
class Odd:
    """The server's switches and its ledger."""

    port: int = 0
    requests: list = field(default_factory=list)  # (method, path with query, headers, body)
    tokens: int = 0
    #: Tokens the API takes; ``None``: any.
    good: set | None = None
    ims_answer: tuple | None = None
    pages: dict = field(default_factory=dict)
    release: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def seen(self, path):
        return [request for request in self.requests if request[1].partition("?")[0] == FLOW + path]


def _raw(content: bytes):
    """A handler that writes bytes on the wire as they are and hangs up."""

    async def handler(request):
        request.transport.write(content)
        request.transport.close()
        return web.Response()

    return handler


def _json(status, body, headers=None):
    async def handler(_):
        return web.json_response(body, status=status, headers=headers)

    return handler


def _plain(status, body=b"", headers=None, kind="text/html"):
    async def handler(_):
        return web.Response(status=status, body=body, headers={"Content-Type": kind} | (headers or {}))

    return handler


HEAD = b"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\n"
ROUTES = {
    "drop": _raw(b""),
    "half-head": _raw(b"HTTP/1.1 201 Crea"),
    "garbage": _raw(b"\x00\x01\x02 this is not http\r\n\r\n"),
    "truncated": _raw(HEAD + b'Content-Length: 500\r\n\r\n{"id":"1'),
    "truncated-chunked": _raw(HEAD + b'Transfer-Encoding: chunked\r\n\r\n9\r\n{"id":"1"\r\n'),
    "half-json": _plain(201, b'{"id":"1', kind="application/json"),
    "truncated-400": _raw(b'HTTP/1.1 400 Bad Request\r\nContent-Length: 500\r\n\r\n{"mess'),
    "truncated-500": _raw(b'HTTP/1.1 500 Oh\r\nContent-Length: 500\r\n\r\n{"mess'),
    "html": _plain(200, b"<html><title>Sign in</title></html>"),
    "html-502": _plain(502, b"<html><title>502 Bad Gateway</title></html>"),
    "created": _json(201, {"id": "7", "etag": '"1"'}),
    "empty": _plain(202),
    "none": _plain(204),
    "redirect": _plain(302, headers={"Location": "https://evil.example/"}),
    "429-header": _json(429, {"error_code": "429050", "message": "Too many requests"}, {"Retry-After": "3"}),
    "429-body": _json(429, {"message": "Too many requests", "retryAfterMs": "500", "statusCode": "429"}),
    "503-header": _plain(503, headers={"Retry-After": "2"}),
    "503": _plain(503),
    "500": _json(500, {"type": "https://ns.adobe.com/aep/errors/FLOW-1400-500", "title": "Internal Error", "report": {"detailed-message": "An internal error", "request-id": "rid"}}),
    "403": _json(403, {"error_code": "403025", "message": "Profile is not valid"}, {"x-request-id": "rid-h"}),
    "403010": _json(403, {"error_code": "403010", "message": "Oauth token is missing."}),
    "401": _json(401, {"error_code": 401013, "message": "Oauth token is not valid"}),
    "big": _plain(200, b'"' + b"x" * (8 * 1024 * 1024) + b'"', kind="application/json"),
}  # fmt: skip


async def _big_gzip(request):
    response = web.Response(body=b'"' + b"x" * (9 * 1024 * 1024) + b'"', content_type="application/json")
    response.enable_compression(web.ContentCoding.gzip)
    return response


def _app(odd: Odd) -> web.Application:
    @web.middleware
    async def ledger(request, handler):
        body = await request.read()
        odd.requests.append((request.method, request.path_qs, request.headers.copy(), body))
        if request.path != "/ims" and odd.good is not None:
            if request.headers["Authorization"].removeprefix("Bearer ") not in odd.good:
                return web.json_response({"error_code": "401013", "message": "Oauth token is not valid"}, status=401)
        return await handler(request)

    async def ims(request):
        odd.tokens += 1
        if odd.ims_answer is not None:
            status, body = odd.ims_answer
            return web.json_response(body, status=status)
        return web.json_response({"access_token": f"token-{odd.tokens}", "token_type": "bearer", "expires_in": 86399})

    async def slow(request):
        await odd.release.wait()
        return web.json_response({"id": "late"}, status=201)

    async def slow_body(request):
        response = web.StreamResponse(status=201, headers={"Content-Length": "100"})
        await response.prepare(request)
        await response.write(b'{"id"')
        await odd.release.wait()
        return response

    async def echo(request):
        return web.json_response(
            {"message": f"bad value {(await request.read()).decode()} {request.headers['Authorization']}"},
            status=400,
        )

    async def flows(request):
        return web.json_response(odd.pages[request.query.get("continuationToken", "")])

    app = web.Application(middlewares=[ledger])
    app.router.add_post("/ims", ims)
    for name, handler in (
        ROUTES | {"slow": slow, "slow-body": slow_body, "echo": echo, "flows": flows, "big-gzip": _big_gzip}
    ).items():
        app.router.add_route("*", f"{FLOW}/{name}", handler)
    app.router.add_post("/data/core/activation/disflowprovider/adhocrun", ROUTES["created"])
    app.router.add_get("/data/core/ups/export/jobs", _json(200, {"records": [{"id": 1}], "link": {"next": ""}}))
    return app


@pytest.fixture
async def odd():
    state = Odd()
    runner = web.AppRunner(_app(state), shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    state.port = site._server.sockets[0].getsockname()[1]
    yield state
    state.release.set()
    await runner.cleanup()


@pytest.fixture
def settings_of(odd):
    def make(**changes):
        base = {"platform_url": odd.url, "ims_url": f"{odd.url}/ims", "org_id": "o@AdobeOrg", "client_id": "cid", "sandbox": "dev",
                "client_secret": Secret(CLIENT_SECRET), "scopes": ("a", "b")}  # fmt: skip
        return PlatformSettings(**base | changes)

    return make


@pytest.fixture(params=["wire", "client"], autouse=True)
def way(request, monkeypatch):
    """Both ways of sending a request: past aiohttp's client, and through it."""
    monkeypatch.setattr(Wire, "known", lambda: request.param == "wire")


@pytest.fixture
async def transport(settings_of):
    async with Transport(settings_of(), SystemClock()) as transport:
        yield transport
