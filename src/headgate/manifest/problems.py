"""Gathering problems: where each is, the same one once, and a flood of alike ones cut to three."""

from __future__ import annotations

import re
from collections import Counter

from headgate.errors import Diagnostic

#: Rows that show the same mistake before the rest are only counted.
SHOWN = 3
_QUOTED = re.compile(r"'[^']*'|\d+")


class Problems:
    """Errors and warnings of one load. A problem is kept once however many items show it."""

    def __init__(self) -> None:
        self.errors: dict[Diagnostic, None] = {}
        self.warnings: dict[Diagnostic, None] = {}
        self._alike: Counter[tuple[str, str]] = Counter()
        self._last: dict[tuple[str, str], tuple[Diagnostic, bool]] = {}
        #: What was kept, in order and as it was told.
        self._kept: list[tuple[Diagnostic, bool, bool]] = []

    def add(self, problem: Diagnostic, *, warning: bool = False, row: bool = False) -> None:
        """Keep ``problem``. ``row`` marks one that comes from a row, of which only the first few are kept."""
        kept = self.warnings if warning else self.errors
        if problem in kept:
            return
        if row:
            # Alike: same key and same words, whatever the quoted values and numbers.
            alike = (re.sub(r"\d+", "", problem.key), _QUOTED.sub("'", problem.message))
            if self._last.get(alike, (None, warning))[0] == problem:
                return
            self._alike[alike] += 1
            self._last[alike] = (problem, warning)
            if self._alike[alike] > SHOWN:
                return
        kept[problem] = None
        self._kept.append((problem, warning, row))

    def join(self, later: Problems) -> None:
        """Add what was gathered apart, as if it were told only now; repeats are counted as they were there."""
        for problem, warning, row in later._kept:
            self.add(problem, warning=warning, row=row)
        for alike, count in later._alike.items():
            if count > SHOWN:
                self._alike[alike] += count - SHOWN
                self._last[alike] = later._last[alike]

    def closed(self) -> None:
        """Add the "… and N more rows" lines. Called once, when everything was looked at."""
        for alike, count in self._alike.items():
            more = count - SHOWN
            if more > 0:
                last, warning = self._last[alike]
                noun = "row" if more == 1 else "rows"
                kept = self.warnings if warning else self.errors
                kept[Diagnostic(last.file, last.line, last.key, f"… and {more:,} more {noun} like it")] = None
