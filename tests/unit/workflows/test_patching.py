"""JSON Patch and pointers, worked out by ourselves; and the operations that are sent for it."""

from copy import deepcopy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.manifest.pointer import pointer_of, steps_of
from headgate.simulator.patch import patched
from headgate.workflows.patching import PatchError, applied, covers, in_place, leaves, same
from headgate.workflows.whole import operations

FLOW = {
    "id": "f",
    "name": "n",
    "scheduleParams": {"interval": 3, "timeUnit": "hour", "startTime": 1, "foldernameTemplate": "x"},
    "list": [1, 2, 3],
    "a/b~c": {"": 1},
}


def patch(*operations, document=FLOW):
    return applied(document, {"patch": list(operations)})


def test_set_makes_or_replaces_and_leaves_the_original_alone():
    before = deepcopy(FLOW)
    after = applied(FLOW, {"set": [["/scheduleParams/endTime", 9], ["/new/deep/key", True], ["/list/1", 7]]})
    assert after["scheduleParams"] == {**FLOW["scheduleParams"], "endTime": 9}
    assert after["new"] == {"deep": {"key": True}}
    assert after["list"] == [1, 7, 3]
    assert before == FLOW


def test_set_makes_parents_of_null():
    assert applied({"scheduleParams": None}, {"set": [["/scheduleParams/endTime", 9]]}) == {
        "scheduleParams": {"endTime": 9}
    }


@pytest.mark.parametrize("path", ["/list/3", "/list/x", "/list/01", "/name/x", "/list/9/x"])
def test_set_needs_a_place(path):
    with pytest.raises(PatchError):
        applied(FLOW, {"set": [[path, 1]]})


@pytest.mark.parametrize(
    ("operation", "path", "wanted"),
    [
        ({"op": "add", "path": "/list/-", "value": 4}, "list", [1, 2, 3, 4]),
        ({"op": "add", "path": "/list/0", "value": 0}, "list", [0, 1, 2, 3]),
        ({"op": "add", "path": "/list", "value": 0}, "list", 0),
        ({"op": "remove", "path": "/list/1"}, "list", [1, 3]),
        ({"op": "replace", "path": "/list/1", "value": 5}, "list", [1, 5, 3]),
        ({"op": "copy", "from": "/name", "path": "/list/0"}, "list", ["n", 1, 2, 3]),
        ({"op": "move", "from": "/list/0", "path": "/list/-"}, "list", [2, 3, 1]),
        ({"op": "replace", "path": "/a~1b~0c/", "value": 2}, "a/b~c", {"": 2}),
        ({"op": "test", "path": "/list", "value": [1, 2, 3]}, "list", [1, 2, 3]),
    ],
)
def test_the_six_operations(operation, path, wanted):
    after = patch(operation)
    assert after[path] == wanted
    assert {key: value for key, value in after.items() if key != path} == {
        key: value for key, value in FLOW.items() if key != path
    }


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "replace", "path": "/scheduleParams/endTime", "value": 1},
        {"op": "remove", "path": "/nothing"},
        {"op": "add", "path": "/nothing/here", "value": 1},
        {"op": "add", "path": "/list/4", "value": 1},
        {"op": "remove", "path": "/list/-"},
        {"op": "replace", "path": "/list/03", "value": 1},
        {"op": "test", "path": "/list/0", "value": True},
        {"op": "move", "from": "/scheduleParams", "path": "/scheduleParams/inner"},
        {"op": "copy", "from": "/nothing", "path": "/name"},
        {"op": "replace", "path": "", "value": 3},
    ],
)
def test_what_does_not_fit_is_refused(operation):
    with pytest.raises(PatchError):
        patch(operation)


def test_true_is_not_one():
    assert not same(True, 1)
    assert not same([0], [False])
    assert same({"a": 1.0}, {"a": 1})


def test_what_the_platform_adds_does_not_hide_what_was_asked_for():
    assert covers({"a": [{"b": 1, "createTime": "5"}]}, {"a": [{"b": 1}]})
    assert not covers({"a": [{"b": 1}, {}]}, {"a": [{"b": 1}]})
    assert not covers({}, {"a": None})


