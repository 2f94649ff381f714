"""Runs of the embedded platform that are waited for: what the report and the events say, and what the next run knows."""

from __future__ import annotations

import orjson

from headgate.cli.survey import survey
from headgate.embedded import simulated
from headgate.launch import Watch, Wishes, execute
from headgate.manifest.kinds import GRAMMARS
from headgate.manifest.load import load
from headgate.settings import Profile
from headgate.store import open_store
from headgate.workflows.compile import compile_plan

FLOWS, AUDIENCES = 20, 4
SCALE = 10.0


def audiences(flow):
    return [one["value"]["id"] for one in flow["transformations"][0]["params"]["segmentSelectors"]["selectors"]]


def planned(tmp_path, platform):
    path = tmp_path / "m.json"
    pairs = {flow["id"]: audiences(flow) for flow in platform.objects("flows")}
    entry = {"kind": "activation", "name": "now", "destinations": pairs}
    path.write_bytes(
        orjson.dumps({"headgate": 1, "name": "polls", "entries": [entry], "options": {"audiencesPerJob": 8}})
    )
    return path, compile_plan(load(path, grammars=GRAMMARS), "dev")


def near(tmp_path):
    profile = Profile.load(env={}, state=str(tmp_path / "state.db"))
    return simulated(profile, "dev", time_scale=SCALE, seed_counts={"flows": FLOWS, "audiences": AUDIENCES})


async def test_what_waiting_cost_is_in_the_report_and_what_it_taught_in_the_store(tmp_path):
    told = []
    async with near(tmp_path) as (profile, platform):
        path, plan = planned(tmp_path, platform)
        store = open_store(profile.state)
        report = await execute(
            plan, path=path, profile=profile, store=store, wishes=Wishes(rate="500/s"), observers=(told.append,)
        )
        assert report.status == "succeeded"
        asked = report.requests["polling"]
        assert asked["runs"] == len(plan.pairs) == FLOWS * AUDIENCES
        assert asked["pollsPerRun"] <= 0.7
        assert asked["lagSeconds"]["p99"] <= 40
        assert asked["lagSeconds"]["p50"] <= asked["lagSeconds"]["p99"] <= asked["lagSeconds"]["max"]
        ends = [tell.fields for tell in told if tell.name == "run"]
        assert len({fields["run"] for fields in ends}) == len(ends) == len(plan.pairs)
        assert all(29 <= fields["seconds"] <= 301 for fields in ends)
        assert report.as_json()["forecast"]["ratio"] > 0
        lengths = store.lengths("dev")
        assert {f"audience:{pair.audience}" for pair in plan.pairs} <= lengths.keys()
        found = survey(plan, profile, store, simulate=False, rate="500/s").forecast
        (part,) = [part for part in found.parts if part.name == "ad-hoc runs"]
        assert "as long as before" in part.why
        assert 20 < part.seconds < 35, "the longest run, on our clock"
        assert platform.ledger()["violations"] == []
        store.close()


async def test_a_resumed_run_asks_at_once_what_has_ended_and_activates_nothing_twice(tmp_path):
    async with near(tmp_path) as (profile, platform):
        path, plan = planned(tmp_path, platform)
        store = open_store(profile.state)
        watch, ends = Watch(), []

        def cancelling(tell):
            if tell.name == "run":
                ends.append(tell.fields["run"])
                if len(ends) == 40:
                    watch.cancel()

        wishes = Wishes(rate="500/s")
        first = await execute(
            plan, path=path, profile=profile, store=store, wishes=wishes, observers=(cancelling,), watch=watch
        )
        assert first.status == "interrupted"
        assert store.lengths("dev")
        second = await execute(plan, path=path, profile=profile, store=store, wishes=wishes, observers=(cancelling,))
        assert second.run_id == first.run_id
        assert second.status == "succeeded"
        assert {row.runState for row in second.activations} == {"success"}
        assert platform.ledger()["violations"] == []
        assert len({row.runId for row in second.activations}) == len(plan.pairs)
        assert set(platform.ledger()["activations"]["pairs"].values()) == {1}
        assert set(ends) == {row.runId for row in second.activations}
        store.close()
