"""Whole destroys and sweeps on the embedded platform, with every kind of trouble: its ledger is the judge."""

from __future__ import annotations

from dataclasses import replace

import pytest

from headgate.clock import SystemClock
from headgate.embedded import simulated
from headgate.launch import Watch, Wishes, execute
from headgate.manifest.kinds import GRAMMARS
from headgate.manifest.load import load
from headgate.pacing import PollPolicy, RetryPolicy
from headgate.settings import Limits, Profile
from headgate.simulator import Fault
from headgate.store import open_store
from headgate.strays import adopt, deletion, look, matched, strays
from headgate.teardown import Scope, teardown
from headgate.workflows.compile import compile_plan

MANIFEST = """
headgate: 1
name: %s
connections:
  s3:
    destination: amazon_s3
    auth: {specName: Access Key, params: {s3AccessKey: FAKEFAKEFAKEFAKEFAKE, s3SecretKey: fake/secret/key/for/the/embedded/server+}}
%s
entries:
  - kind: audience-export
    name: "Item ${row}"
    foreach: {range: [1, %d]}
    connection: %s
    target: {bucketName: acme-exports, path: "x/${row}", fileType: CSV, compression: GZIP}
    audiences:
      - {id: 00000000-0000-4000-8000-000000000001, exportMode: DAILY_FULL_EXPORT,
         schedule: {frequency: DAILY, triggerType: SCHEDULED, startDate: "2020-01-01", startTime: "17:00", endDate: "2099-01-01"}}
options: {rate: 5000/s}
"""
ITEMS = 20
SCALE = 36000.0


class Stage:
    """A store, an embedded platform, and what is done with them."""

    def __init__(self, folder):
        self.folder, self.store = folder, open_store(folder / "state.db")
        self.profile = replace(
            Profile.load(env={}, state=str(folder / "state.db")),
            limits=Limits(rate="5000/s"),
            retry=RetryPolicy(attempts=8, first_s=0.01, cap_s=0.05, budget_floor=1000),
            poll=PollPolicy(600.0, 1200.0),
            timeout_s=2.0,
        )

    def plan(self, name="small", items=ITEMS, connection="s3", more=""):
        path = self.folder / f"{name}.yaml"
        path.write_text(MANIFEST % (name, more, items, connection))
        return compile_plan(load(path, grammars=GRAMMARS), "dev")

    def platform(self, **options):
        return simulated(self.profile, "dev", time_scale=SCALE, **options)

    async def run(self, where, plan, **options):
        return await execute(plan, path=self.folder / "m.yaml", profile=where, store=self.store, **options)

    async def destroy(self, where, scope=None, **options):
        found = teardown(self.store, scope or Scope("small", "dev"))
        wishes = Wishes(fresh=found.continues is None)
        return await self.run(where, found.plan, wishes=wishes, **options)

    def lose_the_store(self):
        self.store.close()
        for one in self.folder.glob("state.db*"):
            one.unlink()
        self.store = open_store(self.folder / "state.db")


@pytest.fixture
def stage(tmp_path):
    stage = Stage(tmp_path)
    yield stage
    stage.store.close()


def objects(ledger):
    return ledger["objects"]


NOTHING = {"connections": 0, "sourceConnections": 0, "targetConnections": 0, "flows": 0}
FULL = {"connections": 2, "sourceConnections": ITEMS, "targetConnections": ITEMS, "flows": ITEMS}


async def test_made_destroyed_and_made_again(stage):
    async with stage.platform() as (where, simulator):
        assert (await stage.run(where, stage.plan())).status == "succeeded"
        report = await stage.destroy(where)
        ledger = simulator.ledger()
        assert report.status == "succeeded"
        assert report.exit_code == 0
        assert {row.status for row in report.items} == {"deleted"}
        assert [row.item for row in report.items[:ITEMS]] == [f"Item {n}" for n in range(1, ITEMS + 1)]
        assert objects(ledger) == NOTHING
        assert ledger["deleted"] == FULL
        assert ledger["violations"] == []
        assert stage.store.known("dev") == {}
        again = await stage.run(where, stage.plan())
        assert {row.status for row in again.items} == {"created"}
        assert objects(simulator.ledger()) == FULL


