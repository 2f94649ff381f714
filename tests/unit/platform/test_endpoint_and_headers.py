from __future__ import annotations

import pytest

from headgate.errors import SettingsError
from headgate.exchange import Call
from headgate.platform import PlatformSettings
from headgate.platform.headers import Headers
from headgate.secret import Secret
from headgate.settings import Profile

GOOD = {"platform_url": "https://platform.adobe.io", "ims_url": "https://ims.example/token", "org_id": "1@AdobeOrg", "client_id": "key", "sandbox": "dev"}  # fmt: skip


@pytest.mark.parametrize(
    "url", ["https://platform.adobe.io", "http://localhost:8080", "http://127.0.0.1:1/", "http://127.9.9.9", "http://[::1]:80", "https://10.0.0.1/base"]
)  # fmt: skip
def test_https_anywhere_and_http_at_home(url):
    assert PlatformSettings(**GOOD | {"platform_url": url, "ims_url": url}).platform_url == url


@pytest.mark.parametrize(
    "url",
    ["http://platform.adobe.io", "http://localhost.evil.example", "http://10.0.0.1", "ftp://localhost", "platform.adobe.io", "", "https://",
     "https://user:hunter2@host", "https://host/?q=hunter2", "https://host/#hunter2", "https://host:port"],
)  # fmt: skip
@pytest.mark.parametrize("key", ["platform_url", "ims_url"])
def test_other_urls_are_refused_without_repeating_them(key, url):
    with pytest.raises(SettingsError) as caught:
        PlatformSettings(**GOOD | {key: url})
    assert caught.value.key == key
    assert "hunter2" not in f"{caught.value}{caught.value.hint}"


@pytest.mark.parametrize("key", ["timeout_s", "connect_timeout_s", "connections"])
def test_patience_must_be_positive(key):
    with pytest.raises(SettingsError):
        PlatformSettings(**GOOD, **{key: 0})


def test_the_layer_of_a_bad_url_is_told():
    env = {"HEADGATE_ORG_ID": "o", "HEADGATE_CLIENT_ID": "c", "HEADGATE_SANDBOX": "s", "HEADGATE_ACCESS_TOKEN": "t", "HEADGATE_PLATFORM_URL": "http://far"}  # fmt: skip
    with pytest.raises(SettingsError) as caught:
        PlatformSettings.of(Profile.load(env=env))
    assert caught.value.layer == "environment"


def test_settings_come_from_a_profile():
    env = {
        "HEADGATE_ORG_ID": "o",
        "HEADGATE_CLIENT_ID": "c",
        "HEADGATE_SANDBOX": "s",
        "HEADGATE_ACCESS_TOKEN": "t",
    }
    settings = PlatformSettings.of(Profile.load(env=env, concurrency=7))
    assert settings.connections == 7
    assert settings.access_token == Secret("t")
    assert settings.origin == "https://platform.adobe.io"


def headers(call, token="tok"):
    return dict(Headers(PlatformSettings(**GOOD)).of(call, token).fields)


def test_every_request_says_who_and_where():
    sent = headers(Call("GET", "flow", "/flows", "GET /flows", "read"))
    assert sent == {"Authorization": "Bearer tok", "x-api-key": "key", "x-gw-ims-org-id": "1@AdobeOrg", "x-sandbox-name": "dev", "User-Agent": "headgate", "Accept": "application/json"}  # fmt: skip


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
def test_writes_say_what_they_hold(method):
    assert headers(Call(method, "flow", "/", "", "write"))["Content-Type"] == "application/json"


def test_adhoc_has_only_the_accept_it_asks_for():
    plain = Call("POST", "adhoc", "/adhocrun", "POST /adhocrun", "write")
    assert "Accept" not in headers(plain)
    accept = ("Accept", "application/vnd.adobe.adhoc.activation+json; version=2")
    second = Call("POST", "adhoc", "/adhocrun", "POST /adhocrun", "write", headers=(accept,))
    assert headers(second)["Accept"] == accept[1]


def test_the_schema_registry_has_only_the_accept_it_asks_for():
    post = Call("POST", "schemaregistry", "/tenant/schemas", "POST /tenant/schemas", "create")
    assert "Accept" not in headers(post)
    accept = ("Accept", "application/vnd.adobe.xed+json")
    listed = Call("GET", "schemaregistry", "/tenant/schemas", "GET /tenant/schemas", "lookup", headers=(accept,))
    assert headers(listed)["Accept"] == accept[1]
    assert "Content-Type" not in headers(listed)


@pytest.mark.parametrize("service", ["catalog", "conversion", "segmentation"])
def test_other_services_are_asked_for_json(service):
    assert headers(Call("GET", service, "/", "", "read"))["Accept"] == "application/json"


def test_made_headers_are_shared_until_the_token_changes():
    made = Headers(PlatformSettings(**GOOD))
    call = Call("GET", "flow", "/flows", "GET /flows", "read")
    tagged = Call("GET", "flow", "/flows", "GET /flows", "read", headers=(("if-match", '"1"'), ("accept", "x")))
    first = made.of(call, "one")
    own = made.of(tagged, "one").fields
    assert own["If-Match"] == '"1"'
    assert own.getall("Accept") == ["x"]
    assert made.of(call, "one") is first
    assert "If-Match" not in first.fields
    assert made.of(call, "two").fields["Authorization"] == "Bearer two"


def test_lines_of_headers_are_the_headers():
    made = Headers(PlatformSettings(**GOOD))
    call = Call("POST", "flow", "/flows", "POST /flows", "create")
    head = made.of(call, "one")
    assert head.lines.splitlines() == [f"{name}: {value}" for name, value in head.fields.items()]
    assert head.lines.endswith("\r\n")
    assert "Bearer two\r\n" in made.of(call, "two").lines
    tagged = Call("GET", "flow", "/flows", "GET /flows", "read", headers=(("if-match", '"1"'),))
    assert 'if-match: "1"\r\n' in made.of(tagged, "two").lines.lower()


def test_a_setting_that_would_be_two_headers_is_none():
    made = Headers(PlatformSettings(**{**GOOD, "client_id": "key\r\nEvil: yes"}))
    with pytest.raises(ValueError, match="line end"):
        made.of(Call("GET", "flow", "/flows", "GET /flows", "read"), "one")
