"""What can be made of a run when it is over: its report from its events, the rest of it as a manifest, a retry, a diff."""

from __future__ import annotations

import json
from dataclasses import replace
from xml.etree import ElementTree

import pytest

from headgate.api import load, plan_retry
from headgate.bulletin import Bulletin
from headgate.cli.again import failed_manifest, plan_of_rest
from headgate.cli.kept import kept_plan
from headgate.errors import UsageError
from headgate.launch import Watch, Wishes, story_of
from headgate.report import rebuild
from headgate.report.compare import compare, text
from headgate.report.rebuild import read_events
from headgate.report.render_junit import junit_text
from headgate.simulator import Fault
from headgate.store import open_store
from headgate.workflows.compile import compile_plan
from tests.integration.test_run_simulated import PAIRS, go, make_plan, profile

REFUSED = {"error": {"code": "1418-400", "message": "Invalid params: bucket <b>acme</b>"}}
FAULTS = [
    Fault("status", method="POST", path="/targetConnections$", nth=2, status=400, body=REFUSED),
    Fault("status", method="POST", path="/flows$", nth=5, status=400, body=REFUSED),
    Fault("status", method="POST", path="/adhocrun$", nth=2, status=400, body={"message": "no"}),
    Fault("status", method="GET", path="/flows/", nth=3, status=429, retry_after=0.01),
]


async def told(tmp_path, plan, *, stop_after=None, **options):
    """One life, and its events as a file gives them back."""
    watch, events = Watch(), []

    def sink(event):
        events.append(json.loads(json.dumps(event, default=dict)))
        if stop_after is not None and sum(one["event"] == "settled" for one in events) == stop_after:
            watch.drain()

    bulletin = Bulletin(watch, sink)
    report, _ = await go(tmp_path, plan, watch=watch, observers=(bulletin,), **options)
    bulletin.end(report)
    return report, events


def stored(tmp_path):
    return open_store(tmp_path / "state.db", readonly=True)


async def test_the_events_of_a_life_are_enough_for_the_report(tmp_path):
    plan = make_plan(tmp_path)
    report, events = await told(tmp_path, plan, faults=FAULTS)
    assert report.status == "failed"
    assert {row.status for row in report.items} == {"created", "failed"}
    assert rebuild(events) == report
    assert [event["event"] for event in events[:2]] == ["begin", "plan"]
    assert events[-1]["event"] == "end"
    place = tmp_path / "events.jsonl"
    place.write_text("".join(json.dumps(event) + "\n" for event in events) + '{"event": "cut sh')
    assert rebuild(read_events(place), report.run_id[:8]) == report


async def test_an_interrupted_life_and_the_next_one_are_told_in_full(tmp_path):
    plan = make_plan(tmp_path)
    first, before = await told(tmp_path, plan, stop_after=40, faults=FAULTS)
    assert first.status == "interrupted"
    assert rebuild(before) == first
    second, after = await told(
        tmp_path, plan, faults=[Fault("status", method="POST", path="/adhocrun$", nth=1, status=400)]
    )
    assert second.run_id == first.run_id
    assert rebuild([*before, *after]) == second
    assert rebuild(after) == second, "a life tells what earlier ones settled"


async def test_a_killed_life_lacks_only_its_counters_and_what_was_under_way(tmp_path):
    plan = make_plan(tmp_path)
    report, events = await told(tmp_path, plan, faults=FAULTS)
    found = rebuild([event for event in events if event["event"] not in ("end", "open")])
    assert (found.status, found.wall_s, found.requests["sent"]) == ("running", 0.0, 0)
    assert found.items == report.items
    assert found.activations == report.activations
    assert found.failures == report.failures


def test_events_of_another_version_or_run_are_refused():
    with pytest.raises(UsageError, match="version headgate.event/1"):
        rebuild([{"event": "begin", "run": "r", "schema": "headgate.event/1"}])
    with pytest.raises(UsageError, match="no run"):
        rebuild([])


