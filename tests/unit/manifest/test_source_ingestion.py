"""``source-ingestion`` in manifests: what is taken, how it is completed, and every mistake with its key and hint."""

from __future__ import annotations

import copy
import random

import pytest
import yaml

from headgate.secret import Secret

from tests.unit.manifest.support import brief, loaded, problems

AUTH = {
    "specName": "Basic Authentication",
    "params": {"username": "u", "password": "hushhush", "securityToken": "hushhush-too"},
}
CLASS = "https://ns.adobe.com/xdm/context/profile"
OTHER = "3416976c-a9ca-4bba-901a-1f08f66978ff"
ENTRY = {
    "kind": "source-ingestion",
    "name": "Accounts",
    "source": "salesforce_service_cloud",
    "connection": {"auth": AUTH},
    "table": {
        "tableName": "Account",
        "columns": [
            {"name": "Id", "type": "string", "xdm": {"type": "string"}},
            {"name": "Name", "type": "string", "xdm": {"type": "string"}},
        ],
    },
    "schema": {"title": "Accounts", "class": CLASS, "fieldGroups": [f"{CLASS}-person-details"]},
    "dataset": {"name": "Accounts"},
    "mappings": [{"sourceAttribute": "Id", "destinationXdmPath": "_id"}],
    "deltaColumn": {"name": "Id"},
    "scheduleParams": {"startTime": 1798800000, "frequency": "minute", "interval": 15, "backfill": True},
}
HEAD = "headgate: 1\nname: test\n"


def entry(**changes):
    """The entry with keys replaced; a key with dots reaches into it, and ``None`` takes it out."""
    made = copy.deepcopy(ENTRY)
    for path, value in changes.items():
        *outer, last = path.split("__")
        at = made
        for key in outer:
            at = at[int(key)] if isinstance(at, list) else at.setdefault(key, {})
        if value is None:
            at.pop(last, None)
        else:
            at[last] = value
    return made


def written(*entries):
    """Entries as lines to stand below ``entries:``."""
    return "".join(f"  {line}\n" for line in yaml.safe_dump(list(entries), sort_keys=False).splitlines())


def said(tmp_path, **changes):
    return [
        (one.key.removeprefix("entries[0]."), one.message, one.hint)
        for one in problems(tmp_path, written(entry(**changes)), head=HEAD)
    ]


def item(tmp_path, **changes):
    manifest = loaded(tmp_path, written(entry(**changes)), head=HEAD)
    (found,) = manifest.items
    return found


def test_it_is_taken_and_completed(tmp_path):
    found = item(tmp_path)
    assert found.connection.source == "salesforce_service_cloud"
    assert isinstance(found.connection.auth["params"]["password"], Secret)
    assert found.body["mappings"] == [
        {
            "sourceAttribute": "Id",
            "destinationXdmPath": "_id",
            "identity": False,
            "identityGroup": None,
            "namespaceCode": None,
            "version": 0,
        }
    ]
    assert found.body["scheduleParams"] == ENTRY["scheduleParams"]


def test_texts_of_adobes_sample_become_numbers_and_truths(tmp_path):
    asked = {"startTime": "1590792316", "frequency": "minute", "interval": "15", "backfill": "true"}
    found = item(tmp_path, scheduleParams=asked).body["scheduleParams"]
    assert found == {"startTime": 1590792316, "frequency": "minute", "interval": 15, "backfill": True}
    assert [type(value) for value in found.values()] == [int, str, int, bool]


@pytest.mark.parametrize(
    "schedule",
    [
        {"frequency": "once"},
        {"frequency": "minute", "interval": 15},
        {"frequency": "hour", "interval": 1},
        {"frequency": "day", "interval": 7, "backfill": False},
        {"frequency": "week", "interval": 1},
    ],
)
def test_schedules_that_are_right(tmp_path, schedule):
    assert item(tmp_path, scheduleParams={"startTime": 1798800000, **schedule})


