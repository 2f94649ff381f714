"""Listing datasets, choosing them by name as their source connection is made, and validating the flow."""

from __future__ import annotations


import pytest

from headgate.exchange import Verdict
from headgate.workflows import dataset_check, dataset_source, datasets
from headgate.workflows.contract import NO_PHASE, Ask, Ending, Pause, Settle, Signal
from headgate.workflows.create import ABSENT
from headgate.workflows.dataset_check import DatasetCheckSpec
from headgate.workflows.dataset_source import SelectedSource
from headgate.workflows.datasets import DatasetListSpec

from tests.growth import grows
from tests.unit.workflows.steps import MARK, context, creation, items, no, ok


AT = {"start": 0, "pages": 0, "found": {}, "others": []}


def page(*rows, start=0, **info):
    return ok({"items": [{"id": one, "name": name} for one, name in rows], "pageInfo": {"start": start, **info}})


def listing(*patterns):
    return context(DatasetListSpec(patterns or ("*",)))


def query(step):
    return dict(step.call.query)


# -- the list ----------------------------------------------------------------------------------------------------------


def test_pages_follow_what_came_and_not_what_was_asked():
    ctx = listing("A*")
    step = datasets.advance(ctx, NO_PHASE, Signal.START)
    assert step.call.path == "/connectionSpecs/23598e46-f560-407b-88d5-ea6207e49db0/configs"
    assert step.call.endpoint == "GET /connectionSpecs/{id}/configs"
    assert query(step) == {
        "outputType": "activationDatasets",
        "outputField": "datasets",
        "start": "0",
        "limit": "100",
        "properties": "name,state",
    }
    step = datasets.advance(ctx, step.phase, page(("3", "A c"), ("1", "B"), hasNext=True, total=3, end=1))
    assert query(step)["start"] == "2"
    step = datasets.advance(ctx, step.phase, page(("2", "A b"), start=2, hasNext=False, total=3, end=2))
    assert step == Settle(Ending.SUCCEEDED, {"datasets": [["2", "A b"], ["3", "A c"]], "of": 3})


@pytest.mark.parametrize(("pattern", "near"), [("aam *", "AAM b"), ("Ordres", "Orders"), ("Zebra*", "")])
def test_a_pattern_that_nothing_fits_is_told_what_was_perhaps_meant(pattern, near):
    ctx = listing(pattern, "B*")
    step = datasets.advance(ctx, NO_PHASE, Signal.START)
    step = datasets.advance(ctx, step.phase, page(("1", "AAM b"), ("2", "B"), hasNext=True))
    step = datasets.advance(ctx, step.phase, page(("3", "Orders"), start=2, hasNext=False))
    assert step.output == {"datasets": [["2", "B"]], "of": 3, "near": {pattern: near}}


def test_a_dataset_that_moves_between_pages_counts_once():
    ctx = listing()
    step = datasets.advance(ctx, NO_PHASE, Signal.START)
    step = datasets.advance(ctx, step.phase, page(("1", "A"), hasNext=True))
    step = datasets.advance(ctx, step.phase, page(("1", "A"), ("2", "B"), hasNext=False))
    assert step.output["datasets"] == [["1", "A"], ["2", "B"]]


@pytest.mark.parametrize(("total", "more"), [(2, True), (1, False), (None, False)])
def test_without_has_next_the_total_tells(total, more):
    step = datasets.advance(listing(), AT, page(("1", "A"), total=total))
    assert isinstance(step, Ask) is more


@pytest.mark.parametrize("body", [None, {}, {"items": {}}, []])
def test_an_answer_without_items_is_no_empty_list(body):
    step = datasets.advance(listing(), AT, ok(body))
    assert (step.ending, step.problem.code) == (Ending.FAILED, "headgate-list")


def test_a_list_that_does_not_move_on_is_given_up():
    step = datasets.advance(listing(), {**AT, "start": 5, "pages": 3}, page(hasNext=True))
    assert "does not end" in step.problem.message


def test_a_refusal_is_passed_on():
    step = datasets.advance(listing(), AT, no(403, "Forbidden"))
    assert step.problem.message == "Forbidden"


# -- the source --------------------------------------------------------------------------------------------------------

LISTED = {"datasets": [["1", "AAM b"], ["2", "AAM a"], ["9", "Orders"]], "of": 40}


def source(*patterns, fixed=(), listed=LISTED, objects=None):
    spec = SelectedSource(creation("Lake", "sourceConnections"), tuple(fixed), patterns)
    inputs = {"datasets": listed}
    if objects:
        inputs["listed"] = {"objects": objects}
    return context(spec, inputs=inputs)


def test_what_fits_goes_into_the_body_by_id():
    step = dataset_source.advance(source("AAM *"), NO_PHASE, Signal.START)
    assert step.call.method == "POST"
    assert step.call.body["params"] == {
        "datasets": [{"dataSetId": "1", "name": "AAM b"}, {"dataSetId": "2", "name": "AAM a"}]
    }
    assert step.call.body["name"] == "Lake"


def test_what_was_named_comes_first_and_none_twice():
    ctx = source("AAM *", "*a*", fixed=[{"dataSetId": "2", "name": "as written"}])
    step = dataset_source.advance(ctx, NO_PHASE, Signal.START)
    assert [row["dataSetId"] for row in step.call.body["params"]["datasets"]] == ["2", "1"]
    assert step.call.body["params"]["datasets"][0]["name"] == "as written"
    assert "params" not in ctx.spec.made.body


