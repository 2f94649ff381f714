"""Answers that no document knows: whatever comes back, a run ends by itself, says what happened and makes nothing twice.

One small run of mixed kinds for every hostile kind of answer: now and then, to every look, and to every effect.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from headgate.clock import ScaledClock, SystemClock
from headgate.embedded import simulated
from headgate.launch import execute
from headgate.manifest.kinds import GRAMMARS
from headgate.manifest.load import load
from headgate.pacing import PollPolicy, RetryPolicy
from headgate.settings import Limits, Profile
from headgate.simulator import Fault
from headgate.store import open_store
from headgate.workflows.compile import compile_plan

#: Platform seconds in one of ours, and how long runs take there.
SCALE, RUN_S = 36000.0, (600.0, 1200.0)
#: The same where a day is waited for.
DAYS = 200_000.0
MIXED = """
headgate: 1
name: mixed
connections:
  s3:
    destination: amazon_s3
    auth: {specName: Access Key, params: {s3AccessKey: FAKEFAKEFAKEFAKEFAKE, s3SecretKey: fake/secret/key/for/the/embedded/server+}}
  cloud:
    source: salesforce_service_cloud
    auth: {specName: Basic Authentication, params: {username: u, password: fake-password, securityToken: fake-token}}
entries:
  - kind: audience-export
    name: "Export ${row}"
    foreach: {range: [1, 2]}
    connection: s3
    target: {bucketName: acme-exports, path: "x/${row}", fileType: CSV, compression: GZIP}
    audiences:
      - {id: 00000000-0000-4000-8000-000000000001, exportMode: DAILY_FULL_EXPORT,
         schedule: {frequency: DAILY, triggerType: SCHEDULED, startDate: "2020-01-01", startTime: "17:00", endDate: "2099-01-01"}}
  - kind: source-ingestion
    name: Ingestion
    connection: cloud
    table: {tableName: T, columns: [{name: Id, type: string, xdm: {type: string}}]}
    schema: {title: "A title", class: "https://ns.adobe.com/xdm/context/profile"}
    dataset: {name: A dataset}
    mappings: [{sourceAttribute: Id, destinationXdmPath: _id}]
    deltaColumn: {name: Id}
    scheduleParams: {startTime: 1590792316, frequency: minute, interval: 15}
  - kind: flow-update
    name: put off
    select: {property: ["inheritedAttributes.properties.isDestinationFlow==true"], where: "scheduleParams.interval"}
    set: {/scheduleParams/endTime: 1830336000}
  - kind: flow-action
    name: again
    select: {property: ["inheritedAttributes.properties.isSourceFlow==true"]}
    action: retry
  - kind: activation
    name: now
    pairs: {rows: [PAIRS]}
  - kind: watch
    name: look
    select: {property: ["inheritedAttributes.properties.isSourceFlow==true"]}
    within: 2h
