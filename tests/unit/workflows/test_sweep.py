"""Reading a whole collection: marks, ages, and who uses what; and an end to lists that have none."""

from __future__ import annotations

from headgate.workflows.contract import NO_PHASE, Ask, Ending, Signal
from headgate.workflows.sweep import SWEPT, SweepSpec, advance

from tests.unit.workflows.steps import MARK, context, items, no, ok

FLOW = {
    "id": "f",
    "name": "Flow",
    "createdAt": 1_700_000_000_000,
    "description": f"x {MARK}",
    "sourceConnectionIds": ["s"],
    "targetConnectionIds": ["t"],
    "inheritedAttributes": {
        "sourceConnections": [{"id": "s", "baseConnection": {"id": "p"}}],
        "targetConnections": [{"id": "t", "baseConnection": {"id": "b"}}],
    },
}


def heard(*answers, collection="flows"):
    ctx = context(SweepSpec(collection))
    step = advance(ctx, NO_PHASE, Signal.START)
    for answer in answers:
        assert isinstance(step, Ask)
        step = advance(ctx, step.phase, answer)
    return step


def test_all_four_collections_are_swept():
    assert set(SWEPT) == {"flows", "sourceConnections", "targetConnections", "connections"}


def test_pages_are_followed_and_an_object_seen_twice_counts_once():
    other = {"id": "g", "name": "Other", "description": "nobody's"}
    step = heard(items(FLOW, other, token="a="), items(FLOW))
    assert step.output["objects"] == [
        ["f", "Flow", 1_700_000_000_000, MARK, ["b", "p", "s", "t"]],
        ["g", "Other", 0, "", []],
    ]


def test_a_connection_uses_its_base():
    one = {"id": "t", "name": "T", "baseConnectionId": "b"}
    two = {"id": "u", "name": "U", "inheritedAttributes": {"baseConnection": {"id": "c"}}}
    step = heard(items(one, two), collection="targetConnections")
    assert [row[4] for row in step.output["objects"]] == [["b"], ["c"]]


def test_a_list_that_fails_breaks_or_never_ends_is_a_failure():
    for answers in ([no(400)], [ok({"nothing": 1})], [items(FLOW, token="a"), items(token="a")]):
        assert heard(*answers).ending is Ending.FAILED
