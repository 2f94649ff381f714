"""What every state store must do. Subclass :class:`StoreSuite`, give it a ``place``, and every promise is tested.

A test module for a store is a few lines::

    class TestSqlite(StoreSuite):
        @pytest.fixture
        def place(self, tmp_path):
            return SqlitePlace(tmp_path / "state.db")

``place`` opens stores on one and the same state (``open()``, ``open(readonly=True)``) and can do to it what only
another machine, a crash or a vandal would do: ``holder_row``, ``expire``, ``make_newer``, ``corrupt``.
"""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import pytest

import headgate
from headgate.engine.record import Latest, Made, Record, fold, fold_latest
from headgate.errors import SchemaMismatch, StoreBusy, StoreError
from headgate.store import Leased, ObjectRow, RunRow, Store
from headgate.store.contract import LEASE_S
from headgate.store.holder import machine
from headgate.store.latest import STRETCH


class Place(Protocol):
    """One state, and how to get at it from several sides. ``where`` is its path or URL."""

    where: Any

    def locked(self) -> bool:
        """Whether somebody holds a lock on all of it."""

    def open(self, *, readonly: bool = False, lease_s: float = LEASE_S, org: str = "") -> Store: ...

    def empty(self) -> None:
        """Take everything away, as before any store was opened."""

    def holder_row(self, run: str, *, host: str, pid: int, machine: str = "") -> None:
        """Make a process of ``pid`` on ``host`` the holder of the run and its keys for a minute, as it would itself."""

    def expire(self) -> None:
        """Let the leases of all processes run out."""

    def make_newer(self) -> None:
        """As if a newer program had written the state."""

    def corrupt(self) -> None:
        """Break the state so that nothing in it can be read."""


def row(run: str = "r1", **changes: Any) -> RunRow:
    plain = RunRow(run, "spring", "/tmp/spring.yaml", "dev", "f" * 32, "running", 1000.0, args={"rate": "5/s"})
    return replace(plain, **changes)


def intent(job: int = 0, made: Made | None = None) -> Record:
    return Record("intent", job, {"at": "post", "posts": 1}, made)


def made(remote: str = "", marker: str = "[headgate:1]", digest: str = "d1") -> Made:
    return Made(marker, "flows", remote, "name", digest)


CHILD = """
import asyncio, sys
from headgate.engine.record import Made, Record
from headgate.errors import StoreError
from headgate.store import RunRow, open_store

async def main():
    store = open_store(sys.argv[1], lease_s=float(sys.argv[2]))
    store.begin(RunRow("r1", "spring", "", "dev", "f", "running", 1.0), b"")
    journal = store.journal("r1")
    journal.append(Record("intent", 0, {"n": 1}))
    journal.lease(["a"], ["flow 1"], lambda leased: None)
    await journal.flush()
    print("holding", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    journal.append(Record("settled", 0, {"n": 2}, Made("[headgate:1]", "flows", "id-1", "n", "d"), ("a",)))
    try:
        await journal.flush()
        print("written", flush=True)
    except StoreError as error:
        print(type(error).__name__, error, flush=True)

asyncio.run(main())
"""


@contextmanager
def other_process(place, lease_s: float = 60.0):
    """A process that drives r1, holds the key ``a``, and writes a record when it is told to."""
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(place.where), str(lease_s)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": str(Path(headgate.__file__).parents[1])},
    )  # fmt: skip
    try:
        assert child.stdout.readline() == "holding\n"
        yield child
    finally:
        child.kill()
        child.wait()
        child.stdin.close()
        child.stdout.close()


def freeze(place, child) -> None:
    """Stop ``child``, but not in the middle of a commit of a file: there it would lock it for everybody."""
    for _ in range(200):
        os.kill(child.pid, signal.SIGSTOP)
        if not place.locked():
            return
        os.kill(child.pid, signal.SIGCONT)
        time.sleep(0.01)
    raise AssertionError("it is always in the middle of a commit")


async def ask(journal, *keys: str, note: Any = ()) -> Leased:
    """The answer to asking for ``keys``."""
    answers: list[Leased] = []
    journal.lease(keys, note, answers.append)
    await asyncio.wait_for(journal.flush(), 10)
    assert len(answers) == 1
    return answers[0]


