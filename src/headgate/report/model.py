"""The report as data, ``headgate.report/1`` (contract 5). Rendering is elsewhere."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from headgate.classes import frozen

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SCHEMA: Final = "headgate.report/1"
_EXIT_CODES: Final = {
    "interrupted": 130, "tolerate": 5, "wall": 5, "finish-by": 5, "threshold": 5, "platform": 3, "on-error": 1,
}  # fmt: skip


@frozen
class Failure:
    """A failed job, in the platform's words where it gave any."""

    item: str
    job: str
    status: int
    code: str
    message: str
    requestId: str
    advice: str


@frozen
class ItemResult:
    """One row of ``items``. ``status``: created, reused, failed, skipped, held, …"""

    entry: str
    item: str
    status: str
    ids: Mapping[str, str]
    error: Mapping[str, Any] | None = None


@frozen
class PairResult:
    """One row of ``activations``."""

    entry: str
    destinationId: str
    segmentId: str
    outcome: str
    adhocJob: int | None
    runId: str | None
    runState: str | None
    attempts: int
    reason: str | None


@frozen
class Report:
    """What happened, row by row, in manifest order. Times are epoch seconds.

    ``stop_reason`` is one of :class:`~headgate.engine.events.Stop`'s values when the run was stopped, and ``stop``
    says so in words, ``stop_hint`` what to do about it; all are empty otherwise. ``open_jobs`` are not settled: a
    resume goes on with them.
    """

    run_id: str
    manifest: str
    sandbox: str
    status: str
    started_at: float
    finished_at: float | None
    wall_s: float
    totals: Mapping[str, int]
    requests: Mapping[str, Any]
    items: Sequence[ItemResult]
    activations: Sequence[PairResult]
    failures: Sequence[Failure]
    stop: str = ""
    stop_reason: str = ""
    stop_hint: str = ""
    open_jobs: int = 0
    #: Of a run that is over, in seconds: how long it was thought to take when it began. 0.0 where nobody said.
    forecast_s: float = 0.0
    #: Of a load test: its stages, all that count together, and its thresholds, as ``headgate.loadtest/1`` has them.
    load_test: Mapping[str, Any] | None = None

    @property
    def forecast(self) -> dict[str, float] | None:
        """How far off the forecast was: ``ratio`` is what it took for each second that was forecast."""
        if not self.forecast_s or self.open_jobs:
            return None
        took = round(self.wall_s, 1)
        return {"seconds": self.forecast_s, "tookSeconds": took, "ratio": round(self.wall_s / self.forecast_s, 3)}

    @property
    def failed(self) -> bool:
        """Whether something failed."""
        return bool(self.totals.get("failed")) or any(row.outcome == "failed" for row in self.activations)

    @property
    def exit_code(self) -> int:
        """What the command that made this run exits with (contract 2)."""
        if self.status == "succeeded":
            return 0
        return _EXIT_CODES.get(self.stop_reason, 130 if self.status == "interrupted" else 1)

    def as_json(self) -> dict[str, Any]:
        """The JSON report, keys as in the contract."""
        return {
            "schema": SCHEMA,
            "runId": self.run_id,
            "manifest": self.manifest,
            "sandbox": self.sandbox,
            "status": self.status,
            "startedAt": rfc3339(self.started_at),
            "finishedAt": rfc3339(self.finished_at),
            "wallSeconds": round(self.wall_s, 3),
            "totals": dict(self.totals),
            "requests": dict(self.requests),
            **({"forecast": said} if (said := self.forecast) is not None else {}),
            "items": [asdict(row) for row in self.items],
            "activations": [asdict(row) for row in self.activations],
            "failures": [asdict(row) for row in self.failures],
            **({"loadTest": dict(self.load_test)} if self.load_test else {}),
        }


def rfc3339(at: float | None) -> str | None:
    """Epoch seconds as RFC 3339, UTC, milliseconds."""
    from datetime import UTC, datetime

    return (
        None
        if at is None
        else datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    )
