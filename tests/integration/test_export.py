"""A sandbox becomes a manifest, the manifest another sandbox, and that one the same manifest again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import yaml

from headgate.export import Live, assemble, manifest_text
from headgate.export.live import COLLECTIONS
from headgate.launch import execute, simulated, snapshot
from headgate.manifest.kinds import GRAMMARS
from headgate.manifest.load import load
from headgate.pacing import PollPolicy, RetryPolicy
from headgate.report.render_ids import ids_text
from headgate.settings import Limits, Profile
from headgate.simulator import Fault
from headgate.store import open_store
from headgate.workflows.compile import compile_plan

MANIFESTS = Path(__file__).parents[2] / "configs" / "manifests"
SECRETS = dict.fromkeys(
    ("SHARED_S3_ACCOUNT_S3_SECRET_KEY", "DATA_LAKE_EXPORTS_S3_SECRET_KEY"), "fake/secret/key/for/the/embedded/server+"
)


def profile(folder, name):
    return replace(
        Profile.load(env={}, state=str(folder / name / "state.db")),
        limits=Limits(rate="5000/s"),
        retry=RetryPolicy(attempts=8, first_s=0.01, cap_s=0.05, budget_floor=1000),
        poll=PollPolicy(600.0, 1200.0),
    )


async def sandbox(folder, name, *, path=None, env=None, select=(), faults=(), **options):
    """Make ``path`` in the world called ``name``, if given; the report, and the export of that world."""
    where = profile(folder, name)
    async with simulated(where, "dev", time_scale=36000.0, faults=faults, **options) as (there, simulator):
        report = None
        if path is not None:
            store = open_store(where.state)
            try:
                plan = compile_plan(load(path, grammars=GRAMMARS, env=env or {}, select=select), "dev")
                report = await execute(plan, path=path, profile=there, store=store)
            finally:
                store.close()
            assert report.status == "succeeded", report.failures[:3]
            assert not simulator.ledger()["violations"]
        found = assemble(Live.of(await snapshot(there, COLLECTIONS)), "migrated")
    return report, found


def written(folder, found):
    path = folder / "exported.yaml"
    path.write_text(manifest_text(found, "dev"))
    assert yaml.safe_load(path.read_text()) == found.manifest, "what is written reads back as what was meant"
    return path


async def test_120_flows_exported_run_elsewhere_and_exported_again_are_the_same_manifest(tmp_path):
    _, first = await sandbox(tmp_path, "from", seed_counts={"flows": 80, "audiences": 2, "datasetFlows": 40})
    assert (len(first.manifest["entries"]), first.left) == (120, [])
    assert list(first.manifest["connections"]) == ["data-lake-exports", "shared-s3-account"], "shared by 40 and by 80"
    assert first.variables == {
        "DATA_LAKE_EXPORTS_S3_SECRET_KEY": "s3SecretKey of Data lake exports",
        "SHARED_S3_ACCOUNT_S3_SECRET_KEY": "s3SecretKey of Shared S3 account",
    }
    assert "ssss" not in manifest_text(first, "dev")
    report, second = await sandbox(tmp_path, "to", path=written(tmp_path, first), env=SECRETS)
    assert {row.status for row in report.items} == {"created"}
    assert second.manifest == first.manifest
    rows = ids_text(report, first.ids).splitlines()
    assert rows[0] == "item,role,old,new"
    assert len(rows) == 1 + 4 * 120
    assert all(row.split(",")[2] != row.split(",")[3] != "" for row in rows[1:])


async def test_every_destination_survives_the_way_there_and_back(tmp_path):
    """The flows of first-run.yaml: eight destinations of both generations."""
    _, first = await sandbox(tmp_path, "from", path=MANIFESTS / "first-run.yaml", select=["*1*", "*a*", "*e*"])
    assert len(first.manifest["entries"]) > 100
    assert len({entry["connection"] for entry in first.manifest["entries"]}) == 8
    assert not first.left
    env = {variable: _fake(variable) for variable in first.variables}
    _, second = await sandbox(tmp_path, "to", path=written(tmp_path, first), env=env)
    assert second.manifest == first.manifest


def _fake(variable):
    if variable.endswith("S3_SECRET_KEY") or variable == "CAMPAIGN_SECRET_KEY":
        return "fake/secret/key/for/the/embedded/server+"
    if variable.endswith("CONNECTION_STRING"):
        return "DefaultEndpointsProtocol=https;AccountName=fake;AccountKey=ZmFrZQ==;EndpointSuffix=core.windows.net"
    return "ZmFrZQ=="


async def test_a_platform_in_trouble_is_asked_again(tmp_path):
    faults = [Fault("status", method="GET", status=503, every=2), Fault("html", method="GET", nth=3)]
    _, found = await sandbox(tmp_path, "from", seed_counts={"flows": 30}, faults=faults)
    assert len(found.manifest["entries"]) == 30
