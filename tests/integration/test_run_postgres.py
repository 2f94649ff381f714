"""Whole runs on the embedded platform with a PostgreSQL state, also while the server goes away; its ledger judges."""

from __future__ import annotations

import asyncio
import time

import pytest

from headgate.errors import StoreError
from headgate.embedded import simulated
from headgate.launch import execute
from headgate.store import open_store
from tests.integration.test_run_simulated import RUN_S, SCALE, judge, make_plan, profile

pytestmark = pytest.mark.real_time


@pytest.fixture
def plan(tmp_path):
    return make_plan(tmp_path)


async def life(tmp_path, plan, store, *, observers=()):
    """One life of the run; the report, and the ledger of the platform."""
    path = tmp_path / "small.yaml"
    async with simulated(
        profile(tmp_path), plan.sandbox, time_scale=SCALE, run_seconds=RUN_S
    ) as (where, simulator):  # fmt: skip
        report = await execute(plan, path=path, profile=where, store=store, observers=observers)
        return report, simulator.ledger()


class After:
    """An observer that does something once, in a thread, when so many jobs are settled."""

    def __init__(self, settled, do):
        self.left, self.do, self.done = settled, do, None

    def __call__(self, tell):
        if tell.name == "settled":
            self.left -= 1
            if self.left == 0:
                self.done = asyncio.get_running_loop().run_in_executor(None, self.do)


async def test_a_run_and_the_same_again(tmp_path, plan, postgres):
    for ids in ("created", "reused"):
        store = open_store(postgres)
        report, ledger = await life(tmp_path, plan, store)
        store.close()
        if ids == "created":
            judge(report, ledger)
        assert report.status == "succeeded"
        assert {one.status for one in report.items} == {ids}
        assert ledger["duplicates"] == ledger["violations"] == []
        assert ledger["created"]["flows"] == 10
        assert len(store_runs(postgres)) == (1 if ids == "created" else 2)


def store_runs(url):
    store = open_store(url, readonly=True)
    try:
        return list(store.runs())
    finally:
        store.close()


@pytest.mark.parametrize("settled", [3, 25])
async def test_the_server_restarts_in_the_middle_and_the_run_goes_on(
    tmp_path, plan, postgres, postgres_server, settled
):
    after = After(settled, postgres_server.restart)
    store = open_store(postgres)
    report, ledger = await life(tmp_path, plan, store, observers=(after,))
    await after.done
    judge(report, ledger)
    assert store.run(report.run_id).status == "succeeded"
    store.close()


async def test_the_server_stays_away_and_a_resume_completes_the_run(tmp_path, plan, postgres, postgres_server):
    """Exit 4, and whatever was durable is still good."""
    if not postgres_server.own:
        pytest.skip("the given server is not ours to stop")
    journals = []

    def leave():
        postgres_server.halt()
        journals[0].fresh_until_mono = time.monotonic() + 0.3  # nobody waits for a whole lease here

    store = open_store(postgres)
    made = store.journal
    store.journal = lambda run: journals.append(made(run)) or journals[0]
    after = After(12, leave)
    try:
        with pytest.raises(StoreError, match="cannot be reached") as caught:
            await life(tmp_path, plan, store, observers=(after,))
        assert caught.value.exit_code == 4
        await after.done
        store.close()
    finally:
        postgres_server.start()
    (run,) = store_runs(postgres)
    assert (run.status, run.unfinished) == ("running", True)
    postgres_server.sql(
        "UPDATE headgate.process SET expires_at = now() - interval '1 s'", postgres.split("/")[-1].split("?")[0]
    )
    again = open_store(postgres)
    report, ledger = await life(tmp_path, plan, again)
    again.close()
    assert report.run_id == run.id
    judge(report, ledger)
