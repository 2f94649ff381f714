"""Manifests with very many items: most are made again from their rows, and nobody can tell."""

from __future__ import annotations

import gc
import json
import weakref
from typing import Any

import pytest
from pydantic import BaseModel

from headgate.catalogue import Finding
from headgate.errors import Diagnostic, ManifestError
from headgate.manifest.alike import Verdicts, any_text
from headgate.manifest.again import Again
from headgate.manifest.grammar import Draft
from headgate.manifest.kinds import GRAMMARS
from headgate.manifest.kinds.audience_export import AudienceExportBody
from headgate.manifest.kinds.source_ingestion_body import SourceIngestionBody
from headgate.manifest.lines import Lines
from headgate.manifest.load import load
from headgate.manifest.made import Chained, Drawn
from headgate.manifest.names import Names
from headgate.manifest.problems import Problems
from headgate.manifest.schema_errors import schema_findings
from headgate.manifest.template import Map, Text
from headgate.workflows.compile import compile_plan
from tests.unit.manifest.support import DATA, ENV, HEAD, export, loaded, problems

FLOW = "8256cfb4-17e6-432c-a469-6aedafb16cd5"
VARYING = export(
    '"L ${row.region}"',
    extra='foreach: {csv: r.csv}\ntags: ["${row.region}", all]\ndescription: "of ${row.region}"',
    target='{bucketName: acme, path: "${row.region}"}',
    ident='"id ${row.region}"',
)
OWN_ACCOUNTS = export(
    '"M ${row.a}${row.b}"',
    extra="foreach: {matrix: {a: [x, y], b: [1, 2]}}",
    connection='{name: "${row.a}${row.b}", destination: amazon_s3, auth: {specName: Access Key, params: '
    f'{{s3AccessKey: "${{env:S3_KEY}}", s3SecretKey: "{"k" * 39}${{row.b}}"}}}}}}',
)
NUMBERED = export(
    '"N ${row}"',
    extra="foreach: {range: [3, 9]}",
    schedule='{frequency: ONCE, startDate: "2026-12-20", startTime: "17:00"}',
)
WRITTEN = export('"W ${row.n}"', extra="foreach: {jsonl: r.jsonl}", schedule='"${row.when}"')
DATASETS = """\
  - kind: dataset-export
    name: "D ${row.n}"
    foreach: {rows: [{n: 1}, {n: 2}]}
    connection: s3
    datasets: {select: "AAM ${row.n}"}
    target: {bucketName: acme, path: "lake${row.n}", datasetFileType: PARQUET, compression: GZIP}
    scheduleParams: {exportMode: FIRST_FULL_THEN_INCREMENTAL, timeUnit: hour, interval: 3, startTime: 1798800000}
"""
ACTION = '  - {kind: activation, name: now, destinations: {"L r1": ["id r1"], "N 4": [aud]}}\n'


@pytest.fixture
def rows(tmp_path):
    (tmp_path / "r.csv").write_text("region\n" + "".join(f"r{number}\n" for number in range(600)), encoding="utf-8")
    when = {"frequency": "ONCE", "startDate": "2026-12-20", "startTime": "17:00"}
    lines = [json.dumps({"n": number, "when": when}) for number in range(300)]
    (tmp_path / "r.jsonl").write_text("\n\n".join(lines), encoding="utf-8")
    return tmp_path


@pytest.fixture
def few_stay(monkeypatch):
    monkeypatch.setattr("headgate.manifest.pieces.PLENTY", 0)


def test_what_is_made_again_is_what_would_have_been_kept(rows, monkeypatch):
    entries = (VARYING, OWN_ACCOUNTS, NUMBERED, WRITTEN, DATASETS, ACTION)
    kept = loaded(rows, *entries)
    monkeypatch.setattr("headgate.manifest.pieces.PLENTY", 0)
    made = loaded(rows, *entries)
    assert [type(entry.items) for entry in made.entries] == [Again] * 5 + [tuple]
    assert isinstance(kept.items, tuple)
    assert made.items == kept.items
    assert made.items[-2] == kept.items[-2]
    assert made.items[590:605] == list(kept.items[590:605])
    assert made.warnings == kept.warnings
    plans = [compile_plan(manifest, "dev") for manifest in (kept, made)]
    assert plans[0].jobs == plans[1].jobs
    assert plans[0].fingerprint == plans[1].fingerprint


