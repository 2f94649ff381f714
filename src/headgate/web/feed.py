"""The states of one page, numbered, and what a browser that has seen one of them needs to see the newest. Pure."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import orjson

from headgate.web.delta import delta

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headgate.web.delta import State

#: Changes that are kept for whoever comes back: half a minute of them.
KEPT: Final = 64


@dataclass(frozen=True)
class Step:
    """A state, and the event that leads to it from the one before. ``mark`` is what both bear as their id."""

    number: int
    mark: str
    state: State
    event: bytes

    @cached_property
    def whole(self) -> bytes:
        """The state as an event of its own."""
        return event("state", self.mark, self.state)


class Feed:
    """One page's states. ``epoch`` tells this life of the server from another: numbers begin anew with it."""

    def __init__(self, epoch: str, kept: int = KEPT) -> None:
        self._epoch, self._steps = epoch, deque[Step](maxlen=kept)
        self.newest = Step(0, "", {}, b"")

    def step(self, state: State) -> Step | None:
        """What taking ``state`` would mean; ``None`` when it is the newest already. Changes nothing."""
        change = delta(self.newest.state, state)
        number = self.newest.number + 1
        if not change and number > 1:
            return None
        mark = f"{self._epoch}-{number}"
        return Step(number, mark, state, event("delta", mark, change) if number > 1 else b"")

    def take(self, step: Step) -> None:
        """Make it the newest."""
        self.newest = step
        self._steps.append(step)

    def since(self, mark: str) -> list[bytes] | None:
        """The events that lead from ``mark`` to the newest state; ``None`` where only the whole state does."""
        epoch, _, number = mark.rpartition("-")
        if epoch != self._epoch or not number.isdecimal() or not 0 < int(number) <= self.newest.number:
            return None
        missed = [step.event for step in self._steps if step.number > int(number)]
        return missed if len(missed) == self.newest.number - int(number) else None


def event(name: str, mark: str, data: Mapping[str, Any]) -> bytes:
    """A server-sent event. JSON has no line break, so its data is one line."""
    head = f"id: {mark}\n" if mark else ""
    return f"event: {name}\n{head}data: ".encode() + orjson.dumps(data, default=dict) + b"\n\n"
