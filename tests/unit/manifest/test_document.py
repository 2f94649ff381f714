"""YAML as data with known lines."""

from __future__ import annotations

import pytest

from headgate.manifest.document import Document
from headgate.manifest.keys import key_path, key_text


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("17:00", "17:00"),
        ("2026-12-20", "2026-12-20"),
        ("yes", "yes"),
        ("on", "on"),
        ("true", True),
        ("null", None),
        ("~", None),
        ("012", 12),
        ("0o14", 12),
        ("0x1F", 31),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("-x", "-x"),
        (".", "."),
        ('"1"', "1"),
        ("'true'", "true"),
        ("!!str 5", "5"),
        ("!!int 5", 5),
        ("1_000", "1_000"),
        ("|\n  x", "x"),
    ],
)
def test_plain_scalars_follow_the_core_rules_of_yaml_1_2(text, value):
    document = Document("m.yaml", f"a: {text}")
    assert document.problems == []
    assert document.data["a"] == value
    assert type(document.data["a"]) is type(value)


def test_lines_are_found_through_aliases_and_merges():
    document = Document(
        "m.yaml", "base: &b\n  x: 1\n  y: {z: 2}\nuse:\n  <<: *b\n  x: 3\nalias: *b\nlist:\n  - a\n  - b\n"
    )
    assert document.data["use"] == {"x": 3, "y": {"z": 2}}
    assert document.line(("use", "x")) == 6
    assert document.line(("use", "y")) == 3
    assert document.line(("alias", "x")) == 2
    assert document.line(("list", 1)) == 10
    assert document.line(("list", 7)) == 8, "the nearest thing above"


def test_keys_are_text_and_stand_once():
    document = Document("m.yaml", "a: 1\n? [x]\n: 2\na: 3\n")
    assert [(one.line, one.message) for one in document.problems] == [
        (2, "a key must be text"),
        (4, "the key stands twice, first on line 1"),
    ]
    assert document.data == {"a": 1}


def test_keys_of_findings_are_paths_and_back():
    path = ("entries", 2, "destinations", "Loyalty emea", 0, "a.b")
    assert key_text(path) == 'entries[2].destinations["Loyalty emea"][0]["a.b"]'
    assert key_path(key_text(path)) == path
