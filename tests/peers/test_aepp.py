"""Adobe's own client, ``aepp``, unmodified, drives the embedded platform: what it says is taken, what it reads is there.

Only its configuration is ours: its ``support`` environment takes the platform's host, and the token endpoint is a value of
its configuration object. It is no dependency of the tests: ``pip install -e .[peers]`` brings it.
"""

import asyncio
import copy
import threading
import warnings
from contextlib import contextmanager

import pytest

from headgate.simulator import Simulator

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # whatever it and its many dependencies have to say is theirs
    aepp = pytest.importorskip("aepp", reason="aepp is not installed: pip install -e '.[peers]'")
    from aepp import destinationinstanceservice, flowservice, segmentation

pytestmark = pytest.mark.filterwarnings("ignore")

PROFILE_STORE = "8a9c3494-9708-43d7-ae3f-cda01e5030e1"
S3, S3_FLOW = "4fce964d-3f37-408f-9778-e597338a21ee", "1a0514a6-33d4-4c7f-aff8-594799c47549"
DLZ_DATASETS = "cd2fc47e-e838-4f38-a581-8fff2f99b63a"
AUDIENCE = "00000000-0000-4000-8000-000000000001"
NOWHERE = "00000000-0000-4000-8000-00000000dead"


@contextmanager
def running(**options):
    """A platform that serves from a thread of its own, as aepp blocks; the simulator, and a caller into its loop."""
    ready, loop = threading.Event(), asyncio.new_event_loop()
    simulator = Simulator(**options)

    def serve():
        asyncio.set_event_loop(loop)
        loop.run_until_complete(simulator.start())
        ready.set()
        loop.run_forever()
        loop.run_until_complete(simulator.stop())
        loop.close()

    def inside(act, *arguments, **named):
        async def call():
            return act(*arguments, **named)

        return asyncio.run_coroutine_threadsafe(call(), loop).result(10)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    assert ready.wait(10)
    try:
        yield simulator, inside
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)


@contextmanager
def configured(simulator, **changes):
    """aepp's own configuration, pointed at the platform; as it was afterwards."""
    before = [copy.deepcopy(each) for each in (aepp.config.config_object, aepp.config.header, aepp.config.endpoints)]
    who = {**simulator.credentials, **changes}
    aepp.configure(
        org_id=who["org_id"],
        client_id=who["client_id"],
        secret=who["client_secret"],
        scopes=who["scopes"],
        sandbox=who["sandbox"],
        environment="support",
        endpoint=simulator.url,
        retry=0,
    )
    aepp.config.config_object["oauthTokenEndpointV2"] = simulator.ims_url
    try:
        yield
    finally:
        for mine, old in zip(
            (aepp.config.config_object, aepp.config.header, aepp.config.endpoints), before, strict=True
        ):
            mine.clear()
            mine.update(old)


@pytest.fixture
def platform():
    with running(patch_status="200") as (simulator, inside), configured(simulator):
        yield simulator, inside


@pytest.fixture
def flows(platform):
    return flowservice.FlowService()


def made(flows, name="peer"):
    """A whole export to S3, as the tutorials build it; the ids."""
    store = flows.createConnectionToUPS(f"{name} store")
    base = flows.createBaseConnectionS3Target(f"{name} account", s3AccessKey="A" * 20, s3SecretKey="s" * 40)
    spec = {"id": PROFILE_STORE, "version": "1.0"}
    source = flows.createSourceConnection(
        {
            "name": f"{name} source",
            "baseConnectionId": store["id"],
            "connectionSpec": spec,
            "data": {"format": "CSV", "schema": None},
            "params": {},
        }
    )
    target = flows.createTargetConnection(
        data={
            "name": f"{name} target",
            "baseConnectionId": base["id"],
            "connectionSpec": {"id": S3, "version": "1.0"},
            "params": {
                "mode": "Server-to-server",
                "bucketName": "acme-exports",
                "path": "out/",
                "fileType": "CSV",
                "compression": "GZIP",
            },
        }
    )
    empty = {"selectors": []}
    general = {"name": "GeneralTransform", "params": {"segmentSelectors": empty, "profileSelectors": empty}}
    flow = flows.createFlow(
        S3_FLOW,
        obj={
            "name": name,
            "flowSpec": {"id": S3_FLOW, "version": "1.0"},
            "sourceConnectionIds": [source["id"]],
            "targetConnectionIds": [target["id"]],
            "transformations": [general],
        },
    )
    found = {"store": store, "base": base, "source": source, "target": target, "flow": flow}
    assert all("id" in each for each in found.values()), found
    return {name: each["id"] for name, each in found.items()}


