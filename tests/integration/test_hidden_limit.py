"""A limit that nobody tells, on the embedded platform: the whole program gives way, says so, and remembers it.

What is refused is counted, not timed: how fast this machine is makes no difference. How well limits are found is shown
in virtual time (``tests/unit/pacing``), and by ``python -m benchmarks --only hidden``.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from headgate.embedded import simulated
from headgate.launch import Watch, Wishes, execute
from headgate.pacing import PollPolicy, RetryPolicy
from headgate.planning.outline import Outline
from headgate.settings import Limits, Profile
from headgate.simulator import Fault
from headgate.store import RunRow, open_store

from tests.integration.test_run_simulated import make_plan

#: Requests a second that the run would make.
CEILING = 200


async def run(folder, *, faults=(), wishes=Wishes(rate=f"{CEILING}/s"), store):
    """One run from the beginning on a platform of its own: its report, the platform's book, what was told of the rate."""
    plan = make_plan(folder)
    profile = replace(
        Profile.load(env={}, state=str(folder / "state.db")),
        limits=Limits(rate=f"{CEILING}/s"),
        retry=RetryPolicy(attempts=8, first_s=0.01, cap_s=0.05, budget_floor=1000),
        poll=PollPolicy(600.0, 1200.0),
    )
    heard, watch = [], Watch()
    async with simulated(profile, "dev", time_scale=36000.0, run_seconds=(1000.0, 4000.0), faults=faults) as (
        where,
        simulator,
    ):
        report = await execute(
            plan, path=folder / "small.yaml", profile=where, store=store, wishes=wishes, watch=watch,
            observers=(heard.append,),
        )  # fmt: skip
        ledger = simulator.ledger()
    assert report.status == "succeeded", (report.failures[:3], report.stop)
    assert not ledger["duplicates"]
    return report, watch, [tell.fields["message"] for tell in heard if tell.name == "rate"]


@pytest.mark.parametrize("status", [429, 503])
async def test_a_run_that_is_refused_slows_down_says_so_and_the_next_one_begins_there(tmp_path, status):
    store = open_store(tmp_path / "state.db")
    refused = [Fault("status", status=status, path="/data/", times=5)]
    report, watch, said = await run(tmp_path, faults=refused, store=store)
    assert said[0] == f"rate: nothing passes after {status}; asking now and then"
    asked = report.as_json()["requests"]
    assert asked["throttled"] == 5, "that one of them is a fault by its verdict does not matter"
    assert asked["limits"]["all"] < CEILING / 2
    assert watch.gate.found() == pytest.approx(asked["limits"], abs=0.01)
    (kept,) = store.limits("dev").values()
    assert kept[0] == pytest.approx(asked["limits"]["all"], abs=0.01)

    store.remember_limits("dev", {"all": 150.0})
    _, _, said = await run(tmp_path, wishes=Wishes(rate=f"{CEILING}/s", refresh=True), store=store)
    assert said[0] == "rate begins at 150/s, which an earlier run found"
    store.close()


async def test_what_a_killed_life_had_found_is_known_to_the_one_that_goes_on(tmp_path):
    store = open_store(tmp_path / "state.db")
    plan = make_plan(tmp_path)
    row = RunRow("r1", plan.manifest, "", "dev", plan.fingerprint, "running", 1e12, counters={"limits": {"all": 120.0}})
    store.begin(row, Outline.of(plan).packed())
    _, watch, said = await run(tmp_path, store=store)
    assert watch.continued
    assert said[0] == "rate begins at 120/s, which an earlier run found"
    store.close()


async def test_a_run_without_refusals_remembers_nothing(tmp_path):
    store = open_store(tmp_path / "state.db")
    report, watch, said = await run(tmp_path, store=store)
    assert said == []
    assert "limits" not in report.as_json()["requests"]
    assert watch.gate.rate == CEILING
    assert store.limits("dev") == {}
    store.close()
