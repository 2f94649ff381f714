"""Source ingestion as a person meets it: the manifest that comes with the project, and slips in one's own."""

from pathlib import Path

from tests.acceptance.cli_support import headgate

MANIFEST = Path(__file__).parents[2] / "configs" / "manifests" / "source-ingestion.yaml"
OWN = """\
headgate: 1
name: own
entries:
  - kind: source-ingestion
    name: slips
    source: servicenow
    connection: {auth: {specName: Basic Authentication, params: {endpoint: e, username: u, password: "${env:SN_PASSWORD}"}}}
    table: {tableName: incident, columns: [{name: sys_id, type: string, xdm: {type: string}}]}
    schema: {title: Incidents, class: "https://ns.adobe.com/xdm/context/experienceevent"}
    dataset: {nam: Incidents}
    mappings: [{sourceAttribute: sysid, destinationXdmPath: _id}]
    deltaColumn: {name: sys_id, dateFormat: YYYY-MM-DD}
    scheduleParams: {startTime: 1798800000, frequency: minute, interval: 5}
"""


def test_the_manifest_that_comes_with_the_project_runs_twice(tmp_path):
    plan = headgate("plan", MANIFEST, "--simulate", "--json", cwd=tmp_path).json
    assert plan["items"] == {"total": 6, "create": 6, "update": 0, "reuse": 0}
    assert {"schemas", "datasets", "mapping sets"} <= plan["jobs"]["byKind"].keys()
    for status in ("created", "reused"):
        done = headgate("run", MANIFEST, "--simulate", "--rate", "2000/s", "--json", cwd=tmp_path)
        assert done.code == 0, done.err
        assert {row["status"] for row in done.json["items"]} == {status}
        assert all({"schema", "dataset", "mappingSet", "flow"} <= row["ids"].keys() for row in done.json["items"])
        assert "0 duplicates, 0 violations" in done.err
    for file in tmp_path.rglob("*"):
        if file.is_file():
            assert b"fake-password" not in file.read_bytes(), file


def test_slips_are_told_together_with_their_lines(tmp_path):
    (tmp_path / "own.yaml").write_text(OWN)
    done = headgate("validate", "own.yaml", cwd=tmp_path, env={"SN_PASSWORD": "hush-hush"})
    assert done.code == 2
    for said in (
        "own.yaml:10: entries[0].dataset.nam: unknown key",
        "own.yaml:11: entries[0].mappings[0].sourceAttribute: 'sysid' is not among the columns",
        "did you mean 'sys_id'?",
        "own.yaml:12: entries[0].deltaColumn.dateFormat: 'YYYY-MM-DD' is not a supported format",
        "own.yaml:13: entries[0].scheduleParams.interval: 5 is too short for frequency minute",
        "4 problems",
    ):
        assert said in done.err, said
    assert "hush-hush" not in done.err
