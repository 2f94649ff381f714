"""The JSON Schema says what the loader says: never more, and as much as it can."""

from __future__ import annotations

import copy
import re
from functools import cache
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator

from headgate.errors import ManifestError
from headgate.manifest import connections, entries, load as loading, options, rows
from headgate.manifest.document import Document
from headgate.manifest.jsonschema import manifest_schema
from headgate.manifest.kinds import GRAMMARS
from headgate.manifest.load import load

ROOT = Path(__file__).parents[3]
EXAMPLES = sorted((ROOT / "configs/manifests").glob("*.yaml"))
ENV = {"S3_KEY": "A" * 20, "S3_SECRET": "hushhush" * 5, "SF_USER": "u", "SF_PASSWORD": "hush", "SF_TOKEN": "hush"}


@cache
def validator():
    schema = manifest_schema()
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def accepts(data) -> bool:
    return validator().is_valid(data)


def problems(path):
    try:
        load(path, grammars=GRAMMARS, env=ENV)
    except ManifestError as error:
        return error.problems
    return ()


def loads(path) -> bool:
    return not problems(path)


def written(data, base: Path) -> Path:
    """A manifest beside the files of rows it may name."""
    path = base / "m.yaml"
    path.write_text(yaml.safe_dump(data, sort_keys=False), encoding="utf-8")
    return path


def entry(kind: str) -> dict:
    """A whole manifest around a kind's own example."""
    return {"headgate": 1, "name": "m", "entries": yaml.safe_load(GRAMMARS[kind].example)}


@pytest.mark.parametrize("path", [*EXAMPLES, ROOT / "tests/data/manifests/contract.yaml"], ids=lambda path: path.name)
def test_what_is_shipped_validates(path):
    assert [error.message for error in validator().iter_errors(Document.read(path).data)] == []


@pytest.mark.parametrize("kind", GRAMMARS)
def test_the_example_of_a_kind_validates_and_loads(kind, tmp_path):
    path = written(entry(kind), tmp_path)
    assert accepts(Document.read(path).data)
    load(path, grammars=GRAMMARS, env=ENV)


def schemas_in(node, at=()):
    """Every closed set of keys in the schema."""
    if isinstance(node, dict):
        if "if" not in at[-1:] and isinstance(node.get("properties"), dict):
            yield at, node["properties"]
        for key, inner in node.items():
            yield from schemas_in(inner, (*at, key))
    elif isinstance(node, list):
        for number, inner in enumerate(node):
            yield from schemas_in(inner, (*at, number))


def test_every_key_is_described():
    silent = [
        "/".join(map(str, (*at, key)))
        for at, properties in schemas_in(manifest_schema())
        if "then" not in at and "if" not in at
        for key, form in properties.items()
        if isinstance(form, dict) and not form.get("description")
    ]
    assert silent == []


def test_no_description_tells_of_the_inside():
    texts = re.findall(r"'description': '((?:[^'\\]|\\.)*)'", str(manifest_schema()))
    assert len(texts) > 150
    assert [text for text in texts if re.search(r"trap \d|facts \d|seed \d|``", text)] == []


def test_the_outer_keys_are_those_of_the_loader():
    schema = manifest_schema()
    assert tuple(schema["properties"]) == loading._KEYS
    assert tuple(schema["$defs"]["account"]["properties"]) == connections._KEYS
    assert tuple(schema["$defs"]["rows"]["properties"]) == rows.KINDS
    assert tuple(schema["$defs"]["options"]["properties"]) == tuple(options.OPTIONS)
    for kind, grammar in GRAMMARS.items():
        own = [field.alias or name for name, field in grammar.model.model_fields.items()]
        common = [*entries.COMMON, "connection"] if grammar.connected else [*entries.COMMON]
        assert list(schema["$defs"][kind]["properties"]) == [*common, *own]


