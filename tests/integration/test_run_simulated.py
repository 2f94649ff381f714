"""Whole runs on the embedded platform, with every kind of trouble: its ledger, not ours, says what happened.

Ten dataflows and an ad-hoc activation of all their pairs; an hour of the platform takes a second or less.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from headgate.errors import StoreError
from headgate.embedded import simulated
from headgate.launch import Watch, Wishes, execute
from headgate.manifest.kinds import GRAMMARS
from headgate.manifest.load import load
from headgate.pacing import PollPolicy, RetryPolicy
from headgate.settings import Limits, Profile
from headgate.simulator import Fault, load_faults
from headgate.store import open_store
from headgate.workflows.compile import compile_plan

FAULTS = Path(__file__).parents[2] / "configs" / "faults"
AUDIENCES = [f"00000000-0000-4000-8000-{n:012d}" for n in range(4)]
MANIFEST = """
headgate: 1
name: small
connections:
  s3:
    destination: amazon_s3
    auth: {specName: Access Key, params: {s3AccessKey: FAKEFAKEFAKEFAKEFAKE, s3SecretKey: fake/secret/key/for/the/embedded/server+}}
entries:
  - kind: audience-export
    name: "Item ${row}"
    foreach: {range: [1, 10]}
    connection: s3
    target: {bucketName: acme-exports, path: "x/${row}", fileType: CSV, compression: GZIP}
    audiences:
%s
    attributes: [personalEmail.address]
    mandatoryFields: [personalEmail.address]
  - kind: activation
    name: now
    pairs: {matrix: {destinationId: [%s], segmentId: [%s]}}
options: {rate: 5000/s, audiencesPerJob: 11%s}
"""
ONE = """      - {id: %s, name: "Audience, %d", exportMode: DAILY_FULL_EXPORT,
         schedule: {frequency: DAILY, triggerType: SCHEDULED, startDate: "2020-01-01", startTime: "17:00", endDate: "2099-01-01"}}"""
PAIRS = 10 * len(AUDIENCES)
#: Platform seconds in one of ours, and how long runs take there: 30 to 110 ms of ours.
SCALE, RUN_S = 36000.0, (1000.0, 4000.0)


@pytest.fixture
def plan(tmp_path):
    return make_plan(tmp_path)


def make_plan(tmp_path, options=""):
    path = tmp_path / "small.yaml"
    path.write_text(
        MANIFEST
        % (
            "\n".join(ONE % (audience, number) for number, audience in enumerate(AUDIENCES)),
            ", ".join(f'"Item {n}"' for n in range(1, 11)),
            ", ".join(AUDIENCES),
            options,
        )
    )
    return compile_plan(load(path, grammars=GRAMMARS), "dev")


def profile(tmp_path, **changes):
    plain = Profile.load(env={}, state=str(tmp_path / "state.db"))
    usual = {
        "limits": Limits(rate="5000/s"),
        "retry": RetryPolicy(attempts=8, first_s=0.01, cap_s=0.05, budget_floor=1000),
        "poll": PollPolicy(600.0, 1200.0),
        "timeout_s": 2.0,
    }
    return replace(plain, **{**usual, **changes})


async def go(
    tmp_path, plan, *, faults=(), scale=SCALE, wishes=None, watch=None, changes=None, observers=(), seen=None, **options
):
    """One life of the run; the report, and the ledger of the platform."""
    store = open_store(tmp_path / "state.db")
    try:
        async with simulated(
            profile(tmp_path, **(changes or {})),
            plan.sandbox,
            time_scale=scale,
            faults=faults,
            run_seconds=RUN_S,
            **options,
        ) as (where, simulator):
            report = await execute(
                plan,
                path=tmp_path / "small.yaml",
                profile=where,
                store=store,
                wishes=wishes,
                watch=watch,
                observers=observers,
                seen=seen,
            )
            return report, simulator.ledger()
    finally:
        store.close()


def judge(report, ledger, *, pairs=PAIRS):
    """Exactly once, by the platform's own book."""
    assert ledger["duplicates"] == []
    assert ledger["violations"] == []
    assert ledger["created"] == {
        **ledger["created"],
        "connections": 2,
        "sourceConnections": 10,
        "targetConnections": 10,
        "flows": 10,
    }
    assert len(ledger["activations"]["pairs"]) == pairs
    assert set(ledger["activations"]["pairs"].values()) <= {1}, "a pair was activated more than once"
    assert ledger["activations"]["maxConcurrentPerAudience"] <= 1
    assert ledger["activations"]["maxPairsPerJob"] <= 11
    assert report.status == "succeeded", (report.failures[:3], report.stop)
    assert {row.status for row in report.items} == {"created"}
    assert {(row.outcome, row.runState) for row in report.activations} == {("activated", "success")}
    assert report.totals["failed"] == report.totals["skipped"] == report.totals["held"] == 0


