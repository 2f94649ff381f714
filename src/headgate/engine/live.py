"""What the machine keeps: where a job is, how it stands, and the rules it goes by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from enum import IntEnum
from typing import Any

from headgate.classes import frozen, mutable
from headgate.exchange import Call
from headgate.pacing import PollPolicy, RetryPolicy, Tolerance
from headgate.workflows.contract import Context, Phase, Signal


class State(IntEnum):
    """Where a job is."""

    HELD = 0  # waiting on edges
    READY = 1  # waiting for a slot
    RUNNING = 2  # a request is on its way
    PAUSED = 3  # waiting for a time
    WAITING = 4  # in line for keys
    SETTLED = 5


@frozen
class Rules:
    """How the machine is to behave. ``time_scale``: platform seconds per second (1 but for an embedded platform)."""

    concurrency: int = 100
    #: Jobs admitted beyond the slots, so that their intents are durable when a slot comes free; up to so many times as
    #: many where thousands of answers a second come. More would do no good: what is admitted is not overtaken by what
    #: matters more, and the vanguard is to come first.
    ahead: int = 32
    ahead_times: int = 6
    time_scale: float = 1.0
    #: Requests per second of the whole run, of which polls have a share; 0 where there is no limit.
    rate_per_s: float = 0.0
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    poll: PollPolicy = field(default_factory=PollPolicy)
    stop_on_error: bool = False
    tolerance: Tolerance | None = None
    #: Compare every object that exists with what the manifest says, not only those whose content changed.
    refresh: bool = False
    seed: int = 0


@mutable
class Live:
    """One job as it stands. ``phase`` is the procedure's; ``durable`` the last journaled one."""

    state: State = State.HELD
    phase: Phase = field(default_factory=dict)
    signal: Signal = Signal.START
    call: Call | None = None
    attempt: int = 0
    tries: int = 0
    throttles: int = 0
    reason: str = ""
    held_until_s: float | None = None
    durable: tuple[Phase, bool] | None = None
    settled: Mapping[str, Any] | None = None
    cause: str | None = None
    context: Context | None = None


class Over(Live):
    """One that was settled in an earlier life of the run: there may be very many. The rest of it is as it was made."""

    __slots__ = ()

    def __init__(self, data: Mapping[str, Any]) -> None:
        self.state, self.settled, self.cause = State.SETTLED, data, data.get("cause")

    def __getattr__(self, name: str) -> Any:
        """Called for what was not filled in."""
        if name not in Live.__dataclass_fields__:
            raise AttributeError(name)
        value = getattr(_NEW, name)
        return {} if value == {} else value


_NEW = Live()