def test_leaves_name_every_place_once():
    after = applied(FLOW, {"set": [["/scheduleParams/endTime", 9], ["/scheduleParams/interval", 6]]})
    found = leaves(FLOW, after)
    assert found == [
        {"path": "/scheduleParams/interval", "from": 3, "to": 6},
        {"path": "/scheduleParams/endTime", "to": 9},
    ]
    assert in_place(after, found)
    assert not in_place(FLOW, found)
    gone = leaves(after, FLOW)
    assert {"path": "/scheduleParams/endTime", "from": 9} in gone
    assert not in_place(after, gone)


def flow(*selectors, **params):
    return {
        "scheduleParams": {"startTime": 1, "interval": 3},
        "transformations": [
            {"name": "GeneralTransform", "params": {"segmentSelectors": {"selectors": list(selectors)}, **params}}
        ],
    }


A, B, C = ({"type": "PLATFORM_SEGMENT", "value": {"id": letter}} for letter in "abc")
SELECTORS = "/transformations/0/params/segmentSelectors/selectors"


@pytest.mark.parametrize(
    ("after", "wanted"),
    [
        (flow(A, B), []),
        (
            {**flow(A, B), "scheduleParams": {"startTime": 1, "interval": 3, "endTime": 5}},
            [("replace", "/scheduleParams", {"startTime": 1, "interval": 3, "endTime": 5})],
        ),
        (flow(A, B, C), [("add", f"{SELECTORS}/-", C)]),
        (flow(B), [("remove", f"{SELECTORS}/0", None)]),
        (flow(), [("remove", f"{SELECTORS}/1", None), ("remove", f"{SELECTORS}/0", None)]),
        (flow(A, C), [("replace", f"{SELECTORS}/1", C)]),
        (flow(C), [("replace", f"{SELECTORS}/0", C), ("remove", f"{SELECTORS}/1", None)]),
        (flow(A, B, mandatoryFields=["x"]), [("add", "/transformations/0/params/mandatoryFields", ["x"])]),
        ({**flow(A, B), "name": "x"}, [("add", "/name", "x")]),
        ({"transformations": flow(A, B)["transformations"]}, [("remove", "/scheduleParams", None)]),
    ],
)
def test_whole_objects_are_sent_and_no_more(after, wanted):
    found = operations(flow(A, B), after)
    assert [(each["op"], each["path"], each.get("value")) for each in found] == wanted


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.text("ab/~", max_size=2),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab/~", max_size=2), inner, max_size=3),
    max_leaves=8,
)
SELECTOR = st.fixed_dictionaries(
    {"type": st.just("X"), "value": st.fixed_dictionaries({"id": st.sampled_from("abcd")})}
)
FLOWS = st.fixed_dictionaries(
    {"name": st.text("n", min_size=1, max_size=2)},
    optional={
        "description": st.text("d", max_size=2),
        "scheduleParams": st.dictionaries(st.sampled_from(["interval", "endTime", "a/b"]), VALUES, max_size=3),
        "transformations": st.lists(
            st.fixed_dictionaries(
                {
                    "name": st.just("T"),
                    "params": st.fixed_dictionaries(
                        {"segmentSelectors": st.fixed_dictionaries({"selectors": st.lists(SELECTOR, max_size=5)})},
                        optional={"mandatoryFields": VALUES},
                    ),
                }
            ),
            max_size=2,
        ),
    },
)


@given(FLOWS, FLOWS)
def test_the_platform_makes_of_them_what_was_wanted(before, after):
    """The witness's own JSON Patch, which knows three operations, comes to the same end."""
    wanted = operations(before, after)
    assert same(patched(before, wanted) if wanted else before, after)
    assert in_place(after, leaves(before, after))


@given(st.lists(st.text(max_size=4), min_size=1, max_size=4))
def test_a_pointer_there_and_back(steps):
    assert list(steps_of(pointer_of(steps))) == steps
