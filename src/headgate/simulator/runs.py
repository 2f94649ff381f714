"""Flow runs: what is recorded of one, and what a caller sees of it at a moment of platform time (facts 3).

A run's fate is drawn when it begins; its state is a function of the clock. Nothing has to wake up to end a
run, and a reloaded world shows the right state at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headgate.simulator.store import SANDBOX_ID

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from headgate.simulator.ids import Ids
    from headgate.simulator.options import Options

#: Keys: ``id, seq, flowId, flowSpec, sandbox, source, target, audiences, origin, job, at, endsAt, outcome,
#: records, skipped, etag, ref, org``. ``origin`` is adhoc, scheduled, foreign, source or dataset (with ``datasets``),
#: ``outcome`` success, partial, failed or unknown; ``at`` and ``endsAt`` are epoch seconds.
Run = dict[str, Any]

#: How long a run of outcome ``unknown`` lasts: it stays in a state that no document knows.
_FOR_EVER_S = 1e9
_PROCESSOR = "c4f238e3-7334-4933-8b56-64d7ea43ea54"
_PUBLISHER = "51d82b36-6b8f-11eb-9439-0242ac130002"
_FAILED = {"code": "ACTIVATION_BATCH-0000-FAILED", "message": "Job aborted."}
_PARTLY = {"code": "ACTIVATION_BATCH-0001-PARTIAL", "message": "Some records could not be exported."}


class RunBook:
    """Every run, by id and flow, and which are going on. Ended runs leave the active lists when looked at."""

    def __init__(self) -> None:
        self.by_id: dict[str, Run] = {}
        self._by_flow: dict[str, list[Run]] = {}
        self._by_audience: dict[tuple[str, str], list[Run]] = {}
        self._active: list[Run] = []
        self.sequence = 0

    def put(self, run: Run) -> None:
        """Record a run that has begun."""
        self.by_id[run["id"]] = run
        self._by_flow.setdefault(run["flowId"], []).append(run)
        for audience in run["audiences"]:
            self._by_audience.setdefault((run["sandbox"], audience), []).append(run)
        self._active.append(run)
        self.sequence = max(self.sequence, run["seq"])

    def going_on(self, sandbox: str, audience: str, now: float) -> list[Run]:
        """Ad-hoc runs of an audience that have not ended."""
        runs = self._by_audience.get((sandbox, audience))
        if not runs:
            return []
        runs[:] = [run for run in runs if run["endsAt"] > now]
        return [run for run in runs if run["origin"] != "scheduled"]

    def scheduled_on(self, flow_id: str, now: float) -> Run | None:
        """The scheduled run going on for a flow."""
        for run in reversed(self._by_flow.get(flow_id, ())):
            if run["origin"] == "scheduled" and run["endsAt"] > now:
                return run
        return None

    def last_due(self, flow_id: str) -> float | None:
        """When the newest run that followed from a dataset flow's schedule began."""
        runs = reversed(self._by_flow.get(flow_id, ()))
        return next((run["at"] for run in runs if run["origin"] == "dataset"), None)

    def of_flow(self, flow_id: str) -> list[Run]:
        """The runs of a flow, oldest first."""
        return self._by_flow.get(flow_id, [])

    def active_pairs(self, now: float) -> int:
        """How many of our ad-hoc runs (one per pair) are going on."""
        self._active = [run for run in self._active if run["endsAt"] > now]
        return sum(run["origin"] == "adhoc" for run in self._active)

    def last_ended(self, flow_id: str, now: float) -> Run | None:
        """The flow's run that ended last."""
        ended = [run for run in self._by_flow.get(flow_id, ()) if run["endsAt"] <= now]
        return max(ended, key=lambda run: run["endsAt"], default=None)

    def newest_first(
        self, sandbox: str, ids: Iterable[str] | None, flows: Iterable[str] | None
    ) -> Iterator[tuple[int, Run]]:
        """``(sequence, run)`` by falling sequence; narrowed to ``ids`` or the runs of ``flows`` when
        given.
        """
        chosen: Iterable[Run]
        if ids is not None:
            found = [self.by_id[i] for i in set(ids) if i in self.by_id]
            chosen = sorted(found, key=_sequence, reverse=True)
        elif flows is not None:
            found = [run for flow in set(flows) for run in self._by_flow.get(flow, ())]
            chosen = sorted(found, key=_sequence, reverse=True)
        else:
            chosen = reversed(self.by_id.values())
        for run in chosen:
            if run["sandbox"] == sandbox:
                yield run["seq"], run


def _sequence(run: Run) -> int:
    sequence: int = run["seq"]
    return sequence