def mapped():
    value = {
        "id": AUDIENCE,
        "name": "Peer audience",
        "filenameTemplate": "%DESTINATION_NAME%_%SEGMENT_ID%",
        "exportMode": "DAILY_FULL_EXPORT",
        "schedule": {
            "frequency": "DAILY",
            "triggerType": "SCHEDULED",
            "startDate": "2020-01-01",
            "endDate": "2099-01-01",
            "startTime": "17:00",
        },
    }
    path = "/transformations/0/params/segmentSelectors/selectors/-"
    return [{"op": "Add", "path": path, "value": {"type": "PLATFORM_SEGMENT", "value": value}}]


def clean(simulator, inside):
    ledger = inside(simulator.ledger)
    assert ledger["violations"] == []
    assert ledger["duplicates"] == []
    return ledger


def test_it_authenticates_and_lists_what_there_is(platform, flows):
    simulator, inside = platform
    assert (
        flows.getFlows() == flows.getConnections() == flows.getSourceConnections() == flows.getTargetConnections() == []
    )
    assert flows.getConnectionSpecIdFromName("activation-datalake") == "23598e46-f560-407b-88d5-ea6207e49db0"
    assert {S3, PROFILE_STORE} <= {spec["id"] for spec in flows.getConnectionSpecs()}
    assert flows.getConnectionSpec(S3)["items"][0]["id"] == S3
    assert S3_FLOW in {spec["id"] for spec in flows.getFlowSpecs()}
    campaign = flows.getFlowSpecIdFromNames("upsToCampaign")
    assert flows.getFlowSpec(campaign)["name"] == "upsToCampaign"
    assert flows.getFlowSpecs(f"id=={S3_FLOW}")[0]["id"] == S3_FLOW
    assert inside(simulator.ledger)["requests"]["tokens"] == 1
    clean(simulator, inside)


def test_wrong_credentials_get_no_token(platform):
    simulator, _ = platform
    with configured(simulator, client_secret="wrong"), pytest.raises(KeyError):
        flowservice.FlowService()


def test_a_flow_is_made_changed_stopped_and_deleted(platform, flows):
    simulator, inside = platform
    ids = made(flows)
    flow = flows.getFlow(ids["flow"])
    assert flow["state"] == "enabled"
    assert flow["inheritedAttributes"]["properties"]["isDestinationFlow"] is True
    assert flows.updateFlow(ids["flow"], flow["etag"], mapped())["id"] == ids["flow"]
    stale = flows.updateFlow(ids["flow"], flow["etag"], [{"op": "Replace", "path": "/name", "value": "x"}])
    assert "does not match" in stale["errorMessage"]
    flow = flows.getFlow(ids["flow"])
    assert flow["transformations"][0]["params"]["segmentSelectors"]["selectors"][0]["value"]["id"] == AUDIENCE
    policy = [{"op": "Add", "path": "/policy", "value": {"enforcementRefs": ["/dulepolicy/marketingActions/x"]}}]
    assert "id" in flows.updateFlow(ids["flow"], flow["etag"], policy)
    assert [row["name"] for row in flows.getFlows(onlyDestinations=True)] == ["peer"]
    assert flows.getFlows(prop="name==peer", filterSourceIds=[ids["source"]])[0]["id"] == ids["flow"]
    for action, state in (("disable", "disabled"), ("enable", "enabled")):
        assert "etag" in flows.postFlowAction(ids["flow"], action)
        assert flows.getFlow(ids["flow"])["state"] == state
    assert flows.connectionTest(ids["base"]) == {"result": True}
    renamed = [{"op": "replace", "path": "/name", "value": "renamed"}]
    assert "id" in flows.patchConnection(ids["base"], renamed)
    assert flows.getConnection(ids["base"])["name"] == "renamed"
    target = flows.getTargetConnection(ids["target"])
    longer = [{"op": "add", "path": "/params/path", "value": "elsewhere/"}]
    assert "id" in flows.updateTargetConnection(ids["target"], target["etag"], longer)
    source = flows.getSourceConnection(ids["source"])
    assert "id" in flows.updateSourceConnection(ids["source"], source["etag"], renamed)
    assert flows.deleteFlow(ids["flow"]) == 202
    assert flows.deleteTargetConnection(ids["target"]) == 202
    assert flows.deleteSourceConnection(ids["source"]) == 202
    assert flows.deleteConnection(ids["base"]) == flows.deleteConnection(ids["store"]) == 202
    assert "errorMessage" in flows.deleteFlow(ids["flow"])
    assert flows.getFlow(ids["flow"]) == {}
    ledger = clean(simulator, inside)
    assert set(ledger["objects"].values()) == {0}