async def until(condition, seconds: float = 5.0) -> None:
    """Wait for a thread's work without guessing how long it takes."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never happened"
        await asyncio.sleep(0.001)


class StoreSuite:
    """The promises. ``place`` is the subclass's fixture."""

    @pytest.fixture
    def store(self, place):
        store = place.open()
        yield store
        store.close()

    @pytest.fixture
    async def claimed(self, store):
        """A store with run r1 claimed, and its journal."""
        store.begin(row(), b"outline")
        store.claim("r1")
        journal = store.journal("r1")
        yield store, journal
        journal.close()

    # -- runs

    def test_a_run_comes_back_as_it_was_begun(self, store):
        store.begin(row(), b"\x00outline\xff")
        assert store.run("r1") == row()
        assert store.outline("r1") == b"\x00outline\xff"

    def test_a_plan_is_kept_until_the_run_is_finished_with_nothing_open(self, place, store):
        plan = bytes(range(256)) * 5000
        store.begin(row(), b"outline", plan)
        store.begin(row("r2", manifest="other"), b"outline")
        assert (store.plan("r1"), store.plan("r2"), store.plan("nope")) == (plan, b"", b"")
        other = place.open(readonly=True)
        assert other.plan("r1") == plan
        other.close()
        store.finish("r1", "interrupted", 9.0, 3, {})
        assert store.plan("r1") == plan
        store.claim("r1")
        store.finish("r1", "succeeded", 9.0, 0, {})
        assert store.plan("r1") == b""
        assert store.outline("r1") == b"outline"

    def test_an_unknown_run_is_none_and_its_outline_an_error(self, store):
        assert store.run("nope") is None
        with pytest.raises(StoreError):
            store.outline("nope")
        assert list(store.records("nope")) == []
        assert store.holder("nope") is None

    def test_an_unknown_run_cannot_be_claimed_or_journaled(self, store):
        """Journaling into nothing would lose everything that is written."""

        async def journal():
            return store.journal("nope")

        with pytest.raises(StoreError):
            store.claim("nope")
            asyncio.run(journal())

    def test_a_run_that_was_not_claimed_has_no_journal(self, place, store):
        store.begin(row(), b"")
        later = place.open()

        async def journal():
            return later.journal("r1")

        with pytest.raises(StoreError):
            asyncio.run(journal())
        later.close()

    def test_of_two_who_begin_the_same_manifest_at_once_one_is_refused(self, place, store):
        other = place.open()
        store.begin(row("r1"), b"")
        with pytest.raises(StoreBusy) as caught:
            other.begin(row("r2"), b"")
        assert "r1" in str(caught.value)
        assert [one.id for one in store.runs()] == ["r1"]
        other.begin(row("r3", sandbox="prod"), b"")
        other.begin(row("r4", manifest="autumn"), b"")
        other.close()

    def test_a_new_run_may_begin_beside_one_whose_process_is_dead(self, place, store):
        place.open().begin(row("r1"), b"")
        place.holder_row("r1", host="here", pid=_dead_pid(), machine=machine())
        store.begin(row("r2"), b"")
        assert store.holder("r2") is not None

    def test_the_same_run_id_twice_is_an_error_and_changes_nothing(self, store):
        store.begin(row(), b"one")
        with pytest.raises(StoreError):
            store.begin(row(manifest="other"), b"two")
        assert store.outline("r1") == b"one"

    def test_a_begin_that_fails_leaves_nothing_to_act_on(self, place, store):
        """Its row of a process is taken back; whoever gets that number next must not be taken for it."""
        other, third = place.open(), place.open()
        other.begin(row("r1"), b"")
        with pytest.raises(StoreError):
            store.begin(row("r1", manifest="other"), b"")
        third.begin(row("r2", manifest="third"), b"")
        with pytest.raises(StoreBusy):
            store.claim("r2")
        assert len(store.runs()) == 2
        other.close()
        third.close()

    def test_runs_are_listed_newest_first(self, store):
        for run, at in (("old", 10.0), ("new", 30.0), ("mid", 20.0)):
            store.begin(row(run, started_at=at), b"")
        assert [one.id for one in store.runs()] == ["new", "mid", "old"]

    def test_no_runs_is_an_empty_list(self, store):
        assert list(store.runs()) == []

    def test_finish_says_how_it_ended_and_gives_the_claim_back(self, place, store):
        store.begin(row(), b"")
        store.claim("r1")
        store.finish("r1", "failed", 2000.0, 3, {"sent": 7, "byEndpoint": {"POST /flows": 7}})
        found = store.run("r1")
        assert (found.status, found.finished_at, found.open) == ("failed", 2000.0, 3)
        assert found.counters == {"sent": 7, "byEndpoint": {"POST /flows": 7}}
        assert found.unfinished
        assert store.holder("r1") is None
        other = place.open()
        other.claim("r1")
        assert other.run("r1").status == "running"
        assert other.run("r1").finished_at is None
        other.close()

    def test_a_finished_run_with_nothing_open_is_not_unfinished(self, store):
        store.begin(row(), b"")
        store.claim("r1")
        store.finish("r1", "succeeded", 2000.0, 0, {})
        assert not store.run("r1").unfinished

    def test_what_was_written_is_there_after_opening_again(self, place):
        store = place.open()
        store.begin(row(), b"x")
        store.claim("r1")
        store.finish("r1", "succeeded", 5.0, 0, {"sent": 1})
        store.close()
        again = place.open()
        assert again.run("r1").status == "succeeded"
        again.close()

    # -- the journal

    async def test_records_come_back_in_the_order_they_were_given(self, claimed):
        store, journal = claimed
        given = [
            Record(kind, number % 7, {"n": number, "text": "ü\u2028", "list": [1, None, {"a": 1.5}]})
            for number, kind in enumerate(["intent", "step", "settled"] * 100)
        ]
        given = [
            replace(one, data={**one.data, "ending": "succeeded"}) if one.kind == "settled" else one for one in given
        ]
        for one in given:
            journal.append(one)
        await journal.flush()
        assert list(store.records("r1")) == given

    async def test_then_is_called_only_once_the_record_is_durable(self, place, claimed):
        """At the moment of the call, somebody who opens the state anew already sees the record."""
        _, journal = claimed
        seen: list[list[Any]] = []

        def then(number):
            def look():
                other = place.open(readonly=True)
                seen.append([number, [one.data["n"] for one in other.records("r1")]])
                other.close()

            return look

        for number in range(5):
            journal.append(Record("intent", 0, {"n": number}), then(number))
        assert seen == [], "called before anything can have been written"
        await until(lambda: len(seen) == 5)
        for number, (called, found) in enumerate(seen):
            assert called == number, "callbacks in the order given"
            assert found[: number + 1] == list(range(number + 1))

    async def test_then_is_called_on_the_event_loop(self, claimed):
        _, journal = claimed
        import threading

        threads: list[int] = []
        journal.append(intent(), lambda: threads.append(threading.get_ident()))
        await until(lambda: threads)
        assert threads == [threading.get_ident()]

    async def test_flush_waits_for_everything_given_so_far(self, place, claimed):
        _, journal = claimed
        for number in range(2_000):
            journal.append(Record("step", number, {"n": number}))
        await journal.flush()
        other = place.open(readonly=True)
        assert sum(1 for _ in other.records("r1")) == 2_000
        other.close()

    async def test_an_empty_flush_returns(self, claimed):
        _, journal = claimed
        await asyncio.wait_for(journal.flush(), 5)

    async def test_close_writes_what_was_given_before_it(self, place, store):
        store.begin(row(), b"")
        store.claim("r1")
        journal = store.journal("r1")
        journal.append(intent())
        journal.close()
        assert len(list(store.records("r1"))) == 1

    async def test_counters_travel_with_the_next_group(self, claimed):
        store, journal = claimed
        journal.count({"sent": 3})
        journal.append(intent())
        await journal.flush()
        assert store.run("r1").counters == {"sent": 3}

    async def test_a_second_life_appends_after_the_first(self, place):
        store = place.open()
        store.begin(row(), b"")
        for life in range(3):
            store.claim("r1")
            journal = store.journal("r1")
            journal.append(Record("step", life, {"life": life}))
            await journal.flush()
            journal.close()
            store.close()
            store = place.open()
        assert [one.data["life"] for one in store.records("r1")] == [0, 1, 2]
        store.close()

    async def test_journals_of_two_runs_do_not_mix(self, store):
        for run in ("r1", "r2"):
            store.begin(row(run), b"")
            store.claim(run)
        one, two = store.journal("r1"), store.journal("r2")
        one.append(Record("step", 1, {}))
        two.append(Record("step", 2, {}))
        await one.flush()
        await two.flush()
        one.close()
        two.close()
        assert [record.job for record in store.records("r1")] == [1]
        assert [record.job for record in store.records("r2")] == [2]

    async def test_a_fold_of_the_stored_records_is_the_fold_of_the_given_ones(self, claimed):
        store, journal = claimed
        given = [
            intent(0),
            Record("step", 0, {"at": "runs"}),
            intent(1),
            Record(
                "settled",
                1,
                {"ending": "failed", "problem": [400, "c", "m", "", ""], "children": [["k", "adhoc", {"pairs": []}]]},
            ),
        ]
        for one in given:
            journal.append(one)
        await journal.flush()
        assert fold(store.records("r1")) == fold(given)

    async def test_the_last_record_of_each_job_is_what_a_fold_of_all_makes_of_them(self, place, claimed, monkeypatch):
        store, journal = claimed
        child = {"ending": "succeeded", "children": [["k", "adhoc", {"pairs": []}]]}
        given = [
            intent(7), Record("step", 7, {"at": "runs", "text": 'a,b]"'}), intent(7), intent(3), intent(4),
            Record("settled", 3, child), Record("step", 4, {}), intent(5), Record("settled", 7, child),
            Record("settled", 1, {"ending": "skipped", "cause": "x"}), intent(9), Record("step", 9, {"at": "late"}),
        ]  # fmt: skip
        assert store.latest("r1") == Latest(0, {}, ())
        for one in given[:6]:
            journal.append(one)
        await journal.flush()
        early = store.latest("r1")
        for one in given[6:]:
            journal.append(one)
        await journal.flush()
        whole = fold(given)
        other = place.open(readonly=True)
        for stretch in (STRETCH, 5, 1):
            monkeypatch.setattr("headgate.store.latest.STRETCH", stretch)
            for past in (
                fold_latest(other.latest("r1")),
                fold_latest(other.latest("r1", early.number), fold_latest(early)),
            ):
                assert past.settled() == whole.settled()
                assert list(past.settled()) == [3, 7, 1]
                assert past.children == whole.children
                assert past.jobs == {i: job for i, job in whole.jobs.items() if job.settled is None}
        assert other.latest("r1", len(given)) == Latest(len(given), {}, ())
        assert other.latest("nope") == Latest(0, {}, ())
        other.close()

    async def test_what_cannot_be_written_breaks_the_journal_and_does_not_hang(self, claimed):
        """A secret, say, that reached a record by mistake: loud, and within the run's error tree."""
        from headgate.secret import Secret

        _, journal = claimed
        journal.append(Record("step", 0, {"oops": Secret("s3cr3t")}))
        with pytest.raises(StoreError) as caught:
            await asyncio.wait_for(journal.flush(), 5)
        assert "s3cr3t" not in str(caught.value)

    # -- objects

    async def test_an_intent_leaves_its_object_in_doubt_and_an_answer_ends_the_doubt(self, place, claimed):
        store, journal = claimed
        assert store.known("dev") == {}
        journal.append(intent(0, made()))
        await journal.flush()
        assert store.known("dev") == {"[headgate:1]": ("", "d1")}
        journal.append(Record("settled", 0, {"ending": "succeeded"}, made("id-1")))
        await journal.flush()
        assert store.known("dev") == {"[headgate:1]": ("id-1", "d1")}
        assert store.known("prod") == {}
        other = place.open(readonly=True)
        assert other.known("dev") == {"[headgate:1]": ("id-1", "d1")}
        other.close()

    async def test_objects_can_be_asked_for_by_their_marks(self, claimed):
        store, journal = claimed
        for number in range(5):
            journal.append(intent(number, made("", f"[headgate:{number}]")))
        await journal.flush()
        wanted = ["[headgate:3]", "[headgate:1]", "[headgate:77]", 'it\'s "odd"']
        assert store.known("dev", wanted) == {"[headgate:1]": ("", "d1"), "[headgate:3]": ("", "d1")}
        assert store.known("dev", []) == {}
        assert store.known("prod", wanted) == {}
        assert len(store.known("dev")) == 5

    async def test_an_intent_taken_back_ends_the_doubt_and_nothing_else(self, claimed):
        store, journal = claimed
        journal.append(intent(0, made()))
        journal.append(Record("step", 0, {}, made()))
        journal.append(Record("settled", 1, {"ending": "succeeded"}, made("id-2", "[headgate:2]")))
        journal.append(Record("step", 1, {}, made("", "[headgate:2]")))
        await journal.flush()
        assert store.known("dev") == {"[headgate:2]": ("id-2", "d1")}

    async def test_a_later_intent_does_not_put_a_known_object_in_doubt_again(self, claimed):
        store, journal = claimed
        journal.append(intent(0, made("id-1")))
        journal.append(intent(0, made("", digest="d2")))
        await journal.flush()
        assert store.known("dev") == {"[headgate:1]": ("id-1", "d1")}

    async def test_objects_say_who_made_them_and_how_they_were_found(self, place, claimed):
        store, journal = claimed
        journal.append(intent(0, made(marker="[headgate:0]")))
        for number, found in enumerate(("", "after", "before", "sweep"), 1):
            one = replace(made(f"id-{number}", f"[headgate:{number}]"), found=found)
            journal.append(Record("settled", number, {"ending": "succeeded"}, one))
        await journal.flush()
        expected = [
            ObjectRow("[headgate:0]", "flows", "", "name", "r1", ""),
            *(
                ObjectRow(f"[headgate:{number}]", "flows", f"id-{number}", "name", "r1", found)
                for number, found in enumerate(("", "after", "before", "sweep"), 1)
            ),
        ]
        assert list(store.objects("dev")) == expected
        assert list(store.objects("prod")) == []
        other = place.open(readonly=True)
        assert list(other.objects("dev")) == expected
        other.close()

    async def test_an_object_that_a_later_run_changes_stays_the_first_ones(self, store):
        for run, found, remote in (("r1", "", "id-1"), ("r2", "updated", "id-1"), ("r3", "after", "id-2")):
            store.begin(row(run, manifest=run), b"")
            journal = store.journal(run)
            one = replace(made(remote, digest=run), found=found)
            journal.append(Record("settled", 0, {"ending": "succeeded"}, one))
            await journal.flush()
            journal.close()
            kept = [(one.id, one.run, one.found) for one in store.objects("dev")]
            assert kept == ([("id-2", "r3", "after")] if run == "r3" else [("id-1", "r1", "")])
            assert store.known("dev") == {"[headgate:1]": (remote, run)}

    async def test_what_is_gone_is_forgotten_by_its_id_or_as_a_doubt(self, claimed):
        """By whatever marker it was known: a job that deletes it may know nothing but its id."""
        store, journal = claimed
        for number in range(1, 5):
            one = made(f"id-{number}", f"[headgate:{number}]")
            journal.append(Record("settled", number, {"ending": "succeeded"}, one))
        journal.append(intent(5, made(marker="[headgate:5]")))
        journal.append(intent(6, made(marker="[headgate:6]")))
        await journal.flush()
        gone = {"ending": "succeeded", "output": {"gone": True}}
        journal.append(Record("settled", 11, gone, Made("", "flows", "id-1", "", "", gone=True)))
        journal.append(Record("settled", 12, gone, Made("[headgate:2]", "flows", "id-2", "name", "", gone=True)))
        journal.append(Record("settled", 13, gone, Made("[headgate:5]", "flows", "", "name", "", gone=True)))
        # Not what was meant: another collection, and an id that is not the one known by that marker.
        journal.append(Record("settled", 14, gone, Made("", "connections", "id-3", "", "", gone=True)))
        journal.append(Record("settled", 15, gone, Made("[headgate:4]", "flows", "another", "", "", gone=True)))
        await journal.flush()
        assert sorted(store.known("dev")) == ["[headgate:3]", "[headgate:4]", "[headgate:6]"]
        # And what was made since the first of them went.
        journal.append(Record("settled", 16, {"ending": "succeeded"}, made("id-7", "[headgate:7]")))
        await journal.flush()
        journal.append(Record("settled", 17, gone, Made("", "flows", "id-7", "", "", gone=True)))
        await journal.flush()
        assert sorted(store.known("dev")) == ["[headgate:3]", "[headgate:4]", "[headgate:6]"]

    async def test_what_is_gone_is_forgotten_though_another_process_has_made_it_meanwhile(self, place):
        deleting, making = place.open(), place.open()
        deleting.begin(row("r1"), b"")
        making.begin(row("r2", manifest="other"), b"")
        deletes, makes = deleting.journal("r1"), making.journal("r2")
        well = {"ending": "succeeded"}
        makes.append(Record("settled", 0, well, made("id-1", "[headgate:1]")))
        makes.append(intent(1, made(marker="[headgate:2]")))
        await makes.flush()
        deletes.append(Record("settled", 0, well, Made("", "flows", "id-1", "", "", gone=True)))
        await deletes.flush()
        makes.append(Record("settled", 1, well, made("id-2", "[headgate:2]")))
        makes.append(Record("settled", 2, well, made("id-3", "[headgate:3]")))
        await makes.flush()
        deletes.append(Record("settled", 1, well, Made("", "flows", "id-2", "", "", gone=True)))
        deletes.append(Record("settled", 2, well, Made("", "flows", "id-3", "", "", gone=True)))
        await deletes.flush()
        assert deleting.known("dev") == {}
        for each in (deletes, makes, deleting, making):
            each.close()

    async def test_what_is_gone_from_one_sandbox_stays_in_the_other(self, store):
        for run, sandbox in (("r1", "dev"), ("r2", "prod")):
            store.begin(row(run, sandbox=sandbox), b"")
            journal = store.journal(run)
            journal.append(Record("settled", 0, {"ending": "succeeded"}, made("id-1")))
            await journal.flush()
            if sandbox == "prod":
                journal.append(Record("settled", 1, {"ending": "succeeded"}, replace(made("id-1"), gone=True)))
                await journal.flush()
            journal.close()
        assert list(store.known("dev")) == ["[headgate:1]"]
        assert list(store.known("prod")) == []

    async def test_what_was_forgotten_can_be_made_again(self, claimed):
        store, journal = claimed
        journal.append(Record("settled", 0, {"ending": "succeeded"}, made("id-1")))
        journal.append(Record("settled", 1, {"ending": "succeeded"}, replace(made("id-1"), gone=True)))
        await journal.flush()
        journal.append(intent(2, made()))
        journal.append(Record("settled", 2, {"ending": "succeeded"}, made("id-2")))
        await journal.flush()
        assert store.known("dev") == {"[headgate:1]": ("id-2", "d1")}

    async def test_objects_belong_to_a_sandbox(self, store):
        for run, sandbox in (("r1", "dev"), ("r2", "prod")):
            store.begin(row(run, sandbox=sandbox), b"")
            store.claim(run)
            journal = store.journal(run)
            journal.append(Record("settled", 0, {"ending": "succeeded"}, made(f"id-{sandbox}")))
            await journal.flush()
            journal.close()
        assert store.known("dev")["[headgate:1]"][0] == "id-dev"
        assert store.known("prod")["[headgate:1]"][0] == "id-prod"

    async def test_an_object_in_doubt_outlives_the_process(self, place):
        store = place.open()
        store.begin(row(), b"")
        store.claim("r1")
        journal = store.journal("r1")
        journal.append(intent(0, made()))
        await journal.flush()
        journal.close()
        store.close()
        again = place.open()
        assert again.known("dev") == {"[headgate:1]": ("", "d1")}
        again.close()

    # -- who has a run

    def test_a_run_held_by_a_living_process_is_busy(self, place, store):
        """Here the other process is this very one, through a second store."""
        other = place.open()
        other.begin(row(), b"")
        with pytest.raises(StoreBusy) as caught:
            store.claim("r1")
        assert str(os.getpid()) in str(caught.value)
        assert store.holder("r1") is not None
        assert store.run("r1").status == "running"
        other.close()

    def test_claiming_what_one_has_is_harmless(self, store):
        store.begin(row(), b"")
        store.claim("r1")
        store.claim("r1")

    def test_a_closed_store_holds_nothing(self, place, store):
        other = place.open()
        other.begin(row(), b"")
        other.close()
        assert store.holder("r1") is None
        store.claim("r1")

    def test_a_process_on_another_host_is_believed_until_its_lease_ends(self, place, store):
        store.begin(row(), b"")
        place.holder_row("r1", host="elsewhere", pid=1, machine="another boot")
        with pytest.raises(StoreBusy):
            store.claim("r1")
        place.expire()
        assert store.holder("r1") is None
        store.claim("r1")
        assert "elsewhere" not in str(store.holder("r1"))

    def test_the_run_of_a_dead_process_is_taken_over_at_once(self, place, store):
        """kill -9 leaves a lease that has not run out; on one host nobody waits for it."""
        pid = _dead_pid()
        store.begin(row(), b"")
        place.holder_row("r1", host="here", pid=pid, machine=machine())
        assert store.holder("r1") is None
        store.claim("r1")
        assert str(os.getpid()) in str(store.holder("r1"))

    async def test_a_fenced_journal_writes_nothing_and_says_so(self, place, store):
        """Two drivers of one run would send everything twice: the late one must lose."""
        store.begin(row(), b"")
        store.claim("r1")
        journal = store.journal("r1")
        journal.append(intent(0))
        await journal.flush()
        place.expire()
        other = place.open()
        other.claim("r1")
        called: list[int] = []
        journal.append(intent(1), lambda: called.append(1))
        with pytest.raises(StoreError):
            await asyncio.wait_for(journal.flush(), 5)
        assert called == [], "its request would have left"
        journal.close()
        mine = other.journal("r1")
        mine.append(intent(2))
        await mine.flush()
        mine.close()
        assert [one.job for one in other.records("r1")] == [0, 2]
        other.close()

    async def test_a_process_number_means_nothing_on_another_machine(self, place, store):
        """Nor in another container, nor after a restart: only the lease tells."""
        for where in ("", f"{machine()} but another boot"):
            run = f"r {where}"
            store.begin(row(run, manifest=run), b"")
            place.holder_row(run, host="here", pid=_dead_pid(), machine=where)
            with pytest.raises(StoreBusy):
                store.claim(run)

    def test_who_is_busy_says_since_when(self, place, store):
        other = place.open()
        other.begin(row(), b"")
        with pytest.raises(StoreBusy, match=r"since \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC") as caught:
            store.claim("r1")
        assert "r1" in str(caught.value)
        other.close()

    async def test_a_new_run_beside_a_silent_one_ends_what_that_one_could_do(self, place, store):
        """It was only stopped, and comes back: two runs of one manifest must not be at work together."""
        late = place.open()
        late.begin(row("r1"), b"")
        journal = late.journal("r1")
        place.expire()
        store.begin(row("r2"), b"")
        journal.append(intent())
        with pytest.raises(StoreError, match="taken over"):
            await journal.flush()
        journal.close()
        assert list(store.records("r1")) == []
        late.close()

    async def test_the_journal_of_a_run_that_was_given_back_writes_nothing(self, place, store):
        store.begin(row(), b"")
        journal = store.journal("r1")
        store.finish("r1", "interrupted", 1.0, 1, {})
        other = place.open()
        other.claim("r1")
        journal.append(intent())
        with pytest.raises(StoreError, match=f"taken over by process {os.getpid()} on"):
            await journal.flush()
        journal.close()
        other.close()

    async def test_who_ends_a_run_that_another_has_by_now_is_told_so(self, place, store):
        store.begin(row(), b"")
        store.finish("r1", "interrupted", 1.0, 1, {})
        other = place.open()
        other.claim("r1")
        with pytest.raises(StoreError, match="run r1 was taken over by another process; this one has stopped"):
            store.finish("r1", "succeeded", 2.0, 0, {})
        with pytest.raises(StoreError, match="was taken over"):
            store.journal("r1")
        other.close()

    async def test_a_claim_is_fresh_for_a_little_less_than_its_lease(self, place):
        store = place.open(lease_s=30.0)
        before = time.monotonic()
        store.begin(row(), b"")
        journal = store.journal("r1")
        assert before + 28.9 <= journal.fresh_until_mono <= time.monotonic() + 29.0
        given = time.monotonic()
        await journal.flush()
        assert given + 28.9 <= journal.fresh_until_mono <= time.monotonic() + 29.0
        journal.close()
        store.close()

    async def test_an_idle_journal_keeps_saying_that_it_lives(self, place, store):
        holding = place.open(lease_s=0.6)
        holding.begin(row(), b"")
        journal = holding.journal("r1")
        fresh = journal.fresh_until_mono
        await until(lambda: journal.fresh_until_mono > fresh + 0.5)
        assert store.holder("r1") is not None
        journal.close()
        holding.close()

    def test_only_who_has_a_run_may_end_it(self, place, store):
        """A process that slept through its lease must not end the run that another has taken over."""
        store.begin(row(), b"")
        store.claim("r1")
        place.expire()
        other = place.open()
        other.claim("r1")
        with pytest.raises(StoreError):
            store.finish("r1", "succeeded", 1.0, 0, {})
        assert other.run("r1").status == "running"
        assert other.holder("r1") is not None
        other.close()

    def test_a_store_that_lost_a_run_can_claim_again_later(self, place, store):
        store.begin(row(), b"")
        store.claim("r1")
        place.expire()
        other = place.open()
        other.claim("r1")
        other.finish("r1", "interrupted", 1.0, 2, {})
        store.claim("r1")
        assert store.holder("r1") is not None
        with pytest.raises(StoreBusy):
            other.claim("r1")
        other.close()

    def test_a_claim_renews_a_lease_that_ran_out(self, place, store):
        store.begin(row(), b"")
        store.begin(row("r2"), b"")
        store.claim("r1")
        place.expire()
        store.claim("r2")
        assert store.holder("r2") is not None

    async def test_a_run_another_store_has_cannot_be_journaled(self, place, store):
        store.begin(row(), b"")
        other = place.open()
        other.begin(row("r2", manifest="other"), b"")
        with pytest.raises(StoreError):
            store.journal("r2")
        other.close()

    async def test_a_journal_keeps_its_lease_alive(self, place, claimed):
        store, journal = claimed
        place.expire()
        assert store.holder("r1") is None
        journal.append(intent())
        await journal.flush()
        assert store.holder("r1") is not None

    # -- keys

    async def test_keys_are_granted_all_or_none(self, place, claimed):
        store, journal = claimed
        other = place.open()
        other.begin(row("r2", manifest="other"), b"")
        rival = other.journal("r2")
        assert await ask(journal, "a", "b") == Leased()
        refused = await ask(rival, "b", "c")
        assert refused.by.startswith(f"run r1, driven by process {os.getpid()} on ")
        assert 0 <= refused.since_s < 5
        assert refused.notes == ()
        assert await ask(journal, "c", "d") == Leased(), "the refused one took nothing"
        assert await ask(rival, "e") == Leased()
        rival.close()
        other.close()

    async def test_what_a_run_has_it_may_ask_for_again(self, claimed):
        _, journal = claimed
        assert await ask(journal, "a") == Leased()
        assert await ask(journal, "a", "b") == Leased()
        assert await ask(journal) == Leased()

    async def test_two_runs_of_one_process_do_not_share_keys(self, claimed):
        store, journal = claimed
        store.begin(row("r2", manifest="other"), b"")
        rival = store.journal("r2")
        await ask(journal, "a")
        assert (await ask(rival, "a")).by.startswith("run r1")
        rival.close()

    async def test_answers_come_on_the_loop_in_order_with_the_records(self, claimed):
        store, journal = claimed
        seen: list[Any] = []
        journal.append(intent(0), lambda: seen.append("first"))
        journal.lease(["a"], [], lambda leased: seen.append(leased))
        journal.append(intent(1), lambda: seen.append(len(list(store.records("r1")))))
        await journal.flush()
        assert seen == ["first", Leased(), 2]

    async def test_a_record_frees_keys_with_the_group_that_holds_it(self, place, claimed):
        _, journal = claimed
        other = place.open()
        other.begin(row("r2", manifest="other"), b"")
        rival = other.journal("r2")
        await ask(journal, "a", "b")
        await ask(rival, "c")
        journal.append(Record("settled", 0, {"ending": "succeeded"}, frees=("a", "c")))
        await journal.flush()
        assert await ask(rival, "a") == Leased(), "notes leave with the key"
        assert (await ask(rival, "b")).by
        assert (await ask(journal, "c")).by, "nobody frees what another has"
        assert list(other.records("r1")) == [Record("settled", 0, {"ending": "succeeded"})]
        rival.close()
        other.close()

    async def test_keys_freed_and_asked_for_in_one_group_follow_the_order_given(self, place, claimed):
        _, journal = claimed
        answers: list[Leased] = []
        journal.lease(["a"], ["f1"], answers.append)
        journal.append(Record("step", 0, {}, frees=("a",)))
        journal.lease(["a"], ["f2"], answers.append)
        journal.append(Record("step", 0, {}, frees=("a",)))
        journal.lease(["b"], [], answers.append)
        await journal.flush()
        assert answers == [Leased(), Leased(), Leased()]
        other = place.open()
        other.begin(row("r2", manifest="other"), b"")
        rival = other.journal("r2")
        assert await ask(rival, "a") == Leased()
        assert (await ask(rival, "b")).by
        rival.close()
        other.close()

    async def test_keys_of_the_dead_are_taken_with_their_notes_and_those_of_the_living_are_not(self, place, claimed):
        _, journal = claimed
        others = []
        for number, run in enumerate(("r2", "r3")):
            other = place.open()
            other.begin(row(run, manifest=run), b"")
            others.append((other, other.journal(run)))
            await ask(others[-1][1], f"a{number}", note=[f"flow {number}", "flow x"])
        place.holder_row("r2", host="here", pid=_dead_pid(), machine=machine())
        assert (await ask(journal, "a0", "a1")).by.startswith("run r3")
        place.holder_row("r3", host="elsewhere", pid=1)
        assert (await ask(journal, "a1")).by == "run r3, driven by process 1 on elsewhere"
        place.expire()
        granted = await ask(journal, "a0", "a1", "a2", note=["mine"])
        assert (granted.by, set(granted.notes)) == ("", {"flow 0", "flow 1", "flow x"})
        assert len(granted.notes) == 3
        again = await ask(journal, "a0")
        assert again.notes == ("flow 0", "flow x", "mine"), "old and new together"
        for other, late in others:
            late.append(intent())
            with pytest.raises(StoreError, match="taken over"):
                await late.flush()
            late.close()
            other.close()

    async def test_a_late_holder_writes_no_group_frees_nothing_and_takes_nothing(self, place, store):
        late = place.open()
        late.begin(row(), b"")
        journal = late.journal("r1")
        await ask(journal, "a")
        place.expire()
        store.begin(row("r2", manifest="other"), b"")
        rival = store.journal("r2")
        assert (await ask(rival, "a")).by == ""
        called: list[Any] = []
        journal.append(Record("settled", 0, {}, made("id-1"), ("a",)), lambda: called.append(1))
        journal.lease(["z"], [], called.append)
        journal.count({"sent": 9})
        with pytest.raises(StoreError, match="taken over"):
            await asyncio.wait_for(journal.flush(), 5)
        journal.close()
        assert called == []
        assert list(store.records("r1")) == []
        assert store.known("dev") == {}
        assert store.run("r1").counters == {}
        third = place.open()
        third.begin(row("r3", manifest="third"), b"")
        looking = third.journal("r3")
        assert (await ask(looking, "a")).by.startswith("run r2")
        assert await ask(looking, "z") == Leased()
        with pytest.raises(StoreError):
            late.finish("r1", "succeeded", 1.0, 0, {})
        for one in (looking, rival):
            one.close()
        late.close()
        third.close()

    async def test_who_claims_a_run_has_its_keys(self, place, store):
        dead = place.open()
        dead.begin(row(), b"")
        journal = dead.journal("r1")
        await ask(journal, "a", note=["flow 1"])
        journal.close()
        dead.close()
        store.claim("r1")
        other = place.open()
        other.begin(row("r2", manifest="other"), b"")
        rival = other.journal("r2")
        assert (await ask(rival, "a")).by.startswith(f"run r1, driven by process {os.getpid()}")
        mine = store.journal("r1")
        assert (await ask(mine, "a")).notes == ("flow 1",)
        for one in (mine, rival):
            one.close()
        other.close()

    @pytest.mark.parametrize(("left", "abandoned"), [(0, False), (3, False), (0, True)])
    async def test_a_run_that_ends_gives_its_keys_back_and_leaves_notes_of_what_may_be_going_on(
        self, claimed, left, abandoned
    ):
        store, journal = claimed
        await ask(journal, "a", note=["flow 1"])
        store.finish("r1", "interrupted", 1.0, left, {}, abandoned=abandoned)
        assert store.run("r1").open == left
        store.begin(row("r2", manifest="other"), b"")
        rival = store.journal("r2")
        assert await ask(rival, "a") == Leased(notes=("flow 1",) if left or abandoned else ())
        rival.close()

    async def test_keys_belong_to_a_sandbox_and_an_organisation(self, place):
        stores, journals = [], []
        for number, (org, sandbox) in enumerate([("A", "dev"), ("A", "prod"), ("B", "dev")]):
            stores.append(place.open(org=org))
            stores[-1].begin(row(f"r{number}", sandbox=sandbox), b"")
            journals.append(stores[-1].journal(f"r{number}"))
            assert await ask(journals[-1], "a") == Leased()
        for journal in journals:
            journal.close()
        for store in stores:
            store.close()

    async def test_with_a_mark_comes_what_is_known_of_its_object(self, place, claimed):
        store, journal = claimed
        other = place.open()
        other.begin(row("r2", manifest="other"), b"")
        rival = other.journal("r2")
        mark = made().marker
        assert await ask(journal, mark) == Leased(), "nobody knows anything of it"
        journal.append(intent(0, made()))
        refused = await ask(rival, mark)
        assert (refused.by != "", refused.known) == (True, {}), "what its holder is about is not told"
        journal.append(Record("settled", 0, {"ending": "succeeded"}, made("x-1"), (mark,)))
        await journal.flush()
        granted = await ask(rival, "audience:a", mark)
        assert (granted.by, dict(granted.known)) == ("", {mark: ("x-1", "d1")})
        assert dict((await ask(rival, "audience:b")).known) == {}
        elsewhere = place.open()
        elsewhere.begin(row("r3", sandbox="prod"), b"")
        journals = [rival, elsewhere.journal("r3")]
        assert dict((await ask(journals[1], mark)).known) == {}
        for one in journals:
            one.close()
        for each in (other, elsewhere):
            each.close()

    async def test_with_the_mark_of_a_dead_holder_comes_that_its_object_is_in_doubt(self, place, claimed):
        _, journal = claimed
        dead = place.open()
        dead.begin(row("r2", manifest="other"), b"")
        theirs = dead.journal("r2")
        mark = made().marker
        await ask(theirs, mark)
        theirs.append(intent(0, made()))
        await theirs.flush()
        assert (await ask(journal, mark)).by
        place.expire()
        assert dict((await ask(journal, mark)).known) == {mark: ("", "d1")}
        with pytest.raises(StoreError, match="taken over"):
            theirs.append(Record("settled", 0, {"ending": "succeeded"}, made("x-1"), (mark,)))
            await theirs.flush()
        assert dict((await ask(journal, mark)).known) == {mark: ("", "d1")}
        theirs.close()
        dead.close()

    async def test_of_many_who_ask_at_once_one_is_granted(self, place):
        """Each from its own store, over and over: never two at a time, and everybody's turn comes."""
        stores = [place.open() for _ in range(4)]
        journals = []
        for number, store in enumerate(stores):
            store.begin(row(f"r{number}", manifest=str(number)), b"")
            journals.append(store.journal(f"r{number}"))
        holding: list[int] = []
        turns = [0] * len(stores)

        async def come(number):
            journal = journals[number]
            while turns[number] < 5:
                keys = [f"k{(number + step) % 4}" for step in range(3)]  # any two of them share a key
                if (await ask(journal, *keys)).by:
                    await asyncio.sleep(0.001)
                    continue
                holding.append(number)
                assert holding == [number]
                await asyncio.sleep(0)
                turns[number] += 1
                holding.remove(number)
                journal.append(Record("step", 0, {}, frees=tuple(keys)))
                await journal.flush()
                await asyncio.sleep(0.002)

        await asyncio.wait_for(asyncio.gather(*map(come, range(len(stores)))), 30)
        for journal, store in zip(journals, stores, strict=True):
            journal.close()
            store.close()

    # -- processes that die, or sleep

    @pytest.mark.skipif(not machine(), reason="this system does not say which boot it is")
    async def test_what_a_killed_process_held_is_free_at_once(self, place, store):
        with other_process(place) as child:
            child.kill()
            child.wait()
            journal = self._second(store)
            assert (await ask(journal, "a")).notes == ("flow 1",)
            store.claim("r1")
            assert [one.data["n"] for one in store.records("r1")] == [1]
            journal.close()

    @pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="this system freezes no process")
    async def test_a_process_frozen_past_its_lease_changes_nothing_when_it_comes_back(self, place, store):
        with other_process(place, lease_s=1.0) as child:
            freeze(place, child)
            journal = self._second(store)
            deadline = time.monotonic() + 20
            while (leased := await ask(journal, "a")).by:
                assert leased.by.startswith(f"run r1, driven by process {child.pid}"), leased
                assert time.monotonic() < deadline
                await asyncio.sleep(0.05)
            assert leased.notes == ("flow 1",)
            store.claim("r1")
            os.kill(child.pid, signal.SIGCONT)
            child.stdin.write("go\n")
            child.stdin.flush()
            said = await asyncio.to_thread(child.stdout.readline)
            assert re.match(rf"StoreError run r1 was taken over by process {os.getpid()} on \S+; this one has", said), (
                said
            )
            assert [one.data["n"] for one in store.records("r1")] == [1]
            assert store.known("dev") == {}
            journal.close()

    def _second(self, store):
        store.begin(row("r2", manifest="other"), b"")
        return store.journal("r2")

    def test_of_many_who_begin_one_manifest_at_once_one_does(self, place):
        import threading

        stores = [place.open() for _ in range(4)]
        barrier, begun, refused = threading.Barrier(4), [], []

        def come(number):
            barrier.wait()
            try:
                stores[number].begin(row(f"r{number}"), b"")
            except StoreBusy:
                refused.append(number)
            else:
                begun.append(number)

        threads = [threading.Thread(target=come, args=(number,)) for number in range(4)]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
        assert (len(begun), len(refused)) == (1, 3)
        assert len(stores[0].runs()) == 1
        for one in stores:
            one.close()

    # -- organisations

    async def test_two_organisations_share_a_state_and_see_only_their_own(self, place):
        stores = {org: place.open(org=org) for org in ("A", "B")}
        for org, store in stores.items():
            store.begin(row(f"r{org}"), b"")  # one manifest, one sandbox: still two runs
            journal = store.journal(f"r{org}")
            journal.append(Record("settled", 0, {"ending": "succeeded"}, made(f"id-{org}")))
            await journal.flush()
            journal.close()
        for org, store in stores.items():
            assert [one.id for one in store.runs()] == [f"r{org}"]
            assert store.known("dev") == {"[headgate:1]": (f"id-{org}", "d1")}
            assert [one.id for one in store.objects("dev")] == [f"id-{org}"]
        everything = place.open(readonly=True)
        assert {one.id for one in everything.runs()} == {"rA", "rB"}
        assert {one.id for one in everything.objects("dev")} == {"id-A", "id-B"}
        everything.close()
        stores["A"].finish("rA", "interrupted", 1.0, 1, {})
        with pytest.raises(StoreError, match="organisation A"):
            stores["B"].claim("rA")
        assert stores["A"].run("rA").status == "interrupted"
        for store in stores.values():
            store.close()

    async def test_what_is_gone_for_one_organisation_stays_for_the_other(self, place):
        for org in ("A", "B"):
            store = place.open(org=org)
            store.begin(row(f"r{org}"), b"")
            journal = store.journal(f"r{org}")
            journal.append(Record("settled", 0, {"ending": "succeeded"}, made("id-1")))
            await journal.flush()
            if org == "B":
                journal.append(Record("settled", 1, {"ending": "succeeded"}, replace(made("id-1"), gone=True)))
                await journal.flush()
            journal.close()
            store.close()
        for org, left in (("A", 1), ("B", 0)):
            store = place.open(org=org)
            assert len(store.objects("dev")) == left
            store.close()

    @pytest.mark.parametrize("begins", [True, False])
    async def test_what_belongs_to_nobody_is_the_first_ones_that_works_there(self, place, begins):
        old = place.open()
        for run, sandbox in (("r1", "dev"), ("r2", "prod")):
            old.begin(row(run, sandbox=sandbox), b"")
            journal = old.journal(run)
            journal.append(Record("settled", 0, {"ending": "succeeded"}, made(f"id-{sandbox}")))
            await ask(journal, "a", note=["flow 1"])
            journal.close()
            old.finish(run, "interrupted", 1.0, 1, {})
        old.close()
        first, second = place.open(org="A"), place.open(org="B")
        assert {one.id for one in second.runs()} == {"r1", "r2"}
        if begins:
            first.begin(row("r3"), b"")
        else:
            first.claim("r1")
        assert [one.id for one in second.runs()] == ["r2"]
        assert second.known("dev") == {}
        assert list(second.known("prod")) == ["[headgate:1]"]
        assert first.known("dev")["[headgate:1]"][0] == "id-dev"
        journal = first.journal("r3" if begins else "r1")
        assert (await ask(journal, "a")).notes == ("flow 1",)
        journal.close()
        first.close()
        second.close()

    def test_who_names_no_organisation_joins_the_only_one_there(self, place):
        """The embedded platform needs none, and has one when the profile names it."""
        named, unnamed = place.open(org="A"), place.open()
        named.begin(row("r1"), b"")
        unnamed.begin(row("r2", manifest="other"), b"")
        assert {one.id for one in named.runs()} == {"r1", "r2"}
        with pytest.raises(StoreBusy):
            unnamed.begin(row("r3"), b"")
        named.close()
        unnamed.close()

    # -- what others ask of a run, and are told of it

    @pytest.fixture
    async def desk(self, monkeypatch, claimed):
        """A run of a process that looks with every group at what it is asked, and what it heard."""
        for kind in ("sqlite", "postgres"):
            monkeypatch.setattr(f"headgate.store.{kind}_desk.LOOK_S", 0.0)
            monkeypatch.setattr(f"headgate.store.{kind}_desk.TELL_S", 0.0)
        store, journal = claimed
        heard = []
        journal.heed(heard.append)
        await journal.flush()
        return store, journal, heard

    async def test_what_another_process_asks_is_heard_once_and_in_order(self, place, desk):
        _, journal, heard = desk
        other = place.open()
        assert f"process {os.getpid()} on " in other.ask("r1", "pause")
        other.ask("r1", "drain")
        await journal.flush()
        await until(lambda: heard == ["pause", "drain"])
        other.ask("r1", "cancel")
        await journal.flush()
        await until(lambda: len(heard) > 2)
        assert heard == ["pause", "drain", "cancel"]
        other.close()

    async def test_what_a_run_tells_is_read_by_others_until_it_is_over(self, place, desk):
        store, journal, _ = desk
        other = place.open(readonly=True)
        assert other.told("r1") == {}
        for left in ("a minute", "seconds"):
            journal.tell({"left": left, "waits": ["2 held \x00"]})
            await journal.flush()
            assert other.told("r1")["left"] == left
        assert other.told("nope") == {}
        store.finish("r1", "succeeded", 9.0, 0, {})
        assert other.told("r1") == {}
        other.close()

    async def test_nobody_is_asked_where_nobody_drives(self, place, desk):
        store, _, _ = desk
        other = place.open()
        for run in ("nope", "r1"):
            with pytest.raises(StoreError, match=f"nobody drives run {run}; nothing was asked") as refused:
                other.ask(run, "pause")
            assert refused.value.hint == f"headgate resume {run}"
            if run == "nope":
                store.finish("r1", "interrupted", 9.0, 3, {})
        other.close()

    async def test_who_goes_on_with_a_run_is_not_asked_what_the_one_before_was(self, place, desk):
        store, journal, heard = desk
        await journal.flush()
        place.holder_row("r1", host="elsewhere", pid=1)
        store.ask("r1", "cancel")
        place.expire()
        later = place.open()
        later.claim("r1")
        second = later.journal("r1")
        second.heed(heard.append)
        for _ in range(2):
            await second.flush()
        assert heard == []
        assert later.told("r1") == {}
        second.close()
        later.close()

    def test_another_organisations_run_is_asked_nothing(self, place):
        theirs, ours = place.open(org="B"), place.open(org="A")
        theirs.begin(row(), b"")
        with pytest.raises(StoreError, match="run r1 belongs to the organisation B"):
            ours.ask("r1", "cancel")
        theirs.ask("r1", "pause")
        ours.close()
        theirs.close()

    async def test_who_only_looks_asks_nothing(self, place, desk):
        other = place.open(readonly=True)
        with pytest.raises(StoreError):
            other.ask("r1", "pause")
        other.close()

    # -- looking without touching

    def test_readonly_needs_something_to_read(self, place):
        place.empty()
        with pytest.raises(StoreError):
            place.open(readonly=True)

    async def test_readonly_sees_a_living_run_and_disturbs_nothing(self, place, claimed):
        _, journal = claimed
        journal.append(intent())
        await journal.flush()
        other = place.open(readonly=True)
        assert other.run("r1").id == "r1"
        assert len(list(other.records("r1"))) == 1
        assert other.holder("r1") is not None
        assert other.outline("r1") == b"outline"
        journal.append(intent(1))
        await journal.flush()
        assert len(list(other.records("r1"))) == 2
        other.close()
        assert len(list(claimed[0].records("r1"))) == 2

    def test_readonly_cannot_write(self, place, store):
        store.begin(row(), b"")
        other = place.open(readonly=True)
        with pytest.raises(StoreError):
            other.begin(row("r2"), b"")
        with pytest.raises(StoreError):
            other.claim("r1")
        other.close()

    # -- limits of the platform

    def test_limits_that_were_found_are_there_for_the_next_run(self, place, store):
        assert store.limits("dev") == {}
        store.remember_limits("dev", {"all": 41.5, "POST /flows": 10.0})
        other = place.open()
        assert {scope: per_s for scope, (per_s, _) in other.limits("dev").items()} == {"all": 41.5, "POST /flows": 10.0}
        assert all(0 <= age_s < 60 for _, age_s in other.limits("dev").values())
        other.close()

    def test_a_limit_found_anew_takes_the_place_of_the_old_one_and_one_that_is_gone_is_forgotten(self, store):
        store.remember_limits("dev", {"all": 41.5, "POST": 20.0, "GET": 5.0})
        store.remember_limits("dev", {"all": 30.0}, ["POST", "PATCH"])
        assert {scope: per_s for scope, (per_s, _) in store.limits("dev").items()} == {"all": 30.0, "GET": 5.0}
        store.remember_limits("dev", {"all": 31.0}, ["all"])
        assert store.limits("dev")["all"][0] == 31.0

    def test_limits_belong_to_an_organisation(self, place, store):
        stores = {org: place.open(org=org) for org in ("A", "B")}
        for rate, (org, one) in enumerate(stores.items(), 1):
            one.remember_limits("dev", {"all": float(rate)})
        assert [one.limits("dev")["all"][0] for one in stores.values()] == [1.0, 2.0]
        stores["A"].remember_limits("dev", {}, ["all"])
        assert stores["A"].limits("dev") == {}
        assert stores["B"].limits("dev")["all"][0] == 2.0
        assert store.limits("dev") == {}, "who names no organisation does not know whose they are"
        for one in stores.values():
            one.close()

    def test_limits_belong_to_a_sandbox(self, store):
        store.remember_limits("dev", {"all": 10.0, "POST": 5.0})
        store.remember_limits("prod", {"all": 40.0})
        assert {scope: per_s for scope, (per_s, _) in store.limits("dev").items()} == {"all": 10.0, "POST": 5.0}
        assert {scope: per_s for scope, (per_s, _) in store.limits("prod").items()} == {"all": 40.0}
        store.remember_limits("dev", {}, ["all"])
        assert list(store.limits("dev")) == ["POST"]
        assert list(store.limits("prod")) == ["all"]
        # As an older program left it: found in one of them, nobody knows in which.
        store.remember_limits("", {"all": 20.0, "GET": 7.0})
        assert {scope: per_s for scope, (per_s, _) in store.limits("prod").items()} == {"all": 40.0, "GET": 7.0}
        store.remember_limits("prod", {}, ["GET"])
        assert list(store.limits("prod")) == ["all"]

    def test_limits_can_be_read_and_not_written_by_who_only_looks(self, place, store):
        store.remember_limits("dev", {"all": 9.0})
        other = place.open(readonly=True)
        assert other.limits("dev")["all"][0] == 9.0
        with pytest.raises(StoreError):
            other.remember_limits("dev", {"all": 1.0})
        other.close()

    # -- lengths of runs

    async def test_what_was_learnt_is_there_for_the_next_run(self, place, claimed):
        store, journal = claimed
        assert store.lengths("dev") == {}
        journal.learn({"audience:a": {"20": 1.0}, "any": {"20": 1.0, "3": 0.5}})
        journal.append(intent())
        journal.learn({"any": {"21": 2.0}})
        await journal.flush()
        other = place.open(readonly=True)
        assert other.lengths("dev") == {"audience:a": {"20": 1.0}, "any": {"21": 2.0}}
        assert other.lengths("prod") == {}
        other.close()
        journal.learn({"audience:a": {"5": 3.0}})
        await journal.flush()
        assert store.lengths("dev")["audience:a"] == {"5": 3.0}
        assert [record.kind for record in store.records("r1")] == ["intent"], "nothing of it is in the journal"

    async def test_lengths_belong_to_an_organisation(self, place):
        stores = {org: place.open(org=org) for org in ("A", "B")}
        for number, (org, one) in enumerate(stores.items()):
            one.begin(row(f"of-{org}"), b"")
            one.claim(f"of-{org}")
            journal = one.journal(f"of-{org}")
            journal.learn({"any": {str(number): 1.0}})
            await journal.flush()
            journal.close()
        assert [one.lengths("dev") for one in stores.values()] == [{"any": {"0": 1.0}}, {"any": {"1": 1.0}}]
        for one in stores.values():
            one.close()

    async def test_odd_keys_do_no_harm(self, claimed):
        store, journal = claimed
        journal.learn({"": {"1": 1.0}, "audience:ü'\"\u2028": {}, "audience:\x00": {"2": 1.0}})
        await journal.flush()
        assert store.lengths("dev")[""] == {"1": 1.0}

    # -- states that cannot be used

    def test_a_newer_state_is_refused_and_left_alone(self, place):
        place.open().close()
        place.make_newer()
        for readonly in (False, True):
            with pytest.raises(SchemaMismatch) as caught:
                place.open(readonly=readonly)
            assert caught.value.hint

    def test_a_broken_state_is_a_store_error_with_a_hint(self, place):
        store = place.open()
        store.begin(row(), b"")
        store.close()
        place.corrupt()
        for readonly in (False, True):
            with pytest.raises(StoreError) as caught:
                place.open(readonly=readonly).runs()
            assert caught.value.hint

    def test_several_may_open_a_new_state_at_the_same_moment(self, place):
        """Two runs started by one script, in an empty folder."""
        import threading

        place.empty()
        barrier, troubles = threading.Barrier(6), []

        def come():
            barrier.wait()
            try:
                place.open().close()
            except BaseException as error:  # noqa: BLE001
                troubles.append(error)

        threads = [threading.Thread(target=come) for _ in range(6)]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
        assert troubles == []


def _dead_pid() -> int:
    import subprocess
    import sys

    with subprocess.Popen([sys.executable, "-c", ""]) as child:
        child.wait()
        return child.pid