DELETES = "/(flows|connections|sourceConnections|targetConnections)/"
TROUBLES = {
    "every first answer lost": [
        Fault("lost-after-commit", method="DELETE", path=f"/{one}/", nth=1)
        for one in ("flows", "sourceConnections", "targetConnections", "connections")
    ],
    "lost after commit": [Fault("lost-after-commit", method="DELETE", path=DELETES, probability=0.3)],
    "lost before commit": [Fault("lost-before-commit", method="DELETE", path=DELETES, probability=0.3)],
    "500 everywhere": [Fault("status", path="/data/", probability=0.15, status=500)],
    "truncated": [Fault("truncated", path="/data/", probability=0.1)],
    "a page for a success": [Fault("html", path="/data/", probability=0.1, status=200)],
    "precondition failed": [Fault("status", method="DELETE", path=DELETES, every=4, status=412)],
    "busy": [
        Fault("status", method="DELETE", path="/flows/", every=3, status=400,
              body={"type": "https://ns.adobe.com/aep/errors/FLOW-1421-400", "errorMessage": "updating"}),
    ],
    "429": [Fault("status", path="/data/", every=25, status=429, retry_after=0.05, times=5)],
}  # fmt: skip


@pytest.mark.parametrize("trouble", TROUBLES)
@pytest.mark.parametrize("slow_s", [0.0, 600.0])
async def test_all_goes_in_any_trouble(stage, trouble, slow_s):
    async with stage.platform(delete_seconds=slow_s, delete_status="alternate") as (where, simulator):
        await stage.run(where, stage.plan())
        simulator.set_faults(TROUBLES[trouble])
        report = await stage.destroy(where)
        ledger = simulator.ledger()
    assert report.status == "succeeded", (report.failures[:3], report.stop)
    assert {row.status for row in report.items} == {"deleted"}
    assert objects(ledger) == NOTHING
    assert ledger["violations"] == []
    assert stage.store.known("dev") == {}


async def test_others_and_what_was_only_used_stay(stage):
    """Flows of other people, an account given by its id, and another manifest on the same profile store."""
    async with stage.platform(seed_counts={"flows": 3}) as (where, simulator):
        theirs = simulator.ledger()["objects"]
        account = next(one["id"] for one in simulator.objects("connections") if "S3" in one["name"])
        given = f"  theirs: {{id: {account}, destination: amazon_s3}}"
        await stage.run(where, stage.plan("other", 2))
        await stage.run(where, stage.plan("small", 5, "theirs", given))
        before = simulator.ledger()["objects"]
        report = await stage.destroy(where)
        ledger = simulator.ledger()
        assert report.status == "succeeded", report.failures
        assert ledger["deleted"] == {"flows": 5, "sourceConnections": 5, "targetConnections": 5}
        assert objects(ledger)["connections"] == before["connections"]
        # The profile store's connection was made by `other`: now that nothing else uses it, it goes with it.
        report = await stage.destroy(where, Scope("other", "dev"))
        ledger = simulator.ledger()
    assert report.status == "succeeded"
    assert {row.status for row in report.items} == {"deleted"}
    assert objects(ledger) == theirs
    assert ledger["violations"] == []


async def test_the_profile_store_stays_while_another_manifest_uses_it(stage):
    async with stage.platform() as (where, simulator):
        await stage.run(where, stage.plan("small", 2))
        await stage.run(where, stage.plan("other", 2))
        report = await stage.destroy(where)
        ledger = simulator.ledger()
        assert report.status == "succeeded"
        assert [row.status for row in report.items if row.entry == "base connections"].count("unchanged") == 1
        assert objects(ledger)["connections"] == 2
        again = await stage.run(where, stage.plan("other", 3))
    assert again.status == "succeeded"
    assert ledger["violations"] == []


async def test_an_account_somebody_else_uses_is_not_deleted_and_says_so(stage):
    async with stage.platform() as (where, simulator):
        await stage.run(where, stage.plan("small", 2))
        account = next(one["id"] for one in simulator.objects("connections") if one["name"] == "s3")
        given = f"  ours: {{id: {account}, destination: amazon_s3}}"
        await stage.run(where, stage.plan("other", 2, "ours", given))
        report = await stage.destroy(where)
        ledger = simulator.ledger()
        assert report.exit_code == 1
        assert [failure.code for failure in report.failures] == ["headgate-in-use"]
        assert "target connection" in report.failures[0].message
        assert ledger["violations"] == []
        await stage.destroy(where, Scope("other", "dev"))
        assert (await stage.destroy(where)).status == "succeeded"
        assert objects(simulator.ledger()) == NOTHING


