"""Flows: creation, patches, etags, asynchronous updates, deletion."""

import io
import json

import pytest


async def test_a_flow_as_documented(caller, wire):
    body = await caller.flow_body()
    answer = await caller.post("/flows", body)
    assert answer.status == 201
    flow = await caller.fetched("flows", answer.body["id"])
    assert flow["etag"] == flow["version"] == answer.body["etag"]
    assert flow["state"] == "enabled"
    assert flow["runs"] == f"/runs?property=flowId=={flow['id']}"
    assert flow["lastOperation"]["operation"] == "create"
    assert flow["lastOperation"]["status"]["value"] == "completed"
    inherited = flow["inheritedAttributes"]
    assert inherited["properties"] == {"isDestinationFlow": True}
    assert inherited["targetConnections"][0]["id"] == body["targetConnectionIds"][0]
    assert inherited["targetConnections"][0]["baseConnection"]["connectionSpec"]["id"] == wire.S3
    assert flow["createdAt"] == int(wire.NOON * 1000)


@pytest.mark.parametrize(
    "change",
    [
        {"sourceConnectionIds": []},
        {"sourceConnectionIds": ["a", "b"]},
        {"sourceConnectionIds": ["none"]},
        {"targetConnectionIds": ["none"]},
        {"targetConnectionIds": None},
        {"name": ""},
        {"flowSpec": {"id": "nonsense", "version": "1.0"}},
        {"transformations": None},
        {"flowSpec": {"id": "71471eba-b620-49e4-90fd-23f1fa0174d8", "version": "1.0"}},
        {"flowSpec": {"id": "269ba276-16fc-47db-92b0-c1049a3c131f", "version": "1.0"}},
        {"transformations": [{"name": "General Transform", "params": {}}]},
    ],
)
async def test_what_is_refused(caller, change):
    answer = await caller.post("/flows", {**await caller.flow_body(), **change})
    assert answer.status == 400
    assert caller.violations()
    assert caller.sim.ledger()["objects"]["flows"] == 0


async def test_state_in_the_body_is_1410(caller):
    assert (await caller.post("/flows", {**await caller.flow_body(), "state": "enabled"})).code == "1410-400"


async def test_campaign_flows_need_the_looked_up_spec(caller, wire):
    auth = {"specName": "S3", "params": {"accessId": "x", "secretKey": "y"}}
    base = await caller.made("/connections", {"name": "c", "connectionSpec": wire.spec(wire.CAMPAIGN), "auth": auth})
    target = await caller.made(
        "/targetConnections",
        {
            "name": "t",
            "baseConnectionId": base,
            "connectionSpec": wire.spec(wire.CAMPAIGN),
            "data": {"format": "json", "schema": {"id": "1.0", "version": "1.0"}},
            "params": {"mode": "S3", "bucketName": "b", "path": "p", "format": "CSV"},
        },
    )
    found = (await caller.get("/flowSpecs", {"property": "name==upsToCampaign"})).body["items"][0]
    body = {
        "name": "f",
        "flowSpec": wire.spec(wire.LEGACY_FLOW),
        "sourceConnectionIds": [await caller.source()],
        "targetConnectionIds": [target],
        "transformations": [wire.transformation(current=False)],
    }
    assert (await caller.post("/flows", body)).status == 400
    body["flowSpec"] = wire.spec(found["id"])
    assert (await caller.post("/flows", body)).status == 201