def test_so_many_items_stay_of_all_entries_together(rows, monkeypatch):
    monkeypatch.setattr("headgate.manifest.pieces.PLENTY", 8)
    manifest = loaded(rows, NUMBERED, OWN_ACCOUNTS, VARYING, export("Last"))
    assert [isinstance(entry.items, tuple) for entry in manifest.entries] == [True, False, False, True]


def test_mistakes_are_told_as_ever(rows, monkeypatch):
    (rows / "bad.csv").write_text(
        "region,when\n" + "".join(f"r{n % 40},{'DAILY' if n % 3 else 'NEVER'}\n" for n in range(60)) + "one cell\n",
        encoding="utf-8",
    )
    entries = (
        VARYING,
        export(
            '"L ${row.region}"',
            extra="foreach: {csv: bad.csv}",
            schedule='{frequency: "${row.when}", startDate: "2026-12-20"}',
            target='{bucketName: "${row.region}", path: "${row.nothing}"}',
        ),
        export('"W ${row.n}"', extra='foreach: {jsonl: r.jsonl}\ntags: "${row.n}"', ident='"${row.n}"', schedule="[]"),
        '  - {kind: activation, name: now, destinations: {"L r1": [nothing], "L 1": [a], "W 3": [b]}}\n',
        f"  - {{kind: flow-action, name: again, action: retry, flows: ['L r2', 'L 2', {FLOW}]}}\n",
    )
    kept = problems(rows, *entries)
    monkeypatch.setattr("headgate.manifest.pieces.PLENTY", 0)
    assert problems(rows, *entries) == kept
    assert len(kept) > 20
    assert any("more rows like it" in one.message for one in kept)


@pytest.mark.usefixtures("few_stay")
def test_all_mistakes_of_a_file_are_the_same():
    with pytest.raises(ManifestError) as made:
        load(DATA / "mistakes.yaml", grammars=GRAMMARS, env=ENV)
    assert len(made.value.problems) == 23


@pytest.mark.usefixtures("few_stay")
def test_choosing_among_items_that_are_made(rows):
    manifest = loaded(rows, VARYING, NUMBERED, ACTION, select=["L r59?", "now"])
    assert [item.name for item in manifest.items] == ["L r1", *(f"L r59{n}" for n in range(10)), "N 4", "now"]
    assert [item.name for item in loaded(rows, VARYING, NUMBERED, tags=["r7"]).items] == ["L r7"]
    with pytest.raises(ManifestError, match="no item matches 'X'"):
        loaded(rows, VARYING, select=["X"])


@pytest.mark.usefixtures("few_stay")
def test_what_is_not_needed_any_more_goes_at_once(rows):
    """The program collects no garbage that was made before a run begins, and a run may be long."""
    manifest = loaded(rows, VARYING, NUMBERED, ACTION)
    there = [weakref.ref(entry.items) for entry in manifest.entries[:2]]
    gc.collect()
    gc.disable()
    try:
        del manifest
        assert [one() for one in there] == [None, None]
    finally:
        gc.enable()


def test_a_model_is_asked_once_for_rows_that_are_alike(rows, monkeypatch):
    asked = []

    def counted(model: Any, body: Any, common: Any) -> Any:
        asked.append(body)
        return schema_findings(model, body, common)

    monkeypatch.setattr("headgate.manifest.alike.schema_findings", counted)
    assert len(loaded(rows, VARYING).items) == 600
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (("description",), True),
        (("target", "path"), True),
        (("target",), True),  # no text is right there
        (("audiences", 0, "id"), True),
        (("audiences", 0, "schedule", "frequency"), True),
        (("audiences", 0, "exportMode"), False),
        (("audiences", 0, "nothing"), True),
        (("attributes", 3), True),
        (("primaryFields", 0, "fieldType"), False),
        (("profileMapping", "mappingVersion"), False),
    ],
)
def test_where_one_text_is_as_good_as_another(path, expected):
    assert any_text(AudienceExportBody, path) is expected


