"""Digests: what may be changed in place, what may not, and which part it was."""

from __future__ import annotations

import pytest

from headgate.planning.content import changed_parts, content, kind_of, same_kind

from tests.unit.workflows.steps import creation

BASE = {"connectionSpec": {"id": "a"}, "params": {"path": "x"}, "auth": {"specName": "k"}, "baseConnectionId": "b"}


def digest(collection="targetConnections", below=(), kinds=(), led=(), **changes):
    return content(creation(collection=collection, body={**BASE, **changes}), below, None, kinds, led)


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (digest(params={"path": "y"}), []),
        (digest(description="y"), []),
        (digest(connectionSpec={"id": "c"}), ["another connection spec"]),
        (digest(auth={"specName": "l"}), ["another type of credentials"]),
        (digest(baseConnectionId="c"), ["another account"]),
        (digest(below=["mark"]), ["another account, schema or dataset"]),
        (digest(kinds=["kind"]), ["what it stands on is replaced"]),
        (digest(led=["kind"]), []),
    ],
)
def test_what_is_fixed_and_which_part_of_it_changed(other, said):
    assert other != digest()
    assert same_kind(digest(), other) is not bool(said)
    assert changed_parts(digest(), other, "targetConnections") == said


def test_what_a_source_reads_is_fixed_and_datasets_are_named_as_such():
    table, other = (digest("sourceConnections", params={"tableName": name}) for name in "TU")
    assert changed_parts(table, other, "sourceConnections") == ["another table or other columns"]
    one, two = (digest("sourceConnections", params={"datasets": [{"dataSetId": name}]}) for name in "TU")
    assert changed_parts(one, two, "sourceConnections") == ["other datasets"]
    assert not same_kind(table, other)


def test_what_stands_on_something_else_is_of_another_kind_too():
    assert kind_of(digest()) != kind_of(digest(kinds=["kind"])), "so it is seen from above as well"


def test_a_digest_that_tells_no_parts_is_judged_by_what_it_tells():
    old = digest().partition("-")[0] + ".0123"
    assert same_kind(old, digest())
    assert same_kind(old, digest(kinds=["kind"]))
    assert not same_kind(old, digest(baseConnectionId="c"))
    assert changed_parts(old, digest(baseConnectionId="c"), "targetConnections") == []
