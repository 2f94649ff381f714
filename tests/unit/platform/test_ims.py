"""Tokens by a clock that is turned by hand and an endpoint that answers when told."""

from __future__ import annotations

import asyncio
from urllib.parse import parse_qs

import orjson
import pytest

from headgate.errors import PlatformError
from headgate.platform import PlatformSettings
from headgate.platform.ims import FixedToken, ImsTokens, NoTokenError, read_token
from headgate.secret import Secret

SETTINGS = PlatformSettings(
    "https://p.example", "https://i.example/t", "o@AdobeOrg", "cid", "dev", Secret("s3cret&="), ("a", "b")
)


class Endpoint:
    """A token endpoint: tokens are t1, t2 ...; ``gate`` holds answers back, ``fail`` breaks them."""

    def __init__(self, life=1000):
        self.life = life
        self.forms = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.fail = None
        self.now = 0.0

    async def post(self, form):
        self.forms.append(parse_qs(form.decode()))
        number = len(self.forms)
        await self.gate.wait()
        if self.fail is not None:
            raise self.fail
        return (
            200,
            {},
            orjson.dumps({"access_token": f"t{number}", "token_type": "bearer", "expires_in": self.life}),
        )


@pytest.fixture
async def endpoint():
    return Endpoint()


@pytest.fixture
async def tokens(endpoint):
    tokens = ImsTokens(SETTINGS, endpoint.post, lambda: endpoint.now)
    yield tokens
    await tokens.close()


async def settle():
    for _ in range(10):
        await asyncio.sleep(0)


async def test_the_form_has_all_four_fields(endpoint, tokens):
    assert tokens.current() is None
    assert await tokens.get() == "t1"
    assert endpoint.forms == [{"grant_type": ["client_credentials"], "client_id": ["cid"], "client_secret": ["s3cret&="], "scope": ["a,b"]}]  # fmt: skip
    assert tokens.current() == "t1"
    assert (tokens.claim(), tokens.claim()) == (1, 0)


async def test_a_hundred_callers_share_one_request(endpoint, tokens):
    endpoint.gate.clear()
    callers = [asyncio.create_task(tokens.get()) for _ in range(100)]
    await settle()
    endpoint.gate.set()
    assert set(await asyncio.gather(*callers)) == {"t1"}
    assert len(endpoint.forms) == 1


async def test_a_hundred_refusals_renew_once(endpoint, tokens):
    await tokens.get()
    assert set(await asyncio.gather(*(tokens.renew("t1") for _ in range(100)))) == {"t2"}
    assert await tokens.renew("t1") == "t2"  # a latecomer's stale token is not the one at hand
    assert len(endpoint.forms) == 2