options: {rate: 5000/s}
"""
SEEDS = {"flows": 1, "audiences": 2, "datasetFlows": 2, "sourceFlows": 1}
DEEP = {"id": "x"}
for _ in range(120):
    DEEP = {"items": [DEEP]}
JUNK = {
    "null": None,
    "a number": 7,
    "a list": [],
    "a list of junk": [None, 5, "x", {"id": 3}],
    "no list": {"items": 3, "results": "x", "data": None},
    "junk in a list": {"items": [None, 5, [], {"id": 7}, {"id": None}, {"id": {"id": "x"}}], "_links": 4},
    "huge numbers": {"id": 10**18, "items": [{"id": "r", "flowId": "f", "createdAt": 1e300, "etag": 5}]},
    "an id that leads elsewhere": {"id": "../connections", "items": [{"id": "../..", "etag": '"e"'}]},
}
#: What heals by asking again, or does no harm: the run succeeds although it comes now and then.
HEALS = {
    "html 200": {"fault": "html", "status": 200},
    "html 502": {"fault": "html"},
    "500": {"fault": "status", "status": 500},
    "503": {"fault": "status", "status": 503},
    "429 without a hint": {"fault": "status", "status": 429},
    "a status nobody knows": {"fault": "status", "status": 599},
    "half of the json": {"fault": "half-json"},
    "truncated": {"fault": "truncated"},
    "reset": {"fault": "reset"},
    "reset in the body": {"fault": "reset-in-body"},
    "drip": {"fault": "drip", "seconds": 0.02},
    "nested": {"fault": "body", "body": DEEP},
    "the clock of tomorrow": {"fault": "clock", "seconds": 86400.0},
    "the clock of 1970": {"fault": "clock", "seconds": -1.7e9},
}
HURTS = {
    "html 403": {"fault": "html", "status": 403},
    "html 404": {"fault": "html", "status": 404},
    "429 until tomorrow": {"fault": "status", "status": 429, "retry_after": 86400},
    "a redirect": {"fault": "status", "status": 302},
    "huge": {"fault": "huge", "megabytes": 12},
    "bomb": {"fault": "bomb", "megabytes": 16},
} | {name: {"fault": "body", "body": body} for name, body in JUNK.items()}
ENDLESS = {"endless": {"fault": "endless"}, "loop": {"fault": "loop"}}
KINDS = HEALS | HURTS | ENDLESS
#: Not four: a lost creation and its looks are eight requests, so that each of its attempts could be the fourth one.
NOW_AND_THEN = [{"path": "/data/", "every": 5}]
EVERY_LOOK = [{"path": "/data/", "method": "GET"}]
EVERY_EFFECT = [{"path": "/data/", "method": method} for method in ("POST", "PATCH", "DELETE")]


def profile(folder, timeout_s):
    return replace(
        Profile.load(env={}, state=str(folder / "state.db")),
        limits=Limits(rate="5000/s", concurrency=4),
        retry=RetryPolicy(attempts=8, first_s=0.002, cap_s=0.01, budget_floor=1000),
        poll=PollPolicy(600.0, 1200.0),
        timeout_s=timeout_s,
    )


async def go(folder, faults=(), *, before=None, more="", timeout_s=2.0, scale=SCALE, **options):
    """One run, which has to end within ten seconds of ours: its report, the platform's ledger."""
    options = {"seed_counts": SEEDS, **options}
    store = open_store(folder / "state.db")
    try:
        async with simulated(profile(folder, timeout_s), "dev", time_scale=scale, run_seconds=RUN_S, **options) as (
            where,
            simulator,
        ):
            for flow in simulator.objects("flows"):
                if flow["name"].startswith("Existing ingestion"):
                    simulator.scheduled_run(flow["id"], seconds=0.0, outcome="failed")
            flow = next(flow for flow in simulator.objects("flows") if flow["transformations"])
            pairs = [
                f"{{destinationId: {flow['id']}, segmentId: {one['value']['id']}}}"
                for one in flow["transformations"][0]["params"]["segmentSelectors"]["selectors"]
            ]
            path = folder / "mixed.yaml"
            path.write_text(MIXED.replace("PAIRS", ", ".join(pairs)).replace("options:", f"{more}options:"))
            plan = compile_plan(load(path, grammars=GRAMMARS, env={}), "dev")
            simulator.advance(60.0)
            if before is not None:
                before(simulator)
            simulator.set_faults(list(faults))
            async with asyncio.timeout(10):
                report = await execute(plan, path=path, profile=where, store=store)
            return report, simulator.ledger()
    finally:
        store.close()


def judge(report, ledger):
    """It ended well or said why not, and the platform's book is clean."""
    assert ledger["duplicates"] == []
    assert ledger["violations"] == []
    assert set(ledger["activations"]["pairs"].values()) <= {1}
    assert report.status in ("succeeded", "failed")
    if report.status == "failed":
        assert report.stop or report.failures
        said = [report.stop, *(failure.message for failure in report.failures)]
        assert all("Traceback" not in text and "understood (" not in text and len(text) <= 700 for text in said)
        assert all(failure.message for failure in report.failures)


async def suffer(folder, kind, when):
    faults = [Fault(**KINDS[kind], **match) for match in when]
    report, ledger = await go(folder, faults, timeout_s=0.1 if kind == "drip" else 2.0)
    judge(report, ledger)
    return report


@pytest.mark.parametrize("kind", HEALS)
async def test_what_comes_now_and_then_is_got_over(tmp_path, kind):
    report = await suffer(tmp_path, kind, NOW_AND_THEN)
    assert report.status == "succeeded", (report.failures[:3], report.stop)


@pytest.mark.parametrize("kind", [kind for kind in HURTS if kind not in JUNK])
async def test_what_cannot_be_got_over_fails_with_a_reason(tmp_path, kind):
    await suffer(tmp_path, kind, NOW_AND_THEN)


async def test_junk_of_every_kind_now_and_then(tmp_path):
    faults = [
        Fault(**HURTS[kind], path="/data/", every=every)
        for kind, every in zip(JUNK, (5, 7, 11, 13, 17, 19, 23, 29), strict=True)
    ]
    judge(*await go(tmp_path, faults))


