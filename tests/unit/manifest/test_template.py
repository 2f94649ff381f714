"""References, one by one."""

from __future__ import annotations

import pytest

from headgate.manifest.references import UNRESOLVED, Row, Scope
from headgate.manifest.template import compile_value, depends_on_row, fill
from headgate.secret import Secret


@pytest.fixture
def said():
    return []


@pytest.fixture
def scope(tmp_path, said):
    (tmp_path / "key.txt").write_text("one\ntwo\n", encoding="utf-8")
    variables = {"n": 5, "deep": {"list": ["a", "b"]}, "lost": UNRESOLVED}
    return Scope(
        {"HOME": "/h"},
        tmp_path,
        variables,
        lambda path, message, hint: said.append((path, message, hint)),
        rows=True,
        columns=None,
        source="rows",
    )


ROW = Row({"x": 7, "t": {"u": [True]}, "s": "text"}, 3, "f:1")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("${env:HOME}", "/h"),
        ("${file:key.txt}", "one\ntwo"),
        ("${vars.n}", 5),
        ("a${vars.n}", "a5"),
        ("${vars.deep.list.1}", "b"),
        ("${vars.deep}", {"list": ["a", "b"]}),
        ("$${env:HOME}", "${env:HOME}"),
        ("$5", "$5"),
        ("${row.x}", 7),
        ("-${row.x}-", "-7-"),
        ("${row.t.u.0}", True),
        ("${row.t.u.0}!", "true!"),
        ("${row.index}", 3),
        ("${ row.s }", "text"),
        ("$$", "$"),
        ("${row.s}$$${vars.n}", "text$5"),
        ("${row}", ROW.value),
    ],
)
def test_what_a_reference_stands_for(scope, said, text, value):
    assert fill(compile_value(text, ("k",), scope), ROW, scope.say) == value
    assert said == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("${env:NOPE}", "environment variable NOPE is not set"),
        ("${vars.m}", "vars.m is not defined"),
        ("${vars.deep.x}", "vars.deep.x is not defined"),
        ("${file:nope}", "file 'nope' cannot be read: No such file or directory"),
        ("${row.y}", "this row has no 'y'"),
        ("a ${row.t}", "a reference to a mapping cannot stand inside text"),
        ("${var.n}", "unknown reference '${var.n}'"),
        ("${", "a reference is not closed"),
    ],
)
def test_what_leads_nowhere_is_said_where_it_stands(scope, said, text, message):
    assert fill(compile_value(text, ("k",), scope), ROW, scope.say) is UNRESOLVED
    assert [(path, one) for path, one, _ in said] == [(("k",), message)]


def test_a_lost_variable_is_not_said_again(scope, said):
    assert compile_value("a ${vars.lost}", ("k",), scope) is UNRESOLVED
    assert said == []


def test_rows_need_a_foreach(scope, said):
    scope.rows = False
    assert compile_value("${row.x}", ("k",), scope) is UNRESOLVED
    assert said[0][1] == "there are no rows here"


def test_what_depends_on_no_row_is_shared(scope):
    compiled = compile_value({"a": {"b": "${vars.n}"}, "c": ["${row.x}", "z"], "${row.s}": 1}, (), scope)
    first, second = fill(compiled, ROW, scope.say), fill(compiled, ROW, scope.say)
    assert first == {"a": {"b": 5}, "c": [7, "z"], "text": 1}
    assert first["a"] is second["a"]
    assert depends_on_row(compiled, ("c", 0))
    assert not depends_on_row(compiled, ("c", 1))
    assert not depends_on_row(compiled, ("a", "b"))


def test_all_below_auth_but_the_spec_name_is_secret(scope):
    compiled = compile_value(
        {"auth": {"specName": "S", "params": {"a": "lit", "b": "${env:HOME}", "c": "x${row.x}", "d": 5}}},
        (),
        scope,
    )
    auth = fill(compiled, ROW, scope.say)["auth"]
    assert auth["specName"] == "S"
    assert auth["params"] == {"a": Secret("lit"), "b": Secret("/h"), "c": Secret("x7"), "d": Secret(5)}
    assert str(auth) == "{'specName': 'S', 'params': {'a': ***, 'b': ${env:HOME}, 'c': x${row.x}, 'd': ***}}"


@pytest.mark.parametrize(
    "name", ["../secret.txt", "/etc/hostname", "link.txt", "inner/../../secret.txt", "folder/secret.txt"]
)
def test_a_file_outside_the_manifests_folder_is_not_read(tmp_path, said, name):
    (tmp_path / "secret.txt").write_text("hush")
    here = tmp_path / "here"
    (here / "inner").mkdir(parents=True)
    (here / "link.txt").symlink_to(tmp_path / "secret.txt")
    (here / "folder").symlink_to(tmp_path)
    scope = Scope({}, here, {}, lambda path, message, hint: said.append((path, message, hint)))
    assert compile_value(f"${{file:{name}}}", ("k",), scope) is UNRESOLVED
    ((_, message, hint),) = said
    assert message == f"file '{name}' lies outside the manifest's folder"
    assert "--allow-files /" in hint


def test_a_link_that_stays_inside_and_a_folder_that_is_allowed_are_read(tmp_path, said):
    allowed, here = tmp_path / "run" / "secrets", tmp_path / "here"
    allowed.mkdir(parents=True)
    (allowed / "key").write_text("hush\n")
    (here / "..data").mkdir(parents=True)
    (here / "..data" / "key").write_text("hash\n")
    (here / "key").symlink_to("..data/key")
    scope = Scope({}, here, {}, lambda *words: said.append(words), folders=(tmp_path / "run",))
    assert compile_value("${file:key}", ("k",), scope) == "hash"
    assert compile_value(f"${{file:{allowed / 'key'}}}", ("k",), scope) == "hush"
    assert compile_value("${file:../run/secrets/key}", ("k",), scope) == "hush"
    assert said == []