async def test_the_rest_of_a_run_is_done_again_and_nothing_else(tmp_path):
    plan = make_plan(tmp_path)
    first, _ = await go(tmp_path, plan, faults=FAULTS)
    left = {row.item for row in first.items if row.status != "created"}
    undone = [(row.destinationId, row.segmentId) for row in first.activations if row.outcome != "activated"]
    assert left
    assert undone
    assert len(undone) < PAIRS
    place = tmp_path / "elsewhere" / "failed.yaml"
    place.parent.mkdir()
    store = stored(tmp_path)
    run = store.run(first.run_id)
    written, rows = failed_manifest(store, run, place)
    rest, gone = plan_of_rest(store, run, profile(tmp_path))
    store.close()
    by_program = plan_retry(first.run_id, profile=profile(tmp_path))
    assert (by_program.fingerprint, by_program.source["retry"]) == (rest.fingerprint, first.run_id)
    assert rows == len(left) + len(undone)
    assert gone == []
    assert rest.source["retry"] == first.run_id
    assert {row.item for row in rest.items} == left
    assert len(rest.pairs) == len(undone)
    # Flows that exist are named by their ids, items that are made again by their names.
    assert {pair.destination for pair in rest.pairs} == {one for one, _ in undone}
    place.write_text(written.text)
    env = {line.split()[1]: value for line, value in zip(
        [line for line in written.text.splitlines() if line.startswith("#   ")],
        ("FAKEFAKEFAKEFAKEFAKE", "fake/secret/key/for/the/embedded/server+"), strict=True)}  # fmt: skip
    assert "fake/secret" not in written.text
    of_file = compile_plan(load(place, env=env), "dev")
    assert [job.key for job in of_file.jobs] == [job.key for job in rest.jobs]

    second, ledger = await go(tmp_path, rest)
    assert second.status == "succeeded", second.failures
    assert len(second.items) == len(left)
    assert [row.outcome for row in second.activations] == ["activated"] * len(undone)
    assert ledger["duplicates"] == []
    assert ledger["violations"] == []
    assert len(ledger["activations"]["pairs"]) == PAIRS
    assert set(ledger["activations"]["pairs"].values()) == {1}, "no pair was activated twice"


async def test_a_retry_of_a_retry_does_what_that_left(tmp_path):
    plan = make_plan(tmp_path)
    first, _ = await go(tmp_path, plan, faults=FAULTS)
    store = stored(tmp_path)
    rest, _ = plan_of_rest(store, store.run(first.run_id), profile(tmp_path))
    store.close()
    refused = Fault("status", method="POST", path="/adhocrun$", status=400, body={"message": "no"})
    second, _ = await go(tmp_path, rest, faults=[refused])
    assert second.status == "failed"
    store = stored(tmp_path)
    last, _ = plan_of_rest(store, store.run(second.run_id), profile(tmp_path))
    store.close()
    assert len(last.items) == 0
    assert len(last.pairs) == sum(row.outcome == "failed" for row in second.activations)
    third, ledger = await go(tmp_path, last)
    assert third.status == "succeeded"
    assert set(ledger["activations"]["pairs"].values()) == {1}
    store = stored(tmp_path)
    assert plan_of_rest(store, store.run(third.run_id), profile(tmp_path)) == (None, [])
    with pytest.raises(UsageError, match="left nothing undone"):
        failed_manifest(store, store.run(third.run_id), tmp_path / "x.yaml")
    store.close()


async def test_a_run_that_was_retried_is_not_retried_from_its_beginning(tmp_path):
    plan = make_plan(tmp_path)
    first, _ = await go(tmp_path, plan, faults=FAULTS)
    refused = Fault("status", method="POST", path="/flows$", nth=1, status=400, body=REFUSED)
    second, _ = await go(tmp_path, plan_retry(first.run_id, profile=profile(tmp_path)), faults=[refused])
    assert second.run_id.startswith("small-retry-"), "a list of runs says which of them are retries"
    assert {row.outcome for row in second.activations} == {"activated", "skipped"}
    again = plan_retry(first.run_id, profile=profile(tmp_path))
    assert again.source["retry"] == second.run_id
    assert len(again.pairs) == sum(row.outcome == "skipped" for row in second.activations)
    third, ledger = await go(tmp_path, again)
    assert third.status == "succeeded"
    assert set(ledger["activations"]["pairs"].values()) == {1}, "what the first retry activated is not activated again"
    assert ledger["duplicates"] == []
    for run in (first, second, third):
        assert plan_retry(run.run_id, profile=profile(tmp_path)) is None


