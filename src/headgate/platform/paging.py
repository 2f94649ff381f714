"""Following a listing from page to page. Pure: the transport does the asking.

Only the query of ``_links.next.href`` is used, on the path that was asked first and on our own host. The
original filters are repeated, because nothing says that the token holds them (facts 2.4, traps 20 and 21).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from headgate.platform.endpoint import origin_of

if TYPE_CHECKING:
    from headgate.exchange import Call

#: Above this a listing is taken for endless: a million entities at 100 a page.
MAX_PAGES = 10_000
#: What a listing may take in all, by the bytes of its pages: a hundred thousand entities of some kB.
MAX_LISTING_BYTES = 256 * 1024 * 1024
#: Pages without an entity, one after the other, before a listing is taken for endless. Some are usual: a filter may be
#: worked out page by page.
MAX_EMPTY = 100

#: Where services put a page's entities (trap 52), and where the next page's address.
_ITEMS = ("items", "records", "children", "data")
_LINKS = ("_links", "link", "links")

#: What the first call said about these is repeated as it was, whatever the link says.
_KEPT = frozenset({"property", "orderby", "orderBy", "sort", "status"})


class PagingError(ValueError):
    """A listing that cannot be followed. ``again`` tells whether asking anew may help."""

    def __init__(self, code: str, message: str, *, again: bool) -> None:
        super().__init__(message)
        self.code = code
        self.again = again


class Pager:
    """The pages of one listing so far."""

    def __init__(self, call: Call, origin: str) -> None:
        """Begin with ``call``; ``origin`` is the only host an absolute link may name."""
        self.items: list[Any] = []
        self._call = call
        self._origin = origin
        self._seen = {call.query}
        self._bytes = self._empty = 0
        self._last: list[Any] = []

    def take(self, body: Any, size: int = 0) -> Call | None:
        """Keep a page's items; the call for the next page, or ``None`` after the last. ``size`` is in bytes.

        Raises:
            PagingError: the page has no list, its link leads to another host or back, there is no end, or it is more
                than can be kept.
        """
        items = (
            next((body[key] for key in _ITEMS if isinstance(body.get(key), list)), None)
            if isinstance(body, dict)
            else None
        )
        if items is None:
            # Never an empty list: "there is no such object" is what makes somebody create it again.
            raise PagingError("page_unreadable", "a page of the listing has no list of items", again=True)
        self._bytes += size
        if self._bytes > MAX_LISTING_BYTES:
            limit = MAX_LISTING_BYTES // 1024 // 1024
            raise PagingError("listing_too_long", f"the listing is longer than {limit} MiB", again=False)
        self.items += items
        href = next_href(body)
        if not href:
            return None
        query = next_query(href, self._call.query, self._origin)
        if query in self._seen:
            raise PagingError("page_loop", "the listing leads back to a page it gave before", again=True)
        if len(self._seen) >= MAX_PAGES:
            raise PagingError("page_limit", f"the listing does not end within {MAX_PAGES:,} pages", again=False)
        self._seen.add(query)
        self._empty = 0 if items else self._empty + 1
        if (items and items == self._last) or self._empty > MAX_EMPTY:
            raise PagingError("page_loop", "the listing gives the same page again and again", again=True)
        self._last = items
        return replace(self._call, query=query)


def next_href(body: dict[str, Any]) -> str:
    """The next page's address, or an empty string: absent, ``{}``, null and empty are all met (facts 5.1)."""
    for key in _LINKS:
        links = body.get(key)
        found = links.get("next") if isinstance(links, dict) else None
        if isinstance(found, dict):
            found = found.get("href")
        if isinstance(found, str) and found.strip():
            return found.strip()
    return ""


def next_query(href: str, first: tuple[tuple[str, str], ...], origin: str) -> tuple[tuple[str, str], ...]:
    """The query of the next page: what the first asked for, then what the link adds or changes.

    Raises:
        PagingError: for a link to another host, and for one without a query, which leads nowhere.
    """
    try:
        parts = urlsplit(href)
        ours = (
            not parts.netloc
            or origin_of(parts._replace(scheme=parts.scheme or urlsplit(origin).scheme).geturl()) == origin
        )
    except ValueError:
        ours, parts = False, urlsplit("")
    if not ours or (parts.scheme and not parts.netloc):
        raise PagingError("page_elsewhere", "the next page's link leads to another host; not followed", again=False)
    asked = {key for key, _ in first} & _KEPT
    link = tuple(
        (key, value)
        for pair in parts.query.split("&")
        if pair
        # "+" stays itself: tokens are base64, and only forms write spaces that way.
        for key, value in [_pair(pair)]
        if key not in asked
    )
    if not link:
        raise PagingError("page_loop", "the next page's link has no token", again=True)
    changed = {key for key, _ in link}
    return tuple(pair for pair in first if pair[0] not in changed) + link


def _pair(text: str) -> tuple[str, str]:
    """One ``key=value``, split at the first ``=`` only: tokens may end in ``=``."""
    key, _, value = text.partition("=")
    return unquote(key), unquote(value)