@pytest.mark.parametrize(
    ("schedule", "key", "message", "hint"),
    [
        ({"frequency": "once", "interval": 1}, "interval", "does not go with frequency once", "leave it out"),
        ({"frequency": "once", "backfill": False}, "backfill", "does not go with frequency once", "leave it out"),
        ({"frequency": "hour"}, "interval", "missing, and needed with frequency hour", "at least 1"),
        ({"frequency": "minute", "interval": 14}, "interval", "14 is too short for frequency minute", "at least 15"),
        ({"frequency": "week", "interval": 0}, "interval", "0 is too short for frequency week", "at least 1"),
        (
            {"frequency": "minute", "interval": "x"},
            "interval",
            "must be a whole number, not text",
            "every so many of them; minutes are 15 at least",
        ),
        (
            {"frequency": "monthly", "interval": 1},
            "frequency",
            "the value is not one of the choices",
            "use 'once', 'minute', 'hour', 'day' or 'week'",
        ),
        (
            {"startTime": 1798800000000, "frequency": "once"},
            "startTime",
            "must be epoch seconds",
            "that may be milliseconds: 1798800000",
        ),
        ({"startTime": 0, "frequency": "once"}, "startTime", "must be epoch seconds", "such as 1798800000"),
        ({"frequency": "once", "intervall": 1}, "intervall", "unknown key", "did you mean 'interval'?"),
    ],
)
def test_schedules_that_are_wrong(tmp_path, schedule, key, message, hint):
    asked = {"startTime": 1798800000, **schedule}
    assert said(tmp_path, scheduleParams=asked) == [(f"scheduleParams.{key}", message, hint)]


@pytest.mark.parametrize(
    ("changes", "key", "message", "hint"),
    [
        ({"source": "salesforce_servicecloud"}, "source", "unknown source 'salesforce_servicecloud'", "did you mean"),
        ({"source": 5}, "source", "must be text, not a whole number", "sources: "),
        ({"table__columns": []}, "table.columns", "must not be empty", ""),
        ({"table__tableName": None}, "table.tableName", "missing", ""),
        ({"table__columns__1__xdm": None}, "table.columns[1].xdm", "missing", ""),
        (
            {"table__columns__1__name": "Id"},
            "table.columns[1].name",
            "the column 'Id' stands twice, first as table.columns[0]",
            "keep one",
        ),
        (
            {"mappings__0__sourceAttribute": "Idd"},
            "mappings[0].sourceAttribute",
            "'Idd' is not among the columns of the table",
            "did you mean 'Id'?",
        ),
        (
            {"mappings__0__sourceAttribute": "Phone"},
            "mappings[0].sourceAttribute",
            "'Phone' is not among the columns of the table",
            "add it to table.columns",
        ),
        ({"mappings": []}, "mappings", "must not be empty", ""),
        ({"mappings__0__identity": "perhaps"}, "mappings[0].identity", "must be true or false, not text", ""),
        (
            {"deltaColumn__dateFormat": "YYYY-MM-DD"},
            "deltaColumn.dateFormat",
            "'YYYY-MM-DD' is not a supported format",
            "use 'yyyy-MM-dd HH:mm:ss'",
        ),
        ({"deltaColumn": None}, "deltaColumn", "missing", ""),
        ({"schema": None}, "schema", "missing", ""),
        ({"schema__clas": CLASS, "schema__class": None}, "schema.clas", "unknown key", "did you mean 'class'?"),
        ({"schema__title": None}, "schema.title", "missing", "or id: of an existing schema"),
        ({"schema__class": "profile"}, "schema.class", "'profile' is no $id", "a URI"),
        ({"schema__fieldGroups": ["x y"]}, "schema.fieldGroups[0]", "'x y' is no $id", "a URI"),
        ({"schema": {"id": "x", "title": "y"}}, "schema.title", "stands beside id", "an existing schema"),
        ({"dataset__name": None}, "dataset.name", "missing", "or id: of an existing dataset"),
        ({"dataset__id": "x"}, "dataset.name", "stands beside id", "an existing dataset"),
        ({"dataste": {}}, "dataste", "unknown key", "did you mean 'dataset'?"),
        ({"connection__auth__params__securityToken": None}, "connection.auth.params.securityToken", "missing", ""),
        ({"connection": None}, "connection", "missing", "a key of connections:"),
    ],
)
def test_one_mistake_gives_one_problem(tmp_path, changes, key, message, hint):
    ((found_key, found, found_hint),) = said(tmp_path, **changes)
    assert (found_key, found) == (key, message)
    assert hint in found_hint


