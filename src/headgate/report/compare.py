"""Two runs side by side, ``headgate.diff/1``: rate, latency, outcomes, requests, and rows that came out otherwise."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from headgate.engine.gauges import BUCKETS, Histogram
from headgate.report.render_table import plural, seconds, table
from headgate.report.story import SHARES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from headgate.report.model import Report
    from headgate.report.story import Story

SCHEMA: Final = "headgate.diff/1"
#: Rows shown one by one in the text.
_SHOWN: Final = 12


def compare(one: Story, other: Story) -> dict[str, Any]:
    """What is different between ``one`` run and the ``other``, as JSON; differences are other minus one."""
    before, after = _figures(one), _figures(other)
    endpoints = sorted({*before["latency"], *after["latency"]})
    sent = (before["sent"], after["sent"])
    return {
        "schema": SCHEMA,
        "runs": [one.report.run_id, other.report.run_id],
        "status": [one.report.status, other.report.status],
        "wallSeconds": [before["wall"], after["wall"]],
        "ratePerSecond": [before["rate"], after["rate"]],
        "requests": {
            "sent": list(sent),
            "saved": sent[0] - sent[1],
            **{name: [before[name], after[name]] for name in ("throttled", "retried", "polls")},
            "byEndpoint": _both(one.report.requests.get("byEndpoint", {}), other.report.requests.get("byEndpoint", {})),
        },
        "polling": {name: [before[name], after[name]] for name in _WAITING},
        "latency": {
            name: {
                f"p{share * 100:g}": [
                    before["latency"].get(name, {}).get(share),
                    after["latency"].get(name, {}).get(share),
                ]
                for share in SHARES
            }
            for name in endpoints
        },
        "outcomes": _both(_outcomes(one.report), _outcomes(other.report)),
        "rows": _rows(one.report, other.report),
    }


#: What waiting for flow runs cost, and how soon their ends were seen, in words.
_WAITING: Final = {"pollsPerRun": "polls a run", "lagSeconds": "99 % of ends seen within"}


def _figures(told: Story) -> dict[str, Any]:
    requests, wall = told.report.requests, told.report.wall_s
    sent = int(requests.get("sent", 0))
    polling, named = requests.get("polling", {}), told.latency
    every = Histogram()
    for histogram in named.values():
        for at in range(BUCKETS):
            every.counts[at] += histogram.counts[at]
    return {
        "wall": round(wall, 3),
        "sent": sent,
        "rate": round(sent / wall, 2) if wall else None,
        **{name: int(requests.get(name, 0)) for name in ("throttled", "retried", "polls")},
        "pollsPerRun": polling.get("pollsPerRun"),
        "lagSeconds": polling.get("lagSeconds", {}).get("p99"),
        "latency": {
            name: {share: _round(histogram.quantile(share)) for share in SHARES}
            for name, histogram in {"all": every, **named}.items()
            if histogram.total
        },
    }


def _round(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.3g}")


def _outcomes(report: Report) -> Counter[str]:
    found = Counter(f"items {row.status}" for row in report.items)
    found.update(f"pairs {row.outcome}" for row in report.activations)
    return found


def _both(one: Mapping[str, int], other: Mapping[str, int]) -> dict[str, list[int]]:
    return {name: [one.get(name, 0), other.get(name, 0)] for name in sorted({*one, *other})}


def _states(report: Report) -> dict[tuple[str, str], str]:
    found = {("item", row.item): row.status for row in report.items}
    found.update({("pair", f"{row.destinationId} / {row.segmentId}"): row.outcome for row in report.activations})
    return found


def _rows(one: Report, other: Report) -> list[dict[str, Any]]:
    """Rows whose state is not the same; made once and found again is not a difference."""
    before, after = _states(one), _states(other)
    same = {"created": "reused", "updated": "reused", "unchanged": "reused"}
    return [
        {"row": key[0], "name": key[1], "from": before.get(key), "to": after.get(key)}
        for key in dict.fromkeys((*before, *after))
        if same.get(before.get(key, ""), before.get(key)) != same.get(after.get(key, ""), after.get(key))
    ]


def text(found: Mapping[str, Any]) -> str:
    """The comparison for people."""
    one, other = found["runs"]
    requests = found["requests"]
    lines = [["", one, other, "difference"]]
    lines.append(["status", *found["status"], ""])
    lines.append(["time", *(seconds(value) for value in found["wallSeconds"]), _change(found["wallSeconds"])])
    lines.append(["requests a second", *(_number(v) for v in found["ratePerSecond"]), _change(found["ratePerSecond"])])
    for name in ("sent", "throttled", "retried", "polls"):
        both = requests[name]
        title = "requests" if name == "sent" else name
        lines.append(
            [title, *(f"{value:,}" for value in both), f"{both[1] - both[0]:+,}" if both[0] != both[1] else "·"]
        )
    for name, title in _WAITING.items():
        both = found["polling"][name]
        if both != [None, None]:
            lines.append([title, *((_seconds if name == "lagSeconds" else _few)(v) for v in both), _change(both)])
    for share, both in found["latency"].get("all", {}).items():
        lines.append([f"answer in, {share}", *(_seconds(value) for value in both), _change(both)])
    for name, both in found["outcomes"].items():
        lines.append(
            [name, *(f"{value:,}" for value in both), f"{both[1] - both[0]:+,}" if both[0] != both[1] else "·"]
        )
    parts = [table(lines, right=(1, 2, 3))]
    saved = requests["saved"]
    if saved:
        parts.append([f"{plural(abs(saved), 'request')} {'saved' if saved > 0 else 'more'} by {other}"])
    latency = [(name, values) for name, values in found["latency"].items() if name != "all"]
    if latency:
        columns = ["answers by endpoint", "p50", "", "p95", ""]
        each = [[name, *(_seconds(v) for v in (*values["p50"], *values["p95"]))] for name, values in latency]
        parts.append(table([columns, *each], right=(1, 2, 3, 4)))
    rows = found["rows"]
    if rows:
        head = f"{plural(len(rows), 'row')} came out otherwise"
        shown = [
            ["  " + row["name"], row["from"] or "not there", "→", row["to"] or "not there"] for row in rows[:_SHOWN]
        ]
        parts.append([head, *table(shown, most=(80,)), *_more(rows)])
    return "\n\n".join("\n".join(part) for part in parts) + "\n"


def _more(rows: Iterable[Any]) -> list[str]:
    left = len(list(rows)) - _SHOWN
    return [f"  … and {left:,} more (--json has all)"] if left > 0 else []


def _seconds(value: float | None) -> str:
    if value is None:
        return "·"
    return f"{value * 1000:.3g} ms" if value < 1 else f"{value:.3g} s"


def _few(value: float | None) -> str:
    return "·" if value is None else f"{value:.2g}"


def _number(value: float | None) -> str:
    return "·" if value is None else f"{value:,.1f}"


def _change(both: Iterable[float | None]) -> str:
    one, other = both
    if not one or other is None:
        return "·"
    return f"{(other - one) / one:+.0%}"