async def test_all_share_a_failure_and_the_next_may_try_again(endpoint, tokens):
    endpoint.fail = NoTokenError("down", refused=False)
    outcomes = await asyncio.gather(*(tokens.get() for _ in range(5)), return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {NoTokenError}
    assert len(endpoint.forms) == 1
    await settle()
    endpoint.fail = None
    assert await tokens.get() == "t2"


async def test_one_callers_cancellation_takes_nothing_from_the_others(endpoint, tokens):
    endpoint.gate.clear()
    first, second = (asyncio.create_task(tokens.get()) for _ in range(2))
    await settle()
    first.cancel()
    await settle()
    endpoint.gate.set()
    assert await second == "t1"
    assert first.cancelled()
    assert len(endpoint.forms) == 1


async def test_a_failure_nobody_waits_for_is_quiet(endpoint, tokens):
    endpoint.gate.clear()
    only = asyncio.create_task(tokens.get())
    await settle()
    only.cancel()
    endpoint.fail = NoTokenError("down", refused=False)
    endpoint.gate.set()
    await settle()


@pytest.mark.parametrize(("life", "margin"), [(86_399, 500), (1000, 100), (10, 1)])
async def test_renewed_beside_the_work_before_the_end(endpoint, tokens, life, margin):
    endpoint.life = life
    await tokens.get()
    endpoint.now = life - margin - 0.001
    assert tokens.current() == "t1"
    await settle()
    assert len(endpoint.forms) == 1
    endpoint.now = life - margin + 0.001
    assert tokens.current() == "t1"  # nobody waits
    assert tokens.current() == "t1"
    await settle()
    assert tokens.current() == "t2"
    assert len(endpoint.forms) == 2


async def test_after_its_end_a_token_is_not_sent(endpoint, tokens):
    await tokens.get()
    endpoint.now = 1000.0
    assert tokens.current() is None
    assert await tokens.get() == "t2"


async def test_a_failed_early_renewal_is_repeated_with_pauses_and_hurts_nobody(endpoint, tokens):
    await tokens.get()
    endpoint.fail = NoTokenError("down", refused=False)
    endpoint.now = 900.0
    for _ in range(5):
        assert tokens.current() == "t1"
        await settle()
    assert len(endpoint.forms) == 2
    endpoint.now = 921.0  # a fifth of the hundred seconds left
    tokens.current()
    await settle()
    assert len(endpoint.forms) == 3
    endpoint.now = 1000.0
    with pytest.raises(NoTokenError):
        await tokens.get()


async def test_life_counts_from_the_asking(endpoint, tokens):
    endpoint.gate.clear()
    waiting = asyncio.create_task(tokens.get())
    await settle()
    endpoint.now = 50.0
    endpoint.gate.set()
    await waiting
    endpoint.now = 999.0
    assert tokens.current() == "t1"
    await settle()
    endpoint.now = 1000.0
    assert tokens.current() == "t2"  # had begun to be renewed


async def test_closing_gives_up_a_request_under_way(endpoint):
    tokens = ImsTokens(SETTINGS, endpoint.post, lambda: 0.0)
    endpoint.gate.clear()
    waiting = asyncio.create_task(tokens.get())
    await settle()
    await tokens.close()
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_a_fixed_token_is_what_it_is():
    tokens = FixedToken("mine")
    assert tokens.current() == await tokens.get() == "mine"
    assert not tokens.renewable
    assert tokens.claim() == 0
    with pytest.raises(NoTokenError):
        await tokens.renew("mine")
    await tokens.close()


@pytest.mark.parametrize(
    ("expires_in", "life_s"), [(86399, 86399), ("3600", 3600), (86399992, 86399.992), (None, 3600), (0, 3600), (-1, 3600), ("soon", 3600)]
)  # fmt: skip
def test_life_is_seconds_and_never_nonsense(expires_in, life_s):
    assert read_token(200, {}, orjson.dumps({"access_token": "t", "expires_in": expires_in})) == ("t", life_s)


@pytest.mark.parametrize("token", ["", None, 5, "two words", "line\r\nX-Evil: 1", "sp\u00e9cial"])
def test_what_cannot_be_a_header_is_no_token(token):
    with pytest.raises(NoTokenError) as caught:
        read_token(200, {}, orjson.dumps({"access_token": token, "expires_in": 5}))
    assert not caught.value.refused


@pytest.mark.parametrize(
    ("status", "body", "refused"),
    [(400, b'{"error":"invalid_client"}', True), (401, b"", True), (403, b"<html>", True), (429, b"", False), (408, b"", False), (500, b"", False), (302, b"", False), (200, b"<html>", False)],
)  # fmt: skip
def test_only_a_no_to_the_credentials_is_a_refusal(status, body, refused):
    with pytest.raises(PlatformError, match="credentials" if status != 200 else "token") as caught:
        read_token(status, {}, body)
    assert caught.value.refused is refused


def test_the_secret_is_not_in_the_message_and_the_hint_is():
    body = orjson.dumps({"error": "invalid_client", "error_description": "secret s3cret&= of cid is wrong"})
    with pytest.raises(NoTokenError) as caught:
        read_token(400, {}, body, secrets=("s3cret&=",))
    assert "s3cret" not in str(caught.value)
    assert "client_secret" in caught.value.hint


@pytest.mark.parametrize(
    ("headers", "body", "hint_s"),
    [({"Retry-After": "9"}, b"", 9), ({"Retry-After": "Tue, 15 Nov 1994 08:12:41 GMT", "Date": "Tue, 15 Nov 1994 08:12:31 GMT"}, b"", 10), ({}, b'{"retryAfterMs":"500"}', 0.5), ({}, b"", None)],
)  # fmt: skip
def test_a_busy_endpoint_says_when_to_come_back(headers, body, hint_s):
    with pytest.raises(NoTokenError) as caught:
        read_token(429, headers, body)
    assert caught.value.retry_after_s == hint_s
