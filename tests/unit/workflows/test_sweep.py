"""What a sweep reads of an object: its mark, its age, and who uses what."""

from __future__ import annotations

from headgate.workflows.sweep import SWEPT, created_s, mark_of, used_by

from tests.unit.workflows.steps import MARK

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


def test_all_four_collections_are_swept():
    assert set(SWEPT) == {"flows", "sourceConnections", "targetConnections", "connections"}


def test_a_flow_uses_its_connections_and_their_bases():
    assert (mark_of(FLOW), created_s(FLOW), used_by(FLOW)) == (MARK, 1_700_000_000, ["b", "p", "s", "t"])
    other = {"id": "g", "name": "Other", "description": "nobody's", "createdAt": "yesterday"}
    assert (mark_of(other), created_s(other), used_by(other)) == ("", 0, [])


def test_a_connection_uses_its_base():
    assert used_by({"id": "t", "baseConnectionId": "b"}) == ["b"]
    assert used_by({"id": "u", "inheritedAttributes": {"baseConnection": {"id": "c"}}}) == ["c"]
