"""Load tests on the embedded platform, in virtual time: what is offered is offered, whatever the platform is like.

The platform's ledger says what was made, what was made twice, and that nothing is left.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

import headgate
from headgate.embedded import simulated
from headgate.errors import UsageError
from headgate.launch import Watch
from headgate.loadtest import conduct as module
from headgate.loadtest.conduct import load_test
from headgate.loadtest.trial import Asked, Trial
from headgate.manifest.kinds import GRAMMARS
from headgate.manifest.load import load
from headgate.pacing import RetryPolicy
from headgate.planning.outline import Outline
from headgate.settings import Limits, Profile
from headgate.simulator import Fault
from headgate.store import RunRow, open_store

from tests.acceptance.cli_support import write_manifest


class Place:
    """A manifest of three items, and a platform that is ``like`` that."""

    def __init__(self, folder, where, simulator):
        self.manifest = load(write_manifest(folder), grammars=GRAMMARS, env={"S3_SECRET": "x" * 40})
        self.profile, self.simulator = where, simulator
        self.events = []

    async def test(self, *stages, **asked):
        """One load test; nothing may be left of it, and nothing may have been made twice."""
        found = await load_test(self.manifest, stages, profile=self.profile, on_event=self.events.append, **asked)
        ledger = self.simulator.ledger()
        assert not ledger["violations"]
        assert not ledger["duplicates"]
        return found

    def left(self):
        return sum(self.simulator.ledger()["objects"].values())


@asynccontextmanager
async def place(folder, **like):
    plain = replace(
        Profile.load(env={}, state=str(folder / "state.db")),
        limits=Limits(rate="1000/s"),
        retry=RetryPolicy(attempts=8, first_s=0.01, cap_s=0.05, budget_floor=1000),
    )
    async with simulated(plain, "dev", time_scale=3600.0, **like) as (where, simulator):
        yield Place(folder, where, simulator)


async def test_a_slow_platform_is_offered_what_was_asked_for_and_its_slowness_is_seen(tmp_path):
    async with place(tmp_path, latency_s=2.0) as here:
        found = await here.test("5/s:3s", thresholds=["p50<1s", "p95(arrivals)<60s"])
        assert here.left() == 0
    total = found.total
    assert (total.measured.due, total.measured.begun, total.measured.done) == (15, 15, 15)
    assert total.offered_per_s == pytest.approx(5.0, rel=0.01)
    assert total.achieved_per_s == 0.0, "nobody is done before the last has arrived"
    assert total.latency["POST /sourceConnections"].at["p50"] == pytest.approx(2.0, abs=0.1)
    assert total.latency["arrivals"].at["max"] == pytest.approx(8.0, abs=0.5), "four requests, one after the other"
    assert (found.status, found.exit_code) == ("missed", 5)
    assert [one.met for one in found.thresholds] == [False, True]
    assert found.clean_up.clean
    assert found.clean_up.deleted == 15 * 3 + 2
    assert found.report.as_json()["loadTest"]["total"] == total.as_json(), "it is kept with the run"
    begun = [event for event in here.events if event["event"] == "begin"]
    assert begun[0]["run"] == found.report.run_id


async def test_what_finds_no_slot_is_dropped_and_the_rest_is_not_delayed(tmp_path):
    async with place(tmp_path, latency_s=2.0) as here:
        found = await here.test("5/s:3s", thresholds=["dropped<=0"], concurrency=4)
        assert here.left() == 0
    measured = found.total.measured
    assert measured.due == 15
    assert measured.dropped > 5
    assert measured.begun == measured.done == 15 - measured.dropped
    assert found.exit_code == 5
    rows = {row.status for row in found.report.items}
    assert rows == {"created", "skipped"}


async def test_what_keeps_this_program_from_sending_is_in_the_latency(tmp_path):
    """No coordinated omission: three seconds in which nothing leaves are three seconds for whom they concern."""
    watch = Watch()
    async with place(tmp_path, latency_s=0.05) as here:
        test = asyncio.create_task(here.test("5/s:4s", watch=watch))
        while watch.machine is None or watch.machine.began_at is None or watch.machine.elapsed_s < 1:
            await asyncio.sleep(0.1)
        watch.hold(2.0)
        found = await test
        assert here.left() == 0
    asked = found.total.latency["POST /sourceConnections"]
    assert asked.count == 20
    assert asked.at["max"] == pytest.approx(2.0, abs=0.3)
    assert asked.service["max"] < 0.5, "the platform knows nothing of it"
    waited = sum(1 for seconds in found.total.measured.of("POST /sourceConnections") if seconds > 0.3)
    assert waited == pytest.approx(9, abs=2), "all who arrived in that time, and not the one who was first"


async def test_a_platform_that_throttles_lowers_no_rate_and_is_asked_nothing_twice(tmp_path):
    async with place(tmp_path, rate_limit="20/s") as here:
        found = await here.test("10/s:3s", thresholds=["throttled<1%"])
        assert here.left() == 0
    measured = found.total.measured
    assert (measured.due, measured.dropped) == (30, 0)
    assert measured.throttled > 5
    assert measured.done + measured.failed == 30
    assert measured.failed <= measured.throttled, "an arrival ends with a refusal, or two that were out at once"
    assert found.report.requests["retried"] == 0
    assert found.exit_code == 5
    assert {failure.status for failure in found.report.failures} == {429}


async def test_lost_answers_leave_nothing_behind_and_make_nothing_twice(tmp_path):
    faults = [
        Fault("lost-after-commit", path="/flows$", method="POST", every=3),
        Fault("lost-after-commit", path="/sourceConnections$", method="POST", every=4),
        Fault("status", status=500, path="/targetConnections$", method="POST", every=5),
    ]
    async with place(tmp_path, faults=faults) as here:
        found = await here.test("5/s:2s", grace="1s")
        assert here.left() == 0
    assert found.total.measured.faults >= 5
    assert found.clean_up.clean


async def test_who_is_not_done_when_the_grace_is_over_has_failed(tmp_path):
    async with place(tmp_path, latency_s=3.0) as here:
        found = await here.test("2/s:2s", grace="4s", thresholds=["failed<=0"])
        assert here.left() == 0
    assert found.overrun
    assert found.total.measured.failed > 0
    assert found.exit_code == 5
    assert "not over 4s after the last stage" in found.stop


async def test_a_threshold_stops_the_test_as_soon_as_it_is_clearly_missed(tmp_path):
    async with place(tmp_path, latency_s=1.0) as here:
        found = await here.test("10/s:60s", warm_up="1/s:1s", thresholds=["p50<500ms"], abort_on_fail=True)
        assert here.left() == 0
    assert (found.status, found.exit_code) == ("missed", 5)
    assert found.report.status == "stopped"
    assert {row.status for row in found.report.items} <= {"created", "held", "skipped"}
    assert found.report.totals["skipped"] > 2000, "who had not arrived never will"
    assert found.total.seconds < 10
    assert found.stages[0].measured.due == 1
    assert found.stages[0].warm_up


async def test_what_is_kept_is_in_no_later_test_s_way(tmp_path):
    async with place(tmp_path) as here:
        kept = await here.test("5/s:1s", keep=True)
        assert here.left() == kept.clean_up.left + 1, "what a sandbox has once is nobody's"
        assert (kept.exit_code, kept.clean_up.wanted) == (0, False)
        again = await here.test("5/s:1s")
        assert {row.status for row in again.report.items} == {"created"}
        assert here.left() == kept.clean_up.left + 1


async def test_a_test_that_dies_before_its_clean_up_is_cleaned_before_the_next(tmp_path, monkeypatch):
    def dies(*_):
        raise RuntimeError("as by kill -9")

    async with place(tmp_path) as here:
        with monkeypatch.context() as patch:
            patch.setattr(module, "clean_up_of", dies)
            with pytest.raises(RuntimeError):
                await here.test("5/s:1s")
        assert here.left() > 10
        with pytest.raises(UsageError, match="was not cleaned up, and what it made is still there") as refused:
            await here.test("5/s:1s")
        run = refused.value.hint.rpartition(" ")[2]
        plan = headgate.plan_destroy(run, profile=here.profile)
        gone = await headgate.run(plan, profile=here.profile)
        assert (gone.exit_code, here.left()) == (0, 0)
        assert (await here.test("5/s:1s")).exit_code == 0


async def test_a_test_that_died_before_it_made_anything_is_in_nobody_s_way(tmp_path):
    async with place(tmp_path) as here:
        name = f"{here.manifest.name}-loadtest"
        store = open_store(tmp_path / "state.db")
        outline = Outline.of(Trial(here.manifest, Asked.of(["1/s:1s"]), "dev").plan).packed()
        store.begin(RunRow("dead-1", name, "", "dev", "f", "running", 1e9, args={"command": "loadtest"}), outline)
        store.close()
        assert (await here.test("1/s:1s")).exit_code == 0
        store = open_store(tmp_path / "state.db", readonly=True)
        assert not store.run("dead-1").unfinished
        store.close()


async def test_what_cannot_be_is_refused_before_anything_is_sent(tmp_path):
    async with place(tmp_path) as here:
        for asked, said in (
            ({"stages": ["fast"]}, "not a stage"),
            ({"stages": ["1/s:1s"], "thresholds": ["p95(GET /nothing)<1s"]}, "asks no 'GET /nothing'"),
            ({"stages": ["1/s:1s"], "grace": "long"}, "not a duration"),
            ({"stages": ["1/s:1s"], "concurrency": -1}, "at least 1"),
        ):
            with pytest.raises(UsageError, match=said):
                await load_test(here.manifest, profile=here.profile, **asked)
        protected = replace(here.profile, protected_sandboxes=("dev",))
        with pytest.raises(UsageError, match="protected: no load test"):
            await load_test(here.manifest, ["1/s:1s"], profile=protected)
        assert here.simulator.ledger()["requests"]["total"] == 0
