"""Faulty manifests: every problem in one pass, each at its line, none of them a leak."""

from __future__ import annotations

import copy
import json
import random

import pytest
import yaml

from headgate.errors import ManifestError
from headgate.manifest.expand import expanded
from headgate.manifest.kinds import GRAMMARS
from headgate.manifest.load import load
from tests.unit.manifest.support import DATA, ENV, HEAD, brief, export, problems


def test_all_mistakes_of_a_file_are_found_in_one_pass():
    with pytest.raises(ManifestError) as caught:
        load(DATA / "mistakes.yaml", grammars=GRAMMARS, env=ENV)
    found = [(one.line, one.key, one.message) for one in caught.value.problems]
    assert found == [
        (7, "connections.crm-s3.auth.params.accessKeyId", "unknown key"),
        (9, "connections.spare.destination", "unknown destination 'amazon_s4'"),
        (10, "entrys_note", "unknown key"),
        (16, "entries[0].target.bucketName", "the value 'Acme_Exports' is not allowed here"),
        (16, "entries[0].target.fileTyp", "unknown key"),
        (16, "entries[0].target.path", "regions.csv has no column 'regoin'"),
        (
            20,
            "entries[0].audiences[0].schedule.frequency",
            "'EVERY_3_HOURS' is not allowed with exportMode DAILY_FULL_EXPORT",
        ),
        (21, "entries[0].atributes", "unknown key"),
        (24, "entries[1].connection", "unknown connection 'crm-s4'"),
        (25, "entries[1].target.bucketName", "environment variable NEWS_BUCKET is not set"),
        (27, "entries[1].audiences[0].id", "vars.audience is not defined"),
        (29, "entries[1].audiences[0].schedule.startDate", "'2026-13-20' is not a date"),
        (29, "entries[1].audiences[0].schedule.startTime", "'17:30' is not a full hour"),
        (30, "entries[2].kind", "unknown kind 'audience-exprt'"),
        (32, "entries[3].select", "missing: no flow is meant"),
        (35, "entries[4].name", f"the name 'Newsletter' is already used at {DATA / 'mistakes.yaml'}:22"),
        (36, "entries[4].name", "the key stands twice, first on line 35"),
        (
            40,
            "entries[4].audiences[0].schedule.triggerType",
            "does not go with exportMode FIRST_FULL_THEN_INCREMENTAL",
        ),
        (44, "entries[5].destinations.Newsleter[0]", "there is no item 'Newsleter', and it is no flow id"),
        (
            45,
            'entries[5].destinations["Loyalty emea"][0]',
            "the item 'Loyalty emea' does not export the audience 'three'",
        ),
        (46, "entries[5].wait", "must be true or false, not text"),
        (47, "options.audiencesPerJob", "must be a whole number from 1 to 80"),
        (47, "options.rat", "unknown key"),
    ]
    hints = {one.key: one.hint for one in caught.value.problems}
    assert hints["entries[0].target.path"] == "did you mean 'region'?"
    assert hints["connections.crm-s3.auth.params.accessKeyId"] == "did you mean 's3AccessKey'?"
    assert hints["entries[1].target.bucketName"] == "export NEWS_BUCKET=…"


def test_the_same_mistake_of_many_rows_is_shown_three_times(tmp_path):
    (tmp_path / "r.csv").write_text("n,b\n" + "".join(f"{n},B_{n}\n" for n in range(500)), encoding="utf-8")
    found = problems(
        tmp_path,
        export('"F ${row.n}"', target='{bucketName: "${row.b}", path: a}', extra="foreach: {csv: r.csv}"),
    )
    assert [(one.line, one.message) for one in found[:3]] == [
        (n + 2, f"the value 'B_{n}' is not allowed here") for n in range(3)
    ]
    assert found[0].file.endswith("r.csv")
    assert [one.message for one in found[3:]] == ["… and 497 more rows like it"]


def test_a_mistake_written_once_is_told_once_however_many_rows_show_it(tmp_path):
    found = problems(
        tmp_path, export('"F ${row}"', target="{bucketName: B_B, path: a}", extra="foreach: {range: [1, 99]}")
    )
    assert brief(found) == [("entries[0].target.bucketName", "the value 'B_B' is not allowed here")]


def test_rows_that_cannot_be_read_hide_nothing_else(tmp_path):
    found = problems(
        tmp_path,
        export('"F ${row.x}"', target='{bucketName: B_B, path: "${row.x}"}', extra="foreach: {csv: none.csv}"),
        "  - {kind: activation, name: go, destinations: {F anything: [a], G: [b]}}\n",
    )
    assert brief(found) == [
        ("entries[0].target.bucketName", "the value 'B_B' is not allowed here"),
        ("entries[0].foreach.csv", "'none.csv' cannot be read: No such file or directory"),
        ("entries[1].destinations.G[0]", "there is no item 'G', and it is no flow id"),
    ]