def test_a_pattern_that_nothing_fits_fails_and_leaves_no_doubt():
    step = dataset_source.advance(
        source("AAM *", "aam *", listed={**LISTED, "near": {"aam *": "AAM b"}}), NO_PHASE, Signal.START
    )
    assert step.ending is Ending.FAILED
    assert step.output == {ABSENT: True}
    assert step.problem.message == "none of 40 datasets is called 'aam *'"
    assert step.problem.advice == "there is 'AAM b': case counts, and * stands for any text"


def test_what_exists_is_adopted_whatever_fits_now():
    step = dataset_source.advance(source("Gone *", objects={MARK: ["src-1"]}), NO_PHASE, Signal.START)
    assert (step.call.method, step.call.path) == ("GET", "/sourceConnections/src-1"), "read and compared, not made"


def test_after_a_lost_answer_it_looks_before_it_posts_the_same_again():
    ctx = source("AAM *")
    first = dataset_source.advance(ctx, NO_PHASE, Signal.START)
    step = dataset_source.advance(ctx, first.phase, Signal.LOST)
    assert (step.call.method, step.call.path) == ("GET", "/sourceConnections")
    found = dataset_source.advance(ctx, step.phase, items({"id": "src-1", "description": MARK}))
    assert found.output["id"] == "src-1"
    step = dataset_source.advance(ctx, step.phase, items())
    while isinstance(step, Pause):
        step = dataset_source.advance(ctx, step.phase, Signal.RESUME)
        step = dataset_source.advance(ctx, step.phase, items())
    assert step.call.body == first.call.body


# -- the validation ----------------------------------------------------------------------------------------------------

SCHEDULE = {"exportMode": "DAILY_FULL_EXPORT", "timeUnit": "day", "interval": 0, "startTime": 5, "endTime": 9}


def flow(**changes):
    whole = {
        "id": "flow-1",
        "state": "enabled",
        "flowSpec": {"id": "spec-1", "version": "1.0"},
        "sourceConnectionIds": ["src-1"],
        "targetConnectionIds": ["tgt-1"],
        "scheduleParams": SCHEDULE,
        "lastOperation": {"status": {"value": "completed"}},
        **changes,
    }
    return {key: value for key, value in whole.items() if value is not None}


def checked(body, **schedule):
    inputs = {"flow": {"id": "flow-1"}, "source": {"id": "src-1"}, "target": {"id": "tgt-1"}}
    ctx = context(DatasetCheckSpec("spec-1", {**SCHEDULE, **schedule}), inputs=inputs)
    step = dataset_check.advance(ctx, NO_PHASE, Signal.START)
    assert (step.call.method, step.call.path) == ("GET", "/flows/flow-1")
    return dataset_check.advance(ctx, step.phase, body)


def test_a_flow_as_asked_for():
    assert checked(ok({"items": [flow()]})) == Settle(Ending.SUCCEEDED, {"id": "flow-1", "state": "enabled"})


@pytest.mark.parametrize(
    "shown",
    [
        {key: SCHEDULE[key] for key in ("timeUnit", "interval", "startTime")},  # as the documents show it
        {**SCHEDULE, "endTime": "9"},
        {**SCHEDULE, "something": "else"},
    ],
)
def test_what_the_platform_may_leave_out_or_add(shown):
    assert checked(ok(flow(scheduleParams=shown))).ending is Ending.SUCCEEDED


def test_both_spellings_of_the_folder_template_are_read():
    shown = {**SCHEDULE, "folderNameTemplate": "%DATASET_ID%"}
    assert checked(ok(flow(scheduleParams=shown)), foldernameTemplate="%DATASET_ID%").ending is Ending.SUCCEEDED
    wrong = checked(ok(flow(scheduleParams=shown)), foldernameTemplate="x")
    assert "foldernameTemplate" in wrong.problem.message


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"flowSpec": {"id": "other"}}, "its flow spec is other, not spec-1"),
        ({"sourceConnectionIds": ["other"]}, "sourceConnectionIds"),
        ({"targetConnectionIds": None}, "targetConnectionIds"),
        ({"scheduleParams": {**SCHEDULE, "endTime": 10}}, "have endTime 10, and 9 was asked for"),
        ({"scheduleParams": None}, "have timeUnit None"),
    ],
)
def test_a_flow_that_is_something_else(changes, said):
    step = checked(ok(flow(**changes)))
    assert (step.ending, step.problem.code) == (Ending.FAILED, "headgate-not-validated")
    assert said in step.problem.message


def test_a_flow_that_is_being_changed_is_looked_at_again():
    assert isinstance(checked(ok(flow(state="updating"))), Pause)
    assert checked(ok({"items": []})).problem.message == "the answer holds no flow"
    assert checked(no(404, "gone")).problem.message == "gone"
    assert checked(no(403, "no", verdict=Verdict.REFUSED)).ending is Ending.FAILED


def chosen_of(count):
    ctx = context(DatasetListSpec(tuple(f"Set {number} *" for number in range(count))))
    step = datasets.advance(ctx, NO_PHASE, Signal.START)
    rows = [(str(number), f"Set {number} {number % 7}") for number in range(2 * count)]
    return lambda: datasets.advance(ctx, step.phase, page(*rows, hasNext=False))


def test_a_pattern_is_not_made_anew_for_every_name():
    assert grows(chosen_of, 50) < 3, "it would be nearly 4"


def test_many_patterns_and_many_datasets():
    step = chosen_of(1000)()
    assert (len(step.output["datasets"]), step.output["of"]) == (1000, 2000)
    for number in range(20):
        chosen = dataset_source.advance(source(f"Set {number} *", listed=step.output), NO_PHASE, Signal.START)
        assert [row["dataSetId"] for row in chosen.call.body["params"]["datasets"]] == [str(number)]
