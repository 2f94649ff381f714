"""A run's life on the platform's clock, and its shapes."""

import pytest

HOUR = 3600


async def activated(caller, clock, audience="a"):
    flow_id = await caller.flow(f"flow of {audience}", [audience])
    clock.at += HOUR
    row = (await caller.adhoc({flow_id: [audience]})).body["order"][0]
    return flow_id, row["statusURL"].rsplit("/", 1)[1]


async def test_processing_then_success(start, clock):
    caller = await start(run_seconds=(120, 120))
    flow_id, run_id = await activated(caller, clock)
    run = await caller.fetched("runs", run_id)
    assert run["metrics"]["statusSummary"] == {"status": "processing"}
    assert "completedAtUTC" not in run["metrics"]["durationSummary"]
    assert "lastRunDetails" not in await caller.fetched("flows", flow_id)
    started = run["metrics"]["durationSummary"]["startedAtUTC"]
    clock.at += 120
    run = await caller.fetched("runs", run_id)
    metrics = run["metrics"]
    assert metrics["statusSummary"]["status"] == "success"
    assert metrics["durationSummary"] == {"startedAtUTC": started, "completedAtUTC": started + 120_000}
    records = metrics["recordSummary"]
    assert records["inputRecordCount"] == records["outputRecordCount"] + records["skippedRecordCount"]
    assert records["targetSummaries"][0]["entitySummaries"][0]["id"] == "segment:a"
    assert (await caller.fetched("flows", flow_id))["lastRunDetails"] == {
        "id": run_id,
        "state": "success",
        "startedAtUTC": started,
        "completedAtUTC": started + 120_000,
    }


async def test_failure(start, clock):
    caller = await start(run_seconds=(1, 1))
    caller.sim.fail_next_run()
    flow_id, run_id = await activated(caller, clock)
    clock.at += 1
    metrics = (await caller.fetched("runs", run_id))["metrics"]
    error = {"code": "ACTIVATION_BATCH-0000-FAILED", "message": "Job aborted."}
    assert metrics["statusSummary"]["status"] == "failed"
    assert metrics["statusSummary"]["errors"] == metrics["recordSummary"]["failedInfo"] == [error]
    assert "sizeSummary" not in metrics
    assert (await caller.fetched("flows", flow_id))["lastRunDetails"]["state"] == "failed"


async def test_partial_is_success_with_errors(start, clock):
    caller = await start(run_seconds=(1, 1))
    caller.sim.fail_next_run("partial")
    _, run_id = await activated(caller, clock)
    clock.at += 1
    metrics = (await caller.fetched("runs", run_id))["metrics"]
    records = metrics["recordSummary"]
    assert metrics["statusSummary"]["status"] == "success"
    assert metrics["statusSummary"]["errors"]
    lost = records["skippedRecordCount"] + records["failedRecordCount"]
    assert records["inputRecordCount"] == records["outputRecordCount"] + lost


async def test_lists_by_flow_id_and_audience(caller, clock):
    flow_id, run_id = await activated(caller, clock)
    other_flow, other = await activated(caller, clock, "b")
    clock.at += 300
    for text, found in [
        (f"flowId=={flow_id}", [run_id]),
        (f"flowId=={flow_id},{other_flow}", [other, run_id]),
        (f"id=={run_id},{other},none", [other, run_id]),
        ("flowId==none", []),
        ("metrics.recordSummary.targetSummaries[].entitySummaries[].id==segment:b", [other]),
        ("metrics.statusSummary.status==success", [other, run_id]),
        ("metrics.durationSummary.startedAtUTC>1", [other, run_id]),
    ]:
        body = (await caller.get("/runs", {"property": text})).body
        assert [run["id"] for run in body["items"]] == found, text
    body = (await caller.get("/runs", {"limit": "1"})).body
    assert body["_links"]["next"]["href"].startswith("/runs?continuationToken=")


async def test_new_runs_can_be_invisible(start, clock):
    caller = await start(run_visible_after_s=20)
    flow_id, run_id = await activated(caller, clock)
    answer = await caller.get(f"/runs/{run_id}")
    assert (answer.status, answer.body["errorMessage"]) == (404, f"runs not found with id = [{run_id}]")
    assert (await caller.get("/runs", {"property": f"flowId=={flow_id}"})).body["items"] == []
    clock.at += 20
    assert (await caller.get(f"/runs/{run_id}")).status == 200


async def test_shares_decide_in_bulk(start, clock):
    caller = await start(run_failure_share=0.5, run_seconds=(1, 1), seed=5)
    audiences = [f"a{index}" for index in range(40)]
    flow_id = await caller.flow("f", audiences)
    clock.at += HOUR
    await caller.adhoc({flow_id: audiences})
    clock.at += 1
    body = (await caller.get("/runs", {"limit": "100"})).body
    failed = sum(run["metrics"]["statusSummary"]["status"] == "failed" for run in body["items"])
    assert 8 < failed < 32


async def test_a_scheduled_run_covers_every_audience(caller, clock):
    flow_id = await caller.flow("f", ["a", "b"])
    run_id = caller.sim.scheduled_run(flow_id, seconds=10)
    clock.at += 10
    records = (await caller.fetched("runs", run_id))["metrics"]["recordSummary"]
    assert [row["id"] for row in records["targetSummaries"][0]["entitySummaries"]] == [
        "segment:a",
        "segment:b",
    ]


async def test_control_names_what_it_does_not_know(caller):
    with pytest.raises(ValueError, match="no flow"):
        caller.sim.scheduled_run("none")
    with pytest.raises(ValueError, match="outcome"):
        caller.sim.fail_next_run("exploded")
