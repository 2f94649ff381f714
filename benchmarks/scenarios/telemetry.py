"""What telemetry costs a job: nothing while it is off, and how much while numbers are served or spans are made."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING

from benchmarks.driving import Setting, drive, over_nothing
from benchmarks.measure import Figure, alternate, middle
from benchmarks.plans import grove, items_for
from headgate.settings import Profile

if TYPE_CHECKING:
    from benchmarks.bench import Bench

SLOTS = 100
JOBS = 10_000


async def run(bench: Bench) -> list[Figure]:
    """CPU per job on a platform that answers at once, as a share of a run that knows of no telemetry."""
    figures: list[Figure] = []
    for name, profile, goal in _cases(bench):
        bench.say(f"telemetry: {name}")
        plan = grove(items_for(bench.size(JOBS)))
        plain, ours = Setting(SLOTS), Setting(SLOTS, profile=profile)
        await drive(plan, over_nothing(), ours)
        pairs = await alternate(
            bench.times(9), partial(drive, plan, over_nothing(), plain), partial(drive, plan, over_nothing(), ours)
        )
        figures.append(
            Figure(
                "telemetry",
                f"CPU per job, {name} ÷ without telemetry",
                [pair.ours.cpu_us / pair.plain.cpu_us for pair in pairs],
                goal,
                {
                    "µs": middle([pair.ours.cpu_us for pair in pairs]),
                    "µs without": middle([pair.plain.cpu_us for pair in pairs]),
                },
            )
        )
    return figures


def _cases(bench: Bench) -> list[tuple[str, Profile, str]]:
    """Name, profile and goal; without those whose packages are not installed."""
    off = Profile.load(env={})
    cases = [("telemetry off", off, "<= 1.05")]
    try:
        import_module("prometheus_client")
        cases.append(("Prometheus on", replace(off, prometheus="127.0.0.1:0"), ""))
        trace, sdk = import_module("opentelemetry.trace"), import_module("opentelemetry.sdk.trace")
        trace.set_tracer_provider(sdk.TracerProvider())  # it makes spans, and sends them nowhere
        cases.append(("OpenTelemetry on", replace(off, otel=True), ""))
    except ImportError as error:
        bench.say(f"telemetry: not all of it: {error}")
    return cases
