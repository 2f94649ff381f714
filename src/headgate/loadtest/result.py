"""What a load test comes to, as data: ``headgate.loadtest/1``, and the exit code."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, Any, Final

from headgate.classes import frozen
from headgate.loadtest.meter import Measured, Meter
from headgate.loadtest.thresholds import ACHIEVED, ARRIVALS, Gauge, as_json, quantile_of
from headgate.report.model import rfc3339

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from headgate.errors import HeadgateError
    from headgate.report.model import Report

SCHEMA: Final = "headgate.loadtest/1"
#: The percentiles of every latency.
QUANTILES: Final = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "max": 1.0}

_INTERRUPTED, _STOPPED, _FAILED = 130, 5, 1


@frozen
class Latency:
    """Seconds from due to answered: how many there are, and at the shares of :data:`QUANTILES`.

    ``service`` is the same from leaving to answered; empty for whole arrivals.
    """

    count: int
    at: Mapping[str, float]
    service: Mapping[str, float]


@frozen
class StageResult:
    """One stage, or all that count together. Rates are per second, while the stage was offered (``seconds``).

    ``achieved_per_s`` are arrivals that were done well in that time, whichever stage they arrived in. ``unfinished``
    had begun and were not over when the test was.
    """

    name: str
    warm_up: bool
    seconds: float
    offered_per_s: float
    achieved_per_s: float
    measured: Measured
    latency: Mapping[str, Latency]

    @property
    def unfinished(self) -> int:
        """Arrivals that were still on the way at the end, and were not waited for."""
        found = self.measured
        return max(0, found.begun - found.done - found.failed)

    def as_json(self) -> dict[str, Any]:
        """One element of ``stages``."""
        found = self.measured
        return {
            "stage": self.name,
            "warmUp": self.warm_up,
            "seconds": round(self.seconds, 3),
            "offeredPerSecond": round(self.offered_per_s, 3),
            "achievedPerSecond": round(self.achieved_per_s, 3),
            "arrivals": {
                **{name: getattr(found, name) for name in ("due", "begun", "dropped", "done", "failed")},
                "unfinished": self.unfinished,
            },
            "requests": {
                "answered": found.requests,
                "throttled": found.throttled,
                "throttledShare": round(found.throttled / found.requests, 6) if found.requests else 0.0,
                "errors": dict(found.errors),
            },
            "latencySeconds": {what: {"count": one.count, **_rounded(one.at)} for what, one in self.latency.items()},
            "serviceSeconds": {what: _rounded(one.service) for what, one in self.latency.items() if one.service},
        }


@frozen
class Judgement:
    """One threshold and what it came to; ``value`` is in the unit of its limit, ``None`` where nothing was measured."""

    gauge: Gauge
    value: float | None
    met: bool


@frozen
class CleanUp:
    """What became of what the test made.

    ``run`` is the destroy; ``left`` counts what is still there and was to go, ``kept`` says in words what cannot go.
    ``wanted`` is false where all of it was to be kept.
    """

    wanted: bool = True
    run: str = ""
    deleted: int = 0
    left: int = 0
    kept: Sequence[str] = ()
    #: Whether a person cut it short.
    interrupted: bool = False

    @property
    def clean(self) -> bool:
        """Whether nothing is left that was to go."""
        return not self.wanted or not self.left


@frozen
class LoadResult:
    """A load test: every stage, all that count together, the thresholds, and the clean-up.

    ``report`` is that of the run that made the load, ``items`` how many of the manifest's items arrived in turn.
    """

    report: Report
    manifest: str
    items: int
    stages: Sequence[StageResult]
    total: StageResult
    thresholds: Sequence[Judgement]
    clean_up: CleanUp = field(default_factory=CleanUp)
    #: Whether arrivals were still on the way when the grace was over.
    overrun: bool = False
    #: What of the set-up failed; then nobody arrived.
    failed_setup: str = ""
    #: The error that cut it short (the state store's, say), where there was one.
    trouble: HeadgateError | None = None

    @property
    def missed(self) -> Sequence[Judgement]:
        """Thresholds that were missed."""
        return [one for one in self.thresholds if not one.met]

    @property
    def status(self) -> str:
        """``met``, ``missed``, ``stopped`` (by the circuit or the platform), ``failed`` or ``interrupted``.

        Where there are no thresholds: ``done``, or ``failed`` when an arrival has.
        """
        reason = self.report.stop_reason
        if self.report.status == "interrupted":
            return "interrupted"
        if self.trouble is not None:
            return "stopped"
        if self.failed_setup:
            return "failed"
        if reason and reason != "threshold" and not self.overrun:
            return "stopped"
        if self.missed or reason == "threshold":  # who stopped it for one may have met it with the last answers
            return "missed"
        if self.thresholds:
            return "met"
        return "failed" if self.total.measured.failed else "done"

    @property
    def stop(self) -> str:
        """Why it ended before its time, in words; empty where it did not."""
        if self.trouble is not None:
            return self.trouble.message
        if not self.failed_setup:
            return self.report.stop
        why = next((one.message for one in self.report.failures if one.job == self.failed_setup), "")
        return f"the set-up failed: {self.failed_setup}{f': {why}' if why else ''}"

    @property
    def exit_code(self) -> int:
        """0 met · 1 arrivals failed and no threshold says how many may, or something is left · 5 missed · see contract.

        A test that the circuit or the platform stopped ends as such a run does.
        """
        if self.trouble is not None:
            return self.trouble.exit_code
        if self.clean_up.interrupted:
            return _INTERRUPTED
        match self.status:
            case "interrupted":
                return _INTERRUPTED
            case "stopped" | "failed":
                return self.report.exit_code or _FAILED
            case "missed":
                return _STOPPED
            case _:
                return 0 if self.clean_up.clean else _FAILED

    def as_json(self) -> dict[str, Any]:
        """The JSON report of a load test."""
        report, clean = self.report, self.clean_up
        return {
            "schema": SCHEMA,
            "runId": report.run_id,
            "manifest": self.manifest,
            "sandbox": report.sandbox,
            "status": self.status,
            "exitCode": self.exit_code,
            "stop": self.stop or None,
            "startedAt": rfc3339(report.started_at),
            "finishedAt": rfc3339(report.finished_at),
            "wallSeconds": round(report.wall_s, 3),
            "items": self.items,
            "stages": [stage.as_json() for stage in self.stages],
            "total": self.total.as_json(),
            "thresholds": [as_json(one.gauge, one.value, met=one.met) for one in self.thresholds],
            "requests": dict(report.requests),
            "cleanUp": {
                "wanted": clean.wanted,
                "runId": clean.run or None,
                "deleted": clean.deleted,
                "left": clean.left,
                "kept": list(clean.kept),
            },
        }


def result_of(meter: Meter, report: Report, manifest: str, items: int) -> LoadResult:
    """What ``meter`` measured, and its thresholds judged."""
    stages, total = _stages(meter)
    return LoadResult(report, manifest, items, stages, total, _judgements(meter, total))


def kept(meter: Meter) -> dict[str, Any]:
    """What is kept with the run, for its report: stages, all that count together, thresholds."""
    stages, total = _stages(meter)
    return {
        "stages": [stage.as_json() for stage in stages],
        "total": total.as_json(),
        "thresholds": [as_json(one.gauge, one.value, met=one.met) for one in _judgements(meter, total)],
    }


def _stages(meter: Meter) -> tuple[list[StageResult], StageResult]:
    begin, stages = 0.0, []
    for stage, found in zip(meter.stages, meter.measured, strict=True):
        lasted = max(0.0, min(begin + stage.seconds, meter.offered_s) - begin)
        stages.append(_stage(str(stage), found, lasted, warm_up=stage.warm_up))
        begin += stage.seconds
    return stages, _stage("total", meter.whole(), meter.counted_s(), warm_up=False)


def _judgements(meter: Meter, total: StageResult) -> list[Judgement]:
    return [_judged(gauge, meter, total.measured) for gauge in meter.gauges]


def _stage(name: str, found: Measured, lasted_s: float, *, warm_up: bool) -> StageResult:
    per_s = 1 / lasted_s if lasted_s else 0.0
    latency = {
        what: _latency(sorted(found.latencies[what]), sorted(found.services.get(what, ())))
        for what in sorted(found.latencies, key=lambda what: (what == ARRIVALS, what))
    }
    return StageResult(name, warm_up, lasted_s, found.due * per_s, found.within * per_s, found, latency)


def _latency(ordered: Sequence[float], service: Sequence[float]) -> Latency:
    return Latency(len(ordered), _quantiles(ordered), _quantiles(service))


def _quantiles(ordered: Sequence[float]) -> dict[str, float]:
    return {name: value for name, share in QUANTILES.items() if (value := quantile_of(ordered, share)) is not None}


def _rounded(seconds: Mapping[str, float]) -> dict[str, float]:
    return {name: round(value, 6) for name, value in seconds.items()}


def _judged(gauge: Gauge, meter: Meter, whole: Measured) -> Judgement:
    one, achieved = gauge.threshold, meter.achieved_per_s()
    value: float | None
    if one.quantile is not None:
        chosen = [one.of] if one.of else [what for what in whole.latencies if what != ARRIVALS]
        value = quantile_of(sorted(second for what in chosen for second in whole.of(what)), one.quantile)
    elif one.metric == ACHIEVED:
        value = achieved
    else:
        value = gauge.good / gauge.total if one.share and gauge.total else float(gauge.good)
    return Judgement(gauge, value, gauge.met(achieved))