BROKEN = {
    "an unknown key": lambda m: m.update(entires=[]),
    "an unknown key of an entry": lambda m: m["entries"][0].update(tagz=["a"]),
    "an unknown kind": lambda m: m["entries"][0].update(kind="audience-exprt"),
    "an unknown destination": lambda m: m["entries"][0]["connection"].update(destination="amazon_s4"),
    "another grammar": lambda m: m.update(headgate=2),
    "a name with a blank": lambda m: m.update(name="my manifest"),
    "no entries": lambda m: m.update(entries=[]),
    "entries that are no list": lambda m: m.update(entries={}),
    "an entry without a name": lambda m: m["entries"][0].pop("name"),
    "an export without audiences": lambda m: m["entries"][0].pop("audiences"),
    "an empty list": lambda m: m["entries"][0].update(audiences=[]),
    "a number for text": lambda m: m["entries"][0]["audiences"][0].update(id=7),
    "an unknown mode": lambda m: m["entries"][0]["audiences"][0].update(exportMode="FULL"),
    "an unknown frequency": lambda m: m["entries"][0]["audiences"][0]["schedule"].update(frequency="HOURLY"),
    "a frequency of the other mode": lambda m: m["entries"][0]["audiences"][0]["schedule"].update(
        frequency="EVERY_3_HOURS"
    ),
    "a time at half past": lambda m: m["entries"][0]["audiences"][0]["schedule"].update(startTime="17:30"),
    "a date that is none": lambda m: m["entries"][0]["audiences"][0]["schedule"].update(startDate="20.12.2026"),
    "an unknown key of a target": lambda m: m["entries"][0]["target"].update(fileTyp="CSV"),
    "a key of another destination's target": lambda m: m["entries"][0]["target"].update(bucketName="b"),
    "an unknown file type": lambda m: m["entries"][0]["target"].update(fileType="XML"),
    "credentials where none are taken": lambda m: m["entries"][0]["connection"].update(
        auth={"specName": "x", "params": {}}
    ),
    "no credentials where some are": lambda m: m["entries"][0]["connection"].update(destination="amazon_s3"),
    "rows of two sources": lambda m: m["entries"][0].update(foreach={"range": [1, 2], "rows": [{}]}),
    "a range of one number": lambda m: m["entries"][0].update(foreach={"range": [1]}),
    "an unknown option": lambda m: m.update(options={"rat": "5/s"}),
    "more than a job takes": lambda m: m.update(options={"audiencesPerJob": 100}),
    "an attribute that is no text": lambda m: m["entries"][0].update(attributes=[1]),
    "a primary field of no type": lambda m: m["entries"][0].update(primaryFields=[{"fieldType": "KEY"}]),
    "auth params under another spec": lambda m: m.update(
        connections={
            "s3": {"destination": "amazon_s3", "auth": {"specName": "Access Key", "params": {"connectionString": "x"}}}
        }
    ),
    "an unknown auth spec": lambda m: m.update(
        connections={"s3": {"destination": "amazon_s3", "auth": {"specName": "Acces Key", "params": {}}}}
    ),
    "a connection to nothing": lambda m: m.update(connections={"s3": {"name": "S3"}}),
}


@pytest.mark.parametrize("break_it", BROKEN.values(), ids=BROKEN)
def test_what_is_broken_is_refused_by_both(break_it, tmp_path):
    data = entry("audience-export")
    break_it(data)
    path = written(data, tmp_path)
    assert not loads(path)
    assert not accepts(Document.read(path).data)