async def test_a_retry_that_was_cut_short_goes_on_from_its_kept_plan_or_from_its_manifest(tmp_path, monkeypatch):
    make_plan(tmp_path)
    path = tmp_path / "small.yaml"
    text = path.read_text().replace("FAKEFAKEFAKEFAKEFAKE", '"${env:KEY_ID}"')
    path.write_text(text.replace("fake/secret/key/for/the/embedded/server+", '"${env:KEY}"'))
    monkeypatch.setenv("KEY_ID", "FAKEFAKEFAKEFAKEFAKE")
    monkeypatch.setenv("KEY", "fake/secret/key/for/the/embedded/server+")
    first, _ = await go(tmp_path, compile_plan(load(path), "dev"), faults=FAULTS)
    by_program = plan_retry(first.run_id, profile=profile(tmp_path))
    cut, _ = await told(tmp_path, by_program, stop_after=2)
    assert cut.status == "interrupted"
    with pytest.raises(UsageError, match=f"{cut.run_id} .retry. of this manifest is unfinished"):
        await go(tmp_path, compile_plan(load(path), "dev"))

    store = stored(tmp_path)
    run = store.run(cut.run_id)
    made, seen = kept_plan(store, run, path)
    assert (made.fingerprint, made.source["retry"]) == (run.fingerprint, first.run_id)
    path.write_text(path.read_text() + "# a word more\n")
    assert kept_plan(store, run, path) is None
    rest, _ = plan_of_rest(store, store.run(first.run_id), profile(tmp_path))
    assert rest.fingerprint == run.fingerprint
    store.close()
    last, ledger = await go(tmp_path, made, seen=seen, wishes=Wishes(resume=run.id))
    assert (last.run_id, last.status) == (cut.run_id, "succeeded")
    assert ledger["duplicates"] == []
    assert set(ledger["activations"]["pairs"].values()) == {1}


async def test_two_runs_are_compared(tmp_path):
    plan = make_plan(tmp_path)
    first, _ = await go(tmp_path, plan, faults=FAULTS)
    second, _ = await go(tmp_path, plan)
    store = stored(tmp_path)
    one, other = story_of(store, first.run_id), story_of(store, second.run_id)
    store.close()
    found = compare(one, other)
    assert found["schema"] == "headgate.diff/1"
    assert found["requests"]["saved"] == first.requests["sent"] - second.requests["sent"] > 0
    assert found["outcomes"]["items failed"] == [2, 0]
    assert found["latency"]["POST /flows"]["p50"][0] > 0
    rows = {(row["name"], row["from"], row["to"]) for row in found["rows"] if row["row"] == "item"}
    assert {(row.item, row.status, "created") for row in first.items if row.status != "created"} == rows
    shown = text(found)
    assert "saved by" in shown
    assert max(map(len, shown.splitlines())) < 140
    assert compare(one, one)["rows"] == []
    timed = [job for job in one.jobs if job.began_s is not None]
    assert len(timed) > 50
    assert all(0 <= job.began_s <= job.ended_s <= first.wall_s for job in timed)
    assert sum(one.series.sent) == first.requests["sent"]
    assert sum(one.series.throttled) == first.requests["throttled"] == 1


async def test_a_red_run_is_red_in_ci(tmp_path):
    plan = make_plan(tmp_path)
    report, _ = await go(tmp_path, plan, faults=FAULTS)
    suites = ElementTree.fromstring(junit_text(report))
    assert suites.get("tests") == str(len(report.items) + len(report.activations))
    failed = [case for case in suites.iter("testcase") if case.find("failure") is not None]
    assert len(failed) == int(suites.get("failures")) == sum(
        row.status == "failed" for row in report.items) + sum(row.outcome == "failed" for row in report.activations)  # fmt: skip
    first = failed[0].find("failure")
    assert first.get("message") == report.failures[0].message
    assert f"request id: {report.failures[0].requestId}" in first.text
    assert [suite.get("name") for suite in suites] == ["Item ${row}", "now"]
    assert int(suites.get("skipped")) == sum(row.outcome == "skipped" for row in report.activations)


async def test_a_run_that_went_wrong_without_a_row_is_red_too(tmp_path):
    plan = make_plan(tmp_path)
    fault = Fault("status", method="POST", path="/connections$", status=400, body=REFUSED)
    report, _ = await go(tmp_path, plan, faults=[fault])
    suites = ElementTree.fromstring(junit_text(report))
    # The profile store's connection failed too, and no row shows it: each shows the first of its failures.
    assert int(suites.get("failures")) == len(report.items) + 1 == 11
    stopped = replace(report, items=[], activations=[], failures=[], stop="refused \x00 <all>", stop_reason="platform")
    suites = ElementTree.fromstring(junit_text(stopped))
    assert suites.find("testsuite[@name='run']/testcase/error").get("message") == "refused \ufffd <all>"