async def test_a_quiet_day(tmp_path, plan):
    report, ledger = await go(tmp_path, plan)
    judge(report, ledger)
    assert report.requests["sent"] == ledger["requests"]["total"] + ledger["requests"]["tokens"]
    assert report.requests["retried"] == 0
    assert ledger["requests"]["byEndpoint"]["POST /flows"] == 10


LOST = [
    Fault("lost-after-commit", method=method, path=path, probability=0.2)
    for method, path in [
        ("POST", "/connections$"),
        ("POST", "/sourceConnections$"),
        ("POST", "/targetConnections$"),
        ("POST", "/flows$"),
        ("PATCH", "/flows/"),
        ("POST", "/adhocrun$"),
    ]
]
TROUBLES = {
    "lost after commit": LOST,
    "every first answer lost": [
        Fault("lost-after-commit", method="POST", path=path, nth=1)
        for path in ("/connections$", "/sourceConnections$", "/targetConnections$", "/flows$", "/adhocrun$")
    ],
    "every other ad-hoc answer lost": [Fault("lost-after-commit", method="POST", path="/adhocrun$", every=2)],
    "ad-hoc lost after and before": [
        Fault("lost-after-commit", method="POST", path="/adhocrun$", every=2),
        Fault("lost-before-commit", method="POST", path="/adhocrun$", every=3),
    ],
    "lost before commit": [Fault("lost-before-commit", path="/data/", probability=0.1)],
    "500": [Fault("status", path="/data/", probability=0.1, status=500)],
    "503 without a hint": [Fault("status", path="/data/", probability=0.1, status=503)],
    "503 with Retry-After": [Fault("status", path="/data/", probability=0.03, status=503, retry_after=0.1, times=4)],
    "429 with Retry-After": [Fault("status", path="/data/", every=25, status=429, retry_after=0.1, times=5)],
    "429 without a hint": [Fault("status", path="/data/", nth=40, status=429)],
    "truncated": [Fault("truncated", path="/data/", probability=0.1)],
    "a page for a success": [Fault("html", path="/data/", probability=0.1, status=200)],
    "a page for an error": [Fault("html", path="/data/", probability=0.1)],
    "reset": [Fault("reset", path="/data/", probability=0.1)],
    "slow": [Fault("slow", path="/data/", probability=0.05, seconds=0.1)],
    "token trouble": [Fault("status", path="/ims/token/", nth=1, status=503)],
    "rejected token": [Fault("status", path="/data/", every=30, status=401, times=3)],
    "precondition failed": [Fault("status", method="PATCH", path="/flows/", every=3, status=412)],
}


@pytest.mark.parametrize(
    ("trouble", "seed"),
    [
        *((trouble, 1) for trouble in TROUBLES),
        *((trouble, seed) for trouble in TROUBLES if "lost" in trouble for seed in (2,)),
    ],
)
async def test_exactly_once_in_any_trouble(tmp_path, plan, trouble, seed):
    report, ledger = await go(tmp_path, plan, faults=TROUBLES[trouble], seed=seed)
    judge(report, ledger)


@pytest.mark.parametrize("name", ["bad-day", "broken-answers", "hostile-answers", "lost-answers"])
async def test_the_troubles_that_come_with_the_project(tmp_path, plan, name):
    faults = [
        replace(fault, retry_after=0.1 if fault.retry_after else None) for fault in load_faults(FAULTS / f"{name}.yaml")
    ]
    report, ledger = await go(tmp_path, plan, faults=faults, seed=3)
    judge(report, ledger)


