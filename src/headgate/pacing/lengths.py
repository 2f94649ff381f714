"""How long runs take: learnt from those that ended, by what they have in common, and kept for the next run.

A run is known by several keys, the most telling first: its audience, its flow, the kind of its flow. Of each key a
small histogram is kept whose steps grow by a tenth, so that a second and a day are told apart as well as need be. Old
counts fade: a run of last year says little of today's.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

#: Each step of a histogram is so much longer than the one before; step 0 ends at one second.
STEP: Final = 1.1
#: No run is longer than this many steps (about a month).
STEPS: Final = 155
#: Counts of a key are halved when there are more than so many.
MOST: Final = 200.0
#: From so many ends on, a key says when the first look is worth while.
ENOUGH: Final = 5.0


class Lengths:
    """What is known of the lengths of runs, in platform seconds. ``known`` is what :meth:`row` gave of each key."""

    def __init__(self, known: Mapping[str, Mapping[str, float]] | None = None) -> None:
        self._counts: dict[str, dict[int, float]] = {}
        for key, row in (known or {}).items():
            counts = {int(step): float(count) for step, count in row.items() if step.isdigit() and float(count) > 0}
            self._counts[key] = {min(step, STEPS): count for step, count in counts.items()}

    def __contains__(self, key: object) -> bool:
        return key in self._counts

    def __len__(self) -> int:
        return len(self._counts)

    def learn(self, keys: Iterable[str], seconds: float) -> None:
        """A run known by ``keys`` took ``seconds`` (platform's)."""
        if not 0 <= seconds < math.inf:
            return
        step = _step(seconds)
        for key in keys:
            counts = self._counts.setdefault(key, {})
            counts[step] = counts.get(step, 0.0) + 1.0
            if sum(counts.values()) > MOST:
                self._counts[key] = {each: count / 2 for each, count in counts.items() if count > 1.0 or each == step}

    def row(self, key: str) -> dict[str, float]:
        """What is known of ``key``, as JSON."""
        return {str(step): round(count, 3) for step, count in sorted(self._counts[key].items())}

    def usual(self, keys: Sequence[str]) -> float | None:
        """How long a run of ``keys`` will take: the middle of the most telling key; ``None`` if nobody knows."""
        return self._quantile(keys, 0.5, 1.0)

    def all_usual(self) -> dict[str, float]:
        """How long runs of each known key usually take, by key."""
        return {key: seconds for key in self._counts if (seconds := self.usual((key,))) is not None}

    def soonest(self, keys: Sequence[str]) -> float | None:
        """Before which age a run of ``keys`` is hardly over; ``None`` if too few have ended."""
        found = self._quantile(keys, 0.02, ENOUGH)
        return None if found is None else found / STEP  # where its step begins

    def latest(self, keys: Sequence[str]) -> float | None:
        """By which age a run of ``keys`` is nearly always over; ``None`` if too few have ended."""
        return self._quantile(keys, 0.98, ENOUGH)

    def _quantile(self, keys: Sequence[str], share: float, least: float) -> float | None:
        for key in keys:
            counts = self._counts.get(key)
            total = sum(counts.values()) if counts else 0.0
            if counts and total >= least:
                below = 0.0
                for step, count in sorted(counts.items()):
                    below += count
                    if below >= share * total:
                        return _seconds(step)
        return None


def _step(seconds: float) -> int:
    return 0 if seconds <= 1.0 else min(STEPS, math.ceil(math.log(seconds, STEP) - 1e-9))


def _seconds(step: int) -> float:
    """The end of a step: a guess that is rather too long than too short."""
    return float(STEP**step)
