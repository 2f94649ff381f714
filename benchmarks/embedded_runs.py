"""Runs of the embedded platform that are waited for, in real time: its clock runs faster, everything else is real."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from benchmarks.measure import Figure
from headgate.embedded import simulated
from headgate.launch import Wishes, execute
from headgate.manifest.kinds import GRAMMARS
from headgate.manifest.load import load
from headgate.settings import Profile
from headgate.store import open_store
from headgate.workflows.compile import compile_plan

if TYPE_CHECKING:
    from benchmarks.bench import Bench
    from headgate.engine.events import Tell

AUDIENCES = 4
#: Requests per platform second.
RATE = 50.0


async def embedded(bench: Bench, runs: int, scale: float) -> list[Figure]:
    """Activate ``runs`` pairs whose runs take 30 to 300 platform seconds; the platform's own clock says how late it is.

    Raises:
        RuntimeError: a run's end was not noticed, or the platform counts a breach of its rules.
    """
    bench.say(f"polls: {runs} runs of the embedded platform, {scale:g} times as fast")
    state = bench.state()
    profile = Profile.load(env={}, state=str(state))
    lags: list[float] = []
    counts = {"flows": max(1, runs // AUDIENCES), "audiences": AUDIENCES}
    try:
        async with simulated(profile, "dev", time_scale=scale, seed_counts=counts) as (near, platform):

            def heard(tell: Tell) -> None:
                if tell.name == "run" and tell.fields["ended"] is not None:
                    lags.append(platform.now() - float(tell.fields["ended"]))

            pairs = {
                flow["id"]: [
                    selector["value"]["id"]
                    for selector in flow["transformations"][0]["params"]["segmentSelectors"]["selectors"]
                ]
                for flow in platform.objects("flows")
            }
            path = bench.room / "polls.json"
            entry = {"kind": "activation", "name": "now", "destinations": pairs}
            manifest = {"headgate": 1, "name": "polls", "entries": [entry], "options": {"audiencesPerJob": 8}}
            path.write_bytes(orjson.dumps(manifest))
            plan = compile_plan(load(path, grammars=GRAMMARS), "dev")
            store = open_store(near.state)
            try:
                report = await execute(
                    plan,
                    path=path,
                    profile=near,
                    store=store,
                    wishes=Wishes(rate=f"{RATE * scale:g}/s"),
                    observers=(heard,),
                )
            finally:
                store.close()
            breaches = platform.ledger().get("violations")
    finally:
        for file in bench.room.glob(f"{state.stem}*"):
            file.unlink()
        (bench.room / "polls.json").unlink(missing_ok=True)
    asked = report.requests["polling"]
    if report.status != "succeeded" or breaches or asked["runs"] != len(plan.pairs):
        raise RuntimeError(f"the run went wrong: {report.status}, {asked}, {breaches}")
    lags.sort()
    p99 = lags[min(len(lags) - 1, int(0.99 * len(lags)))]
    name = f"embedded platform, {scale:g} times as fast"
    return [
        Figure("polls", f"polls per run, {name}", [asked["pollsPerRun"]], "<= 0.40", {"runs": asked["runs"]}),
        Figure("polls", f"polls ÷ all requests, {name}", [asked["shareOfRequests"]]),
        Figure("polls", f"p99 detection lag ÷ 6 s, {name}", [p99 / 6.0], "<= 1.00", {"s p99": round(p99, 2)}),
    ]