async def test_a_busy_gateway(tmp_path, plan):
    """configs/faults/throttling.yaml, its seconds made tenths and its hintless 429s (a second each) fewer."""
    faults = [
        replace(fault, retry_after=0.05, times=10) if fault.retry_after else replace(fault, times=1)
        for fault in load_faults(FAULTS / "throttling.yaml")
    ]
    report, ledger = await go(tmp_path, plan, faults=faults)
    judge(report, ledger)
    assert report.requests["throttled"] == ledger["requests"]["throttled"] > 0


async def test_runs_that_become_visible_late(tmp_path, plan):
    report, ledger = await go(tmp_path, plan, run_visible_after_s=100.0)
    judge(report, ledger)


async def test_runs_that_become_visible_late_and_answers_that_are_lost(tmp_path, plan):
    """Without a sign of the lost request it is sent again; what the platform then says is the sign."""
    faults = [Fault("lost-after-commit", method="POST", path="/adhocrun$", every=2)]
    _, ledger = await go(tmp_path, plan, run_visible_after_s=600.0, faults=faults)
    assert len(ledger["activations"]["pairs"]) == PAIRS
    assert set(ledger["activations"]["pairs"].values()) == {1}
    assert ledger["violations"] == []


async def test_pages_of_few_rows(tmp_path, plan):
    report, ledger = await go(tmp_path, plan, default_limit=2, faults=LOST)
    judge(report, ledger)


@pytest.mark.parametrize("wording", ["segment", "audience"])
async def test_somebody_elses_ad_hoc_run_of_an_audience_is_waited_for(tmp_path, plan, wording):
    """Made as soon as the first flow is mapped, on a flow of its own pair."""
    store = open_store(tmp_path / "state.db")
    async with simulated(
        profile(tmp_path), plan.sandbox, time_scale=SCALE, run_seconds=RUN_S, adhoc_wording=wording
    ) as (where, simulator):
        started = []

        def meddle(tell):
            if tell.name == "hold" and not started:
                for flow in simulator.objects("flows")[:2]:
                    started.append(simulator.foreign_adhoc(flow["id"], AUDIENCES[0], seconds=4500.0))

        report = await execute(plan, path=tmp_path / "small.yaml", profile=where, store=store, observers=(meddle,))
        ledger = simulator.ledger()
    store.close()
    assert started
    judge(report, ledger)
    assert not set(started) & {row.runId for row in report.activations}


async def test_a_scheduled_run_of_a_flow_is_waited_for(tmp_path, plan):
    store = open_store(tmp_path / "state.db")
    async with simulated(profile(tmp_path), plan.sandbox, time_scale=SCALE, run_seconds=RUN_S) as (where, simulator):
        started = []

        def meddle(tell):
            if tell.name == "hold" and not started:
                started.append(simulator.scheduled_run(simulator.objects("flows")[0]["id"], seconds=4500.0))

        report = await execute(plan, path=tmp_path / "small.yaml", profile=where, store=store, observers=(meddle,))
        ledger = simulator.ledger()
    store.close()
    judge(report, ledger)


async def test_failed_and_partial_runs_are_told_pair_by_pair(tmp_path, plan):
    store = open_store(tmp_path / "state.db")
    async with simulated(profile(tmp_path), plan.sandbox, time_scale=SCALE, run_seconds=RUN_S) as (where, simulator):
        simulator.fail_next_run("failed", times=2)
        report = await execute(plan, path=tmp_path / "small.yaml", profile=where, store=store)
        ledger = simulator.ledger()
    store.close()
    assert report.status == "failed"
    assert sorted(row.outcome for row in report.activations).count("failed") == 2
    assert {row.reason for row in report.activations if row.outcome == "failed"} == {
        "ACTIVATION_BATCH-0000-FAILED: Job aborted."
    }
    assert sum(ledger["activations"]["pairs"].values()) == PAIRS


@pytest.mark.parametrize("after", [1, 25, 54])
async def test_interrupted_and_resumed_it_is_still_exactly_once(tmp_path, plan, after):
    """Cancelled at once after so many endings, then run again: the second life looks before it sends."""
    watch, settled = Watch(), []

    def kill(tell):
        if tell.name == "settled":
            settled.append(tell.job)
            if len(settled) == after:
                watch.cancel()

    first, _ = await go(tmp_path, plan, faults=LOST, watch=watch, observers=(kill,))
    assert first.status == "interrupted"
    again = Watch()
    report, ledger = await go(tmp_path, plan, faults=LOST, watch=again)
    assert again.continued
    assert report.run_id == first.run_id
    judge(report, ledger)


