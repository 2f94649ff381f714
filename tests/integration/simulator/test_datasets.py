"""The embedded platform's datasets: listing, what may be exported, and runs that follow from the clock."""

from __future__ import annotations

import pytest

CONFIGS = "/connectionSpecs/23598e46-f560-407b-88d5-ea6207e49db0/configs"
ASKED = {"outputType": "activationDatasets", "outputField": "datasets"}
HOUR = 3600


async def all_datasets(caller, **more):
    found, start, sizes = [], 0, []
    while True:
        answer = await caller.get(CONFIGS, {**ASKED, "start": start, **more})
        assert answer.status == 200, answer.body
        page, items = answer.body["pageInfo"], answer.body["items"]
        assert (page["start"], page["end"]) == (start, start + len(items) - 1), "the end is the last one's"
        found += items
        sizes.append(len(items))
        start += len(items)
        if not page["hasNext"]:
            assert page["total"] == len(found)
            return found, sizes


async def test_pages_may_hold_fewer_than_were_asked_for(caller):
    found, sizes = await all_datasets(caller, limit=100)
    assert len(found) == len({row["id"] for row in found}) == 230
    assert sizes[:2] == [40, 40]
    assert (await all_datasets(caller))[1][0] == 20
    assert {"id": "5ef3e3259ad2a1191ab7dd7d", "name": "AAM Devices Data"}.items() <= found[1].items()
    assert set(found[0]) == {"id", "name", "description", "fileDescription", "aspect", "state"}


async def test_datasets_follow_from_the_seed(start):
    one, same, other = [(await all_datasets(await start(seed=seed)))[0] for seed in (1, 1, 2)]
    assert one == same
    assert [row["name"] for row in one] == [row["name"] for row in other]
    assert one != other


async def test_further_datasets_can_be_given(start, wire):
    caller = await start(datasets={"a" * 24: "Mine", wire.DATASET: "not renamed"})
    names = {row["id"]: row["name"] for row in (await all_datasets(caller))[0]}
    assert (names["a" * 24], names[wire.DATASET]) == ("Mine", "AAM Devices Data")


@pytest.mark.parametrize(
    "params",
    [
        {"outputType": "activationDatasets"},
        {"outputField": "datasets"},
        {**ASKED, "outputType": "other"},
        {**ASKED, "limit": 101},
        {**ASKED, "limit": 0},
        {**ASKED, "start": -1},
        {**ASKED, "offset": 5},
    ],
)
async def test_listings_that_are_refused(caller, params):
    assert (await caller.get(CONFIGS, params)).status == 400
    assert caller.violations() == ["query"]


async def test_only_the_data_lake_lists_datasets(caller, wire):
    assert (await caller.get(f"/connectionSpecs/{wire.S3}/configs", ASKED)).status == 400
    assert (await caller.get("/connectionSpecs/none/configs", ASKED)).status == 404


def lake(wire, *datasets, name="lake"):
    rows = [{"dataSetId": one, "name": "d"} for one in datasets]
    return {"name": name, "connectionSpec": wire.spec(wire.DATA_LAKE), "params": {"datasets": rows}}


@pytest.mark.parametrize(
    "rows",
    [
        [],
        None,
        [{"dataSetId": "5ef3e3259ad2a1191ab7dd7d", "name": 1}],
        [{"name": "AAM Devices Data"}],
        [{"dataSetId": "b" * 24, "name": "no such"}],
        [{"dataSetId": "5ef3e3259ad2a1191ab7dd7d", "name": "d"}] * 2,
        ["5ef3e3259ad2a1191ab7dd7d"],
    ],
)
async def test_sources_that_are_refused(caller, wire, rows):
    body = {**lake(wire), "params": {"datasets": rows}}
    assert (await caller.post("/sourceConnections", body)).status == 400
    assert len(caller.violations()) == 1


async def test_a_dataset_needs_no_name(caller, wire):
    rows = [{"dataSetId": wire.DATASET}]
    await caller.made("/sourceConnections", {**lake(wire), "params": {"datasets": rows}})
    assert caller.violations() == []


async def test_the_data_lake_has_a_base_of_the_platforms_own(caller, wire):
    first = await caller.made("/sourceConnections", lake(wire, wire.DATASET))
    second = await caller.made("/sourceConnections", lake(wire, wire.DATASET, name="other"))
    bases = [(await caller.fetched("sourceConnections", one))["inheritedAttributes"] for one in (first, second)]
    assert bases[0] == bases[1]
    assert bases[0]["baseConnection"]["connectionSpec"]["id"] == wire.DATA_LAKE


async def test_json_without_compression_is_taken_and_noted(caller, wire):
    await caller.s3_target(fileType="CSV", datasetFileType="JSON", compression="NONE")
    assert caller.violations() == ["json-uncompressed"]
    await caller.s3_target("second", datasetFileType="JSON")
    assert len(caller.violations()) == 1


async def flow_body(caller, wire, **schedule):
    plain = {"exportMode": "FIRST_FULL_THEN_INCREMENTAL", "timeUnit": "hour", "interval": 3}
    name = f"flow {len(caller.sim.objects('flows'))}"
    params = {**plain, "startTime": int(wire.NOON) + HOUR, "endTime": int(wire.NOON) + 11 * HOUR, **schedule}
    return {
        "name": name,
        "flowSpec": wire.spec(wire.S3_DATASETS),
        "sourceConnectionIds": [await caller.made("/sourceConnections", lake(wire, wire.DATASET, name=name))],
        "targetConnectionIds": [await caller.s3_target(f"target of {name}", datasetFileType="PARQUET")],
        "transformations": [],
        "scheduleParams": {key: value for key, value in params.items() if value is not None},
    }


