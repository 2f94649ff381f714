"""Leave to change something: only while this process surely has its run, for as long as the request may take.

A request cannot be called back, and the platform knows no fence. So none may begin that could still be under way when
others may take the run over: a process that was frozen asks the store first, and is told there that it is too late.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headgate.errors import StoreError

if TYPE_CHECKING:
    from headgate.clock import Clock
    from headgate.store.contract import Journal


class Clearance:
    """Await it right before a request that changes something."""

    def __init__(self, journal: Journal, clock: Clock, request_s: float) -> None:
        """``request_s`` is the longest time one request may take."""
        self._journal, self._clock, self._request_s = journal, clock, request_s

    async def __call__(self) -> None:
        """Return at once while the claim is fresh, else renew it first.

        Raises:
            StoreError: the run was taken over, or the store did not answer in time.
        """
        if self._lasts():
            return
        await self._journal.flush()
        if not self._lasts():
            raise StoreError(
                "the claim on the run could not be renewed in time; this process has stopped, and sends nothing more",
                hint="`headgate resume` goes on; if it happens again, raise lease_s or lower timeout_s",
            )

    def _lasts(self) -> bool:
        return self._clock.mono() + self._request_s <= self._journal.fresh_until_mono
