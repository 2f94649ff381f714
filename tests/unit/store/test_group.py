"""What a group of records comes to: the end of every object's story, whatever happened to it on the way."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headgate.engine.record import Made, Record
from headgate.store.group import gathered


def one(kind, remote="", marker="m1", *, digest="d", found="", gone=False, frees=()):
    return Record(kind, 0, {}, Made(marker, "flows", remote, "name", digest, found, gone), frees)


def test_rows_are_numbered_on_from_the_last():
    group = gathered([Record("intent", 3, {"a": 1}), Record("step", 4, {})], 7)
    assert group.rows == [(8, "intent", 3, '{"a":1}'), (9, "step", 4, "{}")]
    assert not (group.gone or group.undone or group.doubts or group.made or group.frees)


def test_what_is_freed_is_gathered_in_order():
    assert gathered([one("step", frees=("b", "a")), one("settled", frees=("c",))], 0).frees == ["b", "a", "c"]


@pytest.mark.parametrize(
    ("records", "doubts", "made", "undone", "gone"),
    [
        ([one("intent")], [("", "")], [], [], []),
        ([one("intent"), one("settled", "id-1", found="after")], [], [("id-1", "after")], [], []),
        ([one("intent"), one("step")], [], [], ["m1"], []),
        ([one("intent"), one("step"), one("intent")], [("", "")], [], [], []),
        ([one("settled", "id-1"), one("step")], [], [("id-1", "")], [], []),
        ([one("settled", "id-1"), one("intent")], [], [("id-1", "")], [], []),
        (
            [one("settled", "id-1", found="after"), one("settled", "id-1", found="updated")],
            [],
            [("id-1", "after")],
            [],
            [],
        ),
        ([one("settled", "id-1", found="after"), one("settled", "id-2", found="same")], [], [("id-2", "same")], [], []),
        ([one("settled", "id-1"), one("settled", "id-1", gone=True)], [], [], ["m1"], [("id-1", "flows")]),
        ([one("settled", "id-1"), one("settled", "id-1", "m2", gone=True)], [], [], ["m1", "m2"], [("id-1", "flows")]),
        ([one("settled", "id-1", gone=True), one("settled", "id-2")], [], [("id-2", "")], [], [("id-1", "flows")]),
        ([one("settled", gone=True)], [], [], ["m1"], []),
    ],
)
def test_only_what_holds_at_the_end_is_written(records, doubts, made, undone, gone):
    group = gathered(records, 0)
    assert [(row[2], row[5]) for row in group.doubts] == doubts
    assert [(row[2], row[5]) for row in group.made] == made
    assert (group.undone, group.gone) == (undone, gone)


def apply(table, group, run):
    """A store, in the order it is told to write."""
    for remote, collection in group.gone:
        for marker in [m for m, row in table.items() if (row[0], row[1]) == (remote, collection)]:
            del table[marker]
    for marker in group.undone:
        if marker in table and not table[marker][0]:
            del table[marker]
    for marker, collection, remote, _name, digest, found in group.doubts:
        table.setdefault(marker, (remote, collection, digest, run, found))
    for marker, collection, remote, _name, digest, found in group.made:
        old = table.get(marker)
        keeps = old is not None and old[0] == remote
        table[marker] = (remote, collection, digest, old[3] if keeps else run, old[4] if keeps else found)


records = st.builds(
    one,
    st.sampled_from(["intent", "step", "settled"]),
    st.sampled_from(["", "id-1", "id-2"]),
    st.sampled_from(["m1", "m2"]),
    digest=st.just("d"),
    found=st.sampled_from(["", "after"]),
    gone=st.booleans(),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(records, max_size=6))
def test_no_object_is_in_two_places_and_the_order_is_one_for_everybody(given):
    group = gathered(given, 0)
    markers = [*group.undone, *(row[0] for row in group.doubts), *(row[0] for row in group.made)]
    assert len(markers) == len(set(markers))
    for rows in (group.doubts, group.made):
        assert [row[0] for row in rows] == sorted(row[0] for row in rows)


@settings(max_examples=300, deadline=None)
@given(st.lists(records, max_size=5))
def test_one_group_ends_as_a_group_for_each_record_does(given):
    """From nothing, what exists afterwards is the same however the records were cut into groups."""
    together, apart = {}, {}
    apply(together, gathered(given, 0), "r")
    for record in given:
        apply(apart, gathered([record], 0), "r")
    assert {m: row[:2] for m, row in together.items()} == {m: row[:2] for m, row in apart.items()}


def test_what_is_not_json_is_refused():
    with pytest.raises(TypeError):
        gathered([Record("step", 0, {"x": object()})], 0)
