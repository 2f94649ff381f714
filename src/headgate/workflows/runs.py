"""Reading a run: whether it is over, how it ended, whose it is. Names and casing vary (facts 3.3, traps 15, 16)."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any
from urllib.parse import parse_qs, urlsplit


class RunState(str, Enum):
    """How a run ended. A success that carries errors is partial (trap 15)."""

    SUCCESS = "success"
    PARTIAL = "partial"
    FAILED = "failed"


_FAILED = frozenset({"failed", "failure", "cancelled", "canceled", "aborted"})
_SUCCESS = frozenset({"success", "succeeded", "completed"})
_PARTIAL = frozenset({"partial_success", "partial_failure", "partialsuccess", "partial"})


def items_of(body: Any) -> tuple[list[dict[str, Any]], str]:
    """The items of a list answer and its continuation token, or ``""`` (trap 20: the token may hold ``=``)."""
    if not isinstance(body, dict):
        return [], ""
    items = body.get("items")
    rows = [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []
    links = body.get("_links")
    following = links.get("next") if isinstance(links, dict) else None
    href = following.get("href") if isinstance(following, dict) else None
    token = parse_qs(urlsplit(href).query).get("continuationToken", [""])[0] if isinstance(href, str) else ""
    return rows, token


def _metrics(run: Mapping[str, Any]) -> Mapping[str, Any]:
    metrics = run.get("metrics")
    return metrics if isinstance(metrics, dict) else {}


def _status(run: Mapping[str, Any]) -> str:
    summary = _metrics(run).get("statusSummary")
    status = summary.get("status") if isinstance(summary, dict) else None
    return str(status or run.get("state") or "").lower()


def is_terminal(run: Mapping[str, Any]) -> bool:
    """Whether the run is over: by its status first, else by its completion time (trap 16). Unknown is not over."""
    if _status(run) in _FAILED | _SUCCESS | _PARTIAL:
        return True
    duration = _metrics(run).get("durationSummary")
    if not isinstance(duration, dict):
        return False
    return bool(duration.get("completedAtUTC") or duration.get("stoppedAtUTC"))


def run_state(run: Mapping[str, Any]) -> tuple[RunState, str | None]:
    """How a terminal run ended, and its first error in words."""
    summary = _metrics(run).get("statusSummary")
    errors = summary.get("errors") if isinstance(summary, dict) else None
    first = errors[0] if isinstance(errors, list) and errors and isinstance(errors[0], dict) else None
    reason = f"{first.get('code', '')}: {first.get('message', '')}".strip(": ") if first else None
    status = _status(run)
    if status in _FAILED:
        return RunState.FAILED, reason or "the run failed and gives no reason"
    if status in _PARTIAL or reason:
        return RunState.PARTIAL, reason
    return RunState.SUCCESS, None


def audiences_of(run: Mapping[str, Any]) -> list[str]:
    """The audiences a run says it carried: ``entitySummaries[].id`` is ``segment:<id>`` (trap 17)."""
    records = _metrics(run).get("recordSummary")
    found: set[str] = set()
    if isinstance(records, dict):
        for side in ("targetSummaries", "sourceSummaries"):
            for summary in records.get(side) or []:
                for entity in summary.get("entitySummaries") or []:
                    kind, _, audience = str(entity.get("id", "")).partition(":")
                    if kind == "segment" and audience:
                        found.add(audience)
    return sorted(found)


def created_ms(run: Mapping[str, Any]) -> int:
    """``createdAt`` in milliseconds (facts 3.1); 0 when absent."""
    created = run.get("createdAt")
    return int(created) if isinstance(created, (int, float)) else 0
