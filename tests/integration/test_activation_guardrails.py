"""Every ad-hoc guardrail and message of the platform, met by a whole run on the embedded platform."""

from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from headgate.launch import Wishes, execute
from headgate.manifest.kinds import GRAMMARS
from headgate.manifest.load import load
from headgate.pacing import RetryPolicy
from headgate.settings import Profile
from headgate.simulator import Simulator
from headgate.store import open_store
from headgate.workflows.compile import compile_plan

SCALE = 3600.0
ALPHA, BETA, GAMMA = (f"{letter * 8}-0000-4000-8000-000000000000" for letter in "abc")
SCHEDULE = (
    '{frequency: DAILY, triggerType: SCHEDULED, startDate: "2020-01-01", startTime: "17:00", endDate: "2099-12-31"}'
)
FLOWS = """\
headgate: 1
name: flows
connections:
  zone: {destination: data_landing_zone}
entries:
  - kind: audience-export
    name: "Flow ${row}"
    foreach: {range: [1, 2]}
    connection: zone
    target: {path: "p/${row}"}
    audiences:
AUDIENCES
"""


class Stage:
    """One embedded platform, one state store, and runs of manifests on them."""

    def __init__(self, folder, simulator):
        self.folder, self.simulator = folder, simulator
        who = simulator.credentials
        self.profile = Profile.load(
            env={}, platform_url=simulator.url, ims_url=simulator.ims_url, org_id=who["org_id"],
            client_id=who["client_id"], client_secret=who["client_secret"], scopes=who["scopes"], sandbox="dev",
            time_scale=SCALE, state=str(folder / "state.db"),
        )  # fmt: skip
        self.profile = replace(self.profile, retry=RetryPolicy(first_s=0.01, cap_s=0.1))

    async def run(self, text, name="manifest.yaml", **wishes):
        path = self.folder / name
        path.write_text(text)
        plan = compile_plan(load(path, grammars=GRAMMARS), "dev")
        store = open_store(self.profile.state)
        try:
            return await execute(
                plan, path=path, profile=self.profile, store=store, wishes=Wishes(rate="500/s", **wishes)
            )
        finally:
            store.close()

    async def make_flows(self, audiences=(ALPHA, BETA, GAMMA), names=None):
        lines = "\n".join(
            f"      - {{id: {one}, name: {(names or {}).get(one, one[:1] + ' team')!r}, exportMode: DAILY_FULL_EXPORT, "
            f"schedule: {SCHEDULE}}}" for one in audiences
        )  # fmt: skip
        report = await self.run(FLOWS.replace("AUDIENCES", lines), "flows.yaml")
        assert report.status == "succeeded"
        return [row.ids["flow"] for row in report.items]

    async def activate(self, pairs, extra="", **wishes):
        rows = ", ".join(f"{{destinationId: {flow}, segmentId: {audience}}}" for flow, audience in pairs)
        text = (
            f"headgate: 1\nname: fire\nentries:\n  - kind: activation\n    name: now\n    pairs: {{rows: [{rows}]}}\n"
        )
        return await self.run(text + extra, "fire.yaml", **wishes)


@asynccontextmanager
async def stage(folder, **options):
    async with Simulator(time_scale=SCALE, run_seconds=(60, 200), **options) as simulator:
        yield Stage(folder, simulator)


def outcomes(report):
    return [(row.outcome, row.runState) for row in report.activations]


def activated(simulator):
    return simulator.ledger()["activations"]["pairs"]


def assert_no_violation(simulator):
    ledger = simulator.ledger()
    assert ledger["violations"] == []
    assert ledger["activations"]["overlaps"] == []


async def test_pairs_younger_than_an_hour_are_held_and_then_go(tmp_path):
    async with stage(tmp_path) as there:
        one, _ = await there.make_flows()
        report = await there.activate([(one, ALPHA)])
        assert outcomes(report) == [("activated", "success")]
        assert_no_violation(there.simulator)


async def test_wait_false_says_held_with_the_time_and_is_no_failure(tmp_path):
    async with stage(tmp_path) as there:
        one, _ = await there.make_flows()
        report = await there.activate([(one, ALPHA)], "    wait: false\n")
        assert report.status == "succeeded"
        assert outcomes(report) == [("held", None)]
        assert "eligible at" in report.activations[0].reason
        assert activated(there.simulator) == {}


async def test_finish_by_stops_with_the_pairs_held_and_their_reason(tmp_path):
    async with stage(tmp_path) as there:
        one, _ = await there.make_flows()
        report = await there.activate([(one, ALPHA)], finish_by_s=0.0)
        assert report.status == "stopped"
        assert report.stop_reason == "finish-by"
        assert outcomes(report) == [("held", None)]


