"""A run's page from its store: the same whether it was followed record by record or is read at once."""

from headgate.engine.record import fold
from headgate.report.page.payload import payload
from headgate.report.story import story
from headgate.web.looks import AllRuns, OneRun, Reader, nothing
from tests.web.grown import grown


def statuses(state):
    return [row[2] for row in state["items"]]


async def test_a_run_that_is_followed_shows_what_its_report_shows(grown):
    look = OneRun(grown.reader(), grown.id)
    assert statuses(look.look(None, rows=True)) == ["open"] * 4
    for count, bad in ((1, False), (1, True), (1, False)):
        await grown.settle(count, bad=bad)
        state = look.look(None, rows=True)
    assert statuses(state) == ["created", "failed", "created", "open"]
    assert state["commands"] == [], "nothing is to be done about a run that goes"
    whole = payload(story(grown.store.run(grown.id), grown.outline, fold(grown.store.records(grown.id))))
    for part in ("jobs", "causes", "requests", "series", "latency", "adhoc", "entries"):
        assert state[part] == whole[part]


async def test_between_two_looks_at_its_rows_its_counters_are_fresh(grown):
    look = OneRun(grown.reader(), grown.id)
    look.look(None, rows=True)
    await grown.settle(2)
    state = look.look({"inFlight": 3}, rows=False)
    assert statuses(state) == ["open"] * 4
    assert state["requests"]["sent"] == 10
    assert state["live"]["inFlight"] == 3
    assert state["live"]["here"]
    assert statuses(look.look(None, rows=True)) == ["created"] * 2 + ["open"] * 2


async def test_an_ended_run_is_shown_as_its_report_is(grown):
    look = OneRun(grown.reader(), grown.id)
    await grown.settle(3)
    look.look(None, rows=True)
    await grown.end("interrupted")
    state = look.look(None, rows=False)
    assert statuses(state) == ["created"] * 3 + ["held"]
    assert state["run"]["status"] == "interrupted"
    assert state["live"]["driver"] is None
    assert state["commands"][0][1] == "headgate resume spring-1 --state state.db"
    assert look.look(None, rows=True)["items"] is state["items"], "it is not made again"


async def test_a_run_whose_process_is_gone_is_abandoned(grown):
    grown.store._db.execute("UPDATE process SET dead = 1")
    state = OneRun(grown.reader(), grown.id).look(None, rows=True)
    assert state["run"]["status"] == "abandoned"
    assert "resume" in state["commands"][0][1]
    assert AllRuns(grown.reader(), str).look(None, rows=True)["runs"][0][4] == "abandoned"


async def test_a_store_that_is_not_there_yet_has_no_runs(tmp_path):
    from headgate.store import open_store

    reader = Reader(lambda: open_store(tmp_path / "none.db", readonly=True), "none.db")
    assert AllRuns(reader, str).look(None, rows=True)["runs"] == []


def test_nothing_is_a_state_like_any_other():
    assert nothing()["run"]["status"] == ""
    assert set(nothing()) >= {"run", "items", "pairs", "jobs", "causes", "series", "live"}