@pytest.mark.parametrize(
    "change",
    [
        {"transformations": None},
        {"transformations": [{"name": "GeneralTransform", "params": {}}]},
        {"flowSpec": {"id": "1a0514a6-33d4-4c7f-aff8-594799c47549", "version": "1.0"}},  # that of audiences
        {"flowSpec": {"id": "354d6aad-4754-46e4-a576-1b384561c440", "version": "1.0"}},  # that of SFTP
        {"scheduleParams": {}},
    ],
)
async def test_flows_that_are_refused(caller, wire, change):
    body = await flow_body(caller, wire)
    assert (await caller.post("/flows", {**body, **change})).status == 400
    assert len(caller.violations()) == 1
    assert (await caller.post("/flows", body)).status == 201


@pytest.mark.parametrize(
    ("schedule", "status"),
    [
        ({"foldernameTemplate": "%DESTINATION%_%DATASET_ID%_%DATETIME(YYYYMMdd_HHmmss)%"}, 201),
        ({"folderNameTemplate": "%EXPORT_TIME%"}, 201),
        ({"foldernameTemplate": "%DATASET%"}, 400),
        ({"foldernameTemplate": "%DATASET_ID"}, 400),
        ({"foldernameTemplate": " "}, 400),
        ({"interval": 8}, 400),
        ({"interval": "3"}, 201),
        ({"interval": "8"}, 400),
        ({"interval": "three"}, 400),
    ],
)
async def test_more_of_schedules(caller, wire, schedule, status):
    assert (await caller.post("/flows", await flow_body(caller, wire, **schedule))).status == status


async def test_an_end_that_is_not_said_is_six_months_after_the_creation(caller, wire):
    made = (await caller.post("/flows", await flow_body(caller, wire, endTime=None))).body["id"]
    assert (await caller.fetched("flows", made))["scheduleParams"]["endTime"] == 1814443200  # 2027-07-01T12:00:00Z


async def runs(caller, flow_id):
    answer = await caller.get("/runs", {"property": f"flowId=={flow_id}", "limit": 100})
    return [run["metrics"]["durationSummary"]["startedAtUTC"] // 1000 for run in answer.body["items"]][::-1]


async def test_incremental_exports_run_on_their_grid_until_their_end(caller, wire):
    made = (await caller.post("/flows", await flow_body(caller, wire))).body["id"]
    noon = int(wire.NOON)
    assert await runs(caller, made) == []
    caller.sim.advance(HOUR)
    assert await runs(caller, made) == [noon + HOUR]
    caller.sim.advance(100 * HOUR)
    assert await runs(caller, made) == [noon + hours * HOUR for hours in (1, 4, 7, 10)]
    shown = await caller.get("/runs", {"property": f"flowId=={made}"})
    run = shown.body["items"][0]
    summary = run["metrics"]["recordSummary"]
    assert [row["id"] for row in summary["targetSummaries"][0]["entitySummaries"]] == [f"dataset:{wire.DATASET}"]
    assert (await caller.fetched("flows", made))["lastRunDetails"]["id"] == run["id"]
    ledger = caller.sim.ledger()
    assert (ledger["violations"], ledger["activations"]["foreign"]) == ([], [])


async def test_a_full_export_runs_once(caller, wire):
    schedule = {"exportMode": "DAILY_FULL_EXPORT", "timeUnit": "day", "interval": 0, "endTime": None}
    made = (await caller.post("/flows", await flow_body(caller, wire, **schedule))).body["id"]
    caller.sim.advance(1000 * HOUR)
    assert await runs(caller, made) == [int(wire.NOON) + HOUR]


async def test_a_start_that_is_past_runs_at_once_and_then_on_the_grid(caller, wire):
    noon = int(wire.NOON)
    made = (await caller.post("/flows", await flow_body(caller, wire, startTime=noon - 2 * HOUR))).body["id"]
    caller.sim.advance(5 * HOUR)
    assert await runs(caller, made) == [noon, noon + HOUR, noon + 4 * HOUR]


async def test_a_disabled_flow_does_not_run_and_makes_nothing_up_for_it(caller, wire):
    noon = int(wire.NOON)
    made = (await caller.post("/flows", await flow_body(caller, wire))).body["id"]
    caller.sim.advance(2 * HOUR)
    assert (await caller.post(f"/flows/{made}/action?op=disable")).status == 200
    caller.sim.advance(6 * HOUR)
    assert await runs(caller, made) == [noon + HOUR]
    assert (await caller.post(f"/flows/{made}/action?op=enable")).status == 200
    caller.sim.advance(3 * HOUR)
    assert await runs(caller, made) == [noon + HOUR, noon + 10 * HOUR]


async def test_all_runs_of_a_sandbox_show_them_too_and_a_world_keeps_them(start, wire, tmp_path):
    world = tmp_path / "world.jsonl"
    caller = await start(world=world)
    await caller.post("/flows", await flow_body(caller, wire))
    caller.sim.advance(5 * HOUR)
    before = (await caller.get("/runs", {"limit": 100})).body["items"]
    assert len(before) == 2
    again = await start(world=world)
    again.sim.advance(5 * HOUR)  # the clock of these tests knows nothing of what another platform was told
    after = (await again.get("/runs", {"limit": 100})).body["items"]
    assert [run["id"] for run in after] == [run["id"] for run in before]
    assert len({run["id"] for run in after}) == 2
