"""What asking for runs cost, and how soon their ends were seen: from a run's counters. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


def polling(counters: Mapping[str, Any]) -> dict[str, Any]:
    """``{"polling": {"runs", "pollsPerRun", "shareOfRequests", "lagSeconds": {"p50", "p99", "max"}}}``.

    ``runs`` are those whose end was noticed; lags are seconds of the platform's clock, of those that say when they
    ended. Nothing where no run was waited for.
    """
    runs, polls, sent = int(counters.get("runs", 0)), int(counters.get("polls", 0)), int(counters.get("sent", 0))
    if not runs:
        return {}
    said: dict[str, Any] = {
        "runs": runs,
        "pollsPerRun": round(polls / runs, 3),
        "shareOfRequests": round(polls / max(1, sent), 4),
    }
    lags = sorted((float(lag), int(count)) for lag, count in counters.get("lags", {}).items())
    if lags:
        said["lagSeconds"] = {"p50": _quantile(lags, 0.5), "p99": _quantile(lags, 0.99), "max": lags[-1][0]}
    return {"polling": said}


def _quantile(lags: list[tuple[float, int]], share: float) -> float:
    left = share * sum(count for _, count in lags)
    for lag, count in lags:
        left -= count
        if left <= 1e-9:
            return lag
    return lags[-1][0]
