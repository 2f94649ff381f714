"""Who may come in: programs on this machine, and no page of a browser's.

The platform holds nothing of worth, but a page that is open in somebody's browser has no business with it: by a name of
its own that leads to 127.0.0.1 (DNS rebinding) it could read and change everything. So a request must name this machine
by its address, and one that a page has made must come from a page of ours; there are none.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from headgate.simulator.reply import Reply

if TYPE_CHECKING:
    from collections.abc import Mapping

#: The longest body that is read: a patch of thousands of selectors; the documents give no limit.
MAX_BODY = 64 * 1024 * 1024
#: What a browser says of a request that a page of another place has made.
_FOREIGN = ("cross-site", "same-site")


def turned_away(headers: Mapping[str, str], own: str, length: int | None) -> Reply | None:
    """The answer to a request that may not come in, or ``None``.

    Args:
        headers: The request's.
        own: The address it came in at (of the socket).
        length: Bytes of its body as announced; ``None`` when it is sent in chunks.
    """
    host = headers.get("Host", "")
    if not _is_here(host, own):
        return Reply(421, _words("the Host header does not name this machine by its address"))
    origin = headers.get("Origin")
    if (origin is not None and origin.lower() != f"http://{host}".lower()) or headers.get("Sec-Fetch-Site") in _FOREIGN:
        return Reply(403, _words("pages of other places may not ask here"))
    return too_long() if length is not None and length > MAX_BODY else None


def too_long() -> Reply:
    """The answer to a body that is longer than is read."""
    return Reply(413, _words(f"a body of more than {MAX_BODY // 1024 // 1024} MiB is not read"))


def _is_here(host: str, own: str) -> bool:
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    if name == "localhost":
        return True
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return False
    return address.is_loopback or str(address) == own


def _words(said: str) -> dict[str, Any]:
    return {"error_code": "simulator", "message": said}
