"""How long a plan will take, as far as anyone can say beforehand. Pure; instant for thousands of jobs.

Four parts, one after the other: sending every request at the rate, the longest chain of jobs at an assumed latency,
the hour during which the platform refuses audiences just activated, and the rounds in which ad-hoc jobs that share
an audience must follow each other.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from headgate.planning.model import Job, Plan

#: An audience is refused for an hour after it was first activated (contract 4).
HOLD_S = 3600.0


@dataclass(frozen=True, slots=True)
class Assumptions:
    """What a forecast takes for granted. Seconds; ``run_s`` and the hold are on the platform's clock."""

    rate_per_s: float = 50.0
    latency_s: float = 0.25
    run_s: float = 180.0
    hold_s: float = HOLD_S
    #: Platform seconds per second; other than 1 for an embedded platform.
    time_scale: float = 1.0


@dataclass(frozen=True, slots=True)
class Rounds:
    """``count`` rounds of ad-hoc jobs take so many platform ``seconds``; of ``learnt`` runs it is known how long."""

    count: int
    seconds: float
    learnt: int


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the wall time, in seconds, and why it is so long."""

    name: str
    seconds: float
    why: str


@dataclass(frozen=True, slots=True)
class Forecast:
    """The parts, their sum, the chain of jobs that decides the latency part, and the rounds of ad-hoc jobs."""

    parts: Sequence[Part]
    total_s: float
    critical_path: Sequence[str]
    rounds: int
    requests: int
    assumptions: Assumptions

    def as_json(self) -> dict[str, Any]:
        """For ``plan --json``."""
        return {
            "totalSeconds": round(self.total_s, 1),
            "parts": [{"name": part.name, "seconds": round(part.seconds, 1), "why": part.why} for part in self.parts],
            "criticalPath": list(self.critical_path),
            "rounds": self.rounds,
            "requests": self.requests,
            "assumptions": {_camel(key): value for key, value in asdict(self.assumptions).items()},
        }


def forecast(
    plan: Plan, assumed: Assumptions, reused: Collection[int] = (), lengths: Mapping[str, float] | None = None
) -> Forecast:
    """The forecast of ``plan``.

    Args:
        plan: What is to be done.
        assumed: Rate, latency and the like.
        reused: Jobs that ask nothing, by index: their object exists already, or they are over.
        lengths: How long runs usually take, platform seconds, by what they have in common (``audience:<id>``,
            ``any``), as earlier runs have learnt; where nothing is known ``run_s`` is assumed.

    Cost: O(jobs + edges + pairs).
    """
    requests = sum(len(job.requests) for index, job in enumerate(plan.jobs) if index not in reused)
    path, asked = _longest(plan.jobs, reused)
    adhoc = [job for index, job in enumerate(plan.jobs) if job.kind == "adhoc" and index not in reused]
    rounds = rounds_of(adhoc, lengths or {}, assumed.run_s)
    held = _new_flows(plan.jobs, reused)
    parts = [
        Part("requests", requests / assumed.rate_per_s, f"{requests:,} requests at {assumed.rate_per_s:g} a second"),
        Part(
            "latency", asked * assumed.latency_s, f"the longest chain is {asked} requests, {assumed.latency_s:g} s each"
        ),
    ]
    if held:
        parts.append(
            Part(
                "hold",
                assumed.hold_s / assumed.time_scale,
                f"{held} flow{'s' if held != 1 else ''} to activate are new: refused for their first hour",
            )
        )
    if rounds.count:
        learnt = rounds.learnt
        long = f"runs of {assumed.run_s:g} s each" if not learnt else f"{learnt:,} runs as long as they were before"
        why = f"{rounds.count} round{'s' if rounds.count != 1 else ''} of ad-hoc jobs, {long}"
        parts.append(Part("ad-hoc runs", rounds.seconds / assumed.time_scale, why))
    return Forecast(tuple(parts), sum(part.seconds for part in parts), path, rounds.count, requests, assumed)


def _longest(jobs: Sequence[Job], reused: Collection[int]) -> tuple[list[str], int]:
    """The chain of jobs with the most requests (their keys), and how many those are."""
    depth = [0] * len(jobs)
    before = [-1] * len(jobs)
    for index, job in enumerate(jobs):  # edges point backwards
        for edge in (*job.needs.values(), *job.after.values()):
            if depth[edge] > depth[index] or before[index] < 0:
                depth[index], before[index] = depth[edge], edge
        if index not in reused:
            depth[index] += len(job.requests)
    if not jobs:
        return [], 0
    at = deepest = max(range(len(jobs)), key=depth.__getitem__)
    path: list[str] = []
    while at >= 0:
        if at not in reused:
            path.append(jobs[at].key)
        at = before[at]
    return path[::-1], depth[deepest]


def rounds_of(jobs: Iterable[Job], lengths: Mapping[str, float], run_s: float) -> Rounds:
    """How many of these ad-hoc jobs must follow each other, and how long that takes.

    Each job takes all of its audiences at once, in plan order, until the longest of its runs is over; the last ones
    are not waited for where their entry does not. ``lengths`` and ``run_s`` are as in :func:`forecast`.
    """
    free: dict[str, tuple[int, float]] = {}
    count, end_s, learnt = 0, 0.0, 0
    usual_s = lengths.get("any", run_s)
    for job in jobs:
        audiences = {pair[2] for pair in job.spec["pairs"]}
        known = {
            audience: found for audience in audiences if (found := lengths.get(f"audience:{audience}")) is not None
        }
        learnt += sum(1 for pair in job.spec["pairs"] if pair[2] in known)
        longest_s = max((known.get(audience, usual_s) for audience in audiences), default=0.0)
        before = [free[audience] for audience in audiences if audience in free]
        turn = 1 + max((turn for turn, _ in before), default=0)
        begins_s = max((ends_s for _, ends_s in before), default=0.0)
        free.update(dict.fromkeys(audiences, (turn, begins_s + longest_s)))
        count = max(count, turn)
        end_s = max(end_s, begins_s + (longest_s if job.spec.get("wait", True) else 0.0))
    return Rounds(count, end_s, learnt)


def _new_flows(jobs: Sequence[Job], reused: Collection[int]) -> int:
    """How many flows that this plan makes anew are activated by it."""
    checks = {edge for job in jobs if job.kind == "adhoc" for edge in job.after.values()}
    flows = {jobs[check].needs["flow"] for check in checks if "flow" in jobs[check].needs}
    return sum(1 for flow in flows if flow not in reused)


def _camel(name: str) -> str:
    words = name.replace("_per_s", "_per_second").split("_")
    words[-1] = {"s": "seconds"}.get(words[-1], words[-1])
    return words[0] + "".join(word.capitalize() for word in words[1:])