async def test_of_a_run_only_what_it_created(stage):
    async with stage.platform() as (where, simulator):
        first = await stage.run(where, stage.plan("small", 5))
        second = await stage.run(where, stage.plan("small", 8))
        report = await stage.destroy(where, Scope("small", "dev", second.run_id))
        assert report.status == "succeeded"
        assert sorted(row.item for row in report.items) == ["Item 6", "Item 7", "Item 8"]
        assert objects(simulator.ledger()) == {"connections": 2} | dict.fromkeys(list(NOTHING)[1:], 5)
        third = await stage.run(where, stage.plan("small", 8))
        found = teardown(stage.store, Scope("small", "dev", first.run_id))
        assert "base connection: used by what stays" in found.kept[0]
        report = await stage.run(where, found.plan, wishes=Wishes(fresh=True))
        assert report.status == "succeeded"
        assert simulator.ledger()["violations"] == []
        assert [row.status for row in third.items].count("created") == 3
        assert objects(simulator.ledger())["flows"] == 3


@pytest.mark.parametrize("after", [1, 30, 55])
async def test_interrupted_it_is_continued(stage, after):
    watch, settled = Watch(), []

    def kill(tell):
        if tell.name == "settled":
            settled.append(tell.job)
            if len(settled) == after:
                watch.cancel()

    async with stage.platform(delete_seconds=600.0) as (where, simulator):
        await stage.run(where, stage.plan())
        simulator.set_faults(TROUBLES["lost after commit"])
        first = await stage.destroy(where, watch=watch, observers=(kill,))
        assert first.status == "interrupted"
        found = teardown(stage.store, Scope("small", "dev"))
        assert found.continues is not None
        report = await stage.destroy(where)
        ledger = simulator.ledger()
    assert report.run_id == first.run_id
    assert report.status == "succeeded"
    assert {row.status for row in report.items} == {"deleted"}
    assert objects(ledger) == NOTHING
    assert ledger["violations"] == []


async def test_a_resume_of_what_has_ended_meanwhile_begins_nothing(stage):
    """Another process may finish it between the choice and the start."""
    from headgate.errors import UsageError

    async with stage.platform() as (where, simulator):
        plan = stage.plan("small", 1)
        done = await stage.run(where, plan)
        sent = simulator.ledger()["requests"]["total"]
        with pytest.raises(UsageError, match="not unfinished any more"):
            await stage.run(where, plan, wishes=Wishes(resume=done.run_id))
        assert simulator.ledger()["requests"]["total"] == sent
    assert len(stage.store.runs()) == 1


async def test_a_run_refuses_to_make_what_an_unfinished_destroy_deletes(stage):
    from headgate.errors import UsageError

    watch = Watch()

    def kill(tell):
        if tell.name == "settled":
            watch.drain()

    async with stage.platform() as (where, _):
        await stage.run(where, stage.plan())
        stopped = await stage.destroy(where, watch=watch, observers=(kill,))
        with pytest.raises(UsageError, match="unfinished") as caught:
            await stage.run(where, stage.plan())
        assert stopped.run_id in caught.value.hint
        assert (await stage.run(where, stage.plan(), wishes=Wishes(fresh=True))).status == "succeeded"


async def test_an_unfinished_run_is_ended_and_what_it_may_have_made_is_found(stage):
    """Killed while creations were on their way: some exist, and no store knows their ids."""
    watch, sent = Watch(), []

    def kill(tell):
        if tell.name == "settled":
            sent.append(tell)
            if len(sent) == 30:
                watch.cancel()

    async with stage.platform(latency_s=0.02) as (where, simulator):
        first = await stage.run(where, stage.plan(), watch=watch, observers=(kill,))
        assert first.status == "interrupted"
        found = teardown(stage.store, Scope("small", "dev"))
        assert found.doubtful
        report = await stage.destroy(where)
        ledger = simulator.ledger()
    assert report.status == "succeeded", report.failures
    assert objects(ledger) == NOTHING
    assert ledger["violations"] == []
    assert not stage.store.run(first.run_id).unfinished


