"""The circuit on the embedded platform: a wall costs a window of requests, not ten thousand, and can be resumed."""

from __future__ import annotations

from dataclasses import replace

from headgate.embedded import simulated
from headgate.launch import execute
from headgate.manifest.kinds import GRAMMARS
from headgate.manifest.load import load
from headgate.pacing.circuit import WINDOW
from headgate.settings import Limits, Profile
from headgate.simulator import Fault
from headgate.store import open_store
from headgate.workflows.compile import compile_plan

MANIFEST = """
headgate: 1
name: wall
connections:
  s3:
    destination: amazon_s3
    auth: {specName: Access Key, params: {s3AccessKey: FAKEFAKEFAKEFAKEFAKE, s3SecretKey: fake/secret/key/for/the/embedded/server+}}
entries:
%s
options: {rate: 5000/s%s}
"""
ENTRY = """
  - kind: audience-export
    name: "%s ${row}"
    foreach: {range: [1, %d]}
    connection: s3
    target: {bucketName: acme-exports, path: "%s/${row}", fileType: CSV, compression: GZIP}
    audiences: [{id: 00000000-0000-4000-8000-000000000001, exportMode: DAILY_FULL_EXPORT,
         schedule: {frequency: DAILY, triggerType: SCHEDULED, startDate: "2020-01-01", startTime: "17:00", endDate: "2099-01-01"}}]
    attributes: [personalEmail.address]
    mandatoryFields: [personalEmail.address]
"""
#: Requests that may be under way, with those whose intents are durable ahead of a slot.
UNDER_WAY = 20 + 32


async def go(tmp_path, counts, *, options="", faults=(), lives=1):
    """Run a manifest of entries with so many items each; the report of each life, and what the platform was asked."""
    path = tmp_path / "wall.yaml"
    path.write_text(MANIFEST % ("".join(ENTRY % (name, count, name) for name, count in counts.items()), options))
    plan = compile_plan(load(path, grammars=GRAMMARS), "dev")
    profile = replace(
        Profile.load(env={}, state=str(tmp_path / "state.db")), limits=Limits(rate="5000/s", concurrency=20)
    )
    store = open_store(tmp_path / "state.db")
    found = []
    try:
        async with simulated(profile, plan.sandbox, time_scale=36000.0, faults=faults) as (where, simulator):
            for life in range(lives):
                if life:
                    simulator.set_faults([])
                before = simulator.ledger()["requests"]["total"]
                report = await execute(plan, path=path, profile=where, store=store)
                found.append((report, simulator.ledger()["requests"]["total"] - before))
            return found, simulator.ledger()
    finally:
        store.close()


FORBIDDEN = Fault("status", method="POST", path="/flows$", status=403, body={"message": "you may not create flows"})


async def test_a_wall_stops_two_thousand_items_after_a_window(tmp_path):
    ((report, asked),), ledger = await go(tmp_path, {"Item": 2000}, faults=[FORBIDDEN])
    assert report.status == "stopped"
    assert report.exit_code == 5
    assert report.stop.startswith(f"a wall: {WINDOW} times in a row the same refusal to create flows, 403")
    assert "you may not create flows" in report.stop
    assert "resume" in report.stop_hint
    # A window of items made up to their flow, some bystanders, and what was under way.
    assert asked <= 3 * WINDOW + 3 * UNDER_WAY
    assert ledger["requests"]["byEndpoint"]["POST /flows"] <= WINDOW + UNDER_WAY
    states = {row.status for row in report.items}
    assert states <= {"failed", "skipped", "held"}
    assert sum(row.status == "failed" for row in report.items) >= WINDOW
    skipped = [row for row in report.items if row.status == "skipped"]
    assert len(skipped) >= 2000 - 4 * WINDOW
    assert "not started: the run was stopped (a wall" in skipped[-1].error["message"]
    totals = report.totals
    assert totals["succeeded"] + totals["failed"] + totals["skipped"] + totals["held"] == totals["jobs"]
    assert ledger["duplicates"] == []
    assert ledger["violations"] == []


async def test_behind_a_wall_that_is_gone_a_resume_does_what_was_not_begun(tmp_path):
    ((first, _), (second, _)), ledger = await go(tmp_path, {"Item": 90}, faults=[FORBIDDEN], lives=2)
    assert first.exit_code == 5
    assert second.run_id == first.run_id
    failed = sum(row.status == "failed" for row in second.items)
    assert failed == sum(row.status == "failed" for row in first.items) < 90
    assert sum(row.status == "created" for row in second.items) == 90 - failed
    assert ledger["duplicates"] == []


async def test_the_share_of_one_entry_stops_the_run_long_before_the_share_of_all(tmp_path):
    bad = [Fault("status", method="POST", path="/flows$", status=422, every=3, times=6, body={"message": "no"})]
    ((report, _),), _ = await go(tmp_path, {"Small": 40, "Large": 200}, faults=bad, options=", tolerate: 5%")
    assert report.status == "stopped"
    assert report.exit_code == 5
    assert "of 40 of" in report.stop
    assert "Small" in report.stop
    assert sum(row.status == "failed" for row in report.items) <= 0.05 * 240
