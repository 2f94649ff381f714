"""JSON Patch as the documents allow it, and no further."""

import pytest

from headgate.simulator.patch import patched
from headgate.simulator.reply import Refusal

DOC = {"name": "n", "etag": "e", "_seq": 1, "list": [{"v": 1}, {"v": 2}, {"v": 3}], "deep": {"a": {"b": 1}}}


def code(operations):
    with pytest.raises(Refusal) as caught:
        patched(DOC, operations)
    return caught.value.code


def test_the_original_is_left_alone():
    after = patched(DOC, [{"op": "replace", "path": "/deep/a/b", "value": 2}])
    assert after["deep"]["a"]["b"] == 2
    assert DOC["deep"]["a"]["b"] == 1


@pytest.mark.parametrize("op", ["add", "ADD", "Add"])
def test_ops_are_taken_in_any_case(op):
    assert patched(DOC, [{"op": op, "path": "/name", "value": "x"}])["name"] == "x"


def test_a_dash_appends_and_an_index_inserts():
    after = patched(
        DOC,
        [
            {"op": "add", "path": "/list/-", "value": {"v": 9}},
            {"op": "add", "path": "/list/0", "value": {"v": 0}},
        ],
    )
    assert [row["v"] for row in after["list"]] == [0, 1, 2, 3, 9]


def test_removes_apply_one_after_the_other():
    after = patched(DOC, [{"op": "remove", "path": "/list/0"}, {"op": "remove", "path": "/list/1", "value": {}}])
    assert [row["v"] for row in after["list"]] == [2]


def test_replace_takes_the_whole_object():
    assert patched(DOC, [{"op": "replace", "path": "/deep", "value": {"c": 1}}])["deep"] == {"c": 1}


def test_a_single_object_is_taken_for_a_list_of_one():
    assert patched(DOC, {"op": "replace", "path": "/name", "value": "x"})["name"] == "x"


def test_the_result_shares_nothing_with_the_operations():
    operation = {"op": "add", "path": "/list/-", "value": {"v": 9}}
    patched(DOC, [operation])["list"][3]["v"] = 10
    assert operation["value"] == {"v": 9}


@pytest.mark.parametrize("op", ["move", "copy", "test", "MOVE"])
def test_other_ops_are_1434(op):
    assert code([{"op": op, "path": "/name", "from": "/x", "value": 1}]) == "1434-400"


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "replace", "path": "/nothing", "value": 1},
        {"op": "remove", "path": "/list/3"},
        {"op": "add", "path": "/list/4", "value": 1},
        {"op": "add", "path": "/list/x", "value": 1},
        {"op": "add", "path": "/nothing/a", "value": 1},
        {"op": "add", "path": "/name/a", "value": 1},
        {"op": "add", "path": "name", "value": 1},
        {"op": "add", "path": "/name"},
        {"op": "replace", "path": "/etag", "value": "x"},
        {"op": "replace", "path": "/_seq", "value": 5},
        {"path": "/name", "value": 1},
        "text",
    ],
)
def test_what_does_not_resolve_is_1455(operation):
    assert code([operation]) == "1455-400"


@pytest.mark.parametrize("body", [[], {}, None, "x"])
def test_nothing_to_do_is_1405(body):
    with pytest.raises(Refusal) as caught:
        patched(DOC, body)
    assert caught.value.code in ("1405-400", "1455-400")
