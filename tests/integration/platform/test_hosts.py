"""Where a token goes: to the configured hosts over verified TLS, whatever an answer says; nobody else gets a request."""

from __future__ import annotations

import asyncio
import inspect
import ssl
from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp import web

import headgate
from headgate.clock import SystemClock
from headgate.exchange import Call, Verdict
from headgate.embedded import simulated
from headgate.launch import execute
from headgate.manifest.kinds import GRAMMARS
from headgate.manifest.load import load
from headgate.pacing import PollPolicy
from headgate.platform import Transport
from headgate.secret import Secret
from headgate.settings import Limits, Profile
from headgate.simulator import adhoc
from headgate.store import open_store
from headgate.workflows.compile import compile_plan

LIST = Call("GET", "flow", "/flows", "GET /flows", "lookup", (("limit", "100"),), paged=True)
MAKE = Call("POST", "flow", "/redirect", "POST /redirect", "create", body={"name": "x"})
CERTIFICATE = Path(__file__).parents[2] / "data" / "tls" / "nobody-trusts-this.pem"


class Elsewhere:
    """A host that nobody has any business with, and what it was asked nevertheless."""

    def __init__(self):
        self.asked, self.port = [], 0


async def _listen(there, handler, tls=None):
    server = web.Server(handler)
    runner = web.ServerRunner(server)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
    await site.start()
    there.port = site._server.sockets[0].getsockname()[1]
    return runner


@pytest.fixture
async def elsewhere():
    there = Elsewhere()

    async def handler(request):
        there.asked.append((request.method, request.path_qs, dict(request.headers)))
        return web.json_response({"items": [{"id": "stolen"}], "_links": {}, "access_token": "t"})

    runner = await _listen(there, handler)
    yield there
    await runner.cleanup()


@pytest.mark.parametrize(
    "link",
    [
        "http://127.0.0.1:{there}/flows?continuationToken=b",
        "//127.0.0.1:{there}/flows?continuationToken=b",
        "http://127.0.0.1:{here}@127.0.0.1:{there}/flows?continuationToken=b",
        "http://localhost:{here}/flows?continuationToken=b",
        "https://127.0.0.1:{here}/flows?continuationToken=b",
        "http://127.0.0.1:{here}.evil.example/flows?continuationToken=b",
        "http:\\\\127.0.0.1:{there}\\flows?continuationToken=b",
        "HTTP://127.0.0.1:{there}/flows?continuationToken=b",
        "\thttp://127.0.0.1:{there}/flows?continuationToken=b",
        "ftp://127.0.0.1:{here}/flows?continuationToken=b",
    ],
)
async def test_a_next_link_to_another_place_is_not_followed(odd, transport, elsewhere, link):
    href = link.format(there=elsewhere.port, here=odd.port)
    odd.pages = {"": {"items": [1], "_links": {"next": {"href": href}}}, "b": {"items": [2], "_links": {}}}
    answer = await transport.perform(LIST)
    assert elsewhere.asked == []
    assert answer.verdict is Verdict.REJECTED
    assert answer.problem.code == "page_elsewhere"


@pytest.mark.parametrize(
    "link",
    [
        "/flows?continuationToken=b",
        "/\\127.0.0.1:{there}/flows?continuationToken=b",
        "/data/foundation/flowservice/../../../elsewhere?continuationToken=b",
        "http://127.0.0.1:{here}/admin/delete-everything?continuationToken=b",
        "http://somebody:word@127.0.0.1:{here}/flows?continuationToken=b",
    ],
)
async def test_of_a_link_only_the_query_counts(odd, transport, elsewhere, link):
    href = link.format(there=elsewhere.port, here=odd.port)
    odd.pages = {"": {"items": [1], "_links": {"next": {"href": href}}}, "b": {"items": [2], "_links": {}}}
    answer = await transport.perform(LIST)
    assert answer.body == {"items": [1, 2]}
    assert elsewhere.asked == []
    paths = {path.partition("?")[0] for method, path, _, _ in odd.requests if method == "GET"}
    assert paths == {"/data/foundation/flowservice/flows"}
    assert all("somebody" not in str(headers) for _, _, headers, _ in odd.requests)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
async def test_a_redirect_is_not_followed(settings_of, elsewhere, method, status):
    async def moved(request):
        return web.Response(status=status, headers={"Location": f"http://127.0.0.1:{elsewhere.port}/x"})

    there = Elsewhere()
    runner = await _listen(there, moved)
    try:
        settings = settings_of(platform_url=f"http://127.0.0.1:{there.port}", access_token=Secret("the-token"))
        async with Transport(settings, SystemClock()) as transport:
            answer = await transport.perform(replace(MAKE, method=method, body=None if method != "POST" else {"a": 1}))
    finally:
        await runner.cleanup()
    assert (answer.verdict, answer.status) == (Verdict.REJECTED, status)
    assert elsewhere.asked == []


