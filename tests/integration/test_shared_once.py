"""What a sandbox has once, wanted by two runs in one instant: the platform's ledger says that it was made once."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from headgate.embedded import simulated
from headgate.launch import Watch, execute
from headgate.manifest.kinds import GRAMMARS
from headgate.manifest.load import load
from headgate.pacing import RetryPolicy
from headgate.settings import Limits, Profile
from headgate.simulator import Fault
from headgate.store import open_store
from headgate.workflows.compile import compile_plan

STORE, LAG_S = "base:profile-store", 45.0
MANIFEST = """
headgate: 1
name: {name}
connections:
  s3:
    name: bucket of {name}
    destination: amazon_s3
    auth: {{specName: Access Key, params: {{s3AccessKey: FAKEFAKEFAKEFAKEFAKE, s3SecretKey: fake/secret/key/for/the/embedded/server+}}}}
entries:
  - kind: audience-export
    name: "{name} ${{row}}"
    foreach: {{range: [1, 3]}}
    connection: s3
    target: {{bucketName: acme-exports, path: "{name}/${{row}}", fileType: CSV, compression: GZIP}}
    audiences:
      - {{id: 00000000-0000-4000-8000-000000000001, exportMode: DAILY_FULL_EXPORT,
         schedule: {{frequency: DAILY, triggerType: SCHEDULED, startDate: "2020-01-01", startTime: "17:00", endDate: "2099-01-01"}}}}
"""


class Party:
    """A run of a manifest of its own; ``on`` is what is done when it is told so of the profile store's connection."""

    def __init__(self, folder, name, **on):
        self.folder, self.name, self.on = folder, name, on
        self.holds: list[str] = []
        self.watch = Watch()

    async def run(self, where):
        path = self.folder / f"{self.name}.yaml"
        path.write_text(MANIFEST.format(name=self.name))
        plan = compile_plan(load(path, grammars=GRAMMARS, env={}), "dev")
        store = open_store(self.folder / "state.db")

        def hear(tell):
            if tell.job < 0 or self.watch.machine.jobs[tell.job].key != STORE:
                return
            if tell.name == "hold":
                self.holds.append(tell.fields["reason"])
            if tell.name in self.on:
                self.on[tell.name]()

        try:
            return await execute(plan, path=path, profile=where, store=store, watch=self.watch, observers=(hear,))
        finally:
            store.close()


@pytest.fixture
def platform(tmp_path):
    plain = replace(
        Profile.load(env={}, state=str(tmp_path / "state.db")),
        limits=Limits(rate="5000/s"),
        retry=RetryPolicy(attempts=8, first_s=0.01, cap_s=0.05, budget_floor=1000),
        timeout_s=2.0,
    )

    def begin(*faults):
        return simulated(plain, "dev", time_scale=600.0, faults=faults, list_lag_seconds=LAG_S)

    return begin


def creations(fault, **when):
    return Fault(fault, method="POST", path="/connections$", **when)


def made_once(ledger, *, runs=2):
    assert ledger["duplicates"] == []
    assert ledger["violations"] == []
    assert ledger["created"]["connections"] == runs + 1, "an account of each, and the profile store's, once"
    assert ledger["created"]["flows"] == 3 * runs


async def test_two_runs_in_one_instant_make_it_once_though_lists_lag(tmp_path, platform):
    parties = [Party(tmp_path, name) for name in ("left", "right")]
    async with platform() as (where, simulator):
        reports = await asyncio.gather(*(party.run(where) for party in parties))
        made_once(simulator.ledger())
    assert [report.status for report in reports] == ["succeeded"] * 2


@pytest.mark.parametrize("fault", [creations("lost-after-commit", times=3), creations("status", status=500, times=4)])
async def test_who_waits_for_one_in_trouble_says_so_and_uses_what_it_made(tmp_path, platform, fault):
    parties = [Party(tmp_path, name) for name in ("left", "right")]
    async with platform(fault) as (where, simulator):
        reports = await asyncio.gather(*(party.run(where) for party in parties))
        made_once(simulator.ledger())
    assert [report.status for report in reports] == ["succeeded"] * 2
    (waited,) = [party for party in parties if party.holds]
    (holder,) = [report.run_id for party, report in zip(parties, reports, strict=True) if party is not waited]
    assert len(waited.holds) == 1
    assert waited.holds[0].startswith(f"run {holder}, driven by process ")
    assert waited.holds[0].endswith(" is at work on headgate profile store")


async def test_who_is_refused_it_leaves_it_to_the_other(tmp_path, platform):
    parties = [Party(tmp_path, name) for name in ("left", "right")]
    # Of each run the first creation is refused or both; never that of the one whose turn comes second.
    async with platform(creations("status", status=400, body={"errorCode": "1418-400"}, times=3)) as (where, simulator):
        reports = await asyncio.gather(*(party.run(where) for party in parties))
        assert simulator.ledger()["created"]["connections"] == 1
    assert [report.status for report in reports] == ["failed"] * 2


async def test_what_a_drained_run_left_in_doubt_is_looked_for_by_the_next_and_used_by_both(tmp_path, platform):
    left, right = Party(tmp_path, "left", retry=lambda: left.watch.drain()), Party(tmp_path, "right")
    async with platform(creations("lost-after-commit", times=2)) as (where, simulator):
        first = await left.run(where)
        assert first.status == "interrupted"
        second = await right.run(where)
        assert second.status == "succeeded"
        assert right.holds == []
        resumed = await Party(tmp_path, "left").run(where)
        assert (resumed.run_id, resumed.status) == (first.run_id, "succeeded")
        made_once(simulator.ledger())


async def test_who_waits_goes_on_when_the_holder_is_drained(tmp_path, platform):
    lost = asyncio.Event()
    left = Party(tmp_path, "left", retry=lost.set)
    right = Party(tmp_path, "right", hold=left.watch.drain)
    async with platform(creations("lost-after-commit", times=2)) as (where, simulator):

        async def second():
            await lost.wait()
            return await right.run(where)

        reports = await asyncio.gather(left.run(where), second())
        assert [report.status for report in reports] == ["interrupted", "succeeded"]
        resumed = await Party(tmp_path, "left").run(where)
        assert resumed.status == "succeeded"
        made_once(simulator.ledger())
