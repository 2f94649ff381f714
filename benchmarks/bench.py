"""What a scenario is given."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.sheets import Sheet


@dataclass(frozen=True, slots=True)
class Bench:
    """Where and how much to measure.

    ``rounds`` is ``None`` where the scenario may choose; ``scale`` shrinks every amount of work, for trying
    things out (figures below 1 are not to be quoted); stores are made in ``room``. What may be drawn is put into
    ``sheets``, by the name of its file.
    """

    room: Path
    rounds: int | None = None
    scale: float = 1.0
    sheets: dict[str, Sheet] = field(default_factory=dict)

    def times(self, usual: int) -> int:
        """Rounds to take."""
        return self.rounds or usual

    def size(self, usual: int) -> int:
        """An amount of work at this scale."""
        return max(1, round(usual * self.scale))

    def state(self) -> Path:
        """A path for one more store."""
        return next(path for number in count() if not (path := self.room / f"state-{number}.db").exists())

    @staticmethod
    def say(text: str) -> None:
        """Talk, on standard error: standard output is for figures."""
        print(text, file=sys.stderr, flush=True)