def test_runs_are_read(platform, flows):
    simulator, inside = platform
    ids = made(flows)
    flows.updateFlow(ids["flow"], flows.getFlow(ids["flow"])["etag"], mapped())
    run = inside(simulator.scheduled_run, ids["flow"], seconds=100.0)
    assert [row["id"] for row in flows.getRuns(prop=f"flowId=={ids['flow']}")] == [run]
    assert "completedAtUTC" not in flows.getRun(run)[0]["metrics"]["durationSummary"]
    inside(simulator.advance, 200.0)
    assert flows.getRun(run)[0]["metrics"]["durationSummary"]["completedAtUTC"] > 0
    assert flows.getFlow(ids["flow"])["lastRunDetails"]["state"] == "success"
    ended = flows.getRuns(prop=[f"flowId=={ids['flow']}", "metrics.statusSummary.status==success"])
    assert [row["id"] for row in ended] == [run]
    clean(simulator, inside)


def test_datasets_are_exported_to_the_landing_zone(platform, flows):
    """The wrapper's own way: the data lake's spec is found by its name."""
    simulator, inside = platform
    base = flows.createBaseConnectionDLZTarget("zone")
    source = flows.createSourceConnectionDataLake("lake", dataset_ids=["5ef3e3259ad2a1191ab7dd7d"])
    target = flows.createTargetConnectionDatasetToDataLandingZone("files", base["id"], path="/aepp")
    flow = flows.createFlowDataLakeToDataLandingZone(
        "datasets",
        source["id"],
        target["id"],
        schedule_start_time=1798800000,
        schedule_frequency="once",
    )
    assert flows.getFlow(flow["id"])["flowSpec"]["id"] == DLZ_DATASETS
    clean(simulator, inside)


def test_datasets_are_exported_every_few_hours_by_a_schedule_of_texts(platform, flows):
    """The wrapper writes the interval as text, and the unit twice (trap 44)."""
    simulator, inside = platform
    base = flows.createBaseConnectionDLZTarget("zone")
    source = flows.createSourceConnectionDataLake("lake", dataset_ids=["5ef3e3259ad2a1191ab7dd7d"])
    target = flows.createTargetConnectionDatasetToDataLandingZone("files", base["id"], path="/aepp")
    flow = flows.createFlowDataLakeToDataLandingZone(
        "datasets",
        source["id"],
        target["id"],
        schedule_start_time="1798800000",
        schedule_end_time="1830336000",
        schedule_timeUnit="hour",
        schedule_interval=6,
        export_mode="FIRST_FULL_THEN_INCREMENTAL",
    )
    schedule = flows.getFlow(flow["id"])["scheduleParams"]
    assert (schedule["interval"], schedule["startTime"], schedule["endTime"]) == (6, 1798800000, 1830336000)
    clean(simulator, inside)


def test_datasets_are_listed_by_the_data_lake_alone(platform, flows):
    """The documents ask the data lake's spec (fact 7.1); the wrapper's own short cut asks the landing zone's."""
    simulator, inside = platform
    lake = flows.getConnectionSpecIdFromName("activation-datalake")
    assert {"id": "5ef3e3259ad2a1191ab7dd7d", "name": "AAM Devices Data"}.items() <= flows.getExportableDatasets(lake)[
        1
    ].items()
    clean(simulator, inside)
    assert flows.getExportableDatasetsDLZ() == []
    assert [row["rule"] for row in inside(simulator.ledger)["violations"]] == ["query"]


def test_export_jobs_are_listed_from_end_to_end(platform):
    simulator, inside = platform
    jobs = segmentation.Segmentation().getExportJobs()
    assert len(jobs) == 5
    assert segmentation.Segmentation().getExport(jobs[0]["id"])["id"] == jobs[0]["id"]
    clean(simulator, inside)


def test_a_flow_manager_understands_a_flow(platform, flows):
    ids = made(flows)
    flows.updateFlow(ids["flow"], flows.getFlow(ids["flow"])["etag"], mapped())
    manager = flowservice.FlowManager(ids["flow"])
    assert manager.flowType == "destination"
    assert manager.audiences == [AUDIENCE]


def test_an_ad_hoc_dataset_export_of_nothing_is_refused(platform):
    found = destinationinstanceservice.DestinationInstanceService().createAdHocDatasetExport({NOWHERE: ["x"]})
    assert "order" not in found


@pytest.mark.parametrize("lenient", [True, False])
def test_a_token_without_its_padding_is_taken_by_a_lenient_platform_alone(lenient):
    """aepp cuts the continuation token at its first ``=`` (trap 20); the strict platform shows such a client its mistake."""
    with running(seed_counts={"flows": 130}, lenient=lenient) as (simulator, _), configured(simulator):
        flows = flowservice.FlowService()
        if lenient:
            assert len(flows.getFlows(n_results="inf")) == 130
        else:
            with pytest.raises(KeyError):
                flows.getFlows(n_results="inf")
        assert len(flows.getConnections(n_results="inf")) == 2
