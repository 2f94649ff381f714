"""Who may ask the live page what. Pure: headers in, a refusal or nothing out.

Anybody who can reach the port may look; who wants to change something needs the token. Another site's page in the
user's own browser can reach the port, too: it is refused by the name it asks for (a name that was made to point here,
DNS rebinding), by its origin, and by the token, which goes in a header that no page may send elsewhere unasked.
"""

from __future__ import annotations

import hmac
import secrets
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

TOKEN_HEADER: Final = "X-Headgate-Token"  # noqa: S105 -- its name
_POLICY: Final = (
    "default-src 'none'; base-uri 'none'; form-action 'none'; connect-src 'self'; img-src data: blob:; "
    "script-src 'self'; style-src 'unsafe-inline'"
)
#: Sent with everything.
HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": f"{_POLICY}; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "Server": "headgate",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
#: As it stands in a page, where ``frame-ancestors`` may not.
POLICY: Final = _POLICY


def new_token() -> str:
    """144 bits that nobody guesses, in characters that need no escape."""
    return secrets.token_urlsafe(18)


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches ``host``."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def refused_host(asked: str, host: str) -> bool:
    """Whether a request for ``asked`` (its Host header) is refused by a server that listens on ``host``.

    A name may have been made to point here by whoever owns it; an address, ``localhost`` and the name that the server
    was told cannot.
    """
    try:
        name = urlsplit(f"//{asked}").hostname or ""
    except ValueError:
        return True
    if name in ("localhost", host.lower()):
        return not name
    try:
        ip_address(name)
    except ValueError:
        return True
    return False


def refused_site(method: str, headers: Mapping[str, str]) -> bool:
    """Whether a request comes from another site's page.

    A browser says so in ``Sec-Fetch-Site`` (a link from elsewhere is welcome, if it only leads here) and, where
    something is to be changed, in ``Origin``. What is no browser sends neither.
    """
    leads_here = headers.get("Sec-Fetch-Mode") == "navigate" and method == "GET"
    if headers.get("Sec-Fetch-Site", "none") in ("cross-site", "same-site") and not leads_here:
        return True
    origin = headers.get("Origin")
    return method != "GET" and origin is not None and origin != f"http://{headers.get('Host', '')}"


def has_token(given: str | None, token: str) -> bool:
    """Whether it is the token, in a time that does not tell how much of it is right."""
    return hmac.compare_digest((given or "").encode("utf-8", "surrogateescape"), token.encode())
