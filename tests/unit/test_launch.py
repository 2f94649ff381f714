"""Which run is driven: a new one, an old one continued, or a new one in the place of an old one."""

from __future__ import annotations

from pathlib import Path

from headgate.launch import Wishes, choose_run
from headgate.planning.model import Plan
from headgate.store import RunRow, open_store

OLD = RunRow("old", "spring", "m.yaml", "dev", "before", "running", 1.0)


async def noted(store, run, key, *note):
    """What is left at ``key`` for ``run``, which asks for it with ``note``."""
    journal, answers = store.journal(run), []
    journal.lease([key], note, answers.append)
    await journal.flush()
    journal.close()
    return answers[0].notes


async def test_a_run_that_is_given_up_leaves_word_of_what_it_may_have_left_running(tmp_path):
    """Its ad-hoc jobs go on without it: who takes their audiences looks at their flows first."""
    before = open_store(tmp_path / "state.db")
    before.begin(OLD, b"")
    await noted(before, "old", "audience:a", "flow-1")
    before.close()
    store = open_store(tmp_path / "state.db")
    plan = Plan("spring", "dev", (), (), (), (), "after")
    run, continued = choose_run(store, plan, Path("m.yaml"), Wishes(fresh=True), 2.0)
    assert (continued, store.run("old").unfinished) == (False, False)
    assert await noted(store, run.id, "audience:a") == ("flow-1",)
    store.close()
