"""flow-update, flow-action and watch: what is understood, and every mistake said at once with a way out."""

import pytest

from headgate.manifest.expand import expanded

from tests.unit.manifest.support import export, loaded, problems

FLOW = "8256cfb4-17e6-432c-a469-6aedafb16cd5"


def entry(kind, **parts):
    lines = [f"  - kind: {kind}", "    name: it", *(f"    {key}: {value}" for key, value in parts.items())]
    return "\n".join(lines) + "\n"


def update(**parts):
    parts.setdefault("select", '{property: "state==enabled"}')
    if not {"set", "patch"} & set(parts):
        parts["set"] = "{/scheduleParams/endTime: 1830336000}"
    return entry("flow-update", **parts)


def test_an_update_is_read(tmp_path):
    [item] = loaded(
        tmp_path,
        update(select='{property: "state==enabled", where: "scheduleParams.endTime < `1790000000`"}'),
    ).items
    assert item.body == {
        "select": {"property": ["state==enabled"], "where": "scheduleParams.endTime < `1790000000`"},
        "set": {"/scheduleParams/endTime": 1830336000},
    }


def test_it_is_expanded_as_it_is_written(tmp_path):
    [shown] = expanded(loaded(tmp_path, update(select='{property: ["state==enabled"]}')))
    assert shown == {
        "kind": "flow-update",
        "name": "it",
        "select": {"property": ["state==enabled"]},
        "set": {"/scheduleParams/endTime": 1830336000},
    }


def test_rows_and_variables_reach_everything(tmp_path):
    text = (
        '  - kind: flow-update\n    name: "${row.name}"\n    foreach: {rows: [{name: a, end: 1830336000}]}\n'
        '    select: {where: "name == \'${row.name}\'"}\n    set: {/scheduleParams/endTime: "${row.end}"}\n'
    )
    [item] = loaded(tmp_path, text).items
    assert item.body["select"]["where"] == "name == 'a'"
    assert item.body["set"] == {"/scheduleParams/endTime": 1830336000}


def test_all_mistakes_of_an_entry_are_said_in_one_pass(tmp_path):
    found = problems(
        tmp_path,
        update(
            select='{property: ["state=enabled", "id>=x", "nme==x"], where: "endTime < 5", wher: x}',
            set="{/id: 1, scheduleParams.endTime: 2, /scheduleParams/endTime: 1830336000000}",
        ),
    )
    assert {one.key for one in found} == {
        "entries[0].select.wher",
        "entries[0].select.property[0]",
        "entries[0].select.property[1]",
        "entries[0].select.property[2]",
        "entries[0].select.where",
        "entries[0].set./id",
        'entries[0].set["scheduleParams.endTime"]',
        "entries[0].set./scheduleParams/endTime",
    }
    assert all(one.hint or one.key.endswith("/id") for one in found)


@pytest.mark.parametrize(
    ("parts", "key", "said", "hint"),
    [
        ({"select": "{}"}, "select", "is empty", "isDestinationFlow"),
        ({"flows": f"[{FLOW}]"}, "flows", "goes without select", "one of the two"),
        ({"set": "{}"}, "set", "must map", "/scheduleParams/endTime"),
        ({"set": "{/name: x}", "patch": "[{op: remove, path: /description}]"}, "set", "goes without patch", "or patch"),
        ({"set": "{/name: 3}"}, "set./name", "must be text", ""),
        ({"set": "{/scheduleparams/endTime: 3}"}, "set./scheduleparams/endTime", "has no", "/scheduleParams"),
        ({"set": "{/list/-: 3, /scheduleParams/x/-: 1}"}, "set./scheduleParams/x/-", "on every run", "patch"),
        ({"set": "{/state: disabled}"}, "set./state", "cannot be changed", "flow-action"),
        ({"set": "{/flowSpec/id: x}"}, "set./flowSpec/id", "cannot be changed", "new flow"),
        ({"set": '{/a~2b: 1}'}, "set./a~2b", "'~'", ""),
        ({"set": "{/scheduleParams: {endTime: 1830336000000}}"}, "set./scheduleParams", "milliseconds", "1830336000"),
        ({"set": "{/scheduleParams: {a: 1}, /scheduleParams/b: 2}"}, "set./scheduleParams/b", "lies inside", "keep one"),
        ({"set": '{/scheduleParams/endTime: "1830336000"}'}, "set./scheduleParams/endTime", "number", "without quotes"),
        ({"patch": "[{op: Replace, path: /name, value: x}]"}, "patch[0].op", "unknown operation", "replace"),
        ({"patch": "[{op: add, path: /name}]"}, "patch[0].value", "missing", ""),
        ({"patch": "[{op: remove, path: /name, value: 1}]"}, "patch[0].value", "does not belong", "op, path"),
        ({"patch": "[{op: move, path: /name}]"}, "patch[0].from", "missing", ""),
        ({"patch": "[{op: move, from: /etag, path: /name}]"}, "patch[0].from", "cannot be changed", "platform"),
        ({"patch": "[{op: replace, value: 1}]"}, "patch[0].path", "missing", "pointer"),
        ({"patch": '[{op: replace, path: "", value: 1}]'}, "patch[0].path", "whole flow", ""),
        ({"patch": "[]"}, "patch", "list of operations", "op"),
        ({"patch": "[nonsense]"}, "patch[0]", "mapping", "op"),
        ({"select": '{where: "start_with(name, \'x\')"}'}, "select.where", "no function", ""),
        ({"select": '{property: "createdAt==1,2"}'}, "select.property", "one value", ""),
        ({"select": '{property: "updatedAt>=1,2"}'}, "select.property", "one value", "two filters"),
        ({"select": '{property: "name~x"}'}, "select.property", "no operator '~'", "where"),
        ({"select": '{property: "state=="}'}, "select.property", "no value", "state=="),
    ],
)  # fmt: skip
def test_a_mistake_and_its_way_out(tmp_path, parts, key, said, hint):
    found = [one for one in problems(tmp_path, update(**parts)) if one.key == f"entries[0].{key}"]
    assert found, problems(tmp_path, update(**parts))
    assert said in found[0].message
    assert hint in found[0].hint


