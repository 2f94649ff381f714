"""Limits that nobody tells, of six kinds, answered by a bare 429: how much of each is used, and what it costs.

The client begins at its ceiling, four times the limit (twice, for the fast one). Goodput is what passed after the first
half minute; where the limit counts by the minute, after the first minute, because what was used up in it was used.
"""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from dataclasses import dataclass
from statistics import mean
from typing import TYPE_CHECKING

from benchmarks.driving import Setting, drive, over_http
from benchmarks.measure import Figure, middle
from benchmarks.plans import grove, items_for
from benchmarks.scenarios.pace import stalling, witnessed
from benchmarks.serving import served
from benchmarks.sheets import Chart, Line, Sheet, per_second

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.bench import Bench
    from headgate.planning.model import Plan

SLOTS = 100
LATENCY_MS = 100


@dataclass(frozen=True, slots=True)
class Model:
    """A server: its limit (requests a second), how it counts, and from when to when (seconds) it is looked at."""

    name: str
    rate: float
    server: tuple[str, ...]
    ceiling: float
    begin: float
    end: float
    #: (second, factor of the limit from then on).
    changes: tuple[tuple[float, float], ...] = ()

    @property
    def ideal(self) -> float:
        """What would pass in the time that is looked at, were the limit known."""
        total, at, factor = 0.0, self.begin, 1.0
        for second, following in (*self.changes, (self.end, 1.0)):
            total += max(0.0, second - at) * self.rate * factor
            at, factor = max(at, second), following
        return total

    @property
    def steps(self) -> tuple[list[float], list[float]]:
        """The limit as a line."""
        xs, ys = [0.0], [self.rate]
        for second, factor in (*self.changes, (self.end, None)):
            xs.append(second)
            ys.append(ys[-1])
            if factor is not None:
                xs.append(second)
                ys.append(self.rate * factor)
        return xs, ys

    @property
    def arguments(self) -> tuple[str, ...]:
        """The server's."""
        changes = (part for at, factor in self.changes for part in ("--change", f"{at}={factor}"))
        return (*self.server, *changes)


#: Those that run at the same time.
GROUPS: tuple[tuple[Model, ...], ...] = (
    (
        Model("bucket 50/s", 50, ("--limit", "50/s"), 200, 30, 120),
        Model("3000/60 s fixed", 50, ("--limit", "3000/min", "--model", "fixed"), 200, 60, 120),
        Model("3000/60 s sliding", 50, ("--limit", "3000/min", "--model", "sliding"), 200, 60, 120),
        Model("50/1 s fixed", 50, ("--limit", "50/s", "--model", "fixed"), 200, 30, 120),
        Model("50, 25, 50/s", 50, ("--limit", "50/s"), 200, 30, 120, ((50, 0.5), (80, 1.0))),
    ),
    (Model("bucket 500/s", 500, ("--limit", "500/s"), 1000, 30, 60),),
)


async def run(bench: Bench) -> list[Figure]:
    """Goodput, mean and worst of the six, and refusals."""
    goodput: dict[str, list[float]] = {}
    refused: dict[str, list[float]] = {}
    stall = 0.0
    for _ in range(bench.times(5)):
        charts: list[Chart] = []
        for group in GROUPS:
            bench.say(f"hidden: {', '.join(model.name for model in group)}")
            with ExitStack() as servers:  # nobody is to wait for another's plan or server
                plans = [_plan(bench, model) for model in group]
                urls = [servers.enter_context(served(LATENCY_MS, model.arguments)) for model in group]
                async with stalling() as stalls:
                    found = await asyncio.gather(*(_one(bench, *each) for each in zip(group, plans, urls, strict=True)))
            stall = max(stall, *stalls)
            for model, (good, bad, chart) in zip(group, found, strict=True):
                charts.append(chart)
                goodput.setdefault(model.name, []).append(good)
                refused.setdefault(model.name, []).append(bad)
                bench.say(f"hidden: {model.name}: goodput {good:.3f}, refused {bad:.4f}")
        bench.sheets["hidden"] = Sheet("A limit that nobody tells, found and held", charts)
    return [
        Figure("hidden", "goodput ÷ limit, mean of six", _each(goodput, mean), ">= 0.96", _beside(goodput)),
        Figure("hidden", "goodput ÷ limit, worst of six", _each(goodput, min), ">= 0.90"),
        Figure("hidden", "share of 429, mean of six", _each(refused, mean), "<= 0.015", _beside(refused)),
        Figure(
            "hidden",
            "share of 429, worst of six",
            _each(refused, max),
            "",
            {"ms worst stall of this process": round(stall * 1000)},
        ),
    ]


def _plan(bench: Bench, model: Model) -> Plan:
    return grove(items_for(round(model.rate * model.end * min(1.0, bench.scale) * 1.3) + 500))


async def _one(bench: Bench, model: Model, plan: Plan, url: str) -> tuple[float, float, Chart]:
    """Goodput, share of refusals, and both over time."""
    seconds = model.end * min(1.0, bench.scale)
    await drive(plan, over_http(url, SLOTS), Setting(SLOTS, model.ceiling, bench.state(), seconds))
    seen = await witnessed(url)
    passed = sum(1 for at, _, passes in seen if passes and model.begin < at <= model.end)
    refused = [at for at, _, passes in seen if not passes and at <= model.end]
    lines = [
        Line("answered", *per_second((at for at, _, passes in seen if passes), min(seconds, seen[-1][0]))),
        Line("the hidden limit", *model.steps, "bound"),
        Line("refused", refused, (), "marks"),
    ]
    chart = Chart(model.name, "seconds", "requests per second", lines)
    return passed / model.ideal, sum(1 for _, _, passes in seen if not passes) / len(seen), chart


def _each(values: dict[str, list[float]], what: object) -> Sequence[float]:
    assert callable(what)
    return [float(what(row)) for row in zip(*values.values(), strict=True)]


def _beside(values: dict[str, list[float]]) -> dict[str, float]:
    return {name: middle(found) for name, found in values.items()}
