"""Who may ask the page what."""

import pytest

from headgate.web.guard import HEADERS, POLICY, has_token, is_loopback, new_token, refused_host, refused_site


@pytest.mark.parametrize("asked", ["127.0.0.1:8080", "localhost:1", "[::1]:8080", "192.168.1.5:80", "localhost"])
def test_addresses_and_localhost_are_answered(asked):
    assert not refused_host(asked, "127.0.0.1")


@pytest.mark.parametrize(
    "asked", ["evil.example:8080", "", "127.0.0.1.evil.example", "localhost.evil.example", "[", "a@b:c"]
)
def test_a_name_that_somebody_made_to_point_here_is_not(asked):
    assert refused_host(asked, "127.0.0.1")


def test_the_name_that_it_was_told_is_answered():
    assert not refused_host("box.example:8080", "Box.Example")


def test_another_sites_page_is_refused():
    host = {"Host": "127.0.0.1:8080"}
    assert not refused_site("GET", host)
    assert not refused_site("POST", host), "no browser"
    assert not refused_site("POST", {**host, "Origin": "http://127.0.0.1:8080", "Sec-Fetch-Site": "same-origin"})
    for origin in ("http://evil.example", "null", "https://127.0.0.1:8080", "http://127.0.0.1:8081"):
        assert refused_site("POST", {**host, "Origin": origin})
    assert refused_site("GET", {**host, "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"})
    assert refused_site("POST", {**host, "Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "navigate"})


def test_a_link_from_elsewhere_may_lead_here():
    assert not refused_site("GET", {"Host": "localhost", "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"})


def test_only_the_token_is_the_token():
    token = new_token()
    assert has_token(token, token)
    for given in (None, "", token[:-1], f"{token} ", "ü", "\udcff"):
        assert not has_token(given, token)
    assert len({new_token() for _ in range(20)}) == 20


def test_loopback_is_told_from_the_rest():
    assert all(map(is_loopback, ("127.0.0.1", "::1", "localhost", "127.1.2.3")))
    assert not any(map(is_loopback, ("0.0.0.0", "::", "10.0.0.1", "box.example")))


def test_no_page_runs_a_script_of_its_own():
    rules = dict(rule.strip().split(" ", 1) for rule in HEADERS["Content-Security-Policy"].split(";"))
    assert rules["script-src"] == "'self'"
    assert rules["default-src"] == "'none'"
    assert rules["frame-ancestors"] == "'none'"
    assert "frame-ancestors" not in POLICY