MORE_BROKEN = {
    "activation: nothing but words": ("activation", {"wait": "perhaps"}),
    "activation: version": ("activation", {"apiVersion": 3}),
    "activation: destinations": ("activation", {"destinations": {"x": "one"}}),
    "dataset-export: schedule": ("dataset-export", {"scheduleParams": {"exportMode": "DAILY_FULL_EXPORT"}}),
    "dataset-export: target": ("dataset-export", {"target": {"path": "a", "datasetFileType": "CSV"}}),
    "dataset-export: datasets": ("dataset-export", {"datasets": [{"dataSetId": "a"}]}),
    "source-ingestion: table": ("source-ingestion", {"table": {"tableName": "A", "columns": []}}),
    "source-ingestion: source": ("source-ingestion", {"source": "salesforce"}),
    "source-ingestion: frequency": ("source-ingestion", {"scheduleParams": {"startTime": 1, "frequency": "month"}}),
    "source-ingestion: interval": (
        "source-ingestion",
        {"scheduleParams": {"startTime": 1798800000, "frequency": "minute", "interval": 5}},
    ),
    "source-ingestion: truth for a number": (
        "source-ingestion",
        {"scheduleParams": {"startTime": True, "frequency": "once"}},
    ),
    "flow-update: pointer": ("flow-update", {"set": {"scheduleParams.endTime": 1}}),
    "flow-update: operation": ("flow-update", {"set": None, "patch": [{"op": "update", "path": "/name"}]}),
    "flow-action: action": ("flow-action", {"action": "pause"}),
    "flow-action: select": ("flow-action", {"select": {"wher": "state == 'enabled'"}}),
    "watch: within": ("watch", {"within": "a while"}),
    "watch: flows": ("watch", {"flows": []}),
}


@pytest.mark.parametrize(("kind", "change"), MORE_BROKEN.values(), ids=MORE_BROKEN)
def test_what_is_broken_in_other_kinds_is_refused_by_both(kind, change, tmp_path):
    data = entry(kind)
    data["entries"][0] |= change
    path = written(data, tmp_path)
    assert not loads(path)
    assert not accepts(Document.read(path).data)


def places(node, at=()):
    """Every value of a manifest, by its path."""
    if at:
        yield at
    inner = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in inner:
        yield from places(value, (*at, key))


def changed(data, at, how):
    """A copy of ``data`` with the value at one place changed, or ``None`` where that cannot be done."""
    done = copy.deepcopy(data)
    holder = done
    for part in at[:-1]:
        holder = holder[part]
    return done if how(holder, at[-1]) else None


def put(value):
    def how(holder, key):
        holder[key] = copy.deepcopy(value)
        return True

    return how


def drop(holder, key):
    del holder[key]
    return True


def add(holder, key):
    if isinstance(holder[key], dict):
        holder[key]["unheard-of"] = 1
    return isinstance(holder[key], dict)


HOW = {
    "dropped": drop,
    "a key more": add,
    **{f"now {value!r}": put(value) for value in (None, True, 7, "word", "${vars.any}", [], ["word"], {})},
}


@pytest.mark.parametrize("kind", GRAMMARS)
def test_what_is_loaded_is_never_called_wrong(kind, tmp_path):
    """Values of a good manifest are dropped, or exchanged for others: what still loads, the schema must take.

    What does not load is said with a hint. A third of all changes is tried, always the same.
    """
    data = entry(kind) | {"vars": {"any": "word"}, "options": {"rate": "50/s", "tolerate": 0}}
    data["entries"][0]["tags"] = ["a"]
    if kind == "activation":
        params = {"s3AccessKey": "A" * 20, "s3SecretKey": "s" * 40}
        account = {"destination": "amazon_s3", "auth": {"specName": "Access Key", "params": params}}
        data["connections"] = {"s3": account, "old": {"id": "1ed86558-59b5-42f7-9865-5859b552f7f4"}}
    both, strict, mute = 0, [], []
    changes = [(at, name) for at in places(data) for name in HOW]
    for at, name in changes[:: 1 if len(changes) < 200 else 3]:
        now = changed(data, at, HOW[name])
        if now is None or accepts(now):
            continue
        both += 1
        found = problems(written(now, tmp_path))
        what = f"{'.'.join(map(str, at))}: {name}"
        if not found:
            strict.append(what)
        mute += [f"{what}: {one}" for one in found if not one.hint]
    assert not strict, "\n".join(strict)
    assert not mute, "\n".join(mute)
    assert both > 30