@pytest.mark.parametrize(
    ("schedule", "status"),
    [
        ({"exportMode": "DAILY_FULL_EXPORT", "timeUnit": "day", "interval": 0, "startTime": 1798800000}, 201),
        ({"timeUnit": "hour", "interval": 9, "startTime": 1798800000, "endTime": 1830336000}, 201),
        (
            {
                "exportMode": "FIRST_FULL_THEN_INCREMENTAL",
                "timeUnit": "hour",
                "interval": 8,
                "startTime": 1798800000,
            },
            400,
        ),
        ({"exportMode": "DAILY_FULL_EXPORT", "timeUnit": "day", "interval": 1, "startTime": 1798800000}, 400),
        ({"timeUnit": "day", "interval": 1, "startTime": 1798800000000}, 400),
        ({"timeUnit": "day", "interval": "1", "startTime": 1798800000}, 201),  # as aepp writes it
        ({"timeUnit": "day", "interval": "one", "startTime": 1798800000}, 400),
        ({"timeUnit": "day", "interval": 1, "startTime": 1798800000, "endTime": 1798700000}, 400),
        (None, 400),
    ],
)
async def test_dataset_schedules(caller, wire, schedule, status):
    source = {
        "name": "s",
        "connectionSpec": wire.spec(wire.DATA_LAKE),
        "params": {"datasets": [{"dataSetId": wire.DATASET, "name": "AAM Devices Data"}]},
    }
    body = {
        "name": "f",
        "flowSpec": wire.spec(wire.S3_DATASETS),
        "sourceConnectionIds": [await caller.made("/sourceConnections", source)],
        "targetConnectionIds": [await caller.s3_target(datasetFileType="PARQUET")],
        "transformations": [],
        "scheduleParams": schedule,
    }
    assert (await caller.post("/flows", body)).status == status


async def test_audiences_and_attributes_are_mapped(start, wire, clock):
    caller = await start()
    flow_id = await caller.flow(audiences=["a1", "a2"])
    flow = await caller.fetched("flows", flow_id)
    selectors = flow["transformations"][0]["params"]["segmentSelectors"]["selectors"]
    assert [row["value"]["id"] for row in selectors] == ["a1", "a2"]
    assert selectors[0]["value"]["createTime"] == str(int(wire.NOON))
    assert "createTime" not in flow["lastOperation"]["ops"][0]["value"]["value"]
    assert flow["lastOperation"]["operation"] == "update"


async def test_a_flow_without_the_object_cannot_be_mapped(caller, wire):
    made = (await caller.post("/flows", {**await caller.flow_body(), "transformations": []})).body
    answer = await caller.patch(f"/flows/{made['id']}", [wire.add_audience("a")], made["etag"])
    assert answer.code == "1455-400"


async def test_the_same_audience_twice_is_a_violation(caller, wire):
    flow_id = await caller.flow(audiences=["a"])
    etag = (await caller.fetched("flows", flow_id))["etag"]
    answer = await caller.patch(f"/flows/{flow_id}", [wire.add_audience("a")], etag)
    assert answer.code == "1455-400"
    assert caller.violations() == ["duplicate-audience"]


async def test_etags(caller):
    made = (await caller.post("/flows", await caller.flow_body())).body
    path, rename = f"/flows/{made['id']}", [{"op": "replace", "path": "/name", "value": "new"}]
    assert (await caller.patch(path, rename)).code == "1403-400"
    bare = made["etag"].strip('"')
    answer = await caller.patch(path, rename, bare)
    assert answer.status == 412
    text = f"Supplied version=[{bare}] does not match the current version on entity=[{made['etag']}]"
    assert answer.body == {"errorMessage": text, "errorDetails": text}
    answer = await caller.patch(path, rename, made["etag"])
    assert (answer.status, set(answer.body)) == (200, {"id", "etag"})
    assert answer.body["etag"] != made["etag"]
    assert (await caller.patch(path, rename, made["etag"])).status == 412
    assert (await caller.patch(path, rename, answer.body["etag"])).status == 200
    assert caller.violations() == ["if-match", "if-match-unquoted"]


async def test_lenient_takes_bare_etags(start):
    caller = await start(lenient=True)
    made = (await caller.post("/flows", await caller.flow_body())).body
    rename = [{"op": "replace", "path": "/name", "value": "new"}]
    assert (await caller.patch(f"/flows/{made['id']}", rename, made["etag"].strip('"'))).status == 200


@pytest.mark.parametrize("body", [[], None])
async def test_an_empty_patch_is_1405(caller, body):
    made = (await caller.post("/flows", await caller.flow_body())).body
    assert (await caller.patch(f"/flows/{made['id']}", body, made["etag"])).code == "1405-400"