async def test_a_token_endpoint_that_moves_gets_the_client_secret_no_second_time(odd, settings_of, elsewhere):
    async def moved(request):
        return web.Response(status=307, headers={"Location": f"http://127.0.0.1:{elsewhere.port}/ims"})

    there = Elsewhere()
    runner = await _listen(there, moved)
    try:
        settings = settings_of(ims_url=f"http://127.0.0.1:{there.port}/ims")
        async with Transport(settings, SystemClock()) as transport:
            answer = await transport.perform(LIST)
    finally:
        await runner.cleanup()
    assert answer.verdict in (Verdict.REFUSED, Verdict.NOT_SENT)
    assert elsewhere.asked == []


# -- a whole run whose platform names another host wherever it can

MANIFEST = """
headgate: 1
name: elsewhere
connections:
  s3:
    destination: amazon_s3
    auth: {specName: Access Key, params: {s3AccessKey: FAKEFAKEFAKEFAKEFAKE, s3SecretKey: fake/secret/key/for/the/embedded/server+}}
entries:
  - kind: audience-export
    name: One
    connection: s3
    target: {bucketName: acme-exports, path: x, fileType: CSV, compression: GZIP}
    audiences: [{id: 00000000-0000-4000-8000-000000000001, exportMode: DAILY_FULL_EXPORT,
         schedule: {frequency: DAILY, triggerType: SCHEDULED, startDate: "2020-01-01", startTime: "17:00", endDate: "2099-01-01"}}]
    attributes: [personalEmail.address]
  - kind: activation
    name: now
    destinations: {One: [00000000-0000-4000-8000-000000000001]}
"""


@pytest.mark.parametrize(
    "place", ["http://127.0.0.1:{}/runs/", "//127.0.0.1:{}/", "https://platform.adobe.io@127.0.0.1:{}/runs/"]
)
async def test_a_status_url_that_points_elsewhere_is_asked_at_the_platform(tmp_path, monkeypatch, elsewhere, place):
    monkeypatch.setattr(adhoc, "STATUS_URL", place.format(elsewhere.port))
    path = tmp_path / "elsewhere.yaml"
    path.write_text(MANIFEST)
    plan = compile_plan(load(path, grammars=GRAMMARS), "dev")
    usual = {"limits": Limits(rate="5000/s"), "poll": PollPolicy(600.0, 1200.0)}
    profile = replace(Profile.load(env={}, state=str(tmp_path / "state.db")), **usual)
    store = open_store(tmp_path / "state.db")
    try:
        async with simulated(profile, "dev", time_scale=36000.0, run_seconds=(600.0, 700.0)) as (where, simulator):
            report = await execute(plan, path=path, profile=where, store=store)
            ledger = simulator.ledger()
    finally:
        store.close()
    assert [row.outcome for row in report.activations] == ["activated"]
    assert [row.runState for row in report.activations] == ["success"]
    assert ledger["violations"] == []
    assert elsewhere.asked == []


# -- TLS


async def test_a_certificate_nobody_trusts_ends_it_before_anything_is_sent(settings_of):
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(CERTIFICATE)
    there = Elsewhere()

    async def handler(request):
        there.asked.append(request.path)
        return web.json_response({})

    runner = await _listen(there, handler, tls)
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda *_: None)  # the server hears of an alert
    try:
        for url in (f"https://localhost:{there.port}", f"https://127.0.0.1:{there.port}"):
            settings = settings_of(platform_url=url, access_token=Secret("the-token"))
            async with Transport(settings, SystemClock()) as transport:
                answer = await transport.perform(LIST)
            assert (answer.verdict, answer.problem.code) == (Verdict.NOT_SENT, "tls_failed")
            assert "check platform_url and the certificates" in answer.problem.advice
        settings = settings_of(ims_url=f"https://localhost:{there.port}/ims")
        async with Transport(settings, SystemClock()) as transport:
            answer = await transport.perform(LIST)
        assert answer.verdict is Verdict.NOT_SENT
    finally:
        await runner.cleanup()
        loop.set_exception_handler(None)
    assert there.asked == []


def test_nothing_in_the_program_can_turn_verification_off():
    """No setting is for it, and no word in the source that would do it."""
    words = (
        "ssl=False",
        "CERT_NONE",
        "check_hostname",
        "verify_ssl",
        "_create_unverified",
        "trust_env=True",
        "set_ciphers",
    )
    source = Path(inspect.getfile(headgate)).parent
    for path in source.rglob("*.py"):
        text = path.read_text()
        assert not [word for word in words if word in text], path
    settings = {row[0] for row in Profile.load(env={}).describe()}
    assert not [key for key in settings if any(word in key.lower() for word in ("ssl", "tls", "verify", "insecure"))]
