"""What a live page is told of a run while it goes: what the terminal shows, as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from headgate.cli.progress import EntryLine, Snapshot
    from headgate.cli.show import View
    from headgate.watch import Watch

#: From this share of what may leave on, a run is as fast as it may be.
_FULL: Final = 0.9
#: So many requests may be about to leave at any time.
_SOME: Final = 10
#: What is told is written to the store every few seconds, so it is small.
_ENTRIES: Final = 40


class Telling:
    """A view that passes on what it is shown to whoever looks at the run from elsewhere."""

    def __init__(self, view: View, watch: Watch) -> None:
        self._view, self._watch = view, watch
        watch.say = view.say

    def show(self, snapshot: Snapshot) -> None:
        """Show it, and tell it."""
        self._view.show(snapshot)
        self._watch.tell(told(snapshot))

    def say(self, text: str) -> None:
        """As it is."""
        self._view.say(text)

    def close(self) -> None:
        """End."""
        self._view.close()


def told(snapshot: Snapshot) -> dict[str, Any]:
    """What a page shows.

    Returns:
        ``left``: words, empty where nobody can say; ``overAt``: soonest and latest, epoch seconds, or nothing;
        ``jobs``: done and all; ``rate``: words; ``why`` it is what it is; ``waits``: lines; ``flying``: ``[endpoint,
        count]``; ``entries``: ``[name, noun, done, all, failed, steps, all steps]``, none where they are very many.
    """
    return {
        "left": "" if snapshot.left is None else str(snapshot.left),
        "overAt": list(snapshot.over_between),
        "jobs": [snapshot.jobs_done, snapshot.jobs_total],
        "rate": snapshot.rate,
        "why": why(snapshot),
        "waits": list(snapshot.waits),
        "flying": [list(one) for one in snapshot.flying],
        "entries": [_entry(row) for row in snapshot.entries] if len(snapshot.entries) <= _ENTRIES else [],
    }


def _entry(row: EntryLine) -> list[Any]:
    return [row.name, row.noun, row.done, row.total, row.failed, row.steps, row.all_steps]


def why(snapshot: Snapshot) -> str:
    """Why requests leave as fast as they do, and no faster."""
    if snapshot.pace:
        return snapshot.pace
    if snapshot.stopping:
        return "nothing new is started"
    if snapshot.rate_per_s >= _FULL * snapshot.rate_limit:
        return "as fast as it may: --rate, or the profile, sets the limit"
    if snapshot.slots and snapshot.in_flight >= snapshot.slots:
        return f"all {snapshot.slots} requests that may be under way at once are: the platform takes its time"
    if not snapshot.flying:
        return "nothing can be asked before what waits is over" if snapshot.waits else ""
    ready = sum(count for _, count in snapshot.flying) - snapshot.in_flight
    if ready > _SOME:
        return "requests are ready and leave late: an endpoint has a limit of its own, or this machine is busy"
    return "fewer requests are ready than may leave: each waits for the answer before it"
