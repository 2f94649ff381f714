"""Tokens, headers, sandboxes, throttling: what every call meets first."""

from email.utils import parsedate_to_datetime

import pytest


async def token(caller, **fields):
    known = caller.sim.credentials
    form = {
        "client_id": known["client_id"],
        "client_secret": known["client_secret"],
        "grant_type": "client_credentials",
        "scope": known["scopes"],
        **fields,
    }
    form = {key: value for key, value in form.items() if value is not None}
    async with caller.session.post(caller.sim.ims_url, data=form) as response:
        return response.status, await response.json()


async def test_a_token_opens_the_platform(caller):
    status, body = await token(caller)
    assert status == 200
    assert (body["token_type"], body["expires_in"]) == ("bearer", 86399)
    headers = {"Authorization": f"Bearer {body['access_token']}"}
    assert (await caller.get("/flows", headers=headers)).status == 200


@pytest.mark.parametrize(
    ("fields", "status", "error"),
    [
        ({"client_secret": "wrong"}, 401, "invalid_client"),
        ({"client_id": "wrong"}, 401, "invalid_client"),
        ({"client_secret": None}, 400, "invalid_request"),
        ({"scope": None}, 400, "invalid_request"),
        ({"client_id": None}, 400, "invalid_request"),
        ({"grant_type": None}, 400, "invalid_request"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"scope": "a b"}, 400, "invalid_scope"),
    ],
)
async def test_all_four_fields_must_be_right(caller, fields, status, error):
    answered, body = await token(caller, **fields)
    assert (answered, body["error"]) == (status, error)


async def test_tokens_live_in_real_time(start, clock, wire):
    real = wire.ManualClock(0.0)
    caller = await start(token_life_s=100, real_clock=real)
    clock.at += 10_000
    assert (await caller.get("/flows")).status == 200
    real.at = 100.0
    answer = await caller.get("/flows")
    assert (answer.status, answer.body) == (
        401,
        {"error_code": "401013", "message": "Oauth token is not valid"},
    )


async def test_revoked_tokens_are_invalid(caller):
    caller.sim.revoke_tokens()
    assert (await caller.get("/flows")).status == 401


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({"Authorization": None}, 403, "403010"),
        ({"Authorization": "Bearer nonsense"}, 401, "401013"),
        ({"Authorization": "Basic abc"}, 401, "401013"),
        ({"x-api-key": None}, 403, "403000"),
        ({"x-api-key": "other"}, 403, "403003"),
        ({"x-gw-ims-org-id": None}, 400, "400003"),
        ({"x-gw-ims-org-id": "me"}, 403, "403027"),
        ({"x-gw-ims-org-id": "F" * 24 + "@AdobeOrg"}, 403, "403025"),
    ],
)
async def test_gateway_codes(caller, headers, status, code):
    answer = await caller.get("/flows", headers=headers)
    assert (answer.status, answer.body["error_code"]) == (status, code)
    assert caller.sim.ledger()["refusals"] == {code: 1}


@pytest.mark.parametrize(
    ("sandbox", "status", "code"),
    [
        (None, 400, "2105-400"),
        ("nowhere", 404, "2100-404"),
        ("PROD", 404, "2100-404"),
    ],
)
async def test_sandboxes(caller, sandbox, status, code):
    answer = await caller.get("/flows", headers={"x-sandbox-name": sandbox})
    assert (answer.status, answer.code) == (status, code)
    assert answer.body["report"]["request-id"] == answer.headers["x-request-id"]


async def test_lenient_means_prod(start):
    caller = await start(lenient=True)
    assert (await caller.get("/flows", headers={"x-sandbox-name": None})).status == 200


@pytest.mark.parametrize("content_type", [None, "text/plain", "application/json-patch+json"])
async def test_writes_need_a_media_type(caller, content_type):
    answer = await caller.post("/connections", data=b'{"name":"x"}', headers={"Content-Type": content_type})
    assert answer.status == 400
    assert answer.body == {
        "type": "/placeholder/type/uri",
        "status": 400,
        "title": "BadRequestError",
        "detail": "A valid content-type must be specified",
    }


async def test_bodies_must_be_json(caller):
    assert (await caller.post("/connections", data=b"{nonsense")).body["title"] == "BadRequestError"
    assert (await caller.post("/connections", data=b"")).code == "1405-400"
    assert (await caller.post("/connections", {})).code == "1405-400"


async def test_every_answer_tells_the_platform_time(caller, clock):
    clock.at += 86_400 * 30
    for answer in (await caller.get("/flows"), await caller.get("/flows/none"), await caller.get("/nothing")):
        assert parsedate_to_datetime(answer.headers["Date"]).timestamp() == clock.at
        assert answer.headers.getall("Date") == [answer.headers["Date"]]
        assert len(answer.headers["x-request-id"]) == 32


async def test_throttling_counts_platform_calls_only(start, wire):
    real = wire.ManualClock(0.0)
    caller = await start(rate_limit="3/s", real_clock=real)
    for _ in range(5):
        assert (await token(caller))[0] == 200
    statuses = [(await caller.get("/flows")).status for _ in range(4)]
    assert statuses == [200, 200, 200, 429]
    last = await caller.get("/flows")
    assert last.headers["Retry-After"] == "1"
    assert last.body == {"error_code": "429050", "message": "Too many requests"}
    real.at = 1.0
    assert (await caller.get("/flows")).status == 200
    requests = caller.sim.ledger()["requests"]
    assert (requests["total"], requests["throttled"], requests["tokens"]) == (6, 2, 5)
    assert requests["perSecond"] == {"worst": 5, "limit": 3.0}


async def test_retry_after_can_be_absent(start, wire):
    caller = await start(rate_limit="1/s", retry_after=False, real_clock=wire.ManualClock(0.0))
    await caller.get("/flows")
    assert "Retry-After" not in (await caller.get("/flows")).headers


async def test_latency_is_real_and_after_the_effect(start, wire):
    real = wire.ManualClock(0.0)
    caller = await start(latency_s=0.25, real_clock=real)
    await caller.get("/flows")
    assert real.slept == [0.25]


async def test_unknown_paths_are_404(caller):
    for path in ("/nothing", "/flows/a/b/c"):
        answer = await caller.get(path)
        assert (answer.status, answer.body["title"]) == (404, "NotFoundError")
    assert (await caller.call("GET", "/data/else")).status == 404
