"""From an outline and what the journal knows to a report. Pure; the same for a live run, a dead one and an old one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from headgate.engine.record import JobPast, Past, problem_of
from headgate.planning.outline import JobLine, Line, Outline
from headgate.report.model import Failure, ItemResult, PairResult, Report
from headgate.report.polling import polling
from headgate.report.selected import NOT_CHOSEN, NOT_DONE, Selected
from headgate.workflows.contract import HELD, Ending
from headgate.workflows.delete import GONE
from headgate.workflows.destroy import DESTROY
from headgate.workflows.replace import OLD

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headgate.planning.model import SelectionRow
    from headgate.store.contract import RunRow

_NOTHING = JobPast()
#: How an object was found that was there before this run: known to the store, or by its mark.
FOUND = ("store", "before", "same", "sweep")
#: Stops that are a judgement on the run: what had not begun by then is skipped, and a resume does it (but for a load
#: test, which stops for a threshold and is not resumed).
_JUDGED = ("tolerate", "wall", "threshold")
_NOT_FOLLOWED: Final = "its run was not followed to its end"
_NOT_KNOWN: Final = "the answer to its request is not known yet: resume looks it up"
_NOT_SENT: Final = "not sent before the run ended"
#: Why a row has no end, in a report: while its run still goes, there is nothing in it to say.
UNFINISHED: Final = frozenset({NOT_CHOSEN, NOT_DONE, _NOT_FOLLOWED, _NOT_KNOWN, _NOT_SENT})
#: What an item's jobs make, in the order in which its ids are given.
ROLES = ("baseConnection", "sourceConnection", "schema", "dataset", "targetConnection", "mappingSet", "flow")


def build(
    run: RunRow, outline: Outline, past: Past, *, status: str | None = None, finished_at: float | None = None
) -> Report:
    """The report of ``run``. ``status`` and ``finished_at`` default to what the store says."""
    reason, detail, hint = run.counters.get("stop", ("", "", ""))
    view = View(outline, past, detail if reason in _JUDGED else None, hint)
    items = [view.item(row) for row in range(len(outline.items))] + view.chosen()
    pairs = view.pairs()
    failures = view.failures()
    counters = run.counters
    endings = view.endings()
    unsettled, unbegun = len(view.lines) - sum(endings.values()), view.unbegun()
    totals = {
        "items": len(items),
        "jobs": len(view.lines),
        "succeeded": endings["succeeded"],
        "failed": endings["failed"],
        "skipped": endings["skipped"] + unbegun,
        "reused": view.reused(),
        "held": unsettled - unbegun,
    }
    return Report(
        run.id,
        run.manifest,
        run.sandbox,
        status or run.status,
        run.started_at,
        finished_at or run.finished_at,
        float(counters.get("seconds", 0.0)),
        totals,
        requests_of(counters),
        items,
        pairs,
        failures,
        detail,
        reason,
        hint,
        unsettled,
        float(counters.get("forecast", 0.0)),
        counters.get("loadTest"),
    )


def requests_of(counters: Mapping[str, Any]) -> dict[str, Any]:
    """What was sent, of a run's counters; what was found of the platform's limits, and what waiting for runs cost."""
    requests = {key: counters.get(key, 0) for key in ("sent", "throttled", "retried", "polls")}
    found = {"limits": counters["limits"]} if counters.get("limits") else {}
    return {**requests, "byEndpoint": counters.get("byEndpoint", {}), **found, **polling(counters)}


def nothing_done(manifest: str, sandbox: str, now_s: float) -> Report:
    """The report of a command that found nothing to do, and so made no run."""
    totals = dict.fromkeys(("items", "jobs", "succeeded", "failed", "skipped", "reused", "held"), 0)
    asked: dict[str, Any] = {**dict.fromkeys(("sent", "throttled", "retried", "polls"), 0), "byEndpoint": {}}
    return Report("", manifest, sandbox, "succeeded", now_s, now_s, 0.0, totals, asked, [], [], [])


class View:
    """The rows of a run as its journal leaves them. ``lines`` are the jobs, children included."""

    def __init__(self, outline: Outline, past: Past, judged: str | None = None, hint: str = "") -> None:
        """``judged`` says why the run was stopped for its failures, ``None`` where it was not."""
        self.outline = outline
        self.past = past
        self.judged, self.hint = judged, hint
        self.lines: list[Line] = list(outline.jobs)
        self.specs: dict[int, Mapping[str, Any]] = {}
        for parent, child in past.children:
            first = self.lines[parent]
            self.specs[len(self.lines)] = child.spec
            self.lines.append(JobLine(child.key, child.kind, first.role, first.item))
        self.selected = Selected(outline, past, self.unstarted() if judged is not None else None)

    def _job(self, index: int) -> JobPast:
        return self.past.jobs.get(index, _NOTHING)

    def _ending(self, index: int) -> str | None:
        settled = self._job(index).settled
        return str(settled["ending"]) if settled else None

    def _output(self, index: int) -> Mapping[str, Any]:
        settled = self._job(index).settled or {}
        output: Mapping[str, Any] = settled.get("output", {})
        return output

    def endings(self) -> dict[str, int]:
        """How many jobs ended in each way."""
        count = {ending.value: 0 for ending in Ending}
        for index in range(len(self.lines)):
            ending = self._ending(index)
            if ending:
                count[ending] += 1
        return count

    def reused(self) -> int:
        """How many jobs found what they were to make."""
        return sum(1 for index in range(len(self.lines)) if self._output(index).get("found") in FOUND)

    # -- what a stopped run never began --------------------------------------------------------------------------------

    def begun(self, index: int) -> bool:
        """Whether anything was journaled of a job but that nothing of it left."""
        job = self._job(index)
        return job.settled is not None or bool(job.phase)

    def unbegun(self) -> int:
        """Jobs that a run that was stopped for its failures never began."""
        if self.judged is None:
            return 0
        return sum(not self.begun(index) for index in range(len(self.lines)))

    def unstarted(self) -> dict[str, Any]:
        """The error of a row that was not begun."""
        words = f"not started: the run was stopped ({self.judged})"
        return {"job": "", "status": 0, "code": "", "message": words, "requestId": "", "advice": self.hint}

    # -- items -------------------------------------------------------------------------------------------------------

    def item(self, row: int) -> ItemResult:
        """What became of one of the outline's items."""
        line = self.outline.items[row]
        ids = dict(line.known)
        for role in ROLES:
            job = line.jobs.get(role)
            remote = self._output(job).get("id") if job is not None else None
            if remote:
                ids[role] = str(remote)
        status, error = self._item_status(line.jobs)
        if line.kind == DESTROY and status in ("created", "reused"):
            status = "deleted" if any(self._output(job).get(GONE) for job in line.jobs.values()) else "unchanged"
        return ItemResult(line.entry, line.item, status, ids, error)

    def _item_status(self, jobs: Mapping[str, int]) -> tuple[str, Mapping[str, Any] | None]:
        endings = {role: self._ending(job) for role, job in jobs.items()}
        for role, job in jobs.items():
            if endings[role] == "failed":
                return "failed", _error(self._failure(job))
        skipped = next((job for role, job in jobs.items() if endings[role] == "skipped"), None)
        if skipped is not None:
            cause = str((self._job(skipped).settled or {}).get("cause"))
            found = next((index for index, line in enumerate(self.lines) if line.key == cause), None)
            failure = _error(self._failure(found)) if found is not None else {"message": "not sent"}
            return "skipped", {**failure, "cause": cause}
        if any(ending is None for ending in endings.values()):
            own = [job for job in jobs.values() if self.lines[job].item >= 0]
            if self.judged is not None and not any(self.begun(job) for job in own):
                return "skipped", self.unstarted()
            return "held", None
        if any(role.startswith(OLD) for role in jobs):
            return "replaced", None
        if any(self._output(job).get("found") == "updated" for job in jobs.values()):
            return "updated", None
        # Of its own creations: what it shares with others may be new to them.
        made = [job for role, job in jobs.items() if role in ROLES and self.lines[job].item >= 0]
        if all(self._output(job).get("found") in FOUND for job in made):
            return "reused", None
        return "created", None

    def chosen(self) -> list[ItemResult]:
        """Rows for flows that were chosen while running."""
        return self.selected.rows(self._failure)

    def chosen_by(self, row: SelectionRow) -> list[ItemResult]:
        """Those of one item."""
        return self.selected.of(row, self._failure)

    def has_chosen(self, row: SelectionRow) -> bool:
        """Whether an item's flows are known."""
        return self._ending(row.job) == "succeeded"

    # -- pairs -------------------------------------------------------------------------------------------------------

    def pairs(self) -> list[PairResult]:
        """What became of each pair."""
        numbers = {
            index: number
            for number, index in enumerate((index for index, line in enumerate(self.lines) if line.kind == "adhoc"), 1)
        }
        rows: dict[int, tuple[int, list[Any]]] = {}
        owner = {row: pair.job for row, pair in enumerate(self.outline.pairs)}
        for index, spec in self.specs.items():
            owner.update({pair[0]: index for pair in spec.get("pairs", ())})
        for index in numbers:
            for row in self._output(index).get("pairs", ()):
                rows[row[0]] = (index, row)
        results = []
        for row, pair in enumerate(self.outline.pairs):
            index, line = rows.get(row) or (owner[row], self._unsettled(row, owner[row]))
            flow = self._output(pair.flow).get("id") or pair.destination
            _, outcome, run, state, attempts, reason = line
            sent = numbers[index] if attempts and outcome in ("activated", "failed") else None
            results.append(
                PairResult(pair.entry, str(flow), pair.audience, outcome, sent, run, state, attempts, reason)
            )
        return results

    def _unsettled(self, row: int, index: int) -> list[Any]:
        """A pair of which no job has said the last word."""
        job, ending = self._job(index), self._ending(index)
        runs: Mapping[str, str] = job.phase.get("of") or job.phase.get("known") or {}
        run = runs.get(str(row)) or None
        if ending == "failed":
            failure = self._failure(index)
            return [row, "failed", run, "running" if run else None, 1, failure.message]
        if ending == "skipped":
            return [row, "skipped", None, None, 0, f"{(job.settled or {}).get('cause')} failed"]
        if job.phase.get("at") == "runs" or job.phase.get("accepted"):
            return [row, "activated", run, "running", 1, _NOT_FOLLOWED]
        if job.phase.get("at") in ("post", "find"):
            return [
                row,
                "held",
                None,
                None,
                1,
                _NOT_KNOWN,
            ]
        if self.judged is not None and not job.phase:
            return [row, "skipped", None, None, 0, self.unstarted()["message"]]
        return [row, "held", None, None, 0, job.phase.get(HELD) or _NOT_SENT]

    # -- failures ----------------------------------------------------------------------------------------------------

    def failures(self) -> list[Failure]:
        """All failed jobs."""
        return [self._failure(index) for index in range(len(self.lines)) if self._ending(index) == "failed"]

    def _failure(self, index: int) -> Failure:
        line = self.lines[index]
        item = self.outline.items[line.item].item if line.item >= 0 else self.selected.name(index)
        problem = problem_of(self._job(index).settled or {})
        if problem is None:
            return Failure(item, line.key, 0, "", "failed", "", "")
        return Failure(
            item, line.key, problem.status, problem.code, problem.message, problem.request_id, problem.advice
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
