"""The transport: performs calls over aiohttp and answers in our words.

It never raises for anything the platform or the network does; only cancellation passes through. It sends each
call once, except that a refused token is renewed and the call sent a second time: a refusal means nothing was
done. No bodies are logged, and no text of an answer leaves here before secrets are taken out of it.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import replace
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote

import aiohttp
import orjson
from yarl import URL

from headgate.exchange import NO_TOKEN, Answer, Call, Verdict
from headgate.platform.classify import classify, stale_token, trouble
from headgate.platform.client import Client
from headgate.platform.connection import (
    LONG_AT_ONCE,
    MAX_ANSWER_BYTES,
    AnswerTooLongError,
    lost,
    not_sent,
    open_session,
    read_body,
)
from headgate.platform.headers import BASES, Headers
from headgate.platform.ims import FixedToken, ImsTokens, NoTokenError, Tokens
from headgate.platform.paging import Pager, PagingError
from headgate.platform.scrub import scrub, secrets_in, spelt, tell_nothing
from headgate.platform.wire import Wire
from headgate.secret import Secret

if TYPE_CHECKING:
    from types import TracebackType

    from headgate.clock import Clock
    from headgate.platform.endpoint import PlatformSettings
    from headgate.platform.reply import Way

#: Waits for leave to send one more request for the endpoint named.
Admit = Callable[[str], Awaitable[None]]
SessionFactory = Callable[["PlatformSettings"], aiohttp.ClientSession]

_PLAIN_PATH = re.compile(r"[A-Za-z0-9/_.~-]*", re.ASCII)
#: A well answer that says something of an error: not ``"errors": []`` and not ``null``.
_TELLS = re.compile(rb'"error(?:s|Message|Details)?"\s*:\s*(?:"|\{|\[\s*[^\s\]])')
_LEADS_AWAY = re.compile(r"(?:^|/)\.{1,2}(?:/|$)")
_NOT_IN_HEADERS = re.compile(r"[\r\n\0]")


class Transport:
    """The platform, over HTTP. An async context manager: the connections live as long as its block."""

    def __init__(
        self,
        settings: PlatformSettings,
        clock: Clock,
        *,
        admit: Admit | None = None,
        clear: Callable[[], Awaitable[None]] | None = None,
        session: SessionFactory | None = None,
        secrets: Collection[object] = (),
    ) -> None:
        """Nothing is opened or sent before the block is entered.

        Args:
            settings: Where, who, and how patiently.
            clock: Measures ``elapsed_s`` and the token's life.
            admit: Awaited before every request a call takes beyond its first (further pages, the second
                sending after a token was renewed), so that whoever paces the first can pace them all.
            clear: Awaited at the last moment before every request that changes something, token in hand; what it
                raises is raised by ``perform``, and the request is not sent.
            session: Makes the aiohttp session; for tests and special networks.
            secrets: Values that must not be seen in anything the platform says, beside those of each call.
        """
        self._settings = settings
        self._clock = clock
        self._admit = admit
        self._clear = clear
        self._make_session = session or open_session
        self._secrets = frozenset(secrets)
        self._spellings: tuple[str, ...] | None = None
        self._session: aiohttp.ClientSession | None = None
        self._way: Way | None = None
        self._headers = Headers(settings)
        self._long_ones = asyncio.Semaphore(LONG_AT_ONCE)
        url = URL(settings.platform_url)
        self._origin = url.origin()
        self._bases = {service: url.raw_path.rstrip("/") + base for service, base in BASES.items()}
        self._tokens: Tokens = (
            ImsTokens(settings, self._ask_ims, clock.mono)
            if settings.access_token is None
            else FixedToken(str(settings.access_token.reveal()))
        )

    async def __aenter__(self) -> Self:
        settings = self._settings
        self._session = self._make_session(settings)
        kind = Wire if Wire.known() else Client
        self._way = kind(self._session, self._origin, settings.timeout_s, settings.connect_timeout_s)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._tokens.close()
        if self._way is not None:
            self._way.close()
            self._way = None
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def perform(self, call: Call) -> Answer:
        """Perform ``call`` and say what came of it.

        Returns:
            The answer; ``requests`` counts what was sent, token requests included, and is 0 when nothing was.
            For a paged call ``body`` is ``{"items": [...]}`` of all pages; if one page fails, that is the
            answer, and the items so far are dropped.

        Raises:
            RuntimeError: outside the transport's block.
        """
        began_mono = self._clock.mono()
        answer = await (self._all_pages(call) if call.paged else self._once(call))
        answer.elapsed_s = self._clock.mono() - began_mono
        return answer

    async def _all_pages(self, call: Call) -> Answer:
        pager = Pager(call, self._settings.origin)
        page = call
        requests = tokens = 0
        while True:
            if requests:
                await self._admitted(call)
            answer = await self._once(page)
            requests += answer.requests
            tokens += answer.tokens
            if answer.verdict is not Verdict.OK:
                return replace(answer, requests=requests, tokens=tokens)
            try:
                following = pager.take(answer.body, answer.size)
            except PagingError as error:
                verdict = Verdict.FAULT if error.again else Verdict.REJECTED
                return replace(
                    trouble(verdict, error.code, str(error), status=answer.status),
                    date_s=answer.date_s,
                    requests=requests,
                    tokens=tokens,
                )
            if following is None:
                return replace(answer, body={"items": pager.items}, requests=requests, tokens=tokens)
            page = following

    async def _once(self, call: Call) -> Answer:
        """One call, one page: sent once, or twice when its token was stale."""
        if call.headers and any(_NOT_IN_HEADERS.search(value) for _, value in call.headers):
            return replace(
                trouble(Verdict.REJECTED, "unsendable", "a header of the request holds a line end"),
                requests=0,
            )
        try:
            data = None if call.body is None else orjson.dumps(call.body, default=_encode)
        except TypeError as error:
            # orjson names types and limits, never values.
            reason = f"the request body cannot be encoded: {error}"
            return replace(trouble(Verdict.REJECTED, "unsendable", reason), requests=0)
        path = _as_sent(call.path)
        if path is None:
            return replace(
                trouble(Verdict.REJECTED, "unsendable", "the path of the request leads somewhere else"), requests=0
            )
        target = self._bases[call.service] + path
        if call.query:
            target += _query(call.query)
        sent = 0
        try:
            token = self._tokens.current() or await self._tokens.get()
            answer = await self._send(call, target, data, token)
            sent = answer.requests
            if self._tokens.renewable and stale_token(answer):
                token = await self._tokens.renew(token)
                await self._admitted(call)
                answer = await self._send(call, target, data, token)
                sent += answer.requests
        except NoTokenError as error:
            verdict = Verdict.REFUSED if error.refused else Verdict.NOT_SENT
            answer = trouble(verdict, NO_TOKEN, error.message, error.hint, error.status)
            answer = replace(answer, retry_after_s=error.retry_after_s)
        tokens = self._tokens.claim()
        requests = sent + tokens
        return (
            answer if requests == answer.requests and not tokens else replace(answer, requests=requests, tokens=tokens)
        )

    async def _send(self, call: Call, target: str, data: bytes | None, token: str) -> Answer:
        """One HTTP request, and the verdict on whatever happened to it."""
        if self._clear is not None and call.effect:
            await self._clear()
        way = self._way
        if way is None:
            raise RuntimeError("the transport is used outside its block")
        try:
            reply = await way.exchange(call.method, target, self._headers.of(call, token), data, call.endpoint)
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            return not_sent(error, self._origin)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            # ValueError is what the library raises for answers it cannot make sense of.
            return lost(error, self._settings.timeout_s)
        if reply.too_long and not call.effect and reply.status < 300:
            limit = f"the answer is longer than {MAX_ANSWER_BYTES // 1024 // 1024} MiB"
            return trouble(Verdict.REJECTED, "answer_too_long", limit, status=reply.status)
        raw, clean = reply.raw, partial(self._scrub, call, token)
        answer = classify(call, reply.status, reply.headers, raw, scrub=clean, now_s=self._clock.now())
        answer.size = len(raw) if raw is not None else 0
        if raw and answer.verdict is Verdict.OK and b'"error' in raw and _TELLS.search(raw):
            tell_nothing(answer.body, clean)
        return answer

    async def _ask_ims(self, form: bytes) -> tuple[int, Mapping[str, str], bytes]:
        """Post a form to the token endpoint: status, headers, body. Or raises ``NoTokenError``."""
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "Accept": "application/json",
            "User-Agent": "headgate",
        }
        url = URL(self._settings.ims_url)
        if self._session is None or self._way is None:
            raise RuntimeError("the transport is used outside its block")
        asked = self._session.post(url, data=form, headers=headers, allow_redirects=False)
        try:
            with self._way.sharing():
                async with asked as response:
                    raw = await read_body(response.headers, response.content, self._long_ones)
                    return response.status, response.headers, raw
        except (aiohttp.ClientError, OSError, ValueError, AnswerTooLongError) as error:
            raise NoTokenError(
                f"the token endpoint at {url.host} cannot be reached, so the credentials could not be used"
                f" ({type(error).__name__})",
                refused=False,
                hint="check ims_url and the network",
            ) from error

    async def _admitted(self, call: Call) -> None:
        if self._admit is not None:
            await self._admit(call.endpoint)

    def _scrub(self, call: Call, token: str, text: str) -> str:
        own = (self._settings.client_secret, self._settings.access_token)
        if self._spellings is None:  # most runs hear of no trouble
            self._spellings = spelt(self._secrets)
        return scrub(text, {token, *secrets_in(own), *secrets_in(call.body)} - self._secrets, self._spellings)


@lru_cache(maxsize=64)  # most requests go to one of a few collections
def _as_sent(path: str) -> str | None:
    """``path`` as it is sent; ``None`` if it leads elsewhere.

    An id of the platform's stands in it: what is meant to be deleted there is not what would be.
    """
    if _LEADS_AWAY.search(path):
        return None
    return path if _PLAIN_PATH.fullmatch(path) else quote(path, safe="/")


def _query(pairs: tuple[tuple[str, str], ...]) -> str:
    """A query as it is sent. All is quoted: "+" would come back as a space and "&" as another filter (facts 2.4)."""
    return "?" + "&".join(f"{quote(key, safe='')}={quote(value, safe='')}" for key, value in pairs)


def _encode(value: Any) -> Any:
    """What orjson does not know: secrets, which are revealed here and nowhere else, and read-only maps."""
    if isinstance(value, Secret):
        return value.reveal()
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(type(value).__name__)
