"""Whole runs of dataset exports on the embedded platform; its ledger says what happened.

The manifest is the one that comes with the project: 62 dataflows to all six destinations, most of them of datasets
chosen by name.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from headgate.errors import UsageError
from headgate.embedded import simulated
from headgate.launch import Watch, Wishes, execute
from headgate.manifest.kinds import GRAMMARS
from headgate.manifest.load import load
from headgate.pacing import RetryPolicy
from headgate.settings import Limits, Profile
from headgate.simulator import Fault
from headgate.store import open_store
from headgate.workflows.compile import compile_plan
from headgate.workflows.dataset_export import named_datasets

MANIFEST = Path(__file__).parents[2] / "configs" / "manifests" / "dataset-export.yaml"
ITEMS, BASES = 62, 6
BOTH = """
headgate: 1
name: both
connections:
  s3:
    destination: amazon_s3
    auth: {specName: Access Key, params: {s3AccessKey: FAKEFAKEFAKEFAKEFAKE, s3SecretKey: fake/secret/key/for/the/embedded/server+}}
entries:
  - kind: audience-export
    name: audience
    connection: s3
    target: {bucketName: acme, path: x}
    audiences:
      - {id: a, exportMode: DAILY_FULL_EXPORT, schedule: {frequency: ONCE, startDate: "2026-12-20", startTime: "17:00"}}
  - kind: dataset-export
    name: mine
    connection: s3
    datasets: [{dataSetId: aaaaaaaaaaaaaaaaaaaaaaaa, name: Mine}]
    target: {bucketName: acme, path: lake, datasetFileType: JSON, compression: GZIP}
    scheduleParams: {exportMode: DAILY_FULL_EXPORT, timeUnit: day, interval: 0, startTime: 1798800000}
  - kind: dataset-export
    name: chosen
    connection: s3
    datasets: {select: "%s"}
    target: {bucketName: acme, path: lake, datasetFileType: JSON, compression: GZIP}
    scheduleParams: {exportMode: DAILY_FULL_EXPORT, timeUnit: day, interval: 0, startTime: 1798800000}
"""


def plan_of(path):
    return compile_plan(load(path, grammars=GRAMMARS, env={}), "dev")


def profile(tmp_path, state="state.db"):
    plain = Profile.load(env={}, state=str(tmp_path / state))
    retry = RetryPolicy(attempts=8, first_s=0.01, cap_s=0.05, budget_floor=1000)
    return replace(plain, limits=Limits(rate="5000/s"), retry=retry, timeout_s=2.0)


async def go(tmp_path, plan, *, store="store.db", wishes=None, watch=None, observers=(), **options):
    """One run; the report, the ledger, and the platform's flows and source connections."""
    kept = open_store(tmp_path / store)
    try:
        options.setdefault("datasets", named_datasets(plan))
        async with simulated(profile(tmp_path), plan.sandbox, time_scale=36000.0, **options) as (where, simulator):
            report = await execute(
                plan, path=MANIFEST, profile=where, store=kept, wishes=wishes, watch=watch, observers=observers
            )
            return report, simulator.ledger(), simulator.objects
    finally:
        kept.close()


def judge(report, ledger, status="created"):
    assert report.status == "succeeded", (report.failures[:3], report.stop)
    assert {row.status for row in report.items} == {status}
    assert [row.ids.keys() for row in report.items] == [
        {"baseConnection", "sourceConnection", "targetConnection", "flow"}
    ] * ITEMS
    assert (ledger["duplicates"], ledger["violations"]) == ([], [])
    assert {kind: count for kind, count in ledger["created"].items() if count} == {
        "connections": BASES,
        "sourceConnections": ITEMS,
        "targetConnections": ITEMS,
        "flows": ITEMS,
    }


@pytest.fixture
def plan():
    return plan_of(MANIFEST)


async def test_every_destination_gets_its_flows_and_a_second_run_makes_nothing(tmp_path, plan):
    report, ledger, objects = await go(tmp_path, plan)
    judge(report, ledger)
    assert report.requests["sent"] == ledger["requests"]["total"] + ledger["requests"]["tokens"]
    assert ledger["requests"]["byEndpoint"]["GET /connectionSpecs/{id}/configs"] == 6, "230 datasets, 40 at a time"
    flows = objects("flows")
    assert len({flow["flowSpec"]["id"] for flow in flows}) == 6
    assert {flow["scheduleParams"]["endTime"] for flow in flows} == {1830336000}
    chosen = {source["name"]: source["params"]["datasets"] for source in objects("sourceConnections")}
    assert [row["name"] for row in chosen["Lake 5ef3e3259ad2a1191ab7dd7d"]] == ["AAM Devices Data"]
    assert {row["name"] for row in chosen["Warehouse Orders EMEA"]} == {
        f"Orders {part} EMEA" for part in ("Events", "Profiles", "Lookup", "Summary", "Identities")
    }
    ids = [row["dataSetId"] for row in chosen["Team Web"]]
    assert ids[0] == "5ef3e3259ad2a1191ab7dd7d"
    assert ids[1:] == sorted(ids[1:])
    assert len(ids) == 6

    again, after, _ = await go(tmp_path, plan)
    judge(again, after, "reused")
    fresh = {
        key: count - ledger["requests"]["byEndpoint"].get(key, 0)
        for key, count in after["requests"]["byEndpoint"].items()
    }
    assert {key: count for key, count in fresh.items() if count} == {"GET /flows/{id}": ITEMS}, (
        "and no list is asked for"
    )


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_answers_lost_after_the_work_was_done(tmp_path, plan, seed):
    faults = [Fault("lost-after-commit", method="POST", path="/flowservice/", probability=0.05)]
    report, ledger, _ = await go(tmp_path, plan, faults=faults, seed=seed)
    judge(report, ledger)
    assert report.requests["retried"] > 0
    again, after, _ = await go(tmp_path, plan, seed=seed)
    judge(again, after, "reused")


