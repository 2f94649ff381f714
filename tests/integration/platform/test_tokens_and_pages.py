"""What takes more than one request: a stale token, a listing of many pages."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import replace
from urllib.parse import quote

import pytest

from headgate.clock import SystemClock
from headgate.exchange import Call, Verdict
from headgate.platform import Transport
from headgate.secret import Secret
from headgate.workflows.runs import items_of

CREATE = Call("POST", "flow", "/created", "POST /created", "create", body={})
LIST = Call(
    "GET",
    "flow",
    "/flows",
    "GET /flows",
    "lookup",
    query=(("property", "name==a"), ("limit", "100")),
    paged=True,
)


async def test_a_stale_token_is_renewed_and_the_call_sent_again(odd, transport):
    assert (await transport.perform(CREATE)).requests == 2
    odd.good = {"token-2"}
    answer = await transport.perform(CREATE)
    assert answer.verdict is Verdict.OK
    assert answer.requests == 3  # refused, token, again
    assert len(odd.requests) == 5


async def test_the_second_sending_is_paced_too(odd, settings_of):
    admitted = []

    async def admit(endpoint):
        admitted.append(endpoint)

    async with Transport(settings_of(), SystemClock(), admit=admit) as transport:
        odd.good = {"token-2"}
        assert (await transport.perform(CREATE)).verdict is Verdict.OK
    assert admitted == ["POST /created"]


async def test_a_hundred_stale_calls_renew_once(odd, transport):
    await transport.perform(CREATE)
    odd.good = {"token-2"}
    answers = await asyncio.gather(*(transport.perform(CREATE) for _ in range(50)))
    assert {answer.verdict for answer in answers} == {Verdict.OK}
    assert odd.tokens == 2
    assert sum(answer.requests for answer in answers) + 2 == len(odd.requests)


@pytest.mark.parametrize("route", ["401", "403010"])
async def test_refused_with_a_fresh_token_is_refused(odd, transport, route):
    answer = await transport.perform(Call("POST", "flow", f"/{route}", "POST /x", "create", body={}))
    assert answer.verdict is Verdict.REFUSED
    assert (odd.tokens, len(odd.seen(f"/{route}")), answer.requests) == (2, 2, 4)
    assert "client_secret" in answer.problem.advice


async def test_lack_of_rights_is_not_the_tokens_fault(odd, transport):
    answer = await transport.perform(Call("GET", "flow", "/403", "GET /x", "read"))
    assert (answer.verdict, odd.tokens, answer.requests) == (Verdict.REFUSED, 1, 2)


async def test_a_fixed_token_is_sent_and_never_renewed(odd, settings_of):
    async with Transport(settings_of(access_token=Secret("mine"), client_secret=None), SystemClock()) as transport:
        assert (await transport.perform(CREATE)).requests == 1
        odd.good = {"other"}
        answer = await transport.perform(CREATE)
    assert (answer.verdict, answer.requests, odd.tokens) == (Verdict.REFUSED, 1, 0)
    assert "access_token" in answer.problem.advice


async def test_bad_credentials_are_refused_before_anything_is_sent(odd, transport):
    odd.ims_answer = (400, {"error": "invalid_client", "error_description": "wrong p8e-client-secret"})
    answer = await transport.perform(CREATE)
    assert (answer.verdict, answer.status, answer.requests) == (Verdict.REFUSED, 400, 1)
    assert "credentials" in answer.problem.message
    assert "p8e" not in repr(answer)
    assert odd.seen("/created") == []
    odd.ims_answer = None
    assert (await transport.perform(CREATE)).verdict is Verdict.OK


async def test_a_broken_token_endpoint_means_not_sent(odd, transport):
    for answer in ((500, {}), (200, {"unexpected": 1}), (429, {"retryAfterMs": "500"})):
        odd.ims_answer = answer
        got = await transport.perform(CREATE)
        assert (got.verdict, got.requests) == (Verdict.NOT_SENT, 1)
    assert got.retry_after_s == 0.5
    assert odd.seen("/created") == []


async def test_no_token_endpoint_at_all_means_not_sent(settings_of):
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        ims = f"http://127.0.0.1:{bound.getsockname()[1]}/ims"
        async with Transport(settings_of(ims_url=ims), SystemClock()) as transport:
            answer = await transport.perform(CREATE)
    assert answer.verdict is Verdict.NOT_SENT
    assert "token endpoint" in answer.problem.message


async def test_a_token_refused_while_its_endpoint_is_down_is_not_sent(odd, transport):
    """The platform said 401, so nothing was done, and asking again later may help."""
    await transport.perform(CREATE)
    odd.good = set()
    odd.ims_answer = (503, {})
    answer = await transport.perform(CREATE)
    assert (answer.verdict, answer.requests) == (Verdict.NOT_SENT, 2)


async def test_pages_are_one_answer(odd, settings_of):
    odd.pages = {
        "": {"items": [1, 2], "_links": {"next": {"href": "/flows?continuationToken=b=="}}},
        "b==": {
            "items": [3],
            "_links": {"next": {"href": f"{odd.url}/data/foundation/flowservice/flows?continuationToken=c"}},
        },
        "c": {"items": [], "_links": {}},
    }
    admitted = []

    async def admit(endpoint):
        admitted.append(endpoint)

    async with Transport(settings_of(), SystemClock(), admit=admit) as transport:
        answer = await transport.perform(LIST)
    assert (answer.verdict, answer.body, answer.requests) == (Verdict.OK, {"items": [1, 2, 3]}, 4)
    assert admitted == ["GET /flows"] * 2
    assert all("property=name%3D%3Da&limit=100" in request[1] for request in odd.seen("/flows"))
    assert answer.date_s is not None


@pytest.mark.parametrize(
    ("token", "encoded"),
    [
        *((token, True) for token in ("a+b/c==", "+", "=", "a=b+c=", "a%2Bb", "ü ö", "a&b#c")),
        *((token, False) for token in ("a+b/c==", "+", "=", "a=b+c=")),
    ],
)
async def test_any_token_comes_back_as_it_was_given(odd, transport, token, encoded):
    """Whether the link writes it plainly or percent-encoded; followed by the transport, or page by page."""
    href = f"/flows?continuationToken={quote(token, safe='') if encoded else token}"
    first = {"items": [{"id": "1"}], "_links": {"next": {"href": href}}}
    odd.pages = {"": first, token: {"items": [{"id": "2"}], "_links": {}}}
    answer = await transport.perform(LIST)
    assert answer.body == {"items": [{"id": "1"}, {"id": "2"}]}, answer.problem
    following = replace(LIST, paged=False, query=(*LIST.query, ("continuationToken", items_of(first)[1])))
    assert (await transport.perform(following)).body["items"] == [{"id": "2"}]


async def test_a_listing_that_leads_in_circles_ends(odd, transport):
    odd.pages = {"": {"items": [1], "_links": {"next": {"href": "/flows?continuationToken=b"}}}}
    odd.pages["b"] = odd.pages[""]
    answer = await transport.perform(LIST)
    assert (answer.verdict, answer.problem.code, answer.body, answer.requests) == (
        Verdict.FAULT,
        "page_loop",
        None,
        3,
    )


async def test_the_token_goes_to_no_other_host(odd, transport):
    odd.pages = {"": {"items": [1], "_links": {"next": {"href": "http://127.0.0.1:9/flows?continuationToken=b"}}}}
    answer = await transport.perform(LIST)
    assert (answer.verdict, answer.problem.code, answer.requests) == (Verdict.REJECTED, "page_elsewhere", 2)


async def test_a_page_that_fails_is_the_answer(odd, transport):
    odd.pages = {"": {"items": [1], "_links": {"next": {"href": "/flows?continuationToken=gone"}}}}
    answer = await transport.perform(LIST)
    assert (answer.verdict, answer.status, answer.requests) == (Verdict.FAULT, 500, 3)


async def test_segmentations_records_are_items(transport):
    answer = await transport.perform(
        Call("GET", "segmentation", "/export/jobs", "GET /export/jobs", "lookup", paged=True)
    )
    assert answer.body == {"items": [{"id": 1}]}
