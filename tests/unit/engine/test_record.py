"""Records and what they mean together."""

from __future__ import annotations

import orjson
import pytest

from headgate.engine.record import JobPast, Record, children_of, fold, problem_of, settled_data
from headgate.exchange import Problem
from headgate.workflows.contract import Child, Ending


def test_nothing_folds_to_nothing():
    assert fold([]).jobs == {}
    assert fold([]).children == []


def test_the_last_record_of_a_job_counts():
    past = fold([Record("intent", 0, {"n": 1}), Record("step", 0, {"n": 2}), Record("intent", 0, {"n": 3})])
    assert past.jobs == {0: JobPast({"n": 3}, lost=True)}


def test_a_step_ends_the_doubt_of_an_intent():
    assert not fold([Record("intent", 0, {"n": 1}), Record("step", 0, {"n": 2})]).jobs[0].lost


def test_children_keep_the_order_in_which_their_parents_settled():
    data = [settled_data(Ending.SUCCEEDED, {}, None, [Child(key, "adhoc", {"k": key})], None) for key in "ab"]
    past = fold([Record("settled", 5, data[0]), Record("settled", 1, data[1])])
    assert [(parent, child.key) for parent, child in past.children] == [(5, "a"), (1, "b")]


def test_a_fold_does_not_share_what_it_was_given():
    record = Record("step", 0, {"n": 1})
    fold([record]).jobs[0].phase["n"] = 2
    assert record.data["n"] == 1


@pytest.mark.parametrize("problem", [None, Problem(400, "c", "m", "r", "a")])
@pytest.mark.parametrize("children", [(), (Child("k", "adhoc", {"pairs": [[0, "f", "a"]]}),)])
def test_settled_data_survives_the_store(problem, children):
    data = settled_data(
        Ending.FAILED, {"id": "x", "pairs": [[0, "failed", None, None, 1, "why"]]}, problem, children, None
    )
    back = orjson.loads(orjson.dumps(data))
    assert back == data
    assert problem_of(back) == problem
    assert children_of(back) == list(children)