@pytest.mark.parametrize(
    "fault",
    [
        Fault("lost-after-commit", method="POST", path="/sourceConnections$", every=3),
        Fault("lost-before-commit", path="/flowservice/", probability=0.05),
        Fault("status", path="/configs", every=2, status=503),
        Fault("truncated", path="/configs", every=3),
        Fault("html", path="/configs", nth=1, status=200),
        Fault("reset", path="/configs", every=4),
    ],
    ids=lambda fault: f"{fault.fault} {fault.path}",
)
async def test_other_trouble(tmp_path, plan, fault):
    report, ledger, _ = await go(tmp_path, plan, faults=[fault], seed=5)
    judge(report, ledger)


async def test_a_lost_store_makes_nothing_twice(tmp_path, plan):
    await go(tmp_path, plan)
    report, ledger, _ = await go(tmp_path, plan, store="another.db")
    judge(report, ledger, "reused")


@pytest.mark.parametrize("settled", [1, 20, 120])
async def test_a_run_that_is_cut_short_goes_on(tmp_path, plan, settled):
    """Interrupted at several places; the second life of the run finds what the first has made."""
    watch, told = Watch(), []

    def interrupt(tell):
        told.append(tell)
        if len(told) == settled:
            watch.drain()

    report, ledger, _ = await go(tmp_path, plan, watch=watch, observers=(interrupt,))
    assert report.status == "interrupted"
    assert ledger["created"]["flows"] < ITEMS
    report, ledger, _ = await go(tmp_path, plan)
    assert report.status == "succeeded", (report.failures[:3], report.stop)
    assert (ledger["duplicates"], ledger["violations"]) == ([], [])
    assert ledger["created"]["flows"] == ledger["created"]["sourceConnections"] == ITEMS


async def test_one_account_serves_audiences_and_datasets(tmp_path):
    path = tmp_path / "both.yaml"
    path.write_text(BOTH % "AAM *")
    report, ledger, objects = await go(tmp_path, plan_of(path))
    assert report.status == "succeeded", report.failures
    assert ledger["created"]["connections"] == 2, "the profile store's and one of S3"
    assert len({row.ids["baseConnection"] for row in report.items}) == 1
    assert [flow["transformations"] == [] for flow in sorted(objects("flows"), key=lambda flow: flow["name"])] == [
        False,
        True,
        True,
    ]


async def test_a_pattern_that_nothing_fits_fails_its_item_alone(tmp_path):
    path = tmp_path / "both.yaml"
    path.write_text(BOTH % "aam *")
    report, ledger, _ = await go(tmp_path, plan_of(path))
    assert {row.item: row.status for row in report.items} == {
        "audience": "created",
        "mine": "created",
        "chosen": "failed",
    }
    (failure,) = report.failures
    assert (failure.item, failure.code) == ("chosen", "headgate-no-dataset")
    assert failure.message == "none of 231 datasets is called 'aam *'"
    assert ledger["violations"] == []
    path.write_text(BOTH % "AAM *")
    report, ledger, _ = await go(tmp_path, plan_of(path), wishes=Wishes(fresh=True))
    assert report.status == "succeeded", "what was not made can be asked for differently"


async def test_datasets_that_do_not_exist_are_refused_by_the_platform(tmp_path):
    path = tmp_path / "both.yaml"
    path.write_text(BOTH % "AAM *")
    report, _, _ = await go(tmp_path, plan_of(path), datasets={})
    (failure,) = report.failures
    assert (failure.item, failure.job) == ("mine", "source:mine")
    assert "DataSet not found" in failure.message


async def test_another_choice_is_another_content(tmp_path):
    path = tmp_path / "both.yaml"
    path.write_text(BOTH % "AAM *")
    await go(tmp_path, plan_of(path))
    path.write_text(BOTH % "AAM R*")
    with pytest.raises(UsageError):
        await go(tmp_path, plan_of(path))
