"""The transport against a server that does everything wrong: one request, one verdict, no surprises."""

from __future__ import annotations

import asyncio
import socket

import aiohttp
import orjson
import pytest

from headgate.clock import SystemClock
from headgate.exchange import Call, Verdict
from headgate.platform import Transport
from headgate.secret import Secret

CLIENT_SECRET = "p8e-client-secret"


def create(route, body=None, **more):
    return Call(
        "POST",
        "flow",
        f"/{route}",
        f"POST /{route}",
        "create",
        body={"name": "x"} if body is None else body,
        **more,
    )


def read(route, **more):
    return Call("GET", "flow", f"/{route}", f"GET /{route}", "read", **more)


@pytest.mark.parametrize(
    ("route", "verdict", "status", "words"),
    [
        ("created", Verdict.OK, 201, ""),
        ("drop", Verdict.LOST, 0, "broke before an answer"),
        ("half-head", Verdict.LOST, 0, "broke before an answer"),
        ("garbage", Verdict.LOST, 0, "broke before an answer"),
        ("truncated", Verdict.LOST, 201, "broke off"),
        ("truncated-chunked", Verdict.LOST, 201, "broke off"),
        ("half-json", Verdict.LOST, 201, "not readable JSON"),
        ("html", Verdict.LOST, 200, "web page"),
        ("empty", Verdict.LOST, 202, "without an id"),
        ("truncated-400", Verdict.REJECTED, 400, "HTTP 400"),
        ("truncated-500", Verdict.FAULT, 500, "HTTP 500"),
        ("html-502", Verdict.FAULT, 502, "502 Bad Gateway"),
        ("redirect", Verdict.REJECTED, 302, ""),
        ("429-header", Verdict.THROTTLED, 429, "Too many requests"),
        ("429-body", Verdict.THROTTLED, 429, "Too many requests"),
        ("503-header", Verdict.THROTTLED, 503, ""),
        ("503", Verdict.FAULT, 503, ""),
        ("500", Verdict.FAULT, 500, "An internal error"),
        ("403", Verdict.REFUSED, 403, "Profile is not valid"),
        ("big", Verdict.LOST, 200, "broke off"),
    ],
)  # fmt: skip
async def test_every_misbehaviour_of_a_create_has_its_verdict(odd, transport, route, verdict, status, words):
    answer = await transport.perform(create(route))
    assert (answer.verdict, answer.status) == (verdict, status)
    assert words in (answer.problem.message if answer.problem else "")
    assert len(odd.seen(f"/{route}")) == 1, "an effect is sent once, whatever happens"
    assert answer.requests == 2  # the token and the call
    assert answer.elapsed_s > 0


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_the_library_repeats_nothing_by_itself(odd, transport, method):
    answer = await transport.perform(Call(method, "flow", "/drop", f"{method} /drop", "write"))
    assert answer.verdict is Verdict.LOST
    assert len(odd.seen("/drop")) == 1


@pytest.mark.parametrize("route", ["empty", "none"])
async def test_a_success_without_a_body_is_one_unless_an_id_was_wanted(transport, route):
    answer = await transport.perform(Call("DELETE", "flow", f"/{route}", "DELETE /flows/{id}", "write"))
    assert (answer.verdict, answer.body, answer.problem) == (Verdict.OK, None, None)


async def test_hints_ids_and_the_platforms_clock(transport):
    assert (await transport.perform(create("429-header"))).retry_after_s == 3.0
    assert (await transport.perform(create("429-body"))).retry_after_s == 0.5
    answer = await transport.perform(create("500"))
    assert (answer.problem.code, answer.problem.request_id) == ("1400-500", "rid")
    answer = await transport.perform(create("403"))
    assert answer.problem.request_id == "rid-h"
    assert abs(answer.date_s - SystemClock().now()) < 60


async def test_what_is_sent(odd, transport):
    call = create("created", {"auth": {"params": {"key": Secret("k3y", "${env:K}"), "port": Secret(22)}}, "list": (1, 2)}, headers=(("If-Match", '"e"'),))  # fmt: skip
    answer = await transport.perform(call)
    assert answer.body == {"id": "7", "etag": '"1"'}
    ims, sent = odd.requests
    assert ims[1] == "/ims"
    assert "grant_type=client_credentials" in ims[3].decode()
    assert orjson.loads(sent[3]) == {"auth": {"params": {"key": "k3y", "port": 22}}, "list": [1, 2]}
    names = {name.lower(): value for name, value in sent[2].items()}
    assert names["if-match"] == '"e"'
    assert names["authorization"] == "Bearer token-1"
    assert names["content-type"] == names["accept"] == "application/json"
    assert (names["x-api-key"], names["x-gw-ims-org-id"], names["x-sandbox-name"]) == (
        "cid",
        "o@AdobeOrg",
        "dev",
    )


async def test_adhoc_is_asked_with_its_own_accept_or_none(odd, transport):
    call = Call("POST", "adhoc", "/adhocrun", "POST /adhocrun", "create", body={})
    await transport.perform(call)
    assert "Accept" not in odd.requests[-1][2]
    accept = "application/vnd.adobe.adhoc.activation+json; version=2"
    await transport.perform(
        Call("POST", "adhoc", "/adhocrun", "POST /adhocrun", "create", body={}, headers=(("Accept", accept),))
    )
    assert odd.requests[-1][2].getall("Accept") == [accept]