def test_a_test_may_look_at_what_cannot_be_changed(tmp_path):
    patch = "[{op: test, path: /state, value: enabled}, {op: copy, from: /id, path: /description}]"
    assert not problems(tmp_path, update(patch=patch))


def test_doubtful_filters_are_warned_of(tmp_path):
    manifest = loaded(tmp_path, update(select='{property: "scheduleParams.endTime==5"}'))
    assert ["not documented" in warning.message for warning in manifest.warnings] == [True]


@pytest.mark.parametrize(
    ("parts", "key", "hint"),
    [
        ({"action": "enabel"}, "action", "enable"),
        ({}, "action", "enable, disable, delete, retry"),
        ({"action": "retry", "select": '{property: "inheritedAttributes.properties.isDestinationFlow==true"}'},
         "action", "activation"),
        ({"action": "enable", "select": None, "flows": "[Nobody]"}, "flows[0]", "flow id"),
        ({"action": "enable", "select": None, "flows": f"[{FLOW}, {FLOW}]"}, "flows[1]", "keep one"),
        ({"action": "enable", "select": None, "flows": "[]"}, "flows", "Loyalty"),
        ({"action": "enable", "select": None}, "select", "flows"),
        ({"action": "enable", "selct": "{}"}, "selct", "select"),
    ],
)  # fmt: skip
def test_flow_action_mistakes(tmp_path, parts, key, hint):
    parts = {"select": "{property: state==enabled}", **parts}
    text = entry("flow-action", **{name: value for name, value in parts.items() if value is not None})
    [found] = problems(tmp_path, text)
    assert found.key == f"entries[0].{key}"
    assert hint in found.hint


def test_flows_are_named_by_item(tmp_path):
    text = entry("flow-action", flows="[One, Onne]", action="disable")
    assert [(one.key, one.hint) for one in problems(tmp_path, export("One"), text)] == [
        ("entries[1].flows[1]", "did you mean 'One'?")
    ]
    found = problems(tmp_path, export("One"), entry("flow-action", flows="[One]", action="retry"))
    assert [one.key for one in found] == ["entries[1].action"]


def test_a_selected_action_keeps_the_items_it_names(tmp_path):
    text = entry("watch", flows="[One]")
    manifest = loaded(tmp_path, export("One"), export("Two"), text, select=["it"])
    assert [item.name for item in manifest.items] == ["One", "it"]


@pytest.mark.parametrize(("within", "seconds"), [("90m", 5400.0), ("24h", 86400.0), ("2d", 172800.0), (30, 30.0)])
def test_watch_times(tmp_path, within, seconds):
    [item] = loaded(tmp_path, entry("watch", flows=f"[{FLOW}]", within=within)).items
    assert item.body["within"] == seconds


@pytest.mark.parametrize("parts", [{"until": "done"}, {"within": "soon"}, {"within": "99d"}, {"within": "0s"}])
def test_watch_mistakes(tmp_path, parts):
    [found] = problems(tmp_path, entry("watch", flows=f"[{FLOW}]", **parts))
    assert found.key == f"entries[0].{next(iter(parts))}"
    assert found.hint
