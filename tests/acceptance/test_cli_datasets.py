"""Dataset exports as a person meets them: the manifest that comes with the project, and a slip in one's own."""

from pathlib import Path

from tests.acceptance.cli_support import headgate

MANIFEST = Path(__file__).parents[2] / "configs" / "manifests" / "dataset-export.yaml"
OWN = """\
headgate: 1
name: own
connections:
  zone: {destination: data_landing_zone}
entries:
  - kind: dataset-export
    name: slip
    connection: zone
    datasets: {select: "aam devices *"}
    target: {path: lake, datasetFileType: JSON, compression: COMPRESSION}
    scheduleParams: {exportMode: DAILY_FULL_EXPORT, timeUnit: day, interval: 0, startTime: 1798800000}
"""


def test_the_manifest_that_comes_with_the_project_runs_twice(tmp_path):
    plan = headgate("plan", MANIFEST, "--simulate", "--json", cwd=tmp_path).json
    assert (plan["items"]["create"], plan["items"]["reuse"]) == (62, 0)
    assert plan["requests"]["byEndpoint"]["GET /connectionSpecs/{id}/configs"] == 1
    for status in ("created", "reused"):
        done = headgate("run", MANIFEST, "--simulate", "--rate", "2000/s", "--json", cwd=tmp_path)
        assert done.code == 0, done.err
        assert {row["status"] for row in done.json["items"]} == {status}
        assert "0 duplicates, 0 violations" in done.err
    plan = headgate("plan", MANIFEST, "--simulate", "--json", cwd=tmp_path).json
    assert plan["items"]["reuse"] == 62
    assert set(plan["requests"]["byEndpoint"]) == {"GET /flows/{id}"}


def test_a_slip_is_told_before_and_during_a_run(tmp_path):
    path = tmp_path / "own.yaml"
    path.write_text(OWN.replace("COMPRESSION", "NONE"))
    done = headgate("validate", "own.yaml", cwd=tmp_path)
    assert done.code == 2
    assert "own.yaml:10: entries[0].target.compression: JSON is exported compressed only" in done.err
    assert "hint: use compression: GZIP" in done.err
    path.write_text(OWN.replace("COMPRESSION", "GZIP"))
    done = headgate("run", "own.yaml", "--simulate", cwd=tmp_path)
    assert done.code == 1
    assert "entries[0].scheduleParams.endTime: missing: the exports end six months after startTime" in done.err
    assert "none of 230 datasets is called 'aam devices *'" in done.out + done.err
    assert "there is 'AAM Devices" in done.out + done.err


def test_the_catalogue_says_who_exports_datasets(tmp_path):
    shown = headgate("catalog", "data_landing_zone", cwd=tmp_path).out
    assert "cd2fc47e-e838-4f38-a581-8fff2f99b63a" in shown
    assert "dataset-export" in shown
