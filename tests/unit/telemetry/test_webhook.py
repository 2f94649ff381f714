"""One POST, tried a little: where to, how often, and that nothing of the URL is ever said."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from headgate.errors import SettingsError
from headgate.secret import Secret
from headgate.settings import Profile
from headgate.telemetry import webhook

TOKEN = "T000/B000/hushhush"


@asynccontextmanager
async def hook(*answers):
    """A webhook that answers so; gives its URL and what it was sent."""
    left, seen = list(answers), []

    async def take(request):
        seen.append((request.path, await request.json()))
        answer = left.pop(0) if len(left) > 1 else left[0]
        if answer == "silence":
            await asyncio.sleep(30)
        if answer == 302:
            return web.Response(status=302, headers={"Location": "/elsewhere"})
        return web.Response(status=answer)

    app = web.Application()
    app.router.add_post("/{any:.*}", take)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    try:
        yield f"http://127.0.0.1:{port}/{TOKEN}", seen
    finally:
        await runner.cleanup()


async def post(url):
    waited = []

    async def sleep(seconds):
        waited.append(seconds)

    return await webhook.post(url, {"text": "done"}, sleep=sleep), waited


async def test_it_is_posted_once():
    async with hook(200) as (url, seen):
        assert await post(url) == ("", [])
        assert seen == [(f"/{TOKEN}", {"text": "done"})]


async def test_it_is_tried_again_where_that_may_help():
    async with hook(503, 429, 204) as (url, seen):
        assert await post(url) == ("", list(webhook.WAITS_S))
        assert len(seen) == 3


@pytest.mark.parametrize(("answer", "tries"), [(404, 1), (302, 1), (500, 3)])
async def test_what_is_not_taken_is_said_without_the_url(answer, tries):
    async with hook(answer) as (url, seen):
        said, _ = await post(url)
        assert said == f"127.0.0.1 answered {answer}"
        assert [path for path, _ in seen] == [f"/{TOKEN}"] * tries, "a redirect is not followed"


async def test_nobody_there_is_said_without_the_url():
    said, waited = await post(f"http://127.0.0.1:9/{TOKEN}")
    assert said.startswith("127.0.0.1 cannot be reached")
    assert "hushhush" not in said
    assert len(waited) == 2


async def test_silence_ends_by_itself(monkeypatch):
    monkeypatch.setattr(webhook, "ONE_S", 0.05)
    async with hook("silence") as (url, _):
        said, _ = await post(url)
        assert said == "127.0.0.1 did not answer in time"
        monkeypatch.setattr(webhook, "WHOLE_S", 0.05)
        monkeypatch.setattr(webhook, "ONE_S", 30)
        assert (await post(url))[0] == "127.0.0.1 did not answer in time"


@pytest.mark.parametrize(
    "url", ["http://hooks.example.com/hushhush", "ftp://a/hushhush", "hushhush", "https://", "https://[x"]
)
def test_only_https_but_on_this_machine(url):
    with pytest.raises(SettingsError) as caught:
        webhook.check(Profile(notify=Secret(url)))
    assert "hushhush" not in f"{caught.value}{caught.value.hint}"
    assert caught.value.hint


@pytest.mark.parametrize(
    "url", ["https://hooks.example.com/x", "http://localhost:1/x", "http://[::1]:1/x", "http://127.0.0.1/x"]
)
def test_https_and_this_machine(url):
    webhook.check(Profile(notify=Secret(url)))
