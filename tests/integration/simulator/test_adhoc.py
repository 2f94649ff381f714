"""Ad-hoc activation: its form, its guardrails, and the runs it makes."""

import pytest

HOUR = 3600


async def test_a_job_makes_a_run_for_every_pair(caller, clock):
    one = await caller.flow("one", ["a", "b"])
    two = await caller.flow("two", ["b"])
    clock.at += HOUR
    answer = await caller.adhoc({one: ["a", "b"], two: ["b"]})
    assert answer.status == 200
    assert [(row["order"], row["segment"]) for row in answer.body["order"]] == [
        (one, "a"),
        (one, "b"),
        (two, "b"),
    ]
    for row in answer.body["order"]:
        prefix, run_id = row["statusURL"].rsplit("/", 1)
        assert prefix == "https://platform.adobe.io/data/foundation/flowservice/runs"
        assert (await caller.fetched("runs", run_id))["flowId"] == row["order"]
    activations = caller.sim.ledger()["activations"]
    assert activations["pairs"] == {f"{one}|a": 1, f"{one}|b": 1, f"{two}|b": 1}
    assert (activations["jobs"], activations["maxPairsPerJob"], activations["activeNow"]) == (1, 3, 3)
    assert activations["maxConcurrentPerAudience"] == 1


async def test_accept_decides_the_version(caller, clock, wire):
    flow_id = await caller.flow("f", ["a"])
    clock.at += HOUR
    for accept in (None, "*/*", "application/json"):
        answer = await caller.adhoc({flow_id: ["a"]}, accept=accept)
        assert (answer.status, "exportIds" in answer.body["message"]) == (400, True)
    jobs = (await caller.call("GET", wire.UPS + "/export/jobs")).body["records"]
    good = next(j["id"] for j in jobs if j["schema"]["name"] == "_xdm.context.profile" and j["status"] == "SUCCEEDED")
    for ids in ([good], ["1"], [], "x", [str(jobs[0]["id"])]):
        assert (await caller.adhoc({flow_id: ["a"]}, accept=None, exportIds=ids)).status == 400
    assert set(caller.violations()) == {"adhoc-export-ids"}
    assert (await caller.adhoc({flow_id: ["a"]}, accept=None, exportIds=[str(good)])).status == 200


async def test_eighty_pairs(caller, clock):
    audiences = [f"a{index}" for index in range(81)]
    one, two = await caller.flow("one", audiences), await caller.flow("two", audiences)
    clock.at += HOUR
    answer = await caller.adhoc({one: audiences[:41], two: audiences[:40]})
    assert answer.status == 400
    assert caller.violations() == ["adhoc-over-80"]
    assert (await caller.adhoc({one: audiences[:40], two: audiences[:40]})).status == 200


async def test_an_hour_must_pass(caller, clock):
    flow_id = await caller.flow("f", ["a"])
    clock.at += HOUR - 61
    answer = await caller.adhoc({flow_id: ["a"]})
    assert (answer.status, "one hour" in answer.body["message"]) == (400, True)
    assert caller.violations() == ["adhoc-one-hour"]
    clock.at += 61
    assert (await caller.adhoc({flow_id: ["a"]})).status == 200


async def test_unmapped_audiences_are_named(start, clock):
    caller = await start(audiences={"x": "Known by the platform"})
    one = await caller.flow("one", ["a"])
    await caller.flow("two", ["b"])
    clock.at += HOUR
    answer = await caller.adhoc({one: ["a", "b", "x", "y"]})
    assert answer.status == 400
    assert answer.body == {
        "message": "Segments Name of b, Known by the platform, y are not part of this dataflow or out of schedule range!"
    }
    assert caller.sim.ledger()["activations"]["jobs"] == 0


@pytest.mark.parametrize(
    "schedule",
    [
        {"startDate": "2027-01-02"},
        {"frequency": "DAILY", "startDate": "2026-12-01", "endDate": "2026-12-31"},
    ],
)
async def test_out_of_schedule(caller, clock, schedule):
    flow_id = await caller.flow("f", ["a"], **schedule)
    clock.at += HOUR
    answer = await caller.adhoc({flow_id: ["a"]})
    assert answer.body == {"message": "Segments Name of a are not part of this dataflow or out of schedule range!"}


async def test_disabled_flows_do_not_run(caller, clock):
    flow_id = await caller.flow("f", ["a"])
    clock.at += HOUR
    await caller.post(f"/flows/{flow_id}/action?op=disable")
    assert "out of schedule range" in (await caller.adhoc({flow_id: ["a"]})).body["message"]


async def test_unknown_flows_are_404(caller):
    assert (await caller.adhoc({"none": ["a"]})).status == 404


