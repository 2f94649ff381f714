"""Pairs that are activated ad hoc, in virtual time: which there are, how long their runs take, and what is fastest.

The platform here starts a run for each pair of a request and refuses, as the real one does, to activate an audience
that has one in progress; so nothing here can be shorter than the bounds, whatever plans it.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections import Counter
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any
from uuid import UUID

from benchmarks.virtual_runs import EPOCH_S, Virtual
from headgate.exchange import Answer, Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from headgate.exchange import Call
    from headgate.planning.model import Plan

#: Pairs that a request may carry.
CAP = 80
#: Flows among which the pairs are spread, and in how many of them the audience is that is in most.
FLOWS = 1000
MOST = 480
#: Runs that an answer lists.
PAGE = 100

Pair = tuple[str, str]


def spread_pairs(count: int, seed: int, even: int = 0) -> list[Pair]:
    """``count`` different (flow, audience) pairs: few audiences are in hundreds of flows, most are in a handful.

    How steeply that falls depends on the seed. With ``even`` every audience is in so many flows instead.
    """
    rng = Random(seed)
    flows = [str(UUID(int=number + 1)) for number in range(max(1, min(FLOWS, count)))]
    steep = 0.5 + 0.05 * (seed % 5)
    found: list[Pair] = []
    rank = 0
    while len(found) < count:
        rank += 1
        audience = str(UUID(int=(rank << 64) + 1))
        size = min(even or max(1, round(MOST / rank**steep)), count - len(found), len(flows))
        found += [(flow, audience) for flow in rng.sample(flows, size)]
    rng.shuffle(found)
    return found


@dataclass
class Activated(Virtual):
    """A platform that activates. ``takes`` is how long the run of each pair takes; ``lasts`` means nothing here."""

    takes: Mapping[Pair, float] = field(default_factory=dict)
    #: Of each flow its audiences, and its runs.
    mapped: dict[str, list[str]] = field(default_factory=dict)
    of_flow: dict[str, list[str]] = field(default_factory=dict)
    flow_of: dict[str, Pair] = field(default_factory=dict)
    ends: list[tuple[float, str]] = field(default_factory=list)
    #: Until when each audience has a run in progress.
    busy_s: dict[str, float] = field(default_factory=dict)
    jobs: int = 0

    def perform(self, call: Call, at: float) -> Answer:
        """Answer a request that comes at ``at``.

        Raises:
            RuntimeError: an audience is to be activated that has a run in progress, or a pair that was.
        """
        if call.path == "/adhocrun":
            body = self._activate(call.body["activationInfo"], at)
        elif call.path.startswith("/flows/"):
            body = self._flow(call.path.rpartition("/")[2])
        elif call.path == "/runs" and dict(call.query)["property"].startswith("flowId=="):
            body = self._of_flows(dict(call.query), at)
        else:
            return super().perform(call, at)
        self.requests += 1
        return Answer(Verdict.OK, 200, body, date_s=float(int(EPOCH_S + at)))

    def _activate(self, info: Mapping[str, Sequence[str]], at: float) -> dict[str, Any]:
        pairs = [(flow, audience) for flow, audiences in info.items() for audience in audiences]
        early = {audience for _, audience in pairs if self.busy_s.get(audience, 0.0) > at}
        if early or len(pairs) > CAP or any(self._run(pair) in self.runs for pair in pairs):
            raise RuntimeError(f"at {at:.1f} s: {len(pairs)} pairs, audiences with a run in progress: {early}")
        self.jobs += 1
        order = []
        for pair in pairs:
            run, end = self._run(pair), at + self.takes[pair]
            self.runs[run] = (at, end)
            self.flow_of[run] = pair
            self.of_flow.setdefault(pair[0], []).append(run)
            insort(self.ends, (end, run))
            self.busy_s[pair[1]] = max(end, self.busy_s.get(pair[1], 0.0))
            order.append({"order": pair[0], "segment": pair[1], "statusURL": f"https://localhost/runs/{run}"})
        return {"order": order}

    @staticmethod
    def _run(pair: Pair) -> str:
        return str(UUID(int=UUID(pair[0]).int ^ UUID(pair[1]).int))

    def _flow(self, flow: str) -> dict[str, Any]:
        value = {"createTime": EPOCH_S - 86_400.0, "schedule": {}}
        if not self.mapped:
            for at, audience in self.takes:
                self.mapped.setdefault(at, []).append(audience)
        selectors = [{"value": {"id": audience, **value}} for audience in self.mapped[flow]]
        params = {"segmentSelectors": {"selectors": selectors}}
        return {"items": [{"id": flow, "state": "enabled", "transformations": [{"params": params}]}]}

    def _of_flows(self, query: Mapping[str, str], at: float) -> dict[str, Any]:
        flows = query["property"].removeprefix("flowId==").split(",")
        found = [run for flow in flows for run in self.of_flow.get(flow, ())]
        found.sort(key=lambda run: -self.runs[run][0])
        start = int(query.get("continuationToken", "0"))
        body: dict[str, Any] = {"items": [self._view(run, at) for run in found[start : start + PAGE]]}
        if len(found) > start + PAGE:
            body["_links"] = {"next": {"href": f"/runs?continuationToken={start + PAGE}"}}
        return body

    def _listed(self, condition: str, at: float) -> list[str] | None:
        if condition.startswith("id=="):
            return [run for run in condition.removeprefix("id==").split(",") if run in self.runs]
        since = int(condition.rpartition(">")[2]) / 1000 - EPOCH_S
        first, end = (bisect_right(self.ends, (second, "~")) for second in (since, at))
        return [run for _, run in self.ends[first:end]]

    def _view(self, run: str, at: float) -> dict[str, Any]:
        return super()._view(run, at) | {"flowId": self.flow_of[run][0]}


def fewest(pairs: Sequence[Pair]) -> int:
    """Jobs that any packing needs: any pairs may share a job, as many as it takes."""
    return -(-len(pairs) // CAP)


def soonest(takes: Mapping[Pair, float], requests: int, rate_per_s: float) -> float:
    """Seconds that any schedule needs: by the audience whose jobs take longest, or by the rate.

    An audience is in one running job only, and that is over with its longest run. However the runs are put into jobs,
    no sum of longest runs is less than where the longest go together: then it is that of every eightieth.
    """
    of: dict[str, list[float]] = {}
    for (_, audience), seconds in takes.items():
        of.setdefault(audience, []).append(seconds)
    return max(requests / rate_per_s, *(sum(sorted(each, reverse=True)[::CAP]) for each in of.values()))


def packed(plan: Plan) -> list[list[Pair]]:
    """The pairs of each ad-hoc job of a plan.

    Raises:
        RuntimeError: a job has too many, or a pair is not in exactly one job.
    """
    jobs = [[(pair[1], pair[2]) for pair in job.spec["pairs"]] for job in plan.jobs if job.kind == "adhoc"]
    times = Counter(pair for job in jobs for pair in job)
    if max(map(len, jobs)) > CAP or set(times.values()) != {1} or len(times) != len(plan.pairs):
        raise RuntimeError("the packing is none")
    return jobs