async def test_drained_and_resumed(tmp_path, plan):
    watch, settled = Watch(), []

    def stop(tell):
        if tell.name == "settled":
            settled.append(tell.job)
            if len(settled) == 20:
                watch.drain()

    first, _ = await go(tmp_path, plan, watch=watch, observers=(stop,))
    assert first.status == "interrupted"
    assert first.totals["held"] > 0
    report, ledger = await go(tmp_path, plan)
    judge(report, ledger)


async def test_a_second_run_makes_nothing_and_activates_again(tmp_path, plan):
    await go(tmp_path, plan)
    report, ledger = await go(tmp_path, plan)
    assert report.status == "succeeded"
    assert {row.status for row in report.items} == {"reused"}
    assert ledger["created"]["flows"] == 10
    assert set(ledger["activations"]["pairs"].values()) == {2}


async def test_with_its_store_lost_a_run_makes_nothing_a_second_time(tmp_path, plan):
    """What bears our marks is found in the platform's lists, and used again."""
    _, before = await go(tmp_path, plan)
    (tmp_path / "state.db").unlink()
    for beside in tmp_path.glob("state.db-*"):
        beside.unlink()
    report, ledger = await go(tmp_path, plan)
    assert report.status == "succeeded"
    assert ledger["created"] == before["created"]
    assert {item.status for item in report.items} == {"reused"}
    assert not ledger["duplicates"]
    third, _ = await go(tmp_path, plan)
    assert "GET /flows" not in third.requests["byEndpoint"], "adopted once, known ever after"


async def test_a_platform_out_of_reach_fails_nothing_and_can_be_resumed(tmp_path, plan):
    store = open_store(tmp_path / "state.db")
    async with simulated(profile(tmp_path), plan.sandbox, time_scale=SCALE, run_seconds=RUN_S) as (where, simulator):
        nowhere = replace(where, platform_url="http://127.0.0.1:9")
        first = await execute(plan, path=tmp_path / "small.yaml", profile=nowhere, store=store)
        assert first.status == "failed"
        assert first.stop
        assert first.totals["failed"] == 0
        report = await execute(plan, path=tmp_path / "small.yaml", profile=where, store=store)
        ledger = simulator.ledger()
    store.close()
    assert report.run_id == first.run_id
    judge(report, ledger)


async def test_refused_credentials_end_the_run_and_fail_nothing(tmp_path, plan):
    report, ledger = await go(tmp_path, plan, faults=[Fault("status", path="/data/", status=403)])
    assert report.status == "failed"
    assert report.totals["failed"] == 0
    assert sum(ledger["created"].values()) == 0


async def test_tolerate_stops_at_more_failures_than_allowed(tmp_path):
    plan = make_plan(tmp_path, ", tolerate: 2, concurrency: 1")
    faults = [Fault("status", method="POST", path="/targetConnections$", status=422)]
    report, _ = await go(tmp_path, plan, faults=faults)
    assert report.status == "stopped"
    assert sum(row.status == "failed" for row in report.items) >= 3
    assert {row.outcome for row in report.activations} <= {"held", "skipped"}


async def test_the_whole_of_a_platform_that_refuses_one_kind_is_told(tmp_path, plan):
    faults = [Fault("status", method="POST", path="/targetConnections$", status=422, body={"message": "bad params"})]
    report, ledger = await go(tmp_path, plan, faults=faults)
    assert report.status == "failed"
    assert {row.status for row in report.items} == {"failed"}
    assert {row.outcome for row in report.activations} == {"skipped"}
    assert report.totals["succeeded"] + report.totals["failed"] + report.totals["skipped"] == report.totals["jobs"]
    assert ledger["activations"]["jobs"] == 0


async def test_finish_by_ends_while_pairs_are_held(tmp_path, plan):
    import time

    report, ledger = await go(tmp_path, plan, scale=60.0, wishes=Wishes(finish_by_s=time.time() + 1.0))
    assert report.status == "stopped"
    assert {row.outcome for row in report.activations} == {"held"}
    assert all("younger than an hour" in row.reason for row in report.activations)
    assert ledger["activations"]["jobs"] == 0


