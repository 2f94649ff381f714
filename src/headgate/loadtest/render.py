"""A load test on a screen: every stage with its rates and latencies, errors, thresholds, and what the clean-up did."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from headgate.loadtest.result import QUANTILES
from headgate.loadtest.thresholds import ACHIEVED, ARRIVALS
from headgate.report.render_table import clip, plural, seconds, table, wrapped

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headgate.loadtest.result import Judgement, LoadResult, StageResult

_WORDS: Final = {
    "met": "MET",
    "done": "DONE",
    "missed": "MISSED",
    "stopped": "STOPPED",
    "failed": "FAILED",
    "interrupted": "INTERRUPTED",
}
_MOST_ERRORS: Final = 5
_WHOLE: Final = "whole arrivals"


def render(result: LoadResult, *, width: int = 100, notes: Sequence[str] = ()) -> str:
    """The result as text of about ``width`` columns; ``notes`` come last."""
    report, total = result.report, result.total
    lines = [f"{_WORDS[result.status]}  {report.run_id}  in sandbox {report.sandbox}"]
    counted = [stage for stage in result.stages if not stage.warm_up]
    many = f"{plural(total.measured.due, 'arrival')}, {plural(result.items, 'item')} in turn"
    lines.append(f"  {plural(len(counted), 'stage')} in {seconds(total.seconds)}, {many}")
    if result.stop and result.status != "interrupted":
        lines += wrapped(f"stopped: {result.stop}", width, "  ")
    if report.stop_hint:
        lines += wrapped(f"hint: {report.stop_hint}", width, "  ")
    lines += ["", *_rates(result)]
    for number, stage in enumerate(result.stages, 1):
        lines += _latencies(f"stage {number}: {stage.name}{' (warm-up)' if stage.warm_up else ''}", stage)
    if len(counted) > 1:
        lines += _latencies("all stages that count", total)
    lines += _errors(total, width)
    if result.thresholds:
        lines += ["", "thresholds", *table([[f"  {word}", *rest] for word, *rest in thresholds(result)])]
    lines += ["", *_cleaned(result), *notes]
    return "\n".join(lines) + "\n"


def _rates(result: LoadResult) -> list[str]:
    rows = [["", "stage", "offered", "done", "arrived", "dropped", "failed", "unfinished", "throttled", "errors"]]
    for number, stage in enumerate(result.stages, 1):
        rows.append([str(number), f"{stage.name}{' (warm-up)' if stage.warm_up else ''}", *_counts(stage)])
    if len(result.stages) > 1:
        rows.append(["", "all that count", *_counts(result.total)])
    return table(rows, right=range(2, 10))


def _counts(stage: StageResult) -> list[str]:
    found = stage.measured
    return [
        f"{stage.offered_per_s:.1f}/s",
        f"{stage.achieved_per_s:.1f}/s",
        *(f"{count:,}" for count in (found.due, found.dropped, found.failed, stage.unfinished)),
        _share(found.throttled, found.requests),
        f"{found.faults:,}",
    ]


def _share(count: int, among: int) -> str:
    return f"{100 * count / among:.1f} %" if count else "0"


def _latencies(title: str, stage: StageResult) -> list[str]:
    if not stage.latency:
        return []
    rows = [[f"latency, {title}", "answers", *QUANTILES, "platform p95"]]
    for what, one in stage.latency.items():
        name = _WHOLE if what == ARRIVALS else what
        own = took(one.service["p95"]) if one.service else ""
        rows.append([f"  {name}", f"{one.count:,}", *(took(one.at[name]) for name in QUANTILES), own])
    return ["", *table(rows, right=range(1, 7))]


def took(value: float) -> str:
    """A latency for people: ``85 ms``, ``1.24 s``."""
    if value < 0.0095:
        return f"{value * 1000:.1f} ms"
    return f"{value * 1000:.0f} ms" if value < 0.9995 else f"{value:.2f} s"


def _errors(total: StageResult, width: int) -> list[str]:
    found = total.measured.errors.most_common()
    if not found:
        return []
    more = [f"  and {len(found) - _MOST_ERRORS} others"] if len(found) > _MOST_ERRORS else []
    return ["", "errors", *(clip(f"  {count:,} × {what}", width) for what, count in found[:_MOST_ERRORS]), *more]


def thresholds(result: LoadResult) -> list[tuple[str, str, str]]:
    """Of each threshold: met or missed, as it was written, and what it came to."""
    return [("met" if one.met else "missed", one.gauge.threshold.text, worth(one)) for one in result.thresholds]


def worth(one: Judgement) -> str:
    """What a threshold came to, in words."""
    threshold, value = one.gauge.threshold, one.value
    if value is None:
        return "nothing was measured"
    if threshold.quantile is not None:
        return took(value)
    if threshold.metric == ACHIEVED:
        return f"{value:.2f}/s"
    if threshold.share:
        return f"{100 * value:.2f} %: {one.gauge.good:,} of {one.gauge.total:,}"
    return f"{value:,.0f}"


def _cleaned(result: LoadResult) -> list[str]:
    clean = result.clean_up
    if not clean.wanted:
        return [f"kept: {plural(clean.left, 'object')}", f"delete them with: headgate destroy {result.report.run_id}"]
    done = f"{plural(clean.deleted, 'object')} deleted, {clean.left:,} left"
    lines = [f"cleaned up: {done}" if clean.clean else f"NOT CLEANED UP: {done}"]
    return [*lines, *(f"  kept: {words}" for words in clean.kept)]
