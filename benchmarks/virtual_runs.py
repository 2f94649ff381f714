"""A thousand flows whose runs are waited for, in virtual time: the real machine, a limiter, a platform of a few lines.

Every flow begins a run when it is made. Polls share the rate with creations. What is measured does not depend on the
machine's speed: only on what is asked when, and in which order.
"""

from __future__ import annotations

import heapq
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from random import Random
from typing import TYPE_CHECKING, Any, cast

from benchmarks.plans import grove
from headgate.engine.events import Answered, Claimed, Finish, Learn, Lease, Send, Tell, Ticked
from headgate.engine.live import Rules
from headgate.engine.machine import Machine
from headgate.exchange import Answer, Problem, Verdict
from headgate.pacing import burst
from headgate.pacing.lengths import Lengths
from headgate.planning.model import Job, Plan
from headgate.workflows import PROCEDURES
from headgate.workflows.contract import Await, Ending, Procedure, Settle

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from headgate.engine.events import Event
    from headgate.exchange import Call
    from headgate.workflows.contract import Context, Phase, Signal, Step

#: The kind of jobs that wait for the run of a flow; it is known here only.
TRIAL = "benchmarks-trial"
EPOCH_S = 1_780_000_000.0
SLOTS = 100
LATENCY_S = 0.1


@dataclass(slots=True)
class Virtual:
    """A platform. Seconds are virtual ones since the beginning; ``lasts`` is how long the run of each item takes."""

    lasts: Sequence[float]
    seed: int = 0
    #: By how much lists lag, the share of entries that an answer leaves out, runs of other people's flows that end
    #: every second, and whether lists can be filtered by when a run ended.
    lag_s: float = 0.0
    omit: float = 0.0
    strangers_per_s: float = 0.0
    filters: bool = True
    #: Of each run: its id, when it began and when it ends.
    runs: dict[str, tuple[float, float]] = field(default_factory=dict)
    made: int = 0
    polls: int = 0
    requests: int = 0
    _rng: Random = field(init=False)

    def __post_init__(self) -> None:
        self._rng = Random(self.seed)

    def latency(self) -> float:
        """Seconds from a request to its answer."""
        return LATENCY_S * self._rng.lognormvariate(0.0, 0.35)

    def perform(self, call: Call, at: float) -> Answer:
        """Answer a request that comes at ``at``."""
        self.requests += 1
        self.polls += call.purpose == "poll"
        body: dict[str, Any]
        if call.method == "POST":
            self.made += 1
            body = {"id": f"{call.path.strip('/')}-{self.made}", "etag": '"e"'}
            if call.path == "/flows":
                item = int(call.body["name"].rpartition(" ")[2])
                self.runs[f"run-{item}"] = (at, at + self.lasts[item])
        elif call.path == "/runs":
            found = self._listed(dict(call.query)["property"], at)
            if found is None:
                return Answer(Verdict.REJECTED, 400, problem=Problem(400, "1449-400", "Invalid field"))
            start = int(dict(call.query).get("continuationToken", "0"))
            body = {"items": [self._view(run, at) for run in found[start : start + 100]]}
            if len(found) > start + 100:
                body["_links"] = {"next": {"href": f"/runs?continuationToken={start + 100}"}}
        else:
            body = {"items": [self._view(call.path.rpartition("/")[2], at)]}
        return Answer(Verdict.OK, 200, body, date_s=float(int(EPOCH_S + at)))

    def _listed(self, condition: str, at: float) -> list[str] | None:
        seen_s = at - self.lag_s
        if condition.startswith("id=="):
            asked = condition.removeprefix("id==").split(",")
            shown = [run for run in asked if run in self.runs and self.runs[run][0] <= seen_s]
        elif self.filters:
            since = int(condition.rpartition(">")[2]) / 1000 - EPOCH_S
            shown = [run for run, (_, end) in self.runs.items() if since < end <= seen_s]
            others = range(int(since * self.strangers_per_s) + 1, int(seen_s * self.strangers_per_s))
            shown += [f"stranger-{number}" for number in others]
        else:
            return None
        return [run for run in shown if self._rng.random() >= self.omit] if self.omit else shown

    def _view(self, run: str, at: float) -> dict[str, Any]:
        began, end = self.runs.get(run, (0.0, 1.0))
        over = end <= at - self.lag_s
        duration = {"startedAtUTC": int((EPOCH_S + began) * 1000)}
        if over:
            duration["completedAtUTC"] = int((EPOCH_S + end) * 1000)
        status = {"status": "success" if over else "processing"}
        return {
            "id": run,
            "createdAt": int((EPOCH_S + began) * 1000),
            "flowId": f"flow of {run}",
            "metrics": {"durationSummary": duration, "statusSummary": status},
        }