async def test_filters_survive_the_way(odd, transport):
    await transport.perform(read("created", query=(("property", 'name=="a+b &c=d/é"'), ("orderby", "+name"))))
    path = odd.requests[-1][1]
    assert path.endswith("?property=name%3D%3D%22a%2Bb%20%26c%3Dd%2F%C3%A9%22&orderby=%2Bname")


async def test_a_path_is_quoted(odd, transport):
    await transport.perform(Call("GET", "flow", "/flows/a b?x=1#y", "GET /flows/{id}", "read"))
    assert odd.requests[-1][1].endswith("/flows/a%20b%3Fx%3D1%23y")


async def test_no_answer_in_time_is_lost(odd, settings_of):
    async with Transport(settings_of(timeout_s=0.2), SystemClock()) as transport:
        for route, status in (("slow", 0), ("slow-body", 201)):
            answer = await transport.perform(create(route))
            assert (answer.verdict, answer.status) == (Verdict.LOST, status)


async def test_nobody_listening_is_not_sent(odd, settings_of):
    with socket.socket() as bound:  # bound and never listening: nobody else gets the port
        bound.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{bound.getsockname()[1]}"
        async with Transport(settings_of(platform_url=url), SystemClock()) as transport:
            answer = await transport.perform(create("created"))
    assert (answer.verdict, answer.status, answer.requests) == (Verdict.NOT_SENT, 0, 1)  # the token only
    assert answer.problem.code == "not_connected"
    assert "127.0.0.1" in answer.problem.message


async def test_an_unknown_host_is_not_sent(odd, settings_of):
    class Nowhere(aiohttp.abc.AbstractResolver):
        async def resolve(self, host, port=0, family=socket.AF_INET):
            raise OSError(None, "no such host")

        async def close(self):
            pass

    def session(settings):
        return aiohttp.ClientSession(connector=aiohttp.TCPConnector(resolver=Nowhere()))

    settings = settings_of(platform_url="https://platform.invalid", access_token=Secret("t"))
    async with Transport(settings, SystemClock(), session=session) as transport:
        answer = await transport.perform(create("created"))
    assert (answer.verdict, answer.requests, answer.problem.code) == (Verdict.NOT_SENT, 0, "unknown_host")


async def test_no_free_connection_in_time_is_not_sent(odd, settings_of):
    async with Transport(settings_of(connections=1, connect_timeout_s=0.2), SystemClock()) as transport:
        await transport.perform(create("created"))
        holder = asyncio.create_task(transport.perform(create("slow")))
        while not odd.seen("/slow"):
            await asyncio.sleep(0)
        answer = await transport.perform(create("created"))
        assert (answer.verdict, answer.problem.code) == (Verdict.NOT_SENT, "connect_timeout")
        odd.release.set()
        assert (await holder).verdict is Verdict.OK


async def test_tls_that_cannot_be_trusted_is_not_sent(odd, settings_of):
    settings = settings_of(platform_url=odd.url.replace("http:", "https:"), access_token=Secret("t"))
    async with Transport(settings, SystemClock()) as transport:
        answer = await transport.perform(create("created"))
    assert (answer.verdict, answer.problem.code) == (Verdict.NOT_SENT, "tls_failed")


@pytest.mark.parametrize("route", ["big", "big-gzip"])
async def test_an_endless_answer_is_not_read(transport, route):
    assert (await transport.perform(create(route))).verdict is Verdict.LOST
    answer = await transport.perform(read(route))
    assert (answer.verdict, answer.problem.code) == (Verdict.REJECTED, "answer_too_long")
    assert (await transport.perform(create("created"))).verdict is Verdict.OK


async def test_secrets_the_platform_quotes_stay_here(transport):
    secrets = {"key": Secret("AKIA-quoted"), "inner": {"n": [Secret("multi\nline-value")]}, "open": "visible"}
    answer = await transport.perform(create("echo", secrets))
    assert answer.verdict is Verdict.REJECTED
    assert "visible" in answer.problem.message
    for hidden in ("AKIA-quoted", "line-value", "token-1"):
        assert hidden not in repr(answer)


async def test_a_body_that_cannot_be_encoded_or_headers_that_split_are_not_sent(odd, transport):
    for call in (
        create("created", {"x": {1, 2}}),
        create("created", {"x": 2**70}),
        read("created", headers=(("If-Match", "a\r\nEvil: b"),)),
    ):
        answer = await transport.perform(call)
        assert (answer.verdict, answer.requests, answer.problem.code) == (Verdict.REJECTED, 0, "unsendable")
    assert odd.requests == []


async def test_cancellation_passes_through(odd, transport):
    task = asyncio.create_task(transport.perform(create("slow")))
    while not odd.seen("/slow"):
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_outside_its_block_it_is_a_bug(settings_of):
    with pytest.raises(RuntimeError):
        await Transport(settings_of(access_token=Secret("t")), SystemClock()).perform(read("created"))


async def test_many_calls_at_once_share_one_token(odd, transport):
    answers = await asyncio.gather(*(transport.perform(create("created")) for _ in range(200)))
    assert {answer.verdict for answer in answers} == {Verdict.OK}
    assert odd.tokens == 1
    assert sum(answer.requests for answer in answers) == len(odd.requests) == 201
