from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.platform.scrub import scrub, secrets_in
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
