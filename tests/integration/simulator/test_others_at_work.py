"""Somebody else at work, runs triggered again, and what is noted though no document forbids it."""

from headgate.simulator import Fault


def whole(flow, **changes):
    return [{"op": "replace", "path": "/scheduleParams", "value": {**flow["scheduleParams"], **changes}}]


async def flows(caller):
    return (await caller.get("/flows", {"limit": "100"})).body["items"]


async def test_a_new_world_holds_dataset_exports_with_mixed_end_dates(start):
    caller = await start(seed_counts={"datasetFlows": 10, "sourceFlows": 2})
    found = await flows(caller)
    exports = [flow for flow in found if "isDestinationFlow" in flow["inheritedAttributes"]["properties"]]
    assert len(exports) == 10
    assert len(found) == 12
    assert len({flow["scheduleParams"].get("endTime") for flow in exports}) == 5
    assert caller.sim.ledger()["created"]["flows"] == 0


async def test_the_first_patches_of_every_flow_meet_a_conflict(start):
    caller = await start(
        seed_counts={"datasetFlows": 2}, faults=[Fault("conflict", method="PATCH", path="/flows/", first=2)]
    )
    for flow in await flows(caller):
        for _ in range(2):
            path = f"/flows/{flow['id']}"
            now = await caller.fetched("flows", flow["id"])
            answer = await caller.patch(path, whole(now, endTime=1830336000), now["etag"])
            assert answer.status == 412
            after = await caller.fetched("flows", flow["id"])
            assert after["etag"] != now["etag"]
            assert after["scheduleParams"] == flow["scheduleParams"], "the same content"
        assert (await caller.patch(path, whole(after, endTime=1830336000), after["etag"])).status == 200
    assert caller.sim.ledger()["updated"] == {"flows": 2}


async def test_a_part_of_an_exports_schedule_is_noted(start):
    caller = await start(seed_counts={"datasetFlows": 1, "sourceFlows": 1})
    for flow in await flows(caller):
        part = [{"op": "add", "path": "/scheduleParams/endTime", "value": 1830336000}]
        assert (await caller.patch(f"/flows/{flow['id']}", part, flow["etag"])).status == 200
    assert caller.violations() == ["part-of-schedule"], "documented for sources, not for exports"


async def test_failed_runs_of_sources_are_triggered_again(start):
    caller = await start(seed_counts={"datasetFlows": 1, "sourceFlows": 1})
    for flow in await flows(caller):
        export = "isDestinationFlow" in flow["inheritedAttributes"]["properties"]
        run = caller.sim.scheduled_run(flow["id"], seconds=0, outcome="failed")
        answer = await caller.post(f"/runs/{run}/action", params={"op": "re-trigger"})
        assert answer.status == (400 if export else 200)
        runs = (await caller.get("/runs", {"property": f"flowId=={flow['id']}"})).body["items"]
        assert len(runs) == (1 if export else 2)
        if not export:
            assert answer.body["id"] == runs[0]["id"] != run
            again = await caller.post(f"/runs/{runs[0]['id']}/action", params={"op": "RE_TRIGGER"})
            assert again.status == 400, "it is going on"
            assert (await caller.post(f"/runs/{run}/action", params={"op": "restart"})).code == "1435-400"
    assert (await caller.post("/runs/none/action", params={"op": "re-trigger"})).status == 404
