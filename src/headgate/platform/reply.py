"""What one HTTP request brought back, and what a way of sending one has to offer."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, Protocol

from headgate.classes import mutable

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import AbstractContextManager

    from headgate.platform.headers import Head


@mutable
class Reply:
    """What came back. ``raw`` is the whole body, ``None`` if it broke off or (``too_long``) was not read to its end."""

    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    raw: bytes | None = None
    too_long: bool = False


class Way(Protocol):
    """The way to one origin through a session's connections."""

    async def exchange(self, method: str, target: str, head: Head, data: bytes | None, subject: str = "") -> Reply:
        """Send one request and read its answer. Nothing is sent twice, and no redirect is followed.

        The answer is whole, or broke off after its status came, or there is none: then what went wrong is raised.

        Args:
            method: The HTTP method.
            target: Path and query, quoted.
            head: All headers but ``Host`` and those about encodings and lengths.
            data: The body.
            subject: What the fault point of a beginning answer is told.

        Raises:
            aiohttp.ConnectionTimeoutError: no connection in time: nothing was sent.
            aiohttp.ClientConnectorError: no connection at all: nothing was sent.
            aiohttp.ClientError: any other break before a status came.
            OSError: the same; ``TimeoutError`` when the time was up.
            ValueError: the same: nonsense where an answer was expected.
        """

    def sharing(self) -> AbstractContextManager[None]:
        """While somebody else asks the session for a connection, which may have no more than so many."""

    def close(self) -> None:
        """No exchange is under way, and none will be."""