@pytest.mark.parametrize("kind", sorted(KINDS.keys() - {"html 502", "503", "a status nobody knows", "truncated"}))
async def test_every_look_is_answered_so(tmp_path, kind):
    report = await suffer(tmp_path, kind, EVERY_LOOK)
    assert (report.status == "succeeded") == kind.startswith("the clock")


@pytest.mark.parametrize(
    "kind",
    ["html 200", "html 403", "500", "429 without a hint", "429 until tomorrow", "half of the json", "reset in the body",
     "reset", "drip", "huge", "bomb", "null", "a list of junk", "junk in a list", "an id that leads elsewhere"],
)  # fmt: skip
async def test_every_effect_is_answered_so(tmp_path, kind):
    """What was carried out is found by looking, however the answer was spoilt."""
    report = await suffer(tmp_path, kind, EVERY_EFFECT)
    done = KINDS[kind]["fault"] in ("half-json", "truncated", "reset-in-body", "drip", "huge", "bomb", "body")
    assert (report.status == "succeeded") == (done or kind == "html 200"), (report.failures[:3], report.stop)


@pytest.mark.parametrize("ahead_s", [-7200.0, 7200.0])
async def test_the_platforms_clock_is_two_hours_off(tmp_path, ahead_s):
    """Holds go by its clock: an audience is activated an hour after it was mapped, whatever our clock says."""
    clock = ScaledClock(SCALE, origin=SystemClock().now() + ahead_s)
    wait = "  - kind: activation\n    name: later\n    pairs: {rows: [{destinationId: Export 1, segmentId: %s}]}\n"
    more = wait % "00000000-0000-4000-8000-000000000001"
    report, ledger = await go(tmp_path, more=more, clock=clock)
    judge(report, ledger)
    assert report.status == "succeeded", (report.failures[:3], report.stop)
    assert len(ledger["activations"]["pairs"]) == 3
    assert ledger["refusals"].get("adhoc:one-hour", 0) == 0


@pytest.mark.parametrize("shift_s", [-1.7e9, -86400.0, 86400.0])
async def test_a_date_that_jumps_moves_no_hold(tmp_path, shift_s):
    """Every third answer comes from a machine whose clock is wrong (by more than two hours, at this scale)."""
    wait = "  - kind: activation\n    name: later\n    pairs: {rows: [{destinationId: Export 1, segmentId: %s}]}\n"
    more = wait % "00000000-0000-4000-8000-000000000001"
    report, ledger = await go(tmp_path, [Fault("clock", path="/data/", seconds=shift_s, every=3)], more=more)
    judge(report, ledger)
    assert report.status == "succeeded", (report.failures[:3], report.stop)
    assert len(ledger["activations"]["pairs"]) == 3


async def test_a_run_in_a_state_that_nobody_knows_is_followed_for_a_day(tmp_path):
    report, ledger = await go(
        tmp_path, before=lambda simulator: simulator.fail_next_run("unknown", times=3), scale=DAYS
    )
    judge(report, ledger)
    assert {failure.code for failure in report.failures} == {"headgate-still-running"}, "the watch has its own deadline"
    assert {(row.outcome, row.runState) for row in report.activations} == {("activated", "running")}
    assert all("not followed to its end" in row.reason for row in report.activations)


async def test_somebody_elses_run_that_is_never_over_is_not_waited_for_for_ever(tmp_path):
    def block(simulator):
        flow = next(flow for flow in simulator.objects("flows") if flow["transformations"])
        simulator.scheduled_run(flow["id"], seconds=1e9)

    report, ledger = await go(tmp_path, before=block, scale=DAYS)
    judge(report, ledger)
    assert report.status == "failed"
    assert {row.outcome for row in report.activations} == {"failed"}
    assert any("not over after 24 hours" in failure.message for failure in report.failures)
    assert ledger["activations"]["pairs"] == {}


async def test_overload_that_shows_as_500_is_given_time(tmp_path):
    """A storm of bare 500s over everything: everybody steps back, and the run is got through it."""
    storm = [Fault("status", status=500, path="/data/", probability=0.5)]
    report, ledger = await go(tmp_path, storm)
    judge(report, ledger)


async def test_without_any_hostility_it_succeeds(tmp_path):
    report, ledger = await go(tmp_path)
    judge(report, ledger)
    assert report.status == "succeeded", (report.failures[:3], report.stop)
    assert {row.runState for row in report.activations} == {"success"}
