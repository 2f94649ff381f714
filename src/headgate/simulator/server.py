"""The platform as a process of its own, for ``headgate simulate``."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from headgate.simulator.simulator import Simulator

if TYPE_CHECKING:
    from collections.abc import Callable


async def serve(
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    on_ready: Callable[[str], None] | None = None,
    **options: Any,
) -> None:
    """Serve until cancelled. Prints nothing.

    Args:
        host: Where to listen; the control routes answer to loopback callers only, wherever that is.
        port: 0 takes a free port.
        on_ready: Called once with the base URL, when it listens. What a caller needs besides follows from
            the seed (:meth:`Simulator.credentials_of`).
        options: Those of :class:`Simulator`.

    Raises:
        ValueError: an option makes no sense.
        OSError: the address cannot be bound.
    """
    simulator = Simulator(**options)
    await simulator.start(host, port)
    try:
        if on_ready is not None:
            on_ready(simulator.url)
        await asyncio.Event().wait()
    finally:
        await simulator.stop()
