"""The builder: equal jobs once, edges backwards, shared content by what it is."""

from __future__ import annotations

import pytest

from headgate.planning.builder import Builder
from headgate.planning.marker import PREFIX, described, marker, scope_prefix
from headgate.planning.model import ItemRow, Job, PairRow, Plan
from headgate.planning.outline import Outline
from headgate.secret import Secret


def plain(key, needs=None, after=None):
    return Job(key, "create", "flow", None, needs=needs or {}, after=after or {})


def test_a_job_is_added_once_by_its_key():
    builder = Builder("m", "dev")
    assert [builder.add(plain("a")), builder.add(plain("b")), builder.add(plain("a"))] == [0, 1, 0]
    assert len(builder.jobs) == 2


def test_the_key_of_an_items_own_job_is_not_kept():
    """There are as many as items, and no two have one name."""
    builder = Builder("m", "dev")
    builder.add(Job("flow:x", "create", "flow", None, 0))
    assert builder.find("flow:x") is None


@pytest.mark.parametrize("edges", [{"needs": {"x": 1}}, {"after": {"x": 1}}, {"needs": {"x": 7}}])
def test_an_edge_may_only_point_backwards(edges):
    builder = Builder("m", "dev")
    builder.add(plain("a"))
    with pytest.raises(ValueError, match="b"):
        builder.add(plain("b", **edges))


def test_one_key_stands_for_one_content_secrets_included():
    builder = Builder("m", "dev")
    one, two = {"auth": {"k": Secret("1")}}, {"auth": {"k": Secret("2")}}
    assert builder.share("base:s3:x", one)
    assert builder.share("base:s3:x", one)
    assert builder.share("base:s3:y", two)
    assert not builder.share("base:s3:x", two)
    assert builder.share("base:s3:x", {"auth": {"k": Secret("1")}}), "it is the content that counts"
    assert builder.find("base:s3:x") is None
    assert builder.find("nothing") is None


def test_items_are_found_by_name():
    builder = Builder("m", "dev")
    row = ItemRow("e", "A", "audience-export", "f:1", {})
    builder.row(row)
    assert builder.find_item("A") is row
    assert builder.find_item("B") is None


def test_a_marker_tells_sandbox_scope_and_key_apart():
    seen = {
        marker(*parts)
        for parts in [
            ("dev", "m", "k"),
            ("prod", "m", "k"),
            ("dev", "n", "k"),
            ("dev", "m", "j"),
            ("dev", "", "k"),
            ("devm", "", "k"),
            ("dev", "mk", ""),
        ]
    }
    assert len(seen) == 7
    assert all(one.startswith(PREFIX) and len(one) == len(PREFIX) + 25 for one in seen)
    assert marker("dev", "m", "k") == marker("dev", "m", "k")


def test_a_marker_never_changes_between_versions():
    """Objects made by an older program are recognised by it for ever."""
    from hashlib import blake2b

    def digest(size, *parts):
        return blake2b(chr(31).join(parts).encode(), digest_size=size).hexdigest()

    assert marker("dev", "m", "flow:A") == f"[headgate:{digest(4, 'dev', 'm')}{digest(8, 'dev', 'm', 'flow:A')}]"
    assert marker("dev", "m", "flow:A").startswith(scope_prefix("dev", "m"))
    assert not marker("dev", "m", "flow:A").startswith(scope_prefix("dev", "n"))


def test_a_description_keeps_its_text_and_ends_with_its_mark():
    assert described("My text", "[headgate:x]") == "My text [headgate:x]"
    assert described("", "[headgate:x]") == "[headgate:x]"


def test_an_outline_survives_the_store_and_is_small():
    jobs = tuple(Job(f"flow:{n}", "create", "flow", {"secret": "s3cr3t"}, n) for n in range(2000))
    rows = tuple(
        ItemRow("e", f"Ü {n}", "audience-export", f"f:{n}", {"flow": n}, {"baseConnection": "b"}) for n in range(2000)
    )
    pairs = tuple(PairRow("x", f"Ü {n}", "a", n, n) for n in range(2000))
    outline = Outline.of(Plan("m", "dev", jobs, rows, pairs, (), "f"))
    packed = outline.packed()
    back = Outline.unpacked(packed)
    assert list(back.jobs) == list(outline.jobs)
    assert list(back.items) == list(rows)
    assert list(back.pairs) == list(pairs)
    assert len(packed) < 100_000
    import zlib

    assert b"s3cr3t" not in zlib.decompress(packed)
