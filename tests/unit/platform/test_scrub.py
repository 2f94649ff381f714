from __future__ import annotations

import base64
import html
import json
import re
from dataclasses import dataclass
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.platform.scrub import known, scrub, secrets_in, tell_nothing
from headgate.secret import Secret


@pytest.mark.parametrize(
    ("text", "secrets", "clean"),
    [
        ("key AKIA1234 is bad", ["AKIA1234"], "key *** is bad"),
        ("prefix-AKIA1234-suffix", ["AKIA1234"], "prefix-***-suffix"),
        ("port 22 of 2022", [22], "port *** of 2022"),
        ('said \\"a\\"b\\"', ['"a"b"'], "said ***"),
        ("?k=a%2Fb%3Dcd", ["a/b=cd"], "?k=***"),
        ("got BEGIN-line-one only", ["BEGIN-line-one\nsecond-line"], "got *** only"),
        ("abc abcdef", ["abcdef", "abcde"], "abc ***"),
        ("Authorization: Bearer abc.def-ghi", [], "Authorization: Bearer ***"),
        ("token eyJhbGciOi.eyJzdWIi.sig_nature refused", [], "token *** refused"),
        ("DefaultEndpointsProtocol=https;AccountKey=Zm9v;Suffix=x", [], "DefaultEndpointsProtocol=https;AccountKey=***;Suffix=x"),
        ("https://x/?sv=1&sig=abc%3D&st=2", [], "https://x/?sv=1&sig=***&st=2"),
        ("nothing here", ["", "  "], "nothing here"),
        ("", ["x"], ""),
    ],
)  # fmt: skip
def test_secrets_leave(text, secrets, clean):
    assert scrub(text, secrets) == clean


@given(secret=st.text(min_size=5, max_size=30).filter(lambda text: text.strip("* ")), around=st.text(max_size=20))
def test_no_secret_of_any_spelling_survives(secret, around):
    assert secret not in scrub(f"{around}{secret}{around}", [secret]).replace("***", "\0")


def test_secrets_are_found_wherever_they_are():
    body = {"auth": {"params": {"a": Secret("one"), "b": [Secret({"k": "two", "n": 3}), {"c": (Secret("four"),)}], "d": Secret(True)}}, "open": "five"}  # fmt: skip
    assert set(secrets_in(body)) == {"one", "two", 3, "four"}


SECRET = "wJalr/XUtn+FEMI=K7 MDENG<&>Ü"


@pytest.mark.parametrize(
    "write",
    [
        str,
        lambda text: base64.b64encode(text.encode()).decode(),
        lambda text: base64.b64encode(text.encode()).decode().rstrip("="),
        lambda text: base64.urlsafe_b64encode(text.encode()).decode(),
        lambda text: quote(base64.b64encode(text.encode()).decode(), safe=""),
        lambda text: quote(text, safe=""),
        lambda text: quote(text),
        quote_plus,
        lambda text: re.sub("%..", lambda match: match.group().lower(), quote(text, safe="")),
        lambda text: json.dumps(text),
        lambda text: json.dumps(text, ensure_ascii=False),
        html.escape,
    ],
)
def test_every_way_of_writing_a_secret_is_masked(write):
    written = write(SECRET)
    clean = scrub(f"refused ({written}), try again", [SECRET])
    assert written.strip('"') not in clean
    assert "***" in clean


@pytest.mark.parametrize("user", ["", "u", "us", "use", "user"])
def test_a_secret_inside_longer_base64_is_masked_but_for_its_edges(user):
    basic = base64.b64encode(f"{user}:correct-horse-battery:tail".encode()).decode()
    clean = scrub(f"Basic {basic}", ["correct-horse-battery"])
    assert "***" in clean
    left = clean.removeprefix("Basic ").split("***")
    assert sum(len(part) for part in left) <= len(basic) - 24


def test_what_is_known_of_specs_and_bodies():
    @dataclass(slots=True)
    class Spec:
        body: dict
        other: int = 3

    spec = Spec({"auth": {"params": {"a": Secret("one")}}})
    assert known(spec, {"b": [Secret("two")]}, None, 5) == {"one", "two"}


def test_of_a_well_answer_only_what_it_says_of_errors_is_cleaned():
    body = {
        "items": [
            {
                "name": "hushhush",
                "metrics": {"statusSummary": {"errors": [{"code": "x", "message": "key hushhush is bad"}]}},
            },
            {"error": "hushhush", "params": {"error_code": "hushhush"}},
        ]
    }
    tell_nothing(body, lambda text: scrub(text, ["hushhush"]))
    assert body["items"][0]["metrics"]["statusSummary"]["errors"] == [{"code": "x", "message": "key *** is bad"}]
    assert body["items"][1]["error"] == "***"
    assert body["items"][0]["name"] == body["items"][1]["params"]["error_code"] == "hushhush"
