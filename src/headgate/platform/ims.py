"""Tokens: one for everybody, fetched once, renewed before it runs out (facts 1.2).

However many requests find no token, or are told that theirs is stale, at most one token request is under
way and all of them share its outcome. While a token still lives, renewing it happens beside the work and
its failure is harmless; only without any token does a failure reach the callers.
"""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlencode

import orjson

from headgate.errors import PlatformError
from headgate.platform.dates import http_date, number, retry_after
from headgate.platform.problem import hint_in_body, read_problem
from headgate.platform.scrub import scrub

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from headgate.platform.endpoint import PlatformSettings

#: A token is renewed this long before its end, or at the last tenth of its life if that is shorter.
MARGIN_S = 500.0
#: Assumed when the answer does not say; the documented life is a day (facts 1.2).
UNSAID_LIFE_S = 3600.0
#: ``expires_in`` is seconds, but the old JWT flow answered milliseconds (trap 59); no token lives 115 days.
_SURELY_MS = 10_000_000
#: After a failed early renewal, the next one waits this share of the time the token still has.
_RENEW_PAUSE = 0.2


class NoTokenError(PlatformError):
    """There is no token to send. Stays inside this room: the transport makes an answer of it.

    ``refused``: the endpoint said no to the credentials; otherwise it could not be asked, and may be again.
    """

    def __init__(
        self,
        message: str,
        *,
        refused: bool,
        status: int = 0,
        retry_after_s: float | None = None,
        hint: str = "",
    ) -> None:
        super().__init__(message, hint=hint)
        self.refused = refused
        self.status = status
        self.retry_after_s = retry_after_s


class Tokens(Protocol):
    """Where the transport gets its token."""

    #: Whether :meth:`renew` can give another token than the one at hand.
    renewable: bool

    def current(self) -> str | None:
        """The token at hand, or ``None`` when :meth:`get` must be awaited. The hot path."""
        ...

    async def get(self) -> str:
        """A token that still lives. Raises ``NoTokenError``."""
        ...

    async def renew(self, stale: str) -> str:
        """A token other than ``stale``, which the platform refused. Raises ``NoTokenError``."""
        ...

    def claim(self) -> int:
        """How many token requests were made since this was last asked; each is told once."""
        ...

    async def close(self) -> None:
        """Give up a request under way."""
        ...


class FixedToken:
    """A token somebody gave us: it is what it is, and cannot be renewed."""

    renewable = False

    def __init__(self, token: str) -> None:
        self._token = token

    def current(self) -> str:
        """The token."""
        return self._token

    async def get(self) -> str:
        """The token."""
        return self._token

    async def renew(self, stale: str) -> str:
        """Refuse: there is no other."""
        del stale
        raise NoTokenError("the given access_token was refused and cannot be renewed", refused=True, status=401)

    def claim(self) -> int:
        """None were made."""
        return 0

    async def close(self) -> None:
        """Nothing to give up."""