def test_rows_of_a_broken_csv_are_told_at_their_line(tmp_path):
    (tmp_path / "r.csv").write_text("a,b\n1,2\n3\n4,5,6\n", encoding="utf-8")
    found = problems(tmp_path, export('"F ${row.a}"', extra="foreach: {csv: r.csv}"))
    assert [(one.line, one.message) for one in found] == [
        (3, "2 columns in the header, but 1 here"),
        (4, "2 columns in the header, but 3 here"),
    ]


def test_pairs_from_a_file_are_told_at_their_line(tmp_path):
    (tmp_path / "p.csv").write_text(
        "destinationId,segmentId\nOne,aud\nOne,aud\nOnne,aud\nOne,\nOne,other\n", encoding="utf-8"
    )
    found = problems(tmp_path, export(), "  - {kind: activation, name: go, pairs: {csv: p.csv}}\n")
    assert [one.line for one in found] == [3, 4, 5, 6]
    assert "stands twice" in found[0].message
    assert found[1].hint == "did you mean 'One'?"
    (tmp_path / "p.csv").write_text("destination,segmentId\nOne,aud\n", encoding="utf-8")
    found = problems(tmp_path, export(), "  - {kind: activation, name: go, pairs: p.csv}\n")
    assert [(one.line, one.message) for one in found] == [(1, "p.csv has no column 'destinationId'")]


def test_an_audience_may_be_activated_by_its_system_id(tmp_path):
    entry = export().replace("{id: aud,", "{id: ext, systemSegmentId: sys,")
    assert problems(tmp_path, entry, "  - {kind: activation, name: go, destinations: {One: [sys]}}\n") == []


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("headgate: 1\nname: x\nentries:\n  - a: 1\n   b: 2\n", 5, "not valid YAML"),
        ("", 0, "the file is empty"),
        ("- a\n", 1, "a manifest is a mapping, not a list"),
        ("a: \x01", 1, "a character that is not allowed"),
        ("a: *nowhere\n", 1, "not valid YAML"),
        ("a: 1\n---\nb: 2\n", 2, "another document"),
        ("name: !secret x\n", 1, "a YAML tag"),
        ("headgate: 2\n", 1, "grammar version '2'"),
        ("vars: &a {b: *a}\n", 1, "an anchor contains itself"),
    ],
)
def test_files_that_are_no_manifest(tmp_path, text, line, message):
    path = tmp_path / "m.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ManifestError) as caught:
        load(path, grammars=GRAMMARS, env={})
    assert any(one.line == line and message in one.message for one in caught.value.problems), str(caught.value)


def test_files_that_cannot_be_read(tmp_path):
    for path, content in (
        (tmp_path / "none.yaml", None),
        (tmp_path / "latin.yaml", "a: b\nname: é".encode("latin-1")),
    ):
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(ManifestError) as caught:
            load(path, grammars=GRAMMARS, env={})
        assert len(caught.value.problems) == 1
        assert caught.value.problems[0].line == (0 if content is None else 2)


@pytest.mark.parametrize(
    "auth",
    [
        "hushhush",
        "[hushhush]",
        "{hushhush: x}",
        "{specName: hushhush}",
        "{specName: Access Key, params: hushhush}",
        "{specName: Access Key, params: {s3AccessKey: hushhush, s3SecretKey: hushhush}}",
        "{specName: Access Key, params: {s3AccessKey: 5, s3SecretKey: [hushhush]}, s3SecretKey: hushhush}",
        '{specName: Access Key, params: {s3AccessKey: "x${hushhush}", s3SecretKey: "x${hushhush"}}',
        "{specName: Access Key, params: {s3AccessKey: !hushhush x, s3SecretKey: *hushhush}}",
    ],
)
def test_no_problem_shows_what_stands_below_auth(tmp_path, auth):
    head = f"headgate: 1\nname: t\nconnections:\n  c: {{destination: amazon_s3, auth: {auth}}}\n"
    for entry in (export(connection="c"), export(connection=f"{{destination: amazon_s3, auth: {auth}}}")):
        found = problems(tmp_path, entry, head=head)
        assert found
        assert "hushhush" not in "".join(f"{one.message}{one.hint}" for one in found)


@pytest.mark.parametrize(
    ("connection", "key", "message"),
    [
        (
            "{id: 1ed86558-59b5-42f7-9865-5859b552f7f4}",
            "connection",
            "connection '1ed86558-59b5-42f7-9865-5859b552f7f4' does not say its destination",
        ),
        ("{destination: amazon_s3}", "connection.auth", "missing: Amazon S3 needs credentials"),
        ("{source: servicenow, id: x}", "connection", "'servicenow' is a source connection"),
        (
            "{destination: data_landing_zone, auth: {specName: X}}",
            "connection.auth",
            "Data Landing Zone takes no auth",
        ),
        ("{name: x}", "connection", "names no destination, source or id"),
        ("7", "connection", "must be a mapping, not a whole number"),
    ],
)
def test_connections_that_do_not_serve(tmp_path, connection, key, message):
    assert (f"entries[0].{key}", message) in brief(problems(tmp_path, export(connection=connection)))


