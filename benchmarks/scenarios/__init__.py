"""The scenarios, by name: each is one coroutine from a bench to figures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from benchmarks.scenarios import (
    engine,
    first,
    halves,
    hidden,
    jobs,
    makespan,
    memory,
    pace,
    packing,
    peers,
    polls,
    report,
    resume,
    slots,
    telemetry,
    web,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from benchmarks.bench import Bench
    from benchmarks.measure import Figure

SCENARIOS: Final[Mapping[str, Callable[[Bench], Awaitable[list[Figure]]]]] = {
    "engine": engine.run,
    "first": first.run,
    "jobs": jobs.run,
    "memory": memory.run,
    "pace": pace.run,
    "hidden": hidden.run,
    "halves": halves.run,
    "makespan": makespan.run,
    "packing": packing.run,
    "peers": peers.run,
    "polls": polls.run,
    "report": report.run,
    "resume": resume.run,
    "slots": slots.run,
    "telemetry": telemetry.run,
    "web": web.run,
}
