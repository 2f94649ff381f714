"""How long a plan will take, as far as anyone can say beforehand. Pure; instant for thousands of jobs.

Four parts, one after the other: sending every request at the rate, the longest chain of jobs at an assumed latency,
the hour during which the platform refuses audiences just activated, and the rounds in which ad-hoc jobs that share
an audience must follow each other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from headgate.classes import frozen
from headgate.planning.lengths import Experience, runs_of
from headgate.planning.model import Job, Plan

#: An audience is refused for an hour after it was first activated (contract 4).
HOLD_S = 3600.0


@frozen
class Assumptions:
    """What a forecast takes for granted. Seconds; ``run_s`` and the hold are on the platform's clock."""

    rate_per_s: float = 50.0
    latency_s: float = 0.25
    run_s: float = 180.0
    hold_s: float = HOLD_S
    #: Platform seconds per second; other than 1 for an embedded platform.
    time_scale: float = 1.0


@frozen
class Part:
    """One part of the wall time, in seconds, and why it is so long."""

    name: str
    seconds: float
    why: str


@frozen
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
    plan: Plan,
    assumed: Assumptions,
    reused: Collection[int] = (),
    known: Experience | None = None,
    limits: Mapping[str, float] | None = None,
) -> Forecast:
    """The forecast of ``plan``.

    Args:
        plan: What is to be done.
        assumed: Rate, latency and the like.
        reused: Jobs that ask nothing, by index: their object exists already, or they are over.
        known: How long runs take; where it knows nothing ``run_s`` is assumed.
        limits: Limits below the rate, configured or found, requests per second by what they are for: ``all``, an
            endpoint (``POST /flows``), a method, a path, or ``sandbox NAME``.

    Cost: O(jobs + edges + pairs).
    """
    asked: Counter[str] = Counter()
    for requests, count in Counter(job.requests for index, job in enumerate(plan.jobs) if index not in reused).items():
        for endpoint in requests:
            asked[endpoint] += count
    path, chained = _longest(plan.jobs, reused)
    adhoc = [job for index, job in enumerate(plan.jobs) if job.kind == "adhoc" and index not in reused]
    held = _new_flows(plan.jobs, reused)
    parts = [
        _requests(plan, asked, assumed.rate_per_s, limits or {}),
        Part(
            "latency",
            chained * assumed.latency_s,
            f"the longest chain is {chained} requests, {assumed.latency_s:g} s each",
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
    rounds, runs = _runs(adhoc, assumed, known)
    if runs is not None:
        parts.append(runs)
    return Forecast(tuple(parts), sum(part.seconds for part in parts), path, rounds, asked.total(), assumed)


def _longest(jobs: Sequence[Job], reused: Collection[int]) -> tuple[list[str], int]:
    """The chain of jobs with the most requests (their keys), and how many those are."""
    depth = [0] * len(jobs)
    before = [-1] * len(jobs)
    for index, job in enumerate(jobs):  # edges point backwards
        deep, last = 0, -1
        for edge in (*job.needs.values(), *job.after.values()):
            if depth[edge] > deep or last < 0:
                deep, last = depth[edge], edge
        before[index], depth[index] = last, deep if index in reused else deep + len(job.requests)
    if not jobs:
        return [], 0
    at = deepest = max(range(len(jobs)), key=depth.__getitem__)
    path: list[str] = []
    while at >= 0:
        if at not in reused:
            path.append(jobs[at].key)
        at = before[at]
    return path[::-1], depth[deepest]


def rounds_of(jobs: Sequence[Job], lasting: Sequence[float]) -> tuple[int, float]:
    """How many of these ad-hoc jobs must follow each other, and how long that takes, in the unit of ``lasting``.

    Each job takes all of its audiences at once, in plan order, until the longest of its runs is over, which takes as
    long as ``lasting`` says; the last ones are not waited for where their entry does not.
    """
    free: dict[str, tuple[int, float]] = {}
    rounds, end = 0, 0.0
    for job, lasts in zip(jobs, lasting, strict=True):
        audiences = {pair[2] for pair in job.spec["pairs"]}
        before = [free[audience] for audience in audiences if audience in free]
        turn = 1 + max((turn for turn, _ in before), default=0)
        begins = max((ends for _, ends in before), default=0.0)
        free.update(dict.fromkeys(audiences, (turn, begins + lasts)))
        rounds = max(rounds, turn)
        end = max(end, begins + (lasts if job.spec.get("wait", True) else 0.0))
    return rounds, end


def _runs(jobs: Sequence[Job], assumed: Assumptions, known: Experience | None) -> tuple[int, Part | None]:
    """The rounds of ad-hoc jobs, and what they add to the time."""
    long = [known.longest(runs_of(job)) if known is not None else None for job in jobs]
    rounds, lasts_s = rounds_of(jobs, [assumed.run_s if one is None else one for one in long])
    if not rounds:
        return 0, None
    said = f"runs of {assumed.run_s:g} s each"
    if known is not None and any(one is not None for one in long):
        own, every = sum(known.known(runs_of(job)) for job in jobs), sum(len(job.spec["pairs"]) for job in jobs)
        said = (
            f"{own:,} run{'s' if own != 1 else ''} as long as before" if own else "runs as long as others were before"
        )
        said += f", {every - own:,} as long as others were" if 0 < own < every else ""
    why = f"{rounds} round{'s' if rounds != 1 else ''} of ad-hoc jobs, {said}"
    return rounds, Part("ad-hoc runs", lasts_s / assumed.time_scale, why)


def _requests(plan: Plan, asked: Counter[str], rate_per_s: float, limits: Mapping[str, float]) -> Part:
    """Sending all requests: as long as the limit takes that they meet last."""
    total = asked.total()
    seconds, why = total / rate_per_s, f"{total:,} requests at {rate_per_s:g} a second"
    for scope, per_s in limits.items():
        own = sum(count for endpoint, count in asked.items() if scope in _scopes(endpoint, plan.sandbox))
        if own / per_s > seconds:
            of = "" if own == total else f" of {total:,}"
            named = "the limit found" if scope == "all" else scope
            seconds, why = own / per_s, f"{own:,} requests{of} at {round(per_s, 1):g} a second ({named})"
    return Part("requests", seconds, why)


def _scopes(endpoint: str, sandbox: str) -> tuple[str, ...]:
    """Whose limits a request to ``endpoint`` has to keep."""
    method, _, path = endpoint.partition(" ")
    return "all", endpoint, path, method, f"sandbox {sandbox}"


def _new_flows(jobs: Sequence[Job], reused: Collection[int]) -> int:
    """How many flows that this plan makes anew are activated by it."""
    checks = {edge for job in jobs if job.kind == "adhoc" for edge in job.after.values()}
    flows = {jobs[check].needs["flow"] for check in checks if "flow" in jobs[check].needs}
    return sum(1 for flow in flows if flow not in reused)


def _camel(name: str) -> str:
    words = name.replace("_per_s", "_per_second").split("_")
    words[-1] = {"s": "seconds"}.get(words[-1], words[-1])
    return words[0] + "".join(word.capitalize() for word in words[1:])