def test_names_must_differ(tmp_path):
    assert brief(problems(tmp_path, export("Same", extra="foreach: {range: [1, 5]}"))) == [
        ("entries[0].name", "is the same for every row")
    ]
    found = problems(tmp_path, export('"N ${row.a}"', extra="foreach: {rows: [{a: 1, b: 1}, {a: 1, b: 2}]}"))
    assert [one.message.split(" at ")[0] for one in found] == ["the name 'N 1' is already used"]
    head = HEAD + "  s4: {destination: data_landing_zone, name: s3}\n"
    assert brief(problems(tmp_path, export(), head=head)) == [
        ("connections.s4.name", "the name 's3' is already used by connection 's3'")
    ]


def test_many_audiences_are_a_warning_and_twins_an_error(tmp_path):
    ids = ", ".join(
        f"{{id: a{n}, exportMode: DAILY_FULL_EXPORT, schedule: &s {{frequency: ONCE, startDate: '2026-01-01', startTime: '01:00'}}}}"
        if n == 0
        else f"{{id: a{n % 251}, exportMode: DAILY_FULL_EXPORT, schedule: *s}}"
        for n in range(252)
    )
    entry = f"  - kind: audience-export\n    name: Many\n    connection: s3\n    target: {{bucketName: acme, path: a}}\n    audiences: [{ids}]\n"
    assert brief(problems(tmp_path, entry)) == [
        ("entries[0].audiences[251].id", "audience 'a0' stands twice, first as audiences[0]")
    ]


def test_junk_anywhere_gives_problems_and_never_an_exception_or_a_leak(tmp_path):
    """Random damage to a valid manifest; the loader may complain of it, but not break, nor show a secret."""
    sound = yaml.safe_load((DATA / "contract.yaml").read_text(encoding="utf-8"))
    sound["entries"][0]["audiences"][0]["schedule"]["startTime"] = "17:00"
    sound["connections"]["m"] = {
        "destination": "sftp",
        "auth": {
            "specName": "SFTP with Password",
            "params": {"domain": "d", "username": "u", "password": "hushhush"},
        },
    }
    junk = [
        None,
        True,
        0,
        -1.5,
        "",
        "x",
        "${",
        "${row.q}",
        "${env:NO}",
        "${row}",
        "$$",
        "${file:nope}",
        [],
        [1],
        {},
        {"a": 1},
        ["${row.x}"],
        {"auth": "hushhush"},
        {"specName": ["x"]},
        "${env:S3_SECRET",
        {"range": [1, 2]},
    ]

    def paths(value, path=()):
        yield path
        for key, inner in (
            value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        ):
            yield from paths(inner, (*path, key))

    path = tmp_path / "m.json"
    for name in ("regions.csv", "pairs.csv"):
        (tmp_path / name).write_bytes((DATA / name).read_bytes())
    for seed in range(250):
        chance = random.Random(seed)
        damaged = copy.deepcopy(sound)
        for _ in range(chance.randint(1, 4)):
            *above, key = chance.choice([one for one in paths(damaged) if one])
            holder = damaged
            for part in above:
                holder = holder[part]
            if chance.random() < 0.3:
                del holder[key]
            else:
                holder[key] = copy.deepcopy(chance.choice(junk))
        path.write_text(json.dumps(damaged), encoding="utf-8")
        try:
            manifest = load(path, grammars=GRAMMARS, env=ENV)
            shown = repr(manifest) + json.dumps(expanded(manifest))
        except ManifestError as error:
            shown = str(error)
        assert "hushhush" not in shown, f"seed {seed}"


def test_fields_are_checked_for_the_destination(tmp_path):
    fields = """\
        attributes: [person.name.firstName, "two words", {source: a}]
        mandatoryFields: [7]
        primaryFields: [{fieldType: IDENTITY}, {fieldType: KEY}]
        profileMapping: {mappingId: m, mappingVersion: latest}
    """
    assert brief(problems(tmp_path, export(extra=fields))) == [
        ("entries[0].attributes", "stand in the mapping set already"),
        ("entries[0].attributes[1]", "'two words' is not an XDM path"),
        ("entries[0].attributes[2]", "must be text, not a mapping"),
        ("entries[0].mandatoryFields[0]", "must be text, not a whole number"),
        ("entries[0].primaryFields[0].identityNamespace", "missing, and needed with fieldType IDENTITY"),
        ("entries[0].primaryFields[1].fieldType", "the value is not one of the choices"),
        ("entries[0].profileMapping.mappingVersion", "must be a whole number, not text"),
    ]
    mapping = "profileMapping: {mappingId: m, mappingVersion: 1}"
    assert problems(tmp_path, export(extra=mapping)) == []
    legacy = export(extra=mapping, connection="mail", target="{remotePath: /in}")
    assert brief(problems(tmp_path, legacy)) == [("entries[0].profileMapping", "Oracle Eloqua has no mapping sets")]