@pytest.mark.parametrize(
    ("operation", "code"),
    [
        ({"op": "move", "from": "/name", "path": "/description"}, "1434-400"),
        ({"op": "replace", "path": "/keyWhichDoesNotExist", "value": 1}, "1455-400"),
        ({"op": "add", "path": "/keyWhichDoesNotExist", "value": 1}, "1455-400"),
        ({"op": "replace", "path": "/state", "value": "disabled"}, "1455-400"),
        (
            {"op": "replace", "path": "/transformations/0/params/segmentSelectors/selectors/0", "value": {}},
            "1455-400",
        ),
    ],
)
async def test_patch_mistakes(caller, operation, code):
    made = (await caller.post("/flows", await caller.flow_body())).body
    answer = await caller.patch(f"/flows/{made['id']}", [operation], made["etag"])
    assert (answer.status, answer.code) == (400, code)


async def test_a_failed_patch_changes_nothing(caller, wire):
    made = (await caller.post("/flows", await caller.flow_body())).body
    operations = [
        {"op": "replace", "path": "/name", "value": "new"},
        wire.add_audience("a", frequency="CHAINED"),
    ]
    assert (await caller.patch(f"/flows/{made['id']}", operations, made["etag"])).status == 400
    flow = await caller.fetched("flows", made["id"])
    assert (flow["name"], flow["etag"]) == ("flow", made["etag"])


async def test_accepted_updates_take_their_time(start, clock):
    caller = await start(patch_status="202", update_seconds=5)
    made = (await caller.post("/flows", await caller.flow_body())).body
    path, rename = f"/flows/{made['id']}", [{"op": "replace", "path": "/name", "value": "new"}]
    answer = await caller.patch(path, rename, made["etag"])
    assert (answer.status, answer.raw) == (202, b"")
    busy = await caller.fetched("flows", made["id"])
    assert (busy["state"], busy["lastOperation"]["status"]["value"]) == ("updating", "IN_PROGRESS")
    assert (await caller.patch(path, rename, busy["etag"])).code == "1420-400"
    assert (await caller.delete(path)).code == "1421-400"
    assert (await caller.post(f"{path}/action?op=disable")).code == "1422-400"
    clock.at += 5
    done = await caller.fetched("flows", made["id"])
    assert (done["state"], done["lastOperation"]["status"]["value"]) == ("enabled", "completed")
    assert len({made["etag"], busy["etag"], done["etag"]}) == 3
    assert (await caller.patch(path, rename, busy["etag"])).status == 412
    assert (await caller.patch(path, rename, done["etag"])).status == 202


async def test_by_default_flows_answer_either_way(start):
    caller = await start(patch_status="alternate", seed=3)
    statuses = set()
    for index in range(12):
        made = (await caller.post("/flows", await caller.flow_body(f"f{index}"))).body
        rename = [{"op": "replace", "path": "/name", "value": "new"}]
        statuses.add((await caller.patch(f"/flows/{made['id']}", rename, made["etag"])).status)
    assert statuses == {200, 202}


async def test_actions(caller):
    flow_id = await caller.flow()
    etag = (await caller.fetched("flows", flow_id))["etag"]
    answer = await caller.post(f"/flows/{flow_id}/action?op=DISABLE")
    assert answer.status == 200
    assert answer.body["etag"] != etag
    assert (await caller.fetched("flows", flow_id))["state"] == "disabled"
    assert (await caller.post(f"/flows/{flow_id}/action?op=enable")).status == 200
    assert (await caller.post(f"/flows/{flow_id}/action?op=finalize")).code == "1402-400"
    assert (await caller.post(f"/flows/{flow_id}/action?op=explode")).code == "1435-400"