def test_everything_wrong_is_said_in_one_pass(tmp_path):
    found = said(
        tmp_path,
        source="servicenow",
        table__columns__1__name="Id",
        mappings__0__sourceAttribute="Nam",
        deltaColumn__dateFormat="d",
        schema__title=None,
        dataset__name=None,
        scheduleParams__interval=3,
        scheduleParams__startTime=-1,
    )
    assert {key for key, _, _ in found} == {
        "connection.auth.params.securityToken",
        "connection.auth.params.endpoint",
        "table.columns[1].name",
        "mappings[0].sourceAttribute",
        "deltaColumn.dateFormat",
        "schema.title",
        "dataset.name",
        "scheduleParams.interval",
        "scheduleParams.startTime",
    }
    assert "hushhush" not in repr(found)


@pytest.mark.parametrize("name", ["concat(Id, Name)", "a b", "'fixed'"])
def test_an_expression_is_no_column_and_is_let_through(tmp_path, name):
    assert item(tmp_path, mappings__0__sourceAttribute=name)


def test_doubts_are_warnings(tmp_path):
    twice = [
        {"sourceAttribute": "Id", "destinationXdmPath": "_id"},
        {"sourceAttribute": "Name", "destinationXdmPath": "_id"},
    ]
    text = written(entry(deltaColumn__name="LastModifiedDate", mappings=twice, dataset={"id": "5e"}))
    warnings = brief(loaded(tmp_path, text, head=HEAD).warnings)
    assert sorted(warnings) == [
        ("entries[0].deltaColumn.name", "'LastModifiedDate' is not among the columns of the table"),
        ("entries[0].mappings[1].destinationXdmPath", "the path '_id' stands twice, first as mappings[0]"),
        ("entries[0].schema", "is to be made, and an existing dataset has one already"),
    ]


def test_what_exists_is_taken_by_its_id(tmp_path):
    found = item(tmp_path, schema={"id": "https://x/schemas/1"}, dataset={"id": "5e"}, connection={"id": "1ed86558"})
    assert found.connection.id == "1ed86558"
    assert found.connection.source == "salesforce_service_cloud"


# -- sources the catalogue has no name for ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "source",
    [
        OTHER,
        {"connectionSpec": {"id": OTHER}},
        {"connectionSpec": {"id": OTHER, "version": "1.0"}, "flowSpec": {"name": "CRMToAEP"}},
        {"connectionSpec": {"id": OTHER}, "flowSpec": {"id": OTHER, "version": "1.0"}},
    ],
)
def test_any_source_by_its_ids(tmp_path, source):
    found = item(tmp_path, source=source, connection={"auth": {"specName": "Any", "params": {"key": "hushhush"}}})
    assert found.connection.source == OTHER
    assert isinstance(found.connection.auth["params"]["key"], Secret)


