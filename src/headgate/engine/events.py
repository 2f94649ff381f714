"""What the machine is told and what it answers. Time comes in with the event; seconds are monotonic unless named."""

from __future__ import annotations

from dataclasses import field
from enum import Enum
from typing import TYPE_CHECKING, Any, Literal

from headgate.classes import frozen

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headgate.engine.record import Record
    from headgate.exchange import Answer, Call


@frozen
class Answered:
    """An attempt is over. ``attempt`` is the number the machine gave it, so that a late answer is recognised."""

    job: int
    attempt: int
    answer: Answer
    at: float


@frozen
class Returned:
    """A request was not sent after all: the run was stopped before its turn came."""

    job: int
    attempt: int
    at: float


@frozen
class Ticked:
    """Time has passed: look at what was waiting for it. Also the first event of a run."""

    at: float


class Stop(Enum):
    """Why nothing new is to be started."""

    INTERRUPTED = "interrupted"  # a person, or a signal
    TOLERATE = "tolerate"  # more failures than allowed
    WALL = "wall"  # the same refusal again and again
    ON_ERROR = "on-error"  # the first failure, where that is the rule
    FINISH_BY = "finish-by"  # the time is up
    THRESHOLD = "threshold"  # a load test's
    PLATFORM = "platform"  # refused as a whole, or out of reach


@frozen
class StopAsked:
    """Start nothing new; what is in flight may end."""

    reason: Stop
    at: float
    detail: str = ""
    hint: str = ""


@frozen
class Claimed:
    """What came of a :class:`Lease`: all of its keys are this run's, or ``by`` says who holds one, since when.

    ``notes`` is what earlier holders of the keys had noted: flows on which they may have left something running.
    ``known`` is what the store knows of objects whose marks are among the keys: id (empty while in doubt) and digest.
    """

    job: int
    at: float
    by: str = ""
    notes: tuple[str, ...] = ()
    known: Mapping[str, tuple[str, str]] = field(default_factory=dict)


Event = Answered | Returned | Ticked | StopAsked | Claimed


@frozen
class Send:
    """Perform ``call`` when the gate lets it; if there is an ``intent``, only once that is durable."""

    job: int
    attempt: int
    call: Call
    intent: Record | None = None


@frozen
class Write:
    """Journal this."""

    record: Record


@frozen
class Lease:
    """Ask the store for all ``keys``, which other runs may hold; ``note`` is for whoever takes them after us."""

    job: int
    keys: tuple[str, ...]
    note: tuple[str, ...]


@frozen
class Learn:
    """Keep what was learnt of how long runs take, for the next run: rows of :class:`~headgate.pacing.lengths.Lengths`.

    By key, and each is all that is known of its key.
    """

    rows: Mapping[str, Mapping[str, float]]


@frozen
class Tell:
    """Something a person or a program may want to know."""

    name: Literal["settled", "retry", "hold", "stop", "rate", "run"]
    job: int
    fields: Mapping[str, Any] = field(default_factory=dict)


@frozen
class Finish:
    """Nothing is left to do, or nothing more may be started. ``stop`` is why, if the run was stopped."""

    stop: Stop | None
    detail: str = ""
    hint: str = ""


Command = Send | Write | Lease | Learn | Tell | Finish