@pytest.mark.parametrize("word", ["audience", "segment"])
async def test_a_run_going_on_is_told_exactly(start, clock, word):
    caller = await start(adhoc_wording=word, run_seconds=(100, 100))
    flow_id = await caller.flow("f", ["a"])
    clock.at += HOUR
    run_id = (await caller.adhoc({flow_id: ["a"]})).body["order"][0]["statusURL"].rsplit("/", 1)[1]
    answer = await caller.adhoc({flow_id: ["a"]})
    assert answer.body == {"message": f"Run already going on for {word} a for order {flow_id} with run id {run_id}"}
    assert caller.sim.ledger()["activations"]["overlaps"] == []  # asking again for the same pair is no overlap
    clock.at += 100
    assert (await caller.adhoc({flow_id: ["a"]})).status == 200
    assert caller.sim.ledger()["activations"]["pairs"] == {f"{flow_id}|a": 2}


async def test_one_job_at_a_time_for_an_audience(caller, clock):
    one, two = await caller.flow("one", ["a"]), await caller.flow("two", ["a", "b"])
    clock.at += HOUR
    run_id = (await caller.adhoc({one: ["a"]})).body["order"][0]["statusURL"].rsplit("/", 1)[1]
    answer = await caller.adhoc({two: ["b", "a"]})
    assert answer.body == {"message": f"Run already going on for audience a for order {one} with run id {run_id}"}
    activations = caller.sim.ledger()["activations"]
    assert activations["pairs"] == {f"{one}|a": 1}  # all or nothing
    assert [(row["audience"], row["flow"], row["running"]) for row in activations["overlaps"]] == [("a", two, one)]


async def test_runs_of_others(caller, clock):
    flow_id = await caller.flow("f", ["a", "b"])
    clock.at += HOUR
    foreign = caller.sim.foreign_adhoc(flow_id, "a", seconds=50)
    answer = await caller.adhoc({flow_id: ["a"]})
    assert answer.body["message"].endswith(f"with run id {foreign}")
    assert (await caller.adhoc({flow_id: ["b"]})).status == 200
    scheduled = caller.sim.scheduled_run(flow_id, seconds=500)
    clock.at += 400
    answer = await caller.adhoc({flow_id: ["a"]})
    assert (answer.status, scheduled in answer.body["message"]) == (400, True)
    clock.at += 100
    assert (await caller.adhoc({flow_id: ["a"]})).status == 200
    activations = caller.sim.ledger()["activations"]
    assert activations["pairs"] == {f"{flow_id}|a": 1, f"{flow_id}|b": 1}
    assert [row["origin"] for row in activations["foreign"]] == ["foreign", "scheduled"]
    assert activations["overlaps"] == []


@pytest.mark.parametrize("info", [None, {}, [], {"f": []}, {"f": "a"}, {"f": [1]}, {"f": ["a", "a"]}])
async def test_the_form(caller, info):
    answer = await caller.adhoc(info)
    assert answer.status == 400
    assert caller.violations()


async def test_external_audiences_go_by_the_systems_id(caller, clock, wire):
    made = (await caller.post("/flows", await caller.flow_body())).body
    operation = wire.add_audience("ext9001", "External")
    operation["value"]["value"] |= {"systemSegmentId": "sys1", "namespace": "aamSegments"}
    assert (await caller.patch(f"/flows/{made['id']}", [operation], made["etag"])).status == 200
    clock.at += HOUR
    assert "External" not in (await caller.adhoc({made["id"]: ["ext9001"]})).body["message"]
    assert (await caller.adhoc({made["id"]: ["sys1"]})).status == 200


async def test_export_jobs_have_their_own_shape(caller, wire):
    body = (await caller.call("GET", wire.UPS + "/export/jobs", params={"limit": "2"})).body
    assert [type(job["id"]) for job in body["records"]] == [int, int]
    assert body["records"][0]["schema"]["name"] != "_xdm.context.profile"
    seen, link = body["records"], body["link"]["next"]
    while link:
        body = (await caller.call("GET", wire.UPS + link)).body
        seen, link = seen + body["records"], body["link"]["next"]
    assert len({job["id"] for job in seen}) == len(seen) == 5
    assert [job["creationTime"] for job in seen] == sorted((job["creationTime"] for job in seen), reverse=True)
    assert any(job["status"] == "SUCCEEDED" and job["errors"] for job in seen)
    one = await caller.call("GET", f"{wire.UPS}/export/jobs/{seen[2]['id']}")
    assert one.body == seen[2]
    assert (await caller.call("GET", f"{wire.UPS}/export/jobs/1")).status == 404
    bad = await caller.call("GET", wire.UPS + "/export/jobs", params={"status": "PROCESSING"})
    assert bad.status == 400
