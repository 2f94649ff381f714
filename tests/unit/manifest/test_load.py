"""Valid manifests: what comes out."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from headgate.errors import ManifestError
from headgate.manifest.expand import expanded
from headgate.manifest.kinds import GRAMMARS
from headgate.manifest.load import load
from headgate.secret import Secret
from tests.growth import grows
from tests.unit.manifest.support import DATA, ENV, HEAD, export, loaded, problems


def test_the_sample_of_the_grammar_loads_for_both_kinds():
    manifest = load(DATA / "contract.yaml", grammars=GRAMMARS, env=ENV)
    assert (manifest.name, manifest.sandbox) == ("spring-campaign", "dev")
    assert [item.name for item in manifest.items] == ["Loyalty emea", "Loyalty apac", "nightly"]
    first, _, nightly = manifest.items
    assert first.body["target"] == {
        "bucketName": "acme-exports",
        "path": "exports/emea",
        "fileType": "CSV",
        "compression": "GZIP",
    }
    assert first.body["audiences"][0]["schedule"]["startTime"] == "17:00"
    assert first.place.endswith("regions.csv:2")
    assert first.connection is manifest.connections["crm-s3"]
    assert [pair[:2] for pair in nightly.body["pairs"]] == [
        ("8256cfb4-17e6-432c-a469-6aedafb16cd5", "9f7d37fd-7039-4454-94ef-2b0cd6c3206a"),
        ("Loyalty emea", "9f7d37fd-7039-4454-94ef-2b0cd6c3206a"),
        ("Loyalty apac", "9f7d37fd-7039-4454-94ef-2b0cd6c3206a"),
    ]
    assert nightly.body["pairs"][1][2].endswith("pairs.csv:2")
    assert manifest.options == {"rate": "50/s", "concurrency": 100, "tolerate": "0", "audiencesPerJob": 80}
    assert manifest.warnings == ()


def test_the_first_run_has_240_flows_and_600_pairs_without_any_environment():
    path = DATA.parents[2] / "configs" / "manifests" / "first-run.yaml"
    manifest = load(path, grammars=GRAMMARS, env={})
    exports = [item for item in manifest.items if item.kind == "audience-export"]
    assert len(exports) == 240
    assert len({item.connection.destination for item in exports}) == 8
    pairs = manifest.items[-1].body["pairs"]
    assert len(pairs) == len({pair[:2] for pair in pairs}) == 600
    assert sum(len(item.body["audiences"]) for item in exports) == 600
    assert manifest.warnings == ()


def test_secrets_are_wrapped_and_shown_as_their_reference(tmp_path):
    manifest = loaded(tmp_path, export(), export("Two", connection="mail", target="{remotePath: /in}"))
    params = manifest.connections["s3"].auth["params"]
    assert params["s3SecretKey"] == Secret("hushhush" * 5)
    assert str(params["s3SecretKey"]) == "${env:S3_SECRET}"
    assert str(manifest.connections["mail"].auth["params"]["password"]) == "***"
    shown = repr(manifest) + json.dumps(expanded(manifest))
    assert "hushhush" not in shown
    assert "hushhush" not in json.dumps(
        expanded(
            loaded(
                tmp_path,
                export(
                    connection="{destination: sftp, auth: {specName: SFTP with Password, params: {domain: d, username: u, password: a$$hushhush}}}",
                    target="{remotePath: x}",
                ),
            )
        )
    )


def test_defaults_are_filled_in(tmp_path):
    audience = loaded(tmp_path, export(schedule='{frequency: ONCE, startDate: "2026-12-20", startTime: "17:00"}'))
    body = audience.items[0].body
    assert body["audiences"][0]["filenameTemplate"].startswith("%DESTINATION_NAME%_%SEGMENT_ID%")
    assert body["audiences"][0]["schedule"]["triggerType"] == "SCHEDULED"
    assert (body["attributes"], body["mandatoryFields"], body["primaryFields"]) == ([], [], [])


def test_expanded_items_load_again(tmp_path):
    manifest = load(DATA.parents[2] / "configs" / "manifests" / "first-run.yaml", grammars=GRAMMARS, env={})
    text = (DATA.parents[2] / "configs" / "manifests" / "first-run.yaml").read_text(encoding="utf-8")
    head = text[: text.index("entries:")]
    path = tmp_path / "again.yaml"
    path.write_text(head + "entries: " + json.dumps(expanded(manifest)), encoding="utf-8")
    again = load(path, grammars=GRAMMARS, env={})
    assert [(item.name, item.body) for item in again.items[:-1]] == [(i.name, i.body) for i in manifest.items[:-1]]
    assert [p[:2] for p in again.items[-1].body["pairs"]] == [p[:2] for p in manifest.items[-1].body["pairs"]]


def test_set_overrides_a_variable_and_keeps_its_type(tmp_path):
    head = HEAD + "vars: {bucket: acme, last: 2, deep: {path: a}}\n"
    entry = export(
        '"F ${row}"',
        target='{bucketName: "${vars.bucket}", path: "${vars.deep.path}"}',
        extra='foreach: {range: [1, "${vars.last}"]}',
    )
    manifest = loaded(tmp_path, entry, head=head, overrides={"bucket": "007", "last": "3", "deep.path": "b"})
    assert [item.name for item in manifest.items] == ["F 1", "F 2", "F 3"]
    assert manifest.items[0].body["target"] == {"bucketName": "007", "path": "b"}


def test_select_keeps_what_a_selected_activation_needs(tmp_path):
    entries = [
        export("A", extra="tags: [x]"),
        export("B"),
        export("C"),
        "  - {kind: activation, name: go, destinations: {B: [aud]}}\n",
    ]
    assert [i.name for i in loaded(tmp_path, *entries, select=["go"]).items] == ["B", "go"]
    assert [i.name for i in loaded(tmp_path, *entries, tags=["x"]).items] == ["A"]
    assert [p.message for p in problems(tmp_path, *entries, select=["D*"])] == ["no item matches 'D*'"]


def test_every_source_of_rows(tmp_path):
    (tmp_path / "r.jsonl").write_text('{"n": {"a": "x"}}\n\n{"n": {"a": "y"}}\n', encoding="utf-8")
    (tmp_path / "r.csv").write_text('\ufeffn,m\r\n"a\nb",1\r\nc,2\r\n', encoding="utf-8", newline="")
    manifest = loaded(
        tmp_path,
        export('"j ${row.n.a}"', extra="foreach: {jsonl: r.jsonl}"),
        export('"c ${row.m} ${row.index}"', extra="foreach: {csv: r.csv}"),
        export('"r ${row}"', extra="foreach: {rows: [p, q]}"),
        export('"m ${row.a}${row.b}"', extra="foreach: {matrix: {a: [1, 2], b: [x, y]}}"),
        export('"n ${row} ${row.index}"', extra="foreach: {range: [5, 6]}"),
    )
    assert [item.name for item in manifest.items] == [
        "j x",
        "j y",
        "c 1 0",
        "c 2 1",
        "r p",
        "r q",
        "m 1x",
        "m 1y",
        "m 2x",
        "m 2y",
        "n 5 0",
        "n 6 1",
    ]
    assert manifest.items[1].place.endswith("r.jsonl:3")
    assert manifest.items[3].place.endswith("r.csv:4"), "the quoted line break of the first row counts"


def test_a_legacy_cloud_destination_is_a_warning(tmp_path):
    head = (
        HEAD
        + "  old: {destination: sftp_legacy, auth: {specName: Basic Authentication for sftp, params: {domain: d, host: h, username: u, password: p}}}\n"
    )
    manifest = loaded(tmp_path, export(), head=head)
    assert [(w.key, w.line) for w in manifest.warnings] == [("connections.old.destination", 6)]


def test_an_inline_connection_is_one_for_all_rows_and_is_named_by_the_plan(tmp_path):
    inline = "{destination: data_landing_zone}"
    manifest = loaded(
        tmp_path,
        export('"Slice ${row}"', connection=inline, target="{path: x}", extra="foreach: {range: [1, 3]}"),
    )
    first, second, _ = manifest.items
    assert first.connection is second.connection
    assert first.connection.name == ""


def test_tab_indented_json_is_a_manifest_too(tmp_path):
    path = tmp_path / "m.json"
    body = {
        "headgate": 1,
        "name": "j",
        "entries": [
            {
                "kind": "activation",
                "name": "n",
                "destinations": {"8256cfb4-17e6-432c-a469-6aedafb16cd5": ["a"]},
            }
        ],
    }
    path.write_text(json.dumps(body, indent="\t"), encoding="utf-8")
    assert load(path, grammars=GRAMMARS, env={}).items[0].body["pairs"][0][2].endswith("m.json:10")


def test_the_model_is_light():
    code = "import sys, headgate.manifest.model; print('pydantic' in sys.modules or 'yaml' in sys.modules)"
    assert (
        subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            env={"PYTHONPATH": "src"},
        ).stdout.strip()
        == "False"
    )


def test_pairs_of_version_one(tmp_path):
    flow = "8256cfb4-17e6-432c-a469-6aedafb16cd5"
    entry = (
        f"  - {{kind: activation, name: a, apiVersion: 1, exportIds: [12, '13'], wait: false, pairs: [[{flow}, s]]}}\n"
    )
    body = loaded(tmp_path, entry).items[0].body
    assert (body["apiVersion"], body["exportIds"], body["wait"]) == (1, ["12", "13"], False)


def test_ten_thousand_rows_are_loaded(tmp_path):
    assert len(rows_of(tmp_path, 10_000)().items) == 10_000


def test_four_times_the_rows_are_four_times_the_work(tmp_path):
    assert grows(lambda size: rows_of(tmp_path / str(size), size), 200) < 1.1


def rows_of(folder, count):
    folder.mkdir(exist_ok=True)
    (folder / "r.csv").write_text("region\n" + "".join(f"r{n}\n" for n in range(count)), encoding="utf-8")
    item = export(
        '"L ${row.region}"', target='{bucketName: acme, path: "${row.region}"}', extra="foreach: {csv: r.csv}"
    )
    return lambda: loaded(folder, item)


def test_the_error_carries_exit_code_two(tmp_path):
    with pytest.raises(ManifestError) as caught:
        loaded(tmp_path, export(connection="s4"))
    assert caught.value.exit_code == 2


def test_the_priority_of_an_entry(tmp_path):
    entries = [export("A", extra="priority: 5"), export("B", extra='priority: "${vars.urgent}"'), export("C")]
    manifest = loaded(tmp_path, *entries, head=HEAD + "vars: {urgent: -1}\n")
    assert [entry.priority for entry in manifest.entries] == [5, -1, 0]
    assert [one.get("priority") for one in expanded(manifest)] == [5, -1, None]
    wrong = [
        export("A", extra="priority: high"),
        export("B", extra="priority: 1.5"),
        export("C", extra="priority: yes"),
    ]
    assert [(p.key, p.message) for p in problems(tmp_path, *wrong)] == [
        ("entries[0].priority", "must be a whole number"),
        ("entries[1].priority", "must be a whole number"),
        ("entries[2].priority", "must be a whole number"),
    ]