async def test_a_run_of_somebody_else_is_waited_for_then_the_audience_is_done_again(tmp_path):
    async with stage(tmp_path) as there:
        one, two = await there.make_flows()
        there.simulator.advance(4000)
        # On a flow that is not among ours, so only the refusal tells of it.
        there.simulator.foreign_adhoc(two, ALPHA, seconds=3000)
        report = await there.activate([(one, ALPHA), (one, BETA)])
        assert outcomes(report) == [("activated", "success")] * 2
        assert [row.attempts for row in report.activations] == [2, 1]
        assert set(activated(there.simulator).values()) == {1}
        assert_no_violation(there.simulator)


@pytest.mark.parametrize("wording", ["audience", "segment"])
async def test_both_wordings_are_understood(tmp_path, wording):
    async with stage(tmp_path, adhoc_wording=wording) as there:
        one, two = await there.make_flows()
        there.simulator.advance(4000)
        there.simulator.foreign_adhoc(two, GAMMA, seconds=1000)
        report = await there.activate([(one, GAMMA)])
        assert outcomes(report) == [("activated", "success")]


async def test_a_scheduled_run_on_the_flow_is_waited_for_before_anything_is_asked(tmp_path):
    async with stage(tmp_path) as there:
        one, _ = await there.make_flows()
        there.simulator.advance(4000)
        there.simulator.scheduled_run(one, seconds=2000)
        report = await there.activate([(one, ALPHA)])
        assert outcomes(report) == [("activated", "success")]
        assert there.simulator.ledger()["refusals"] == {}


async def test_what_is_unmapped_is_said_without_asking_and_the_rest_goes(tmp_path):
    async with stage(tmp_path) as there:
        one, _ = await there.make_flows(audiences=(ALPHA, BETA))
        there.simulator.advance(4000)
        report = await there.activate([(one, ALPHA), (one, GAMMA), (one, BETA)])
        assert [row.outcome for row in report.activations] == ["activated", "unmapped", "activated"]
        assert there.simulator.ledger()["refusals"] == {}


@pytest.mark.parametrize("names", [{}, {ALPHA: "Same", BETA: "Same", GAMMA: "Other"}, {ALPHA: "One, two", BETA: "One"}])
async def test_out_of_schedule_by_name_is_found_and_the_rest_goes(tmp_path, names):
    """The platform's idea of the schedule differs from what the flow showed: only its refusal, by name, tells."""
    async with stage(tmp_path) as there:
        one, two = await there.make_flows(names=names)
        there.simulator.advance(4000)
        there.simulator.refuse_schedule(one, BETA)
        report = await there.activate([(one, ALPHA), (one, BETA), (one, GAMMA), (two, BETA)])
        assert [row.outcome for row in report.activations] == ["activated", "out-of-schedule", "activated", "activated"]
        assert set(activated(there.simulator).values()) == {1}
        assert len(activated(there.simulator)) == 3


async def test_an_unknown_flow_fails_its_pairs_alone(tmp_path):
    async with stage(tmp_path) as there:
        one, _ = await there.make_flows()
        there.simulator.advance(4000)
        missing = "00000000-0000-4000-8000-00000000dead"
        report = await there.activate([(one, ALPHA), (missing, ALPHA)])
        assert [row.outcome for row in report.activations] == ["activated", "skipped"]
        assert missing in report.activations[1].reason


async def test_failed_and_partial_runs_are_told_apart(tmp_path):
    async with stage(tmp_path) as there:
        one, _ = await there.make_flows()
        there.simulator.advance(4000)
        there.simulator.fail_next_run("failed")
        there.simulator.fail_next_run("partial")
        report = await there.activate([(one, ALPHA), (one, BETA), (one, GAMMA)])
        assert sorted(outcomes(report)) == [("activated", "partial"), ("activated", "success"), ("failed", "failed")]
        assert report.status == "failed"


async def test_version_1_looks_the_export_job_up(tmp_path):
    async with stage(tmp_path) as there:
        one, _ = await there.make_flows()
        there.simulator.advance(4000)
        report = await there.activate([(one, ALPHA)], "    apiVersion: 1\n    exportIds: auto\n")
        assert outcomes(report) == [("activated", "success")]
        assert report.requests["byEndpoint"]["GET /export/jobs"] == 1
        assert_no_violation(there.simulator)


async def test_an_audience_on_more_than_eighty_flows_never_overlaps_itself(tmp_path):
    async with stage(tmp_path) as there:
        text = FLOWS.replace("[1, 2]", "[1, 100]").replace(
            "AUDIENCES", f"      - {{id: {ALPHA}, exportMode: DAILY_FULL_EXPORT, schedule: {SCHEDULE}}}"
        )
        made = await there.run(text, "flows.yaml")
        there.simulator.advance(4000)
        report = await there.activate([(row.ids["flow"], ALPHA) for row in made.items])
        assert outcomes(report) == [("activated", "success")] * 100
        ledger = there.simulator.ledger()["activations"]
        assert (ledger["jobs"], ledger["maxPairsPerJob"], ledger["maxConcurrentPerAudience"]) == (2, 80, 1)
        assert_no_violation(there.simulator)
