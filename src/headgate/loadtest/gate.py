"""Where requests of a load test wait for leave: they do not. The set-up goes through the usual gate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headgate.engine.gate import Gate
from headgate.loadtest.meter import refused

if TYPE_CHECKING:
    from collections.abc import Callable

    from headgate.exchange import Answer, Call


class OpenGate(Gate):
    """A gate that holds nobody back once arrivals come: what is offered is offered, whatever the platform says.

    What it says is learned from in the set-up alone: what a load test provokes is not what the next run should go by.
    A person may still hold everything (``hold``).
    """

    def __init__(self, *args: Any, is_open: Callable[[], bool], **named: Any) -> None:
        """As a gate; ``is_open`` says whether arrivals have begun to come."""
        super().__init__(*args, **named)
        self._is_open = is_open

    def passes(self, endpoint: str, now: float) -> bool:
        """Whether a request may leave at once, as every one may while arrivals come."""
        return (self._is_open() and now >= self._held_until) or super().passes(endpoint, now)

    def answered(self, call: Call, answer: Answer, of: int = -1) -> bool:
        """Whether the request was refused because of the rate; lowers no rate for it while arrivals come."""
        if self._is_open():
            return refused(answer)
        return super().answered(call, answer, of)