async def test_refused_credentials_forget_nothing(stage):
    async with stage.platform() as (where, simulator):
        await stage.run(where, stage.plan())
        known = dict(stage.store.known("dev"))
        simulator.set_faults([Fault("status", path="/data/", status=403)])
        report = await stage.destroy(where)
        assert report.exit_code == 3
        simulator.set_faults([Fault("html", path="/data/", status=404)])
        report = await stage.destroy(where)
        assert report.exit_code == 1
        assert dict(stage.store.known("dev")) == known
        simulator.set_faults([])
        assert (await stage.destroy(where)).status == "succeeded"
        assert objects(simulator.ledger()) == NOTHING


# -- sweep


async def test_a_lost_store_is_swept_adopted_and_used_again(stage):
    clock = SystemClock()
    async with stage.platform(seed_counts={"flows": 30}, default_limit=7) as (where, simulator):
        plan = stage.plan()
        await stage.run(where, plan)
        before = simulator.ledger()
        assert strays(await look(where, "dev", clock, Wishes()), stage.store.known("dev")) == []
        stage.lose_the_store()
        seen = await look(where, "dev", clock, Wishes())
        assert len(seen) == sum(before["objects"].values())
        found = strays(seen, stage.store.known("dev"))
        assert len(found) == sum(FULL.values())
        match = matched(plan, seen, stage.store.known("dev"))
        assert len(match.found) == len(found)
        report = await adopt(stage.store, match, {"path": "m.yaml"}, clock)
        assert report.status == "succeeded"
        assert [row.status for row in report.items] == ["reused"] * ITEMS
        assert strays(seen, stage.store.known("dev")) == []
        again = await stage.run(where, plan)
        assert {row.status for row in again.items} == {"reused"}
        assert "GET /flows" not in again.requests["byEndpoint"], "nothing is looked for"
        assert simulator.ledger()["created"] == before["created"]
        assert (await stage.destroy(where)).status == "succeeded"
        ledger = simulator.ledger()
    # Who made the profile store's connection nobody knows any more: another store may use it.
    assert ledger["deleted"] == {**FULL, "connections": 1}
    assert ledger["violations"] == []


async def test_swept_and_deleted(stage):
    clock = SystemClock()
    async with stage.platform(seed_counts={"flows": 3}, delete_seconds=600.0) as (where, simulator):
        theirs = simulator.ledger()["objects"]
        await stage.run(where, stage.plan())
        stage.lose_the_store()
        simulator.set_faults(TROUBLES["lost after commit"])
        seen = await look(where, "dev", clock, Wishes())
        plan = deletion(seen, strays(seen, {}), "dev")
        report = await stage.run(where, plan)
        ledger = simulator.ledger()
    assert report.status == "succeeded"
    assert {row.status for row in report.items} == {"deleted"}
    assert objects(ledger) == theirs
    assert ledger["violations"] == []


async def test_a_stray_that_something_known_uses_stays(stage):
    """The store knows the flows, and has forgotten the rest."""
    clock = SystemClock()
    async with stage.platform() as (where, simulator):
        await stage.run(where, stage.plan("small", 3))
        seen = await look(where, "dev", clock, Wishes())
        known = {one.marker: (one.id, "d") for one in seen if one.collection == "flows"}
        plan = deletion(seen, strays(seen, known), "dev")
        assert not plan.jobs
        assert len(plan.items) == len(seen) - 3
        assert simulator.ledger()["violations"] == []


async def test_a_second_object_under_a_known_mark_is_a_stray_and_not_adopted(stage):
    async with stage.platform() as (where, _):
        plan = stage.plan("small", 1)
        await stage.run(where, plan)
        seen = await look(where, "dev", SystemClock(), Wishes())
        known = stage.store.known("dev")
        flow = next(one for one in seen if one.collection == "flows")
        twin = replace(flow, id="twin")
        assert strays([*seen, twin], known) == [twin]
        assert list(matched(plan, [*seen, twin], known).twins) == [flow.marker]
        assert not matched(plan, [*seen, twin], known).found
        # Nothing known: which of the two is the one? And what is in doubt is its run's to look for.
        assert list(matched(plan, [*seen, twin], {}).twins) == [flow.marker]
        assert strays(seen, {**known, flow.marker: ("", "d")}) == []
