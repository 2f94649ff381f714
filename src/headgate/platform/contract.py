"""What the engine sees of the platform."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from headgate.exchange import Answer, Call


class Platform(Protocol):
    """Somebody who performs calls: the HTTP transport, or a script of a test."""

    async def perform(self, call: Call) -> Answer:
        """Perform ``call`` once and say what came of it. Trouble is an answer too; cancellation raises."""
        ...