def draw(
    flow: dict[str, Any],
    audiences: list[str],
    *,
    origin: str,
    job: str | None,
    sequence: int,
    now: float,
    ids: Ids,
    options: Options,
    forced: str | None = None,
    seconds: float | None = None,
) -> Run:
    """A new run and its fate. ``forced`` is an outcome asked for by a test; ``seconds`` a duration."""
    chance = ids.random.random()
    outcome = forced or (
        "failed"
        if chance < options.run_failure_share
        else "partial"
        if chance < options.run_failure_share + options.run_partial_share
        else "success"
    )
    lasts = ids.random.uniform(*options.run_seconds) if seconds is None else seconds
    if outcome == "unknown":
        lasts = _FOR_EVER_S
    records = ids.random.randrange(1_000, 1_000_000)
    return {
        "id": ids.uuid(),
        "seq": sequence,
        "flowId": flow["id"],
        "flowSpec": flow["flowSpec"],
        "sandbox": flow["sandboxName"],
        "source": flow["sourceConnectionIds"][0],
        "target": flow["targetConnectionIds"][0],
        "audiences": audiences,
        "origin": origin,
        "job": job,
        "at": now,
        "endsAt": now + lasts,
        "outcome": outcome,
        "records": records,
        "skipped": records // 500,
        "etag": ids.etag(now),
        "ref": ids.hex(32),
        "org": flow["imsOrgId"],
    }


def run_view(run: Run, now: float) -> dict[str, Any]:
    """A run as ``GET /runs`` shows it at platform time ``now``."""
    ended = run["endsAt"] <= now
    started_ms, ended_ms = int(run["at"] * 1000), int(run["endsAt"] * 1000)
    view: dict[str, Any] = {
        "id": run["id"],
        "createdAt": started_ms,
        "updatedAt": ended_ms if ended else started_ms,
        "createdBy": "acp_foundation_connectors",
        "updatedBy": "acp_foundation_connectors",
        "createdClient": "acp_foundation_connectors",
        "updatedClient": "acp_foundation_connectors",
        "sandboxId": SANDBOX_ID,
        "sandboxName": run["sandbox"],
        "imsOrgId": run["org"],
        "flowId": run["flowId"],
        "flowSpec": run["flowSpec"],
        "providerRefId": run["ref"],
        "etag": run["etag"],
    }
    if not ended:
        view["metrics"] = {
            "durationSummary": {"startedAtUTC": started_ms},
            "statusSummary": {"status": "AWAITING_REVIEW" if run["outcome"] == "unknown" else "processing"},
        }
        view["activities"] = []
        return view
    failed = run["outcome"] == "failed"
    view["metrics"] = _metrics(run, started_ms, ended_ms)
    status: dict[str, Any] = {"status": "failed" if failed else "success", "extensions": {}}
    if failed:
        status["errors"] = [_FAILED]
    view["activities"] = [_activity(_PROCESSOR, "Activation Batch XdmProcessor Activity", ended_ms, status)]
    if not failed:  # later activities are absent from a failed run (facts 3.2)
        view["activities"].append(_activity(_PUBLISHER, "Activation Batch Publisher Activity", ended_ms, dict(status)))
    return view


def _activity(activity_id: str, name: str, at_ms: int, status: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": activity_id,
        "name": name,
        "updatedAtUTC": at_ms,
        "durationSummary": {},
        "latencySummary": {},
        "sizeSummary": {},
        "recordSummary": {},
        "fileSummary": {},
        "statusSummary": status,
    }


def _metrics(run: Run, started_ms: int, ended_ms: int) -> dict[str, Any]:
    """Figures of an ended run. Input = output + skipped + failed holds, as in the documented sample."""
    outcome, records, skipped = run["outcome"], run["records"], run["skipped"]
    failed_records = records // 100 if outcome == "partial" else 0
    if outcome == "failed":
        records = skipped = 0
    output = records - skipped - failed_records
    source = {"inputRecordCount": records, "skippedRecordCount": skipped}
    target = {"createdRecordCount": output, "outputRecordCount": output}
    summary: dict[str, Any] = {
        **source,
        **target,
        "sourceSummaries": [{"id": run["source"], **source, "entitySummaries": _entities(run, source)}],
        "targetSummaries": [{"id": run["target"], **target, "entitySummaries": _entities(run, target)}],
    }
    status: dict[str, Any] = {"status": "success", "activityRefs": [_PROCESSOR, _PUBLISHER]}
    metrics: dict[str, Any] = {
        "durationSummary": {"startedAtUTC": started_ms, "completedAtUTC": ended_ms},
        "recordSummary": summary,
        "statusSummary": status,
    }
    if outcome == "failed":
        status.update(status="failed", errors=[_FAILED], activityRefs=[_PROCESSOR])
        summary["failedInfo"] = [_FAILED]
        return metrics
    if outcome == "partial":  # a run may be "success" and hold errors (trap 15)
        status["errors"] = [_PARTLY]
        summary["failedRecordCount"] = failed_records
        summary["failedInfo"] = [{**_PARTLY, "count": failed_records}]
    if skipped:
        reason = {"code": "ACTIVATION_BATCH-0000-SKIP", "message": "Records didn't match attribute filter."}
        summary["skippedInfo"] = [{**reason, "count": skipped}]
    metrics["sizeSummary"] = {"inputBytes": records * 109, "outputBytes": output * 109}
    metrics["fileSummary"] = {"inputFileCount": 1, "outputFileCount": 1}
    return metrics


def _entities(run: Run, figures: dict[str, int]) -> list[dict[str, Any]]:
    """Figures by audience or dataset: all in the first row, so that sums stay true when a run has several."""
    carried = [f"segment:{audience}" for audience in run["audiences"]]
    carried += [f"dataset:{dataset}" for dataset in run.get("datasets", ())]
    return [
        {"id": entity, **(figures if index == 0 else dict.fromkeys(figures, 0))} for index, entity in enumerate(carried)
    ]
