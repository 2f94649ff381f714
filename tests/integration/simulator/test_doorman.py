"""Who may come in to the embedded platform: no name that only leads here, no page of a browser's, no endless body."""

from __future__ import annotations

import aiohttp
import pytest

from headgate.simulator import Simulator, app, doorman


@pytest.fixture
async def here():
    async with Simulator() as simulator, aiohttp.ClientSession() as session:
        yield simulator, session


async def status(here, path="/__ledger__", method="GET", data=None, **headers):
    simulator, session = here
    async with session.request(method, simulator.url + path, headers=headers, data=data) as response:
        await response.read()
        return response.status


def port(here):
    return here[0].url.rpartition(":")[2]


async def test_it_listens_on_this_machine_only(here):
    assert here[0].url.startswith("http://127.0.0.1:")


@pytest.mark.parametrize(
    "host", ["127.0.0.1:{}", "localhost:{}", "127.0.0.1", "127.8.9.10:{}", "[::1]:{}", "LOCALHOST"]
)
async def test_who_names_this_machine_comes_in(here, host):
    assert await status(here, Host=host.format(port(here))) == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:{}", "127.0.0.1.evil.example", "localhost.evil.example:{}", "10.0.0.1:{}", "",
             "evil@127.0.0.1.nip.io", "[", "0.0.0.0:{}"]
)  # fmt: skip
@pytest.mark.parametrize("path", ["/__ledger__", "/ims/token/v3", "/data/foundation/flowservice/flows"])
async def test_a_name_that_leads_here_does_not(here, host, path):
    assert await status(here, path, Host=host.format(port(here))) == 421


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://localhost:1", "http://127.0.0.1", "file://"]
)
async def test_a_page_of_another_place_may_not_ask(here, origin):
    assert await status(here, Origin=origin) == 403
    assert await status(here, "/ims/token/v3", "POST", Origin=origin) == 403


async def test_what_a_browser_calls_foreign_may_not_ask(here):
    assert await status(here, **{"Sec-Fetch-Site": "cross-site"}) == 403
    assert await status(here, **{"Sec-Fetch-Site": "none"}) == 200
    assert await status(here, Origin=here[0].url) == 200


@pytest.fixture
def little(monkeypatch):
    monkeypatch.setattr(app, "MAX_BODY", 1000)
    monkeypatch.setattr(doorman, "MAX_BODY", 1000)


async def test_a_body_that_says_it_is_too_long_is_not_read(little, here):
    assert await status(here, "/ims/token/v3", "POST", data=b"x" * 1001) == 413
    assert await status(here, "/ims/token/v3", "POST", data=b"x" * 1000) < 413


async def test_a_body_in_chunks_that_never_says_is_read_no_further(little, here):
    async def endless():
        for _ in range(50):
            yield b"x" * 100

    assert await status(here, "/ims/token/v3", "POST", data=endless()) == 413


async def test_after_a_refusal_others_are_served(little, here):
    await status(here, "/ims/token/v3", "POST", data=b"x" * 5000)
    assert await status(here) == 200
