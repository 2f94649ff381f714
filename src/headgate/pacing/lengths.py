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

#: What all runs have in common.
ANY: Final = "any"
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
        #: What was asked of a key since it was last learnt of: many runs are asked for again and again.
        self._asked: dict[str, dict[tuple[float, float], float | None]] = {}
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
            self._asked.pop(key, None)
            if sum(counts.values()) > MOST:
                self._counts[key] = {each: count / 2 for each, count in counts.items() if count > 1.0 or each == step}

    def row(self, key: str) -> dict[str, float]:
        """What is known of ``key``, as JSON."""
        return {str(step): round(count, 3) for step, count in sorted(self._counts[key].items())}

    def usual(self, keys: Sequence[str]) -> float | None:
        """How long a run of ``keys`` will take: the middle of the most telling key; ``None`` if nobody knows."""
        return self._quantile(keys, 0.5, 1.0)

    def longest(self, runs: Iterable[Sequence[str]], share: float = 0.5) -> float | None:
        """When the last of ``runs`` that begin together is over, each given by its keys; ``None`` if nobody knows.

        ``share`` is how likely it is over by then. Of a run whose own keys tell nothing all that is known is what runs
        have in common: the more of those there are, the longer will the longest be.
        """
        longest, strangers = 0.0, 0
        for keys in runs:
            seconds = self._quantile(keys, share, 1.0)
            if seconds is None:
                strangers += 1
            elif seconds > longest:
                longest = seconds
        if not strangers:
            return longest or None
        usual = self._quantile((ANY,), share ** (1 / strangers), 1.0)
        return None if usual is None else max(longest, usual)

    def known(self, runs: Iterable[Sequence[str]]) -> int:
        """Of how many of ``runs`` their own keys tell how long they take."""
        return sum(self.usual(keys) is not None for keys in runs)

    def soonest(self, keys: Sequence[str]) -> float | None:
        """Before which age a run of ``keys`` is hardly over; ``None`` if too few have ended."""
        found = self._quantile(keys, 0.02, ENOUGH)
        return None if found is None else found / STEP  # where its step begins

    def latest(self, keys: Sequence[str]) -> float | None:
        """By which age a run of ``keys`` is nearly always over; ``None`` if too few have ended."""
        return self._quantile(keys, 0.98, ENOUGH)

    def _quantile(self, keys: Sequence[str], share: float, least: float) -> float | None:
        for key in keys:
            if key not in self._counts:
                continue
            asked = self._asked.setdefault(key, {})
            if (share, least) not in asked:
                asked[share, least] = self._of_key(key, share, least)
            if (seconds := asked[share, least]) is not None:
                return seconds
        return None

    def _of_key(self, key: str, share: float, least: float) -> float | None:
        counts = self._counts[key]
        total, below = sum(counts.values()), 0.0
        if not counts or total < least:
            return None
        for step, count in sorted(counts.items()):
            below += count
            if below >= share * total:
                return _seconds(step)
        return _seconds(max(counts))


def _step(seconds: float) -> int:
    return 0 if seconds <= 1.0 else min(STEPS, math.ceil(math.log(seconds, STEP) - 1e-9))


def _seconds(step: int) -> float:
    """The end of a step: a guess that is rather too long than too short."""
    return float(STEP**step)
