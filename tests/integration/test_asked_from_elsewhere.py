"""What another process asks of a run that goes, through the store that both share: whole runs, judged by the ledger."""

from __future__ import annotations

import asyncio

import pytest

from headgate.store import open_store
from headgate.watch import Watch
from tests.integration.test_run_simulated import go, judge, make_plan


@pytest.fixture(autouse=True)
def _looks_all_the_time(monkeypatch):
    """Whoever drives a run looks with every group of its journal, and when there is nothing to write."""
    monkeypatch.setattr("headgate.store.sqlite_desk.LOOK_S", 0.0)
    monkeypatch.setattr("headgate.store.sqlite_desk.TELL_S", 0.0)
    monkeypatch.setattr("headgate.store.sqlite_journal.LOOK_S", 0.01)


def asked(tmp_path, watch, action):
    """As another process does."""
    store = open_store(tmp_path / "state.db")
    try:
        return store.ask(watch.run.id, action)
    finally:
        store.close()


class At:
    """An observer that asks something when so many jobs are settled."""

    def __init__(self, tmp_path, watch, settled, action):
        self.left, self.ask = settled, lambda: asked(tmp_path, watch, action)

    def __call__(self, tell):
        self.left -= tell.name == "settled"
        if tell.name == "settled" and self.left == 0:
            self.ask()


async def until(condition):
    for _ in range(200):
        if condition():
            return
        await asyncio.sleep(0.5)
    raise AssertionError("it never happened")


async def test_a_run_is_paused_and_goes_on_and_does_everything_once(tmp_path):
    watch, said = Watch(), []
    watch.say = said.append
    plan = make_plan(tmp_path)
    running = asyncio.create_task(go(tmp_path, plan, watch=watch, observers=(At(tmp_path, watch, 10, "pause"),)))
    await until(lambda: watch.paused)
    await until(lambda: not watch.runner.flying)
    sent = watch.tally.sent
    for _ in range(60):
        await asyncio.sleep(1.0)
    assert watch.tally.sent == sent, "nothing leaves, however long it is waited for"
    reading = open_store(tmp_path / "state.db", readonly=True)
    await until(lambda: reading.told(watch.run.id).get("paused"))
    reading.close()
    asked(tmp_path, watch, "go")
    report, ledger = await running
    judge(report, ledger)
    assert report.status == "succeeded"
    assert [words.partition(",")[0].partition(":")[0] for words in said] == ["paused from a live page", "goes on"]


@pytest.mark.parametrize("action", ["drain", "cancel"])
async def test_a_run_is_ended_and_resumed(tmp_path, action):
    watch = Watch()
    plan = make_plan(tmp_path)
    report, _ = await go(tmp_path, plan, watch=watch, observers=(At(tmp_path, watch, 10, action),))
    assert report.status == "interrupted"
    assert report.open_jobs > 0
    again = Watch()
    report, ledger = await go(tmp_path, plan, watch=again)
    assert (again.continued, again.paused, report.status) == (True, False, "succeeded")
    judge(report, ledger)
