from __future__ import annotations

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.exchange import Answer, Call, Verdict
from headgate.platform.classify import classify, stale_token, trouble

CREATE = Call("POST", "flow", "/flows", "POST /flows", "create")
WRITE = Call("PATCH", "flow", "/flows/7", "PATCH /flows/{id}", "write")
READ = Call("GET", "flow", "/flows/7", "GET /flows/{id}", "read")
DATE = "Tue, 15 Nov 1994 08:12:31 GMT"
DATE_S = 784887151.0


def verdict(call, status, body=b"{}", **headers):
    return classify(call, status, {name.replace("_", "-"): value for name, value in headers.items()}, body).verdict


@pytest.mark.parametrize(
    ("call", "status", "body", "expected"),
    [
        (CREATE, 201, b'{"id":"1"}', Verdict.OK),
        (CREATE, 201, b'["@/dataSets/5e"]', Verdict.OK),  # Catalog's way
        (CREATE, 201, b"", Verdict.LOST),  # it exists, but we do not know its id
        (CREATE, 201, b'{"id":"1', Verdict.LOST),
        (CREATE, 200, b"<html>", Verdict.LOST),
        (CREATE, 200, b'"fine"', Verdict.LOST),
        (CREATE, 201, None, Verdict.LOST),
        (WRITE, 202, b"", Verdict.OK),
        (WRITE, 200, b'{"id":"1"}', Verdict.OK),
        (WRITE, 200, b"<html>", Verdict.LOST),
        (READ, 200, b"[]", Verdict.OK),
        (READ, 204, b" \n", Verdict.OK),
        (READ, 200, b"<html>", Verdict.LOST),
        (READ, 200, None, Verdict.LOST),
    ],
)
def test_a_success_counts_when_its_body_can_be_used(call, status, body, expected):
    assert verdict(call, status, body) is expected


@pytest.mark.parametrize("status", [400, 404, 405, 409, 412, 413, 422, 301, 302, 304])
def test_a_no_is_a_no(status):
    assert verdict(CREATE, status) is Verdict.REJECTED


@pytest.mark.parametrize("status", [500, 501, 502, 503, 504, 599, 408])
def test_what_broke_inside_is_a_fault(status):
    assert verdict(CREATE, status) is Verdict.FAULT


def test_throttling_with_and_without_a_hint():
    assert verdict(CREATE, 429) is Verdict.THROTTLED
    assert verdict(CREATE, 503, Retry_After="2") is Verdict.THROTTLED
    assert verdict(CREATE, 503, Retry_After="soon") is Verdict.FAULT
    assert verdict(CREATE, 503, b'{"retryAfterMs":"5"}') is Verdict.THROTTLED
    assert verdict(CREATE, 500, Retry_After="2") is Verdict.FAULT
    assert verdict(CREATE, 429, None) is Verdict.THROTTLED


@pytest.mark.parametrize(
    ("status", "body", "expected", "stale"),
    [
        (401, b"", Verdict.REFUSED, True),
        (401, b'{"error_code":401013,"message":"m"}', Verdict.REFUSED, True),
        (403, b'{"error_code":"403010","message":"m"}', Verdict.REFUSED, True),
        (403, b'{"error_code":"403025","message":"m"}', Verdict.REFUSED, False),
        (403, b"", Verdict.REFUSED, False),
        (400, b'{"type":"https://ns.adobe.com/aep/errors/FLOW-2115-400"}', Verdict.REFUSED, True),
        (400, b'{"error_code":"400003","message":"m"}', Verdict.REJECTED, False),
        (500, b'{"error_code":"401013","message":"m"}', Verdict.FAULT, False),
    ],
)
def test_only_a_stale_token_is_worth_a_new_one(status, body, expected, stale):
    answer = classify(CREATE, status, {}, body)
    assert answer.verdict is expected
    assert stale_token(answer) is stale


@pytest.mark.parametrize(
    ("headers", "body", "hint"),
    [
        ({"Retry-After": "7"}, b"{}", 7.0),
        ({"Retry-After": " 0.5 "}, b"{}", 0.5),
        ({"Retry-After": "-3"}, b"{}", 0.0),
        ({"Retry-After": "999999999"}, b"{}", 86_400.0),
        ({"Retry-After": "Tue, 15 Nov 1994 08:12:41 GMT", "Date": DATE}, b"{}", 10.0),
        ({"Retry-After": "Tue, 15 Nov 1994 08:12:41 GMT"}, b"{}", 20.0),
        ({"Retry-After": "Tue, 15 Nov 1994 08:00:00 GMT", "Date": DATE}, b"{}", 0.0),
        ({"Retry-After": "tomorrow"}, b'{"retryAfterMs":"500"}', 0.5),
        ({"Retry-After": "3"}, b'{"retryAfterMs":"500"}', 3.0),
        ({"Retry-After": "nan"}, b"{}", None),
        ({}, b"{}", None),
    ],
)
def test_the_hint_is_read_from_header_or_body(headers, body, hint):
    assert classify(CREATE, 429, headers, body, now_s=DATE_S - 10).retry_after_s == hint


def test_the_platforms_clock_comes_along():
    assert classify(READ, 200, {"Date": DATE}, b"{}").date_s == DATE_S
    assert classify(READ, 500, {"Date": DATE}, b"{}").date_s == DATE_S
    assert classify(READ, 200, {"Date": "yesterday"}, b"{}").date_s is None


def test_a_bad_answers_body_is_not_handed_on():
    """It may quote what was sent; only the scrubbed message leaves."""
    answer = classify(
        CREATE, 400, {}, b'{"message":"bad key hunter2"}', scrub=lambda text: text.replace("hunter2", "***")
    )
    assert answer.body is None
    assert answer.problem.message == "bad key ***"
    assert "hunter2" not in repr(classify(CREATE, 200, {}, b"hunter2 hunter2"))


def test_the_request_id_of_the_header_is_kept():
    assert classify(CREATE, 400, {"x-request-id": "rid"}, b"").problem.request_id == "rid"
    assert classify(CREATE, 200, {"x-request-id": "rid"}, b"{").problem.request_id == "rid"


def test_trouble_of_our_own_looks_like_any_other():
    answer = trouble(Verdict.LOST, "timeout", "no\nanswer", "wait")
    assert answer == Answer(Verdict.LOST, problem=answer.problem)
    assert (answer.problem.code, answer.problem.message, answer.problem.advice) == (
        "timeout",
        "no answer",
        "wait",
    )


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(["message", "errors", "error", "type", "title", "report", "code", "error_code", "status", "retryAfterMs", "403"]), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@given(
    status=st.integers(200, 599),
    body=st.none() | st.binary(max_size=40) | JSON.map(orjson.dumps),
    hint=st.none() | st.text(max_size=12),
)
def test_any_answer_at_all_gets_a_verdict(status, body, hint):
    answer = classify(CREATE, status, {} if hint is None else {"Retry-After": hint}, body)
    assert (answer.problem is None) == (answer.verdict is Verdict.OK)
    if answer.problem is not None:
        assert 0 < len(answer.problem.message) <= 500
    assert answer.retry_after_s is None or 0 <= answer.retry_after_s <= 86_400