@dataclass(slots=True)
class Outcome:
    """What came of one run of a plan."""

    makespan_s: float
    #: By the platform's own knowledge: how long after its end each run was noticed, in the order of notice.
    lags_s: list[float]
    noticed: list[str]
    platform: Virtual
    learnt: dict[str, Mapping[str, float]]

    def lag(self, share: float) -> float:
        """A quantile of the lags."""
        ordered = sorted(self.lags_s)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0

    @property
    def per_run(self) -> float:
        """Polls per run."""
        return self.platform.polls / max(1, len(self.noticed))

    @property
    def share(self) -> float:
        """Polls as a share of all requests."""
        return self.platform.polls / self.platform.requests


def lasting(count: int, seed: int, low_s: float = 30.0, high_s: float = 300.0) -> list[float]:
    """How long runs take, evenly between the two."""
    rng = Random(seed)
    return [rng.uniform(low_s, high_s) for _ in range(count)]


def trials(items: int) -> Plan:
    """A grove in which the run of every flow is waited for."""
    plan = grove(items)
    flows = [row.jobs["flow"] for row in plan.items]
    waits = [
        Job(f"run:{item}", TRIAL, "run", {"run": f"run-{item}"}, item, needs={"flow": flow})
        for item, flow in enumerate(flows)
    ]
    return replace(plan, jobs=(*plan.jobs, *waits))


def keys(item: int) -> tuple[str, ...]:
    """By what the length of an item's run is known."""
    return (f"audience:{item}",)


def known(lasts: Sequence[float]) -> Lengths:
    """Lengths as an earlier run has learnt them."""
    lengths = Lengths()
    for item, seconds in enumerate(lasts):
        for _ in range(5):
            lengths.learn(keys(item), seconds)
    return lengths


def _advance(ctx: Context, phase: Phase, _signal: Signal | Answer) -> Step:
    run = str(ctx.spec["run"])
    if run in ctx.ended:
        return Settle(Ending.SUCCEEDED, {"run": run})
    until_s = float(phase.get("until", ctx.now_s + 86_400.0))
    began_s = None if phase else ctx.now_s
    return Await(
        {run: keys(int(run.rpartition("-")[2]))}, "in progress", {"until": until_s}, until_s, began_s, keep=True
    )


@contextmanager
def trial_kind() -> Iterator[None]:
    """Jobs of the kind :data:`TRIAL` are understood."""
    kinds = cast("dict[str, Procedure]", PROCEDURES)
    kinds[TRIAL] = Procedure(_advance, runs=lambda spec: (keys(int(spec["run"].rpartition("-")[2])),))
    try:
        yield
    finally:
        del kinds[TRIAL]


def drive(plan: Plan, platform: Virtual, rate_per_s: float = 50.0, lengths: Lengths | None = None) -> Outcome:
    """Drive ``plan`` to its end in virtual time.

    Raises:
        RuntimeError: it stands still before its end.
    """
    rules = Rules(concurrency=SLOTS, rate_per_s=rate_per_s)
    out = Outcome(0.0, [], [], platform, {})
    with trial_kind():
        machine = Machine(plan, rules, now_s=EPOCH_S, lengths=lengths)
        wire: list[tuple[float, int, Event | Send]] = []
        order, free_at, now = 0, -burst(rate_per_s) / rate_per_s, 0.0
        event: Event | Send = Ticked(0.0)
        while True:
            commands = machine.handle(event) if not isinstance(event, Send) else []
            if isinstance(event, Send):  # it arrives
                answer = platform.perform(event.call, now)
                order += 1
                back = Answered(event.job, event.attempt, answer, now + platform.latency() / 2)
                heapq.heappush(wire, (back.at, order, back))
            for command in commands:
                if isinstance(command, Send):
                    free_at = max(free_at + 1 / rate_per_s, now - (burst(rate_per_s) - 1) / rate_per_s)
                    order += 1
                    heapq.heappush(wire, (max(now, free_at) + platform.latency() / 2, order, command))
                elif isinstance(command, Lease):  # no other run has anything
                    order += 1
                    heapq.heappush(wire, (now, order, Claimed(command.job, now)))
                elif isinstance(command, Tell) and command.name == "run":
                    run = str(command.fields["run"])
                    out.noticed.append(run)
                    out.lags_s.append(now - platform.runs[run][1])
                elif isinstance(command, Learn):
                    out.learnt.update(command.rows)
                elif isinstance(command, Finish):
                    out.makespan_s = now
                    return out
            wake = machine.next_wake()
            if not wire and wake is None:
                raise RuntimeError(f"nothing happens any more at {now:.1f} s")
            if wake is not None and (not wire or wake <= wire[0][0]):
                now = max(now, wake)
                event = Ticked(now)
            else:
                now, _, event = heapq.heappop(wire)


def ideal(lasts: Sequence[float], order: Sequence[int] | None = None, rate_per_s: float = 50.0) -> float:
    """The end of the last run if polls cost nothing and ends are known at once: items in the given order."""
    longest = [lasts[item] for item in order] if order is not None else list(lasts)
    platform = Virtual(longest)
    drive(grove(len(longest)), platform, rate_per_s)
    return max(end for _, end in platform.runs.values())
