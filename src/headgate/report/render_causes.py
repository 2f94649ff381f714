"""Failures by their cause: thousands of them are usually two or three."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import NamedTuple

from headgate.classes import frozen
from headgate.report.model import Report

#: Ids, numbers and quoted names, which differ between failures of one cause.
_VARIABLE = re.compile(
    r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F-]{20,}|\b[0-9a-fA-F]{16,}\b|\"[^\"]*\"|'[^']*'|`[^`]*`|\d+"
)
#: What the platform says before it comes to the point.
_PREAMBLE = re.compile(r"^The request could not be processed\.\s+(?=\S)")


def brief(message: str) -> str:
    """``message`` without what stands before its point: where there is one line, the end of it is cut."""
    return _PREAMBLE.sub("", message)


@frozen
class Cause:
    """One cause: how often, in the words of its first case, that case, and what to do about it."""

    count: int
    status: int
    code: str
    message: str
    example: str
    advice: str


class Member(NamedTuple):
    """One failure of a cause: the row or job it is about, the job, and the platform's id of the request."""

    name: str
    job: str = ""
    request_id: str = ""


class Causes:
    """Collects failures by cause, one by one."""

    def __init__(self) -> None:
        self._groups: dict[tuple[int, str, str], tuple[Cause, list[Member]]] = {}

    def add(
        self,
        status: int,
        code: str,
        message: str,
        example: str,
        advice: str,
        count: int = 1,
        *,
        member: Member | None = None,
    ) -> None:
        """One more failure; ``count`` rows of the report share it."""
        key = (status, code, _VARIABLE.sub("#", message))
        cause, members = self._groups.get(key) or (Cause(0, status, code, message, example, advice), [])
        if member is not None:
            members.append(member)
        self._groups[key] = (replace(cause, count=cause.count + count), members)

    def top(self) -> list[Cause]:
        """Causes so far, the most frequent first."""
        return [cause for cause, _ in self.groups()]

    def groups(self) -> list[tuple[Cause, list[Member]]]:
        """Causes so far with their failures, the most frequent first."""
        return sorted(self._groups.values(), key=lambda group: -group[0].count)


def causes_of(report: Report) -> list[Cause]:
    """Causes of the failed jobs, and of pairs whose run failed."""
    return _gathered(report).top()


def grouped(report: Report) -> list[tuple[Cause, list[Member]]]:
    """As :func:`causes_of`, each cause with all of its failures."""
    return _gathered(report).groups()


def _gathered(report: Report) -> Causes:
    causes = Causes()
    for row in report.failures:
        if row.code != "headgate-run-failed":
            member = Member(row.item or row.job, row.job, row.requestId)
            causes.add(row.status, row.code, row.message, row.item or row.job, row.advice, member=member)
    for pair in report.activations:
        if pair.outcome == "failed" and pair.runState:
            name = f"{pair.destinationId} / {pair.segmentId}"
            member = Member(name, "", pair.runId or "")
            causes.add(0, "", pair.reason or "the run failed", name, "", member=member)
    return causes
