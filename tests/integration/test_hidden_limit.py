"""A limit that nobody tells, on the embedded platform: the whole program finds it, says so, and remembers it."""

from __future__ import annotations

import pytest

from headgate.launch import Watch, Wishes, execute, limits_found, simulated
from headgate.pacing import PollPolicy, RetryPolicy
from headgate.settings import Limits, Profile
from headgate.store import RunRow, open_store

from tests.integration.test_run_simulated import make_plan


@pytest.mark.parametrize("status", [429, 503])
async def test_a_run_finds_the_limit_says_so_and_the_next_one_begins_there(tmp_path, status):
    plan = make_plan(tmp_path)
    profile = Profile.load(
        env={},
        state=str(tmp_path / "state.db"),
        limits=Limits(rate="200/s"),
        retry=RetryPolicy(attempts=8, first_s=0.05, cap_s=0.5, budget_floor=1000),
        poll=PollPolicy(600.0, 1200.0),
    )
    store, heard, watch = open_store(tmp_path / "state.db"), [], Watch()
    limit = {"rate_limit": "25/s", "limit_burst": 5, "limit_status": status, "retry_after": False}
    async with simulated(profile, "dev", time_scale=36000.0, run_seconds=(1000.0, 4000.0), **limit) as (
        where,
        simulator,
    ):
        report = await execute(
            plan, path=tmp_path / "small.yaml", profile=where, store=store,
            wishes=Wishes(rate="200/s"), watch=watch, observers=(heard.append,),
        )  # fmt: skip
        ledger = simulator.ledger()
    assert report.status == "succeeded"
    assert not ledger["duplicates"]
    said = [tell.fields["message"] for tell in heard if tell.name == "rate"]
    assert any(f"after {status}" in text for text in said)
    found = report.as_json()["requests"]["limits"]
    assert found["all"] < 100
    assert watch.gate.found() == pytest.approx(found, abs=0.1)
    limits, age = limits_found(store, store.runs()[0].finished_at + 60)
    assert limits == found
    assert age == pytest.approx(60)
    store.close()


def test_the_newest_run_that_can_tell_is_believed(tmp_path):
    store = open_store(tmp_path / "state.db")

    def ran(name, at, counters):
        store.begin(RunRow(name, name, "x.yaml", "dev", "f", "running", at), b"")
        store.finish(name, "succeeded", at + 10, 0, counters)

    assert limits_found(store, 0.0)[0] == {}
    ran("old", 1000.0, {"limits": {"all": 40.0}, "sent": 900})
    ran("few", 2000.0, {"sent": 20})
    assert limits_found(store, 3000.0) == ({"all": 40.0}, 1990.0)
    ran("many", 2500.0, {"sent": 900})
    assert limits_found(store, 3000.0)[0] == {}, "it met no limit"
    store.close()
