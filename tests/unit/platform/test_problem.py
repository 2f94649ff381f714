"""Every error body shape of the platform, one by one (facts 1.4 a-l)."""

from __future__ import annotations

import orjson
import pytest

from headgate.platform.problem import LONGEST, hint_in_body, read_problem

SHAPES = {
    "a string": (403, {"error_code": "403010", "message": "Oauth token is missing."}, "403010", "Oauth token is missing.", ""),
    "a number": (401, {"error_code": 401013, "message": "Oauth token is not valid"}, "401013", "Oauth token is not valid", ""),
    "b": (400, {"type": "/placeholder/type/uri", "status": 400, "title": "BadRequestError", "detail": "A valid content-type must be specified"}, "BadRequestError", "BadRequestError: A valid content-type must be specified", ""),
    "c": (412, {"errorMessage": 'Supplied version=["x"] does not match the current version on entity=["y"]', "errorDetails": "same"}, "", 'Supplied version=["x"] does not match the current version on entity=["y"]', ""),
    "d": (404, {"errorMessage": "flows not found with id = [7]"}, "", "flows not found with id = [7]", ""),
    "d details only": (404, {"errorDetails": "flows not found with id = [7]"}, "", "flows not found with id = [7]", ""),
    "e": (404, {"type": "https://ns.adobe.com/aep/errors/FLOW-1439-404", "title": "Resource not found", "status": 404, "report": {"detailed-message": "The requested flows resource 7 is not found.", "id": "7", "request-id": "rid-1", "type": "flows"}, "errorMessage": "m", "errorDetails": "d"}, "1439-404", "The requested flows resource 7 is not found.", "rid-1"),
    "f": (400, {"message": "Please provide a valid spec id"}, "", "Please provide a valid spec id", ""),
    "g": (400, {"message": "Run already going on for audience a for order b with run id c"}, "", "Run already going on for audience a for order b with run id c", ""),
    "h": (400, {"type": "http://ns.adobe.com/aep/errors/XDM-1006-400", "title": "Accept header invalid", "status": 400, "report": {"registryRequestId": "rid-2", "timestamp": "t", "detailed-message": "Accept is wrong", "sub-errors": []}, "detail": "d"}, "XDM-1006-400", "Accept is wrong", "rid-2"),
    "i": (403, {"requestId": "rid-3", "errors": {"403": [{"code": "UPAPI-113740-403", "message": "Not yours"}]}, "type": "https://ns.adobe.com/aep/errors/UPAPI-113740-403", "title": "Forbidden", "status": 403}, "UPAPI-113740-403", "Forbidden: Not yours", "rid-3"),
    "j": (429, {"title": "RequestRateTooLarge", "status": 429, "detail": "Request rate is large."}, "RequestRateTooLarge", "RequestRateTooLarge: Request rate is large.", ""),
    "j description": (429, {"title": "RequestRateTooLarge", "status": 429, "description": "Request rate is large."}, "RequestRateTooLarge", "RequestRateTooLarge: Request rate is large.", ""),
    "k": (429, {"message": "Too many requests", "cause": '{"Errors":["Request rate is large"]}', "retryAfterMs": "500", "statusCode": "429"}, "", "Too many requests", ""),
    "oauth": (400, {"error": "invalid_client", "error_description": "invalid client_id parameter"}, "invalid_client", "invalid client_id parameter", ""),
    "inner object": (500, {"error": {"code": "1102-500", "message": "broken"}}, "1102-500", "broken", ""),
    "inner list": (500, {"errors": [{"code": 17, "message": "broken"}]}, "17", "broken", ""),
    "in a list": (400, [{"message": "one"}, {"message": "two"}], "", "one", ""),
    "title only": (404, {"title": "Not Found", "status": 404}, "Not Found", "Not Found", ""),
    "nothing known": (400, {"odd": True}, "", "HTTP 400 without an explanation", ""),
    "wrong types": (400, {"message": {"a": 1}, "report": [], "errors": "x", "type": 3, "title": None}, "", "HTTP 400 without an explanation", ""),
}  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_is_read(shape):
    status, body, code, message, request_id = SHAPES[shape]
    problem = read_problem(status, body, orjson.dumps(body))
    assert (problem.status, problem.code, problem.message, problem.request_id) == (
        status,
        code,
        message,
        request_id,
    )