async def test_a_broken_store_ends_the_run_with_a_store_error(tmp_path, plan):
    import sqlite3

    taken = []

    def steal(tell):
        if tell.name == "settled" and not taken:
            db = sqlite3.connect(tmp_path / "state.db", timeout=5)
            db.execute("UPDATE process SET dead = 1")
            db.commit()
            db.close()
            taken.append(tell)

    with pytest.raises(StoreError):
        await asyncio.wait_for(go(tmp_path, plan, observers=(steal,)), 10)


async def test_credentials_that_are_refused_in_the_middle_end_the_run_and_fail_nothing(tmp_path, plan):
    """The token is revoked and the token endpoint says 400: what was asked stays open, and a resume goes on."""
    store = open_store(tmp_path / "state.db")
    async with simulated(profile(tmp_path), plan.sandbox, time_scale=SCALE, run_seconds=RUN_S) as (where, simulator):
        settled = []

        def revoke(tell):
            if tell.name == "settled":
                settled.append(tell.job)
                if len(settled) == 25:
                    body = {"error": "invalid_client", "error_description": "the client secret was rotated"}
                    simulator.set_faults([Fault("status", path="/ims/token/", status=400, body=body)])
                    simulator.revoke_tokens()

        first = await execute(plan, path=tmp_path / "small.yaml", profile=where, store=store, observers=(revoke,))
        assert (first.status, first.stop_reason, first.exit_code) == ("failed", "platform", 3)
        assert "credentials" in first.stop
        assert first.totals["failed"] == first.totals["skipped"] == 0
        assert first.failures == []
        assert first.totals["held"] > 0
        simulator.set_faults([])
        report = await execute(plan, path=tmp_path / "small.yaml", profile=where, store=store)
        ledger = simulator.ledger()
    store.close()
    assert report.run_id == first.run_id
    judge(report, ledger)


async def test_throttled_and_then_a_bad_gateway_on_a_creation_is_looked_up_and_made_once(tmp_path, plan):
    """About ten 429s for each flow, of eight tries with faults; then a 502 that hides whether it was made."""
    faults = [
        Fault("status", method="POST", path="/flows$", status=429, retry_after=0.01, times=100),
        Fault("html", method="POST", path="/flows$", status=502, times=10),
    ]
    report, ledger = await go(tmp_path, plan, faults=faults)
    judge(report, ledger)
    assert ledger["requests"]["byStatus"]["502"] == 10
    assert ledger["requests"]["byEndpoint"]["GET /flows"] >= 10


async def test_a_rate_of_the_profile_for_one_endpoint_is_kept(tmp_path, plan):
    """Ten creations of flows at twenty a second, while everything else may go at five thousand."""
    watch, made = Watch(), []

    def note(tell):
        if tell.name == "settled" and watch.machine.jobs[tell.job].key.startswith("flow:"):
            made.append(asyncio.get_running_loop().time())

    limits = Limits(rate="5000/s", endpoints={"POST /flows": "20/s"})
    report, ledger = await go(tmp_path, plan, changes={"limits": limits}, watch=watch, observers=(note,))
    judge(report, ledger)
    assert len(made) == 10
    assert made[-1] - made[0] > 0.4


@pytest.mark.parametrize("status", [400, 403])
async def test_runs_that_may_not_be_listed_after_a_lost_answer_are_not_asked_for_twice(tmp_path, plan, status):
    """Somebody takes the right to read runs away just as jobs are accepted: nothing is activated a second time."""
    store = open_store(tmp_path / "state.db")
    faults = [Fault("lost-after-commit", method="POST", path="/adhocrun$")]
    async with simulated(profile(tmp_path), plan.sandbox, time_scale=SCALE, run_seconds=RUN_S, faults=faults) as (
        where,
        simulator,
    ):

        def forbid(tell):
            if tell.name == "retry" and tell.fields["endpoint"] == "POST /adhocrun":
                simulator.set_faults([*faults, Fault("status", method="GET", path="/runs", status=status)])

        report = await execute(plan, path=tmp_path / "small.yaml", profile=where, store=store, observers=(forbid,))
        ledger = simulator.ledger()
    store.close()
    assert set(ledger["activations"]["pairs"].values()) == {1}
    doubtful = [row for row in report.activations if "may have been activated" in str(row.reason)]
    assert doubtful
    assert ledger["violations"] == []
