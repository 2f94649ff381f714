"""Reading a run: whether it is over, how it ended, whose it is. Names and casing vary (facts 3.3, traps 15, 16)."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from headgate.workflows.reading import part, rows, text

if TYPE_CHECKING:
    from collections.abc import Mapping


class RunState(str, Enum):
    """How a run ended. A success that carries errors is partial (trap 15)."""

    SUCCESS = "success"
    PARTIAL = "partial"
    FAILED = "failed"


#: No time lies beyond it (the year 33658): such a number is none, and might be too long to be written down.
LATEST_MS = 1e15
_FAILED = frozenset({"failed", "failure", "cancelled", "canceled", "aborted"})
_SUCCESS = frozenset({"success", "succeeded", "completed"})
_PARTIAL = frozenset({"partial_success", "partial_failure", "partialsuccess", "partial"})


def items_of(body: Any) -> tuple[list[dict[str, Any]], str]:
    """The items of a list answer and its continuation token, or ``""`` (trap 20: the token may hold ``=``)."""
    found = [item for item in rows(body, "items") if isinstance(item.get("id", ""), str)]
    href = text(part(body, "_links", "next").get("href"))
    fields = (field.partition("=") for field in href.partition("?")[2].split("&"))
    # A token may hold "=" and "+", and a "+" in it is a plus: only what is percent-encoded is decoded.
    return found, next((unquote(value) for name, _, value in fields if name == "continuationToken"), "")


def _status(run: Mapping[str, Any]) -> str:
    status = part(run, "metrics", "statusSummary").get("status")
    return str(status or run.get("state") or "").lower()


def is_terminal(run: Mapping[str, Any]) -> bool:
    """Whether the run is over: by its status first, else by its completion time (trap 16). Unknown is not over."""
    if _status(run) in _FAILED | _SUCCESS | _PARTIAL:
        return True
    duration = part(run, "metrics", "durationSummary")
    return bool(duration.get("completedAtUTC") or duration.get("stoppedAtUTC"))


def run_state(run: Mapping[str, Any]) -> tuple[RunState, str | None]:
    """How a terminal run ended, and its first error in words."""
    errors = rows(part(run, "metrics", "statusSummary"), "errors")
    first = errors[0] if errors else None
    reason = f"{first.get('code', '')}: {first.get('message', '')}".strip(": ") if first else None
    status = _status(run)
    if status in _FAILED:
        return RunState.FAILED, reason or "the run failed and gives no reason"
    if status in _PARTIAL or reason:
        return RunState.PARTIAL, reason
    return RunState.SUCCESS, None


def audiences_of(run: Mapping[str, Any]) -> list[str]:
    """The audiences a run says it carried: ``entitySummaries[].id`` is ``segment:<id>`` (trap 17)."""
    records = part(run, "metrics", "recordSummary")
    found: set[str] = set()
    for side in ("targetSummaries", "sourceSummaries"):
        for summary in rows(records, side):
            for entity in rows(summary, "entitySummaries"):
                kind, _, audience = str(entity.get("id", "")).partition(":")
                if kind == "segment" and audience:
                    found.add(audience)
    return sorted(found)


def created_ms(run: Mapping[str, Any]) -> int:
    """``createdAt`` in milliseconds (facts 3.1); 0 when absent, or not a time."""
    created = run.get("createdAt")
    return int(created) if isinstance(created, (int, float)) and 0 <= created < LATEST_MS else 0