@pytest.mark.parametrize(
    ("source", "key", "message"),
    [
        ({}, "source.connectionSpec", "missing"),
        ({"connectionSpec": {}}, "source.connectionSpec.id", "missing"),
        ({"connectionSpec": {"id": "x"}}, "source.connectionSpec.id", "'x' is no id of a connection spec"),
        ({"connectionSpec": {"id": OTHER, "verson": "1"}}, "source.connectionSpec.verson", "unknown key"),
        (
            {"connectionSpec": {"id": OTHER, "version": 1}},
            "source.connectionSpec.version",
            "must be text, not a whole number",
        ),
        ({"connectionSpec": {"id": OTHER}, "flowSpec": {}}, "source.flowSpec.id", "missing"),
        ({"connectionSpec": {"id": OTHER}, "flowspec": {"id": "x"}}, "source.flowspec", "unknown key"),
        (
            {"connectionSpec": {"id": OTHER}, "flowSpec": {"id": "x", "name": "y"}},
            "source.flowSpec.name",
            "stands beside id",
        ),
    ],
)
def test_ids_that_are_wrong(tmp_path, source, key, message):
    found = said(tmp_path, source=source, connection={"id": "1ed86558"})
    assert [one[:2] for one in found] == [(key, message)]


@pytest.mark.parametrize(
    ("auth", "key"),
    [({}, "specName"), ({"specName": "x"}, "params"), ({"specName": "x", "params": {}, "parms": 1}, "parms")],
)
def test_credentials_of_an_unknown_kind_have_the_right_shape(tmp_path, auth, key):
    found = said(tmp_path, source=OTHER, connection={"auth": auth})
    assert f"connection.auth.{key}" in {one[0] for one in found}


def test_a_connection_of_another_source_or_of_a_destination_is_refused(tmp_path):
    head = HEAD + (
        "connections:\n"
        "  now: {source: servicenow, id: x}\n"
        "  s3: {destination: data_landing_zone}\n"
        "  bare: {id: y}\n"
        "  odd: {source: nowhere_at_all, id: x}\n"
    )
    entries = [
        entry(connection="now", name="a"),
        entry(connection="s3", name="b"),
        entry(connection="bare", source=None, name="c"),
        entry(connection="now", source=None, name="d"),
        entry(connection="bare", name="e"),
    ]
    found = [(one.key, one.message) for one in problems(tmp_path, written(*entries), head=head)]
    assert found == [
        ("connections.odd.source", "unknown source 'nowhere_at_all'"),
        ("entries[0].source", "the connection is one of ServiceNow, and this is Salesforce Service Cloud"),
        ("entries[1].connection", "'s3' is a destination's connection"),
        ("entries[2].source", "missing, and the connection does not say it"),
    ]


# -- what items share -----------------------------------------------------------------------------------------------------


def test_items_that_share_a_schema_or_dataset_say_the_same_of_it(tmp_path):
    entries = [
        entry(name="a"),
        entry(name="b"),
        entry(name="c", schema__fieldGroups=[]),
        entry(name="d", schema__title="Other"),
        entry(name="e", dataset__description="else"),
    ]
    found = problems(tmp_path, written(*entries), head=HEAD)
    assert [one.key for one in found] == [
        "entries[2].schema.title",
        "entries[3].dataset.name",
        "entries[4].dataset.name",
    ]
    assert "is described otherwise at" in found[0].message
    assert "share it" in found[0].hint


def test_rows_that_differ_are_told_by_their_rows(tmp_path):
    rows = entry(name="${row.n}", dataset={"name": "all", "description": "${row.d}"})
    rows["foreach"] = {"rows": [{"n": "a", "d": "x"}, {"n": "b", "d": "y"}]}
    (found,) = problems(tmp_path, written(rows), head=HEAD)
    assert found.key == "entries[0].dataset.name"


def test_a_flood_of_bad_entries_never_raises(tmp_path):
    rng = random.Random(4)
    odd = [None, 5, True, "x", [], {}, [[]], {"a": 1}, ["x"], -1]

    def spoilt(value, depth=0):
        if depth and rng.random() < 0.15:
            return rng.choice(odd)
        if isinstance(value, dict):
            return {key: spoilt(inner, depth + 1) for key, inner in value.items() if rng.random() > 0.05}
        if isinstance(value, list):
            return [spoilt(inner, depth + 1) for inner in value]
        return value

    for _ in range(150):
        made = [{**spoilt(ENTRY), "kind": "source-ingestion", "name": name} for name in ("a", "b")]
        problems(tmp_path, written(*made), head=HEAD)
