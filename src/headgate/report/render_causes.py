"""Failures by their cause: thousands of them are usually two or three."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from headgate.report.model import Report

#: Ids, numbers and quoted names, which differ between failures of one cause.
_VARIABLE = re.compile(
    r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F-]{20,}|\b[0-9a-fA-F]{16,}\b|\"[^\"]*\"|'[^']*'|`[^`]*`|\d+"
)


@dataclass(frozen=True, slots=True)
class Cause:
    """One cause: how often, in the words of its first case, that case, and what to do about it."""

    count: int
    status: int
    code: str
    message: str
    example: str
    advice: str


class Causes:
    """Collects failures by cause, one by one."""

    def __init__(self) -> None:
        self._groups: dict[tuple[int, str, str], list[Any]] = {}

    def add(self, status: int, code: str, message: str, example: str, advice: str, count: int = 1) -> None:
        """One more failure; ``count`` rows of the report share it."""
        group = self._groups.setdefault(
            (status, code, _VARIABLE.sub("#", message)), [0, status, code, message, example, advice]
        )
        group[0] += count

    def top(self) -> list[Cause]:
        """Causes so far, the most frequent first."""
        return sorted((Cause(*group) for group in self._groups.values()), key=lambda cause: -cause.count)


def causes_of(report: Report) -> list[Cause]:
    """Causes of the failed jobs, and of pairs whose run failed."""
    causes = Causes()
    for row in report.failures:
        if row.code != "headgate-run-failed":
            causes.add(row.status, row.code, row.message, row.item or row.job, row.advice)
    for pair in report.activations:
        if pair.outcome == "failed" and pair.runState:
            causes.add(0, "", pair.reason or "the run failed", f"{pair.destinationId} / {pair.segmentId}", "")
    return causes.top()