async def test_the_order_of_deleting(caller):
    body = await caller.flow_body()
    flow_id = await caller.made("/flows", body)
    target = await caller.fetched("targetConnections", body["targetConnectionIds"][0])
    base = f"/connections/{target['baseConnectionId']}"
    assert (await caller.delete(base)).code == "1418-400"
    assert caller.violations() == ["delete-order"]
    answer = await caller.delete(f"/flows/{flow_id}")
    assert (answer.status, answer.raw) == (202, b"")
    answer = await caller.get(f"/flows/{flow_id}")
    text = f"flows not found with id = [{flow_id}]"
    assert (answer.status, answer.body) == (404, {"errorMessage": text, "errorDetails": text})
    assert (await caller.delete(f"/flows/{flow_id}")).status == 404
    assert (await caller.delete(f"/targetConnections/{target['id']}")).status == 202
    assert (await caller.delete(base)).status == 202
    ledger = caller.sim.ledger()
    assert {kind: count for kind, count in ledger["objects"].items() if count} == {
        "connections": 1,
        "sourceConnections": 1,
    }
    assert ledger["created"]["connections"] == 2


async def test_a_connection_in_use_is_noted(caller):
    body = await caller.flow_body()
    await caller.made("/flows", body)
    assert (await caller.delete(f"/targetConnections/{body['targetConnectionIds'][0]}")).status == 202
    assert caller.violations() == ["delete-order"]


async def test_sandboxes_are_apart(caller):
    flow_id = await caller.flow()
    prod = {"x-sandbox-name": "prod"}
    assert (await caller.get(f"/flows/{flow_id}", headers=prod)).status == 404
    assert (await caller.get("/flows", headers=prod)).body["items"] == []


async def test_duplicates_are_found(caller, wire):
    for name in ("one", "one", "two"):
        await caller.s3_base(name)
    found = caller.sim.ledger()["duplicates"]
    assert {(row["kind"], row["by"]) for row in found} == {("connections", "name"), ("connections", "digest")}
    assert all(len(row["ids"]) == 2 for row in found)


async def test_large_patches_are_taken(caller, wire):
    made = (await caller.post("/flows", await caller.flow_body())).body
    operations = [wire.add_audience(f"a{index}", "x" * 400) for index in range(2500)]
    data = io.BytesIO(json.dumps(operations).encode())
    assert data.getbuffer().nbytes > 1_048_576
    answer = await caller.patch(f"/flows/{made['id']}", None, made["etag"], data=data)
    assert answer.status == 200


async def test_dataset_end_dates_are_patched(caller, wire):
    source = {
        "name": "s",
        "connectionSpec": wire.spec(wire.DATA_LAKE),
        "params": {"datasets": [{"dataSetId": wire.DATASET, "name": "AAM Devices Data"}]},
    }
    schedule = {"timeUnit": "day", "interval": 1, "startTime": 1798800000, "endTime": 1799000000}
    made = (
        await caller.post(
            "/flows",
            {
                "name": "f",
                "flowSpec": wire.spec(wire.S3_DATASETS),
                "sourceConnectionIds": [await caller.made("/sourceConnections", source)],
                "targetConnectionIds": [await caller.s3_target(datasetFileType="PARQUET")],
                "transformations": [],
                "scheduleParams": schedule,
            },
        )
    ).body
    lossy = [{"op": "replace", "path": "/scheduleParams", "value": {"endTime": 1830336000}}]
    assert (await caller.patch(f"/flows/{made['id']}", lossy, made["etag"])).status == 400
    whole = [{"op": "replace", "path": "/scheduleParams", "value": {**schedule, "endTime": 1830336000}}]
    assert (await caller.patch(f"/flows/{made['id']}", whole, made["etag"])).status == 200
    assert (await caller.fetched("flows", made["id"]))["scheduleParams"]["endTime"] == 1830336000


async def test_a_moved_target_shows_its_new_base(caller):
    target, base = await caller.s3_target(), await caller.s3_base("other")
    etag = (await caller.fetched("targetConnections", target))["etag"]
    move = [{"op": "replace", "path": "/baseConnectionId", "value": base}]
    assert (await caller.patch(f"/targetConnections/{target}", move, etag)).status == 200
    entity = await caller.fetched("targetConnections", target)
    assert entity["inheritedAttributes"]["baseConnection"]["id"] == base