def test_no_body_at_all():
    """Shape l."""
    problem = read_problem(503, None, b"", "rid-9")
    assert problem.message == "HTTP 503 without an explanation"
    assert problem.request_id == "rid-9"
    assert "run again later" in problem.advice


def test_a_web_page_is_told_by_its_title():
    page = b"<html><head><title>502 Bad\n Gateway &amp; more</title></head><body>nginx</body></html>"
    assert read_problem(502, None, page).message == "a web page instead of an answer: 502 Bad Gateway & more"
    assert read_problem(502, None, b"<html>").message == "a web page instead of an answer"


def test_plain_text_and_bytes_that_are_none():
    assert read_problem(400, None, b" no \n way ").message == "no way"
    assert read_problem(400, None, b"\xff\xfe").message


def test_the_bodys_request_id_goes_before_the_headers():
    assert read_problem(400, {"requestId": "body", "message": "m"}, b"", "header").request_id == "body"


def test_messages_are_cut_after_secrets_are_out():
    """Cutting first could leave half a secret that no longer matches."""
    secret = "S3cr3tS3cr3tS3cr3t"
    body = {"message": "x" * (LONGEST - 8) + secret}
    problem = read_problem(400, body, b"", scrub=lambda text: text.replace(secret, "***"))
    assert "S3cr" not in problem.message
    assert len(read_problem(400, {"message": "y" * 9000}, b"").message) == LONGEST


def test_the_status_line_is_trusted_above_the_body():
    assert read_problem(404, {"type": "x/FLOW-1439-400", "status": 400, "message": "m"}, b"").status == 404


@pytest.mark.parametrize(
    ("body", "seconds"),
    [({"retryAfterMs": "500"}, 0.5), ({"retryAfterMs": 1500}, 1.5), ({"retryAfterMs": "soon"}, None), ({"retryAfterMs": -5}, 0), ({"retryAfterMs": True}, None), ({"retryAfterMs": "inf"}, None), ({}, None), (None, None), ([], None)],
)  # fmt: skip
def test_a_hint_in_the_body_is_in_milliseconds(body, seconds):
    assert hint_in_body(body) == seconds


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (400, {"type": "https://ns.adobe.com/aep/errors/FLOW-1418-400", "message": "m"}, "delete the dataflows"),
        (400, {"type": "1418-400", "message": "m"}, "delete the dataflows"),
        (400, {"message": "Run already going on for segment a for order b with run id c"}, "exported already"),
        (400, {"message": "Run already going on for audience a for order b with run id c"}, "exported already"),
        (400, {"message": "Audiences N are not part of this dataflow or out of schedule range!"}, "map the audience"),
        (400, {"message": "Please provide a valid spec id"}, "catalog"),
        (412, {"errorMessage": "Supplied version=[1] does not match the current version on entity=[2]"}, "run again"),
        (403, {"error_code": "403003", "message": "Api Key is invalid"}, "client_id"),
        (302, None, "platform_url"),
        (418, None, ""),
    ],
)  # fmt: skip
def test_advice_follows_code_then_message_then_status(status, body, words):
    advice = read_problem(status, body, b"").advice
    assert words in advice
    assert bool(words) == bool(advice)


def test_advice_is_found_beyond_the_cut():
    names = ", ".join(f"audience {number}" for number in range(80))
    message = f"Segments {names} are not part of this dataflow or out of schedule range!"
    problem = read_problem(400, {"message": message}, b"")
    assert "map the audience" in problem.advice
    assert len(problem.message) == LONGEST
