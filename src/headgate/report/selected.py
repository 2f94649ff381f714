"""Rows for flows that were chosen while running: what became of each, from the journal alone.

The job that chose says which flows and in which order; its children, and theirs, say what became of them. The last
job about a flow has the last word.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from headgate.classes import frozen
from headgate.engine.record import JobPast, Past
from headgate.report.model import Failure, ItemResult
from headgate.workflows.contract import SELECTED

if TYPE_CHECKING:
    from headgate.planning.model import SelectionRow
    from headgate.planning.outline import Outline

_NOTHING: Final = JobPast()
#: Why a row has no end yet.
NOT_CHOSEN: Final = "its flows were not chosen yet"
NOT_DONE: Final = "not done before the run ended"


@frozen
class FlowResult(ItemResult):
    """A chosen flow's row of ``items``: what was changed in it, why it was left alone, how its run ended.

    ``changes`` are ``{"path": JSON pointer, "from", "to"}``; ``runState`` as in ``activations``.
    """

    changes: Sequence[Mapping[str, Any]] = ()
    runId: str | None = None
    runState: str | None = None
    reason: str | None = None


def flows_of(kind: str, spec: Any) -> list[str]:
    """The flows a job that was found while running is about."""
    if not isinstance(spec, Mapping) or kind == "adhoc":
        return []
    if isinstance(spec.get("flows"), list):
        return [str(flow) for flow in spec["flows"]]
    flow = spec.get("flow") or (spec.get("id") if spec.get("collection") == "flows" else None)
    return [str(flow)] if flow else []


class Selected:
    """The chosen flows of a run, and the job with the last word on each."""

    def __init__(self, outline: Outline, past: Past, unstarted: Mapping[str, Any] | None = None) -> None:
        """``unstarted`` is the error of a row that was never begun, where the run was stopped for its failures."""
        self._outline, self._past, self._unstarted = outline, past, unstarted
        self._choosing = {row.job: row for row in outline.selections}
        self._owner: dict[int, int] = {}
        self._last: dict[tuple[int, str], int] = {}
        self._kinds: dict[int, str] = {}
        self._names: dict[int, str] = {}
        if not self._choosing:
            return
        names: dict[tuple[int, str], str] = {
            (job, flow or name): name or flow for job in self._choosing for flow, name in self._chosen(job)
        }
        for number, (parent, child) in enumerate(past.children, len(outline.jobs)):
            owner = self._owner.get(parent, parent)
            if owner not in self._choosing:
                continue
            self._owner[number], self._kinds[number] = owner, child.kind
            flows = flows_of(child.kind, child.spec)
            for flow in flows:
                self._last[owner, flow] = number
            self._names[number] = names.get((owner, flows[0]), flows[0]) if len(flows) == 1 else ""

    def name(self, job: int) -> str:
        """The name of the flow ``job`` is about, or of the item whose flows it was to choose."""
        row = self._choosing.get(self._owner.get(job, job))
        return self._names.get(job) or (row.item if row else "")

    def rows(self, failure: Callable[[int], Failure]) -> list[ItemResult]:
        """A row for each chosen flow; one for the item itself while, or because, nothing could be chosen."""
        return [result for row in self._outline.selections for result in self.of(row, failure)]

    def of(self, row: SelectionRow, failure: Callable[[int], Failure]) -> list[ItemResult]:
        """The rows of one item."""
        settled = self._job(row.job).settled
        if settled is None or settled["ending"] != "succeeded":
            return [self._not_chosen(row, settled, failure)]
        return [self._flow(row, flow, name, failure) for flow, name in self._chosen(row.job)]

    def _job(self, index: int) -> JobPast:
        return self._past.jobs.get(index, _NOTHING)

    def _chosen(self, job: int) -> list[tuple[str, str]]:
        settled = self._job(job).settled or {}
        return [(str(flow), str(name)) for flow, name in settled.get("output", {}).get(SELECTED, ())]

    def _not_chosen(
        self, row: SelectionRow, settled: Mapping[str, Any] | None, failure: Callable[[int], Failure]
    ) -> ItemResult:
        if settled is None and self._unstarted is not None and not self._job(row.job).phase:
            return FlowResult(row.entry, row.item, "skipped", {}, self._unstarted)
        if settled is None:
            return FlowResult(row.entry, row.item, "held", {}, reason=NOT_CHOSEN)
        if settled["ending"] == "failed":
            return FlowResult(row.entry, row.item, "failed", {}, _error(failure(row.job)))
        return FlowResult(row.entry, row.item, "skipped", {}, {"message": "not sent", "cause": settled.get("cause")})

    def _flow(self, row: SelectionRow, flow: str, name: str, failure: Callable[[int], Failure]) -> ItemResult:
        index = self._last.get((row.job, flow or name), -1)
        settled = self._job(index).settled
        ids = {"flow": flow} if flow else {}
        if settled is None and self._unstarted is not None and not self._job(index).phase:
            return FlowResult(row.entry, name or flow, "skipped", ids, self._unstarted)
        if settled is None:
            return FlowResult(row.entry, name or flow, "held", ids, reason=NOT_DONE)
        output = settled.get("output", {})
        status, error = str(output.get("status") or "updated"), None
        if settled["ending"] == "failed":
            status, error = "failed", _error(failure(index))
        elif settled["ending"] == "skipped":
            status = "skipped"
        elif self._kinds.get(index) == "delete":
            status = "deleted"
        return FlowResult(
            row.entry,
            name or flow,
            status,
            ids,
            error,
            output.get("changes") or (),
            output.get("runId"),
            output.get("runState"),
            output.get("reason"),
        )


def _error(failure: Failure) -> dict[str, Any]:
    return {
        "job": failure.job,
        "status": failure.status,
        "code": failure.code,
        "message": failure.message,
        "requestId": failure.requestId,
        "advice": failure.advice,
    }