def test_texts_that_become_numbers_or_truths_are_not_alike():
    for path in (("scheduleParams", "interval"), ("scheduleParams", "backfill"), ("mappings", 0, "identity")):
        assert not any_text(SourceIngestionBody, path)
    assert any_text(SourceIngestionBody, ("schema", "class"))


def test_models_of_entries_leave_all_that_they_say_to_their_fields():
    """Else two rows could be alike to their fields and not to the model: see ``any_text``."""
    seen: list[type[BaseModel]] = [grammar.model for grammar in GRAMMARS.values()]
    for model in seen:
        said = model.__pydantic_decorators__
        assert not (said.validators or said.field_validators or said.root_validators or said.model_validators)
        for field in model.model_fields.values():
            inner = [one for one in _inside(field.annotation) if one not in seen]
            seen.extend(inner)
    assert len(seen) > 10


def _inside(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [one for part in getattr(annotation, "__args__", ()) for one in _inside(part)]


@pytest.mark.parametrize("values", [["", "a"], ["a", ""], [1, "1"], [True, 1], [None, "a"], [["a"], "a"]])
def test_rows_that_are_not_alike_are_asked_for_each(values):
    text = Text((("id",),), (), None)
    inner = Map({"bucketName": None, "path": text}, (("path", text),))
    template = Map({"target": inner, "description": text}, (("target", inner), ("description", text)))
    verdicts = Verdicts(AudienceExportBody, (), template, ("name",))
    for value in values:
        body = {"target": {"path": value}, "description": value, "audiences": []}
        assert verdicts.of(body) == schema_findings(AudienceExportBody, body, ())


def test_problems_that_are_joined_read_as_if_they_had_been_told_in_order():
    def problem(number: int) -> Diagnostic:
        return Diagnostic("f", number, f"entries[{number}].name", f"'{number}' is wrong")

    for before, after in ((0, 9), (2, 2), (2, 9), (5, 9), (9, 0), (0, 3)):
        told, apart = Problems(), Problems()
        for number in range(before):
            told.add(problem(number), row=True)
        straight = Problems()
        for number in range(before + after):
            straight.add(problem(number), row=True)
        for number in range(before, before + after):
            apart.add(problem(number), row=True)
        told.join(apart)
        told.closed()
        straight.closed()
        assert list(told.errors) == list(straight.errors)


def test_sequences_that_make_their_members():
    squares = Drawn(5, lambda index: index * index)
    both = Chained([squares, (7,), squares])
    assert list(both) == [0, 1, 4, 9, 16, 7, 0, 1, 4, 9, 16]
    assert (both[5], both[-1], both[3:7], len(both)) == (7, 16, [9, 16, 7, 0], 11)
    assert both == tuple(both)
    assert both != squares
    with pytest.raises(IndexError):
        both[11]


def test_lines_come_back_as_they_were():
    lines = Lines("f.csv", lambda cells: dict(zip("ab", cells, strict=True)))
    for number in range(700):
        lines.append([str(number), "ü"], 2 * number)
    for index in (0, 255, 256, 699, -1, 3):
        row = lines[index]
        number = index % 700
        assert (row.value, row.index, row.place) == ({"a": str(number), "b": "ü"}, number, f"f.csv:{2 * number}")
    assert [row.index for row in lines] == list(range(700))


def test_names_of_items_that_are_not_kept(rows):
    manifest = loaded(rows, NUMBERED)
    names = Names()
    first = names.series("audience-export", manifest.items)
    for number, item in enumerate(manifest.items):
        assert names.claim(item.name, first + number) is None
    assert names.claim("N 4", manifest.items[5]) is manifest.items[1]
    assert (names["N 9"], names.kind("N 3"), names.kind("N 2")) == (manifest.items[6], "audience-export", None)
    assert list(names.of("audience-export")) == list(names)
    assert not list(names.of("watch"))


def test_a_finding_of_an_item_is_not_taken_for_one_of_another():
    """What is worked out once is known by the object; of what came from a row nothing is kept."""
    draft, shared = Draft("m"), ["a"]
    draft.share([shared])
    made = [draft.once(thing, lambda one: [Finding("k", str(one))]) for thing in (shared, ["b"], ["c"], shared)]
    assert [one[0].message for one in made] == ["['a']", "['b']", "['c']", "['a']"]
    assert made[0] is made[3]
