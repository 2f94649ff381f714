"""What the board keeps of a run that is awaited, what it is told of one that ended, and when to look. Pure.

Seconds are the platform's.
"""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, Any, Final

from headgate.classes import frozen, mutable
from headgate.pacing.lengths import ANY
from headgate.workflows.reading import part, text
from headgate.workflows.runs import LATEST_MS, audiences_of, created_ms, run_state

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headgate.exchange import Call

#: No key is longer: a store may not take it.
LONGEST: Final = 200
#: No look at the list follows another sooner.
LEAST_S: Final = 2.0
#: So many looks each run may cost, if they are spread as evenly as their age grows.
LOOKS: Final = 0.4
#: Where the runs of a look have to be named on several pages, seconds between looks for each page.
PAGE_S: Final = 0.75
#: So often lists may leave out what they have shown before, until it is asked for alone; and what they never showed.
OMITTED: Final = 3
NEVER_SHOWN: Final = 2
#: Looks grow apart by at least, and at most, so much of the age.
FINEST: Final = 0.01
COARSEST: Final = 0.125


@mutable
class Awaited:
    """One run that ``jobs`` wait for. ``born_s`` is when it began; ``None`` while nobody knows."""

    run: str
    keys: tuple[str, ...]
    born_s: float | None
    jobs: set[int] = field(default_factory=set)
    #: From when on it may be over; looks by its id so far, when the next one is due, and the next single one may be.
    ripe_s: float = 0.0
    looks: int = 0
    due_s: float = 0.0
    single_s: float = 0.0
    #: Lists in a row that did not show it although it was named, and whether any ever did.
    hidden: int = 0
    listed: bool = False
    #: No list shows it, its own address does: it is asked for alone.
    alone: bool = False


@frozen
class Noticed:
    """A run that is over, and a job that waited for it.

    ``lag_s`` is how long ago it ended, ``seconds`` how long it took, where the platform says.
    """

    run: str
    job: int
    state: str
    reason: str | None
    keys: tuple[str, ...]
    seconds: float | None
    lag_s: float | None


@mutable
class Look:
    """One request for runs. ``kind``: ``since`` (all that ended since), ``ids`` (those of a list), ``one``."""

    kind: str
    call: Call
    runs: tuple[str, ...] = ()
    #: Of a list read page by page: which page, when its first page was answered, and its lower bound.
    page: int = 0
    first_s: float = 0.0
    since_s: float = 0.0


def share(runs: int) -> float:
    """By which share of the age looks are apart when ``runs`` are, or were, awaited: many pay for many looks."""
    return min(COARSEST, max(FINEST, 4.5 / (LOOKS * max(1, runs))))


def apart(age_s: float, runs: int, cap_s: float) -> float:
    """Seconds between two looks at runs of which the youngest is ``age_s`` old."""
    return max(LEAST_S, min(cap_s, age_s * share(runs)))


def ended_s(run: Mapping[str, Any]) -> float | None:
    """When the run ended, epoch seconds, as it says itself (trap 16: under either name, or not at all)."""
    duration = part(run, "metrics", "durationSummary")
    return _seconds(duration.get("completedAtUTC")) or _seconds(duration.get("stoppedAtUTC"))


def began_s(run: Mapping[str, Any]) -> float | None:
    """When the run began, epoch seconds."""
    return _seconds(part(run, "metrics", "durationSummary").get("startedAtUTC")) or created_ms(run) / 1000 or None


def noticed(run: Mapping[str, Any], awaited: Awaited, now_s: float) -> Noticed:
    """What a run that is over says of itself. It is known by its audience, its flow, and its kind of flow."""
    state, reason = run_state(run)
    began, end = began_s(run), ended_s(run)
    audiences = audiences_of(run)
    own = (f"audience:{audiences[0]}",) if len(audiences) == 1 else ()
    found = (f"flow:{run.get('flowId')}", f"spec:{text(part(run, 'flowSpec').get('id'))}")
    keys = (*awaited.keys, *own, *(key for key in found if not key.endswith(":")), ANY)
    keys = tuple(key for key in dict.fromkeys(keys) if len(key) <= LONGEST)
    seconds = end - began if began is not None and end is not None and end >= began else None
    return Noticed(
        awaited.run,
        min(awaited.jobs),
        state.value,
        reason,
        keys,
        seconds,
        None if end is None else max(0.0, now_s - end),
    )


def _seconds(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < LATEST_MS:
        return None
    return float(value) / 1000
