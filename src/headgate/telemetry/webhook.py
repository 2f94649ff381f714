"""One POST of a summary, tried a little, within a bounded time. The URL is a secret: whoever has it may post."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from headgate.errors import SettingsError
from headgate.platform.endpoint import loopback
from headgate.settings import place_of

if TYPE_CHECKING:
    from headgate.settings import Profile

#: Seconds for everything, and for one try; the waits between tries.
WHOLE_S: Final = 15.0
ONE_S: Final = 5.0
WAITS_S: Final = (0.5, 2.0)
_AGAIN: Final = frozenset({408, 425, 429, 500, 502, 503, 504})


def check(profile: Profile) -> None:
    """Before anything is sent: whether the URL is one that a summary may be posted to.

    Raises:
        SettingsError: it is not; the URL is not repeated.
    """
    if profile.notify is None:
        return
    layer = profile.layers.get("notify", "default")
    try:
        parts = urlsplit(str(profile.notify.reveal()))
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        host = ""
        parts = urlsplit("")
    if not host or parts.scheme not in ("https", "http"):
        hint = "the address of the webhook: https://hooks.…"
        raise SettingsError("notify", layer, "is not a URL", hint=hint, place=place_of("notify", layer))
    if parts.scheme != "https" and not loopback(host):
        hint = "plain http is allowed for localhost, 127.0.0.1 and [::1] only"
        raise SettingsError("notify", layer, "must be https", hint=hint, place=place_of("notify", layer))


async def post(
    url: str, payload: Mapping[str, Any], *, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
) -> str:
    """Post ``payload``. Never raises but for cancellation.

    Returns:
        Empty when it was taken; else why it was not, in words, with nothing of the URL but its host.
    """
    where = urlsplit(url).hostname or "the webhook"
    try:
        async with asyncio.timeout(WHOLE_S):
            return await _tried(url, payload, where, sleep)
    except TimeoutError:
        return f"{where} did not answer in time"
    except Exception as error:  # noqa: BLE001 -- whatever it is, the run is over and well
        return f"{where}: {type(error).__name__}"  # its words may quote the URL


async def _tried(url: str, payload: Mapping[str, Any], where: str, sleep: Callable[[float], Awaitable[None]]) -> str:
    import aiohttp

    said = ""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=ONE_S)) as session:
        for wait_s in (*WAITS_S, None):
            try:
                # A redirect would take the summary to a place that nobody named.
                async with session.post(url, json=payload, allow_redirects=False) as answer:
                    if 200 <= answer.status < 300:
                        return ""
                    said = f"{where} answered {answer.status}"
                    if answer.status not in _AGAIN:
                        return said
            except TimeoutError:
                said = f"{where} did not answer in time"
            except aiohttp.ClientError as error:
                said = f"{where} cannot be reached ({type(error).__name__})"
            if wait_s is not None:
                await sleep(wait_s)
    return said