class ImsTokens:
    """Tokens of an OAuth server-to-server credential."""

    renewable = True

    def __init__(
        self,
        settings: PlatformSettings,
        post: Callable[[bytes], Awaitable[tuple[int, Mapping[str, str], bytes]]],
        mono: Callable[[], float],
    ) -> None:
        """Nothing is fetched before the first token is asked for.

        Args:
            settings: Credentials and scopes.
            post: Posts a form to the token endpoint; answers status, headers and body. Raises
                ``NoTokenError`` when it cannot.
            mono: Monotonic seconds of this machine's clock.
        """
        self._settings = settings
        self._post = post
        self._mono = mono
        self._token = ""
        self._renew_mono = -math.inf
        self._end_mono = -math.inf
        self._flight: asyncio.Task[str] | None = None
        self._unclaimed = 0

    def current(self) -> str | None:
        """The token at hand while it lives; starts renewing it beside the work when its end is near."""
        now = self._mono()
        if now < self._renew_mono:
            return self._token
        if now < self._end_mono:
            self._fly()
            return self._token
        return None

    async def get(self) -> str:
        """A token that still lives."""
        return self.current() or await self._shared()

    async def renew(self, stale: str) -> str:
        """A token other than ``stale``; one that came in between will do."""
        if self._token == stale:
            self._renew_mono = self._end_mono = -math.inf
        return await self.get()

    def claim(self) -> int:
        """Token requests made since this was last asked."""
        count, self._unclaimed = self._unclaimed, 0
        return count

    async def close(self) -> None:
        """Give up the token request under way, if any."""
        if self._flight is not None:
            self._flight.cancel()
            await asyncio.wait([self._flight])

    async def _shared(self) -> str:
        # Shielded: one caller's cancellation must not take the token from all the others.
        return await asyncio.shield(self._fly())

    def _fly(self) -> asyncio.Task[str]:
        if self._flight is None:
            self._flight = asyncio.get_running_loop().create_task(self._fetch())
            self._flight.add_done_callback(self._landed)
        return self._flight

    def _landed(self, flight: asyncio.Task[str]) -> None:
        self._flight = None
        # Looking at the exception also tells asyncio that somebody did: all callers may be gone by now.
        if flight.cancelled() or flight.exception() is None:
            return
        now = self._mono()
        if now < self._end_mono:
            self._renew_mono = now + _RENEW_PAUSE * (self._end_mono - now)

    async def _fetch(self) -> str:
        settings = self._settings
        secret = settings.client_secret.reveal() if settings.client_secret is not None else ""
        form = {
            "grant_type": "client_credentials",
            "client_id": settings.client_id,
            "client_secret": secret,
            "scope": ",".join(settings.scopes),
        }
        # Life is counted from before asking: an answer that took its time has already aged.
        asked_mono = self._mono()
        status, headers, raw = await self._post(urlencode(form).encode())
        self._unclaimed += 1
        token, life_s = read_token(status, headers, raw, secrets=(secret,))
        self._token = token
        self._end_mono = asked_mono + life_s
        self._renew_mono = self._end_mono - min(MARGIN_S, life_s / 10)
        return token


def read_token(status: int, headers: Mapping[str, str], raw: bytes, secrets: tuple[str, ...] = ()) -> tuple[str, float]:
    """The token and its life in seconds out of the endpoint's answer.

    Raises:
        NoTokenError: refused for a 4xx (but 408 and 429), otherwise worth asking again.
    """
    try:
        body = orjson.loads(raw) if raw else None
    except orjson.JSONDecodeError:
        body = None
    if status == 200 and isinstance(body, dict):
        token = body.get("access_token")
        # A header is made of it: anything but visible ASCII would not be a token, or be two headers.
        if isinstance(token, str) and token and token.isascii() and token.isprintable() and " " not in token:
            life_s = number(body.get("expires_in"))
            if life_s is None or life_s <= 0:
                life_s = UNSAID_LIFE_S
            return token, life_s / 1000 if life_s > _SURELY_MS else life_s
    if 200 <= status < 300:
        raise NoTokenError("the token endpoint answered without a token", refused=False, status=status)
    problem = read_problem(status, body, raw, scrub=lambda text: scrub(text, secrets))
    refused = 400 <= status < 500 and status not in {408, 429}
    date_s = http_date(headers.get("Date") or "")
    hint_s = retry_after(headers.get("Retry-After"), math.inf if date_s is None else date_s)
    said = f"{problem.code}: {problem.message}" if problem.code else problem.message
    raise NoTokenError(
        f"the credentials were refused by the token endpoint (HTTP {status}): {said}"
        if refused
        else f"the token endpoint failed (HTTP {status}), so the credentials could not be used: {said}",
        refused=refused,
        status=status,
        retry_after_s=hint_in_body(body) if hint_s is None else hint_s,
        hint=problem.advice,
    )
