"""What the page shows, as one JSON document: compact rows, the page's script turns them into tables and charts.

Pure. Nothing in it is HTML: names come from a manifest or the platform and may hold anything.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from typing import TYPE_CHECKING, Any, Final

from headgate.engine.gauges import Histogram
from headgate.report.build import ROLES
from headgate.report.model import rfc3339
from headgate.report.render_causes import grouped
from headgate.report.story import SHARES

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from headgate.report.model import Report
    from headgate.report.story import JobTime, Story

#: Bars of the timeline: more are drawn too slowly to be moved about.
BARS: Final = 20_000
#: Examples of a cause that the page has; the rest is in the rows.
MEMBERS: Final = 200
#: Bands of the timeline from top to bottom, and the jobs in each, by kind or role.
BANDS: Final = (
    ("lists", ("list", "datasets", "find", "export-job")),
    ("accounts", ("baseConnection", "profileStore")),
    ("schemas and datasets", ("schema", "dataset", "mappingSet")),
    ("source connections", ("sourceConnection",)),
    ("target connections", ("targetConnection",)),
    ("dataflows", ("flow",)),
    ("audiences", ("selectors",)),
    ("checks", ("check",)),
    ("changes", ("select", "flow-change", "flow-switch", "flow-retry", "delete")),
    ("ad-hoc runs", ("adhoc",)),
    ("watched", ("watch",)),
    ("others", ()),
)
#: How an ad-hoc job ended that has no pair left: what it asked was refused as a whole, and its parts asked again.
_SPLIT: Final = {"succeeded": "split"}
_BAND_OF: Final = {name: number for number, (_, names) in enumerate(BANDS) for name in names}


def payload(told: Story, commands: Sequence[tuple[str, str]] = ()) -> dict[str, Any]:
    """The data of the page. ``commands`` are (what for, command line), the most useful first."""
    report = told.report
    entries = list(dict.fromkeys([*(row.entry for row in report.items), *(row.entry for row in report.activations)]))
    number = {name: at for at, name in enumerate(entries)}
    return {
        "run": {
            "runId": report.run_id,
            "manifest": report.manifest,
            "sandbox": report.sandbox,
            "status": report.status,
            "startedAt": rfc3339(report.started_at),
            "finishedAt": rfc3339(report.finished_at),
            "wall": report.wall_s,
            "forecast": report.forecast,
            "stop": report.stop,
            "hint": report.stop_hint,
            "command": told.command,
        },
        "commands": [list(command) for command in commands],
        "totals": dict(report.totals),
        "requests": dict(report.requests),
        "entries": entries,
        "roles": list(ROLES),
        "items": [
            [
                number[row.entry],
                row.item,
                row.status,
                [row.ids.get(role, "") for role in ROLES],
                *_why(row.error, getattr(row, "reason", None)),
            ]
            for row in report.items
        ],
        "pairs": [
            [
                number[row.entry], row.destinationId, row.segmentId, row.outcome, row.adhocJob, row.runId, row.runState,
                row.attempts, row.reason,
            ]
            for row in report.activations
        ],
        "causes": _causes(report),
        "jobs": _jobs(told.jobs),
        "adhoc": _rounds(told),
        **measured(told),
    }  # fmt: skip


def measured(told: Story) -> dict[str, Any]:
    """What the counters of a run alone say."""
    return {
        "series": told.series.packed(),
        "ceiling": list(told.counters.get("ceiling", ())),
        "lives": list(told.counters.get("lives", ())),
        "latency": _latency(told.latency),
    }


def _why(error: Any, reason: str | None) -> list[str]:
    """Why a row is as it is, the request id, and the job that is to blame."""
    error = error or {}
    return [
        str(error.get("message") or reason or ""),
        str(error.get("requestId") or ""),
        str(error.get("cause") or error.get("job") or ""),
    ]


def _causes(report: Report) -> list[dict[str, Any]]:
    skipped: dict[str, int] = {}
    for row in report.items:
        if row.status == "skipped" and row.error:
            skipped[str(row.error.get("cause"))] = skipped.get(str(row.error.get("cause")), 0) + 1
    for pair in report.activations:
        if pair.outcome == "skipped":
            cause = str(pair.reason).partition(" failed")[0]
            skipped[cause] = skipped.get(cause, 0) + 1
    return [
        {
            "status": cause.status,
            "code": cause.code,
            "message": cause.message,
            "advice": cause.advice,
            "count": cause.count,
            "skipped": sum(skipped.get(member.job, 0) for member in members),
            "members": [[member.name, member.job, member.request_id] for member in members[:MEMBERS]],
        }
        for cause, members in grouped(report)
    ]


def _rounds(told: Story) -> list[list[Any]]:
    """Each ad-hoc job that asked something: its number, key, times, and how many of its pairs came out how."""
    jobs = [job for job in told.jobs if job.kind == "adhoc"]
    counts: list[dict[str, int]] = [{} for _ in jobs]
    for pair in told.report.activations:
        if pair.adhocJob is not None and pair.adhocJob <= len(jobs):
            count = counts[pair.adhocJob - 1]
            count[pair.outcome] = count.get(pair.outcome, 0) + 1
    return [
        [at, job.key, job.ending if count else _SPLIT.get(job.ending, job.ending), job.began_s, job.ended_s, count]
        for at, (job, count) in enumerate(zip(jobs, counts, strict=True), 1)
        if count or job.began_s is not None  # one that was split at once has only its parts
    ]


def _latency(found: dict[str, Histogram]) -> list[list[Any]]:
    """Per endpoint: its name, how many answers, and the percentiles in seconds; the most used first."""
    rows = [
        [name, histogram.total, *(round(histogram.quantile(share) or 0.0, 5) for share in SHARES)]
        for name, histogram in found.items()
        if histogram.total
    ]
    return sorted(rows, key=lambda row: -row[1])


# -- the timeline ------------------------------------------------------------------------------------------------------


def _jobs(jobs: Sequence[JobTime]) -> dict[str, Any]:
    """Bars of the timeline, in columns: jobs with times, packed into as few lanes as each band needs.

    They are in the order in which they ended, and a lane depends on what ended before alone: while a run goes, bars
    are added at the end and the others stay as they are. ``bands`` are name, first lane, number of lanes and the
    number by which ``band`` names it; ``lane`` counts from its band's first.
    """
    timed = [(job, _band(job)) for job in jobs if job.began_s is not None and job.ended_s is not None]
    timed.sort(key=lambda one: one[0].ended_s or 0)
    shown = timed if len(timed) <= BARS else _fewer(timed)
    lanes, heights = _lanes([(band, float(job.began_s or 0), float(job.ended_s or 0)) for job, band in shown])
    tops: dict[int, int] = {}
    at, least = 0, max(1, sum(heights.values()) // 20)
    for band in sorted(heights):
        tops[band] = at
        heights[band] = max(heights[band], least)  # its name needs room
        at += heights[band] + 1  # a lane of air between bands
    return {
        "bands": [[BANDS[band][0], tops[band], heights[band], band] for band in sorted(heights)],
        "all": len(timed),
        "key": [job.key for job, _ in shown],
        "began": [job.began_s for job, _ in shown],
        "ended": [job.ended_s for job, _ in shown],
        "band": [band for _, band in shown],
        "lane": lanes,
        "ending": [job.ending for job, _ in shown],
        "item": [job.item for job, _ in shown],
    }


def _band(job: JobTime) -> int:
    return _BAND_OF.get(job.role, _BAND_OF.get(job.kind, len(BANDS) - 1))


def _fewer(timed: list[tuple[JobTime, int]]) -> list[tuple[JobTime, int]]:
    """All that failed, and of the others every second, fourth, … as many as there is room for.

    The next ones to end do not change which of the earlier ones are shown, until there are twice as many.
    """
    failed = sum(job.ending == "failed" for job, _ in timed)
    room, every = max(BARS - failed, 1), 1
    while (len(timed) - failed) / every > room:
        every *= 2
    found, others, bad = [], 0, 0
    for one in timed:
        if one[0].ending == "failed":
            bad += 1
            if bad <= BARS:
                found.append(one)
        else:
            if others % every == 0 and failed < BARS:
                found.append(one)
            others += 1
    return found


def _lanes(bars: Iterable[tuple[int, float, float]]) -> tuple[list[int], dict[int, int]]:
    """A lane of its band for each (band, from, to), ordered by end; and the number of lanes by band.

    Bars of a lane do not overlap. Each goes into the lane that came free last before it began: that takes as few
    lanes as can be.
    """
    found: list[int] = []
    free: dict[int, list[tuple[float, int]]] = {}
    heights: dict[int, int] = {}
    for band, began, ended in bars:
        ends = free.setdefault(band, [])
        fits = bisect_right(ends, (began, len(ends)))
        if fits:
            lane = ends.pop(fits - 1)[1]
        else:
            lane = heights.get(band, 0)
            heights[band] = lane + 1
        insort(ends, (ended, lane))
        found.append(lane)
    return found, heights
