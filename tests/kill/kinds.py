"""One small world and one manifest for each kind of entry, and what its platform must look like afterwards.

``wanted(stage)`` is what the ledger has to say when everything was done exactly once.
"""

import json
from dataclasses import dataclass, field
from typing import Any, Callable

AUDIENCES = [f"{number:08x}-0000-4000-8000-000000000000" for number in range(1, 7)]
DAILY = {"frequency": "DAILY", "triggerType": "SCHEDULED", "startDate": "2026-01-01", "startTime": "17:00",
         "endDate": "2035-12-31"}  # fmt: skip
BUCKET = {"destination": "amazon_s3", "auth": {"specName": "Access Key", "params": {
    "s3AccessKey": "AKIAABCDEFGHIJKLMNOP", "s3SecretKey": "${env:S3_SECRET}"}}}  # fmt: skip
MAIL = {"destination": "oracle_eloqua", "auth": {"specName": "SFTP with Password", "params": {
    "domain": "d.example.com", "host": "h.example.com", "username": "u", "password": "${env:MAIL_PASSWORD}"}}}  # fmt: skip
DESK = {"source": "servicenow", "auth": {"specName": "Basic Authentication", "params": {
    "endpoint": "https://d.example.com", "username": "u", "password": "${env:MAIL_PASSWORD}"}}}  # fmt: skip
END = 1_830_336_000
OF_DATASETS = "flowSpec.id==269ba276-16fc-47db-92b0-c1049a3c131f"


def nothing(_stage):
    """Nothing needs to be there before."""


@dataclass
class Kind:
    """``entries(stage)`` of the manifest, what the platform holds before, and the judge.

    ``judge(stage, ledger)`` asserts what one run has done. ``statuses`` are those of its rows, ``then`` those of a
    second run. An empty set is a report without rows.
    """

    entries: Callable[[Any], list[dict]]
    judge: Callable[[Any, dict], None]
    statuses: frozenset[str]
    connections: dict[str, dict] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)
    given: dict[str, int] = field(default_factory=dict)
    prepare: Callable[[Any], Any] = nothing
    then: frozenset[str] = frozenset({"reused"})
    command: str = "run"
    #: The entries of a run that went before, if there was one.
    first: Callable[[Any], list[dict]] | None = None

    def write(self, stage, entries=None, name="kill"):
        """Write the manifest, with its own entries or others; its path, relative to the stage's folder."""
        body = {"headgate": 1, "name": name, "sandbox": "dev", "connections": self.connections,
                "entries": (entries or self.entries)(stage), "options": self.options}  # fmt: skip
        (stage.folder / f"{name}.json").write_text(json.dumps(body))
        return f"{name}.json"


def made(ledger, **counts):
    """Each wanted object once, and none ever made beside them."""
    full = {"connections": 0, "sourceConnections": 0, "targetConnections": 0, "flows": 0, **counts}
    assert ledger["objects"] == full
    assert ledger["created"] == full


# -- audience exports and activations ----------------------------------------------------------------------------------


def exports(_stage, count=2, mails=1):
    audiences = [{"id": one, "exportMode": "DAILY_FULL_EXPORT", "schedule": DAILY} for one in AUDIENCES[:2]]
    common = {"kind": "audience-export", "audiences": audiences, "attributes": ["person.name.firstName"]}
    return [
        {**common, "name": "Bucket ${row}", "foreach": {"range": [1, count]}, "connection": "bucket",
         "target": {"bucketName": "acme", "path": "a/${row}"}},
        {**common, "name": "Mail ${row}", "foreach": {"range": [1, mails]}, "connection": "mail",
         "target": {"mode": "FTP", "remotePath": "/m/${row}"}},
    ]  # fmt: skip


def judge_exports(_stage, ledger):
    made(ledger, connections=3, sourceConnections=3, targetConnections=3, flows=3)


def given_flows(stage):
    """Existing exports, by name."""
    return {flow["name"]: flow for flow in stage.objects("flows")}


def audiences_of(flow):
    selectors = flow["transformations"][0]["params"]["segmentSelectors"]["selectors"]
    return [one["value"]["id"] for one in selectors]


def activation(stage):
    flows = given_flows(stage)
    return [{"kind": "activation", "name": "now",
             "destinations": {flow["id"]: audiences_of(flow) for flow in flows.values()}}]  # fmt: skip


def judge_activation(stage, ledger):
    pairs = ledger["activations"]["pairs"]
    assert len(pairs) == 6
    assert set(pairs.values()) == {1}, "each pair once"
    assert ledger["created"]["flows"] == 0


# -- the lake ----------------------------------------------------------------------------------------------------------


def lake(_stage):
    schedule = {"exportMode": "FIRST_FULL_THEN_INCREMENTAL", "timeUnit": "hour", "interval": 3,
                "startTime": 1_798_800_000, "endTime": END}  # fmt: skip
    return [{"kind": "dataset-export", "name": "Lake ${row}", "foreach": {"range": [1, 3]}, "connection": "bucket",
             "datasets": {"select": "AAM *"}, "scheduleParams": schedule,
             "target": {"bucketName": "lake", "path": "d/${row}", "datasetFileType": "PARQUET",
                        "compression": "GZIP"}}]  # fmt: skip


def judge_lake(_stage, ledger):
    made(ledger, connections=1, sourceConnections=3, targetConnections=3, flows=3)


def ingestions(_stage):
    column = {"type": "string", "xdm": {"type": "string"}}
    return [{"kind": "source-ingestion", "name": "Table ${row}", "foreach": {"range": [1, 2]}, "source": "servicenow",
             "connection": "desk",
             "table": {"tableName": "t${row}", "columns": [{"name": "sys_id", **column}, {"name": "at", **column}]},
             "schema": {"title": "Tables", "class": "https://ns.adobe.com/xdm/context/profile"},
             "dataset": {"name": "Set ${row}"}, "mappings": [{"sourceAttribute": "sys_id", "destinationXdmPath": "_id"}],
             "deltaColumn": {"name": "at"},
             "scheduleParams": {"startTime": 1_798_800_000, "frequency": "hour", "interval": 1}}]  # fmt: skip


def judge_ingestions(_stage, ledger):
    made(ledger, connections=1, sourceConnections=2, targetConnections=2, flows=2, schemas=1, dataSets=2, mappingSets=2)


# -- existing flows ----------------------------------------------------------------------------------------------------


def update(_stage):
    return [{"kind": "flow-update", "name": "extend", "set": {"/scheduleParams/endTime": END},
             "select": {"property": [OF_DATASETS], "where": "scheduleParams.endTime < `1790000000`"}}]  # fmt: skip


def judge_update(stage, ledger):
    assert ledger["updated"] == {"flows": 3}, "each flow once, however often the run died"
    ends = [flow["scheduleParams"].get("endTime") for flow in stage.objects("flows")]
    assert (len(ends), ends.count(END)) == (5, 4), "one had it before, and one ends later"


def with_a_failed_run(stage):
    flow = next(flow for flow in stage.objects("flows") if flow["name"].startswith("Existing ingestion"))
    stage.do(lambda: stage.simulator.scheduled_run(flow["id"], seconds=1.0, outcome="failed"))
    stage.do(lambda: stage.simulator.advance(60.0))
    return flow["id"]


def actions(_stage):
    export = "inheritedAttributes.properties.isDestinationFlow==true"
    return [
        {"kind": "flow-action", "name": "wait", "action": "disable",
         "select": {"property": [export], "where": "name == 'Existing flow 1'"}},
        {"kind": "flow-action", "name": "again", "action": "retry",
         "select": {"property": ["inheritedAttributes.properties.isSourceFlow==true"]}},
        {"kind": "flow-action", "name": "remove", "action": "delete",
         "select": {"property": [export], "where": "name == 'Existing flow 2'"}},
    ]  # fmt: skip


def judge_actions(stage, ledger):
    flows = given_flows(stage)
    assert set(flows) == {"Existing flow 1", "Existing ingestion 1"}
    assert flows["Existing flow 1"]["state"] == "disabled"
    assert ledger["deleted"] == {"flows": 1}
    assert len(stage.runs(flows["Existing ingestion 1"]["id"])) == 2, "the failed run and one more"


def with_runs(stage):
    for flow in stage.objects("flows"):
        stage.do(lambda flow=flow: stage.simulator.scheduled_run(flow["id"], seconds=3600.0, outcome="success"))


def watch(stage):
    return [{"kind": "watch", "name": "look", "flows": [flow["id"] for flow in stage.objects("flows")]}]


def judge_watch(stage, ledger):
    assert ledger["created"]["flows"] == 0
    assert not ledger["updated"]
    assert set(ledger["requests"]["byEndpoint"]) <= {"GET /flows", "GET /runs", "GET /flows/{id}"}


def moved(stage):
    """The same exports, to other folders."""
    bucket, mail = exports(stage)
    return [{**bucket, "target": {**bucket["target"], "path": "moved/${row}"}},
            {**mail, "target": {**mail["target"], "remotePath": "/moved/${row}"}}]  # fmt: skip


def judge_moved(stage, ledger):
    judge_exports(stage, ledger)
    assert ledger["updated"]["targetConnections"] == 3, "each target once, however often the run died"
    places = [
        one["params"].get("path") or one["params"].get("remotePath") for one in stage.objects("targetConnections")
    ]
    assert all("moved" in place for place in places), places


def judge_gone(_stage, ledger):
    assert not any(ledger["objects"].values())
    assert ledger["deleted"] == {key: count for key, count in ledger["created"].items() if count}


# -- all of it ---------------------------------------------------------------------------------------------------------


KINDS = {
    "audience-export": Kind(
        exports, judge_exports, frozenset({"created"}), {"bucket": BUCKET, "mail": MAIL}, then=frozenset({"reused"})
    ),
    "activation": Kind(
        activation, judge_activation, frozenset({"activated"}), options={"audiencesPerJob": 2},
        given={"flows": 3, "audiences": 2}, then=frozenset({"activated"}),
    ),
    "dataset-export": Kind(lake, judge_lake, frozenset({"created"}), {"bucket": BUCKET}),
    "source-ingestion": Kind(ingestions, judge_ingestions, frozenset({"created"}), {"desk": DESK}),
    "flow-update": Kind(
        update, judge_update, frozenset({"updated"}), given={"datasetFlows": 5}, then=frozenset()
    ),
    "flow-action": Kind(
        actions, judge_actions, frozenset({"updated", "deleted"}), given={"flows": 2, "sourceFlows": 1},
        prepare=with_a_failed_run, then=frozenset({"unchanged"}),
    ),
    "watch": Kind(
        watch, judge_watch, frozenset({"unchanged"}), given={"flows": 2}, prepare=with_runs,
        then=frozenset({"unchanged"}),
    ),
    "changed manifest": Kind(
        moved, judge_moved, frozenset({"updated"}), {"bucket": BUCKET, "mail": MAIL}, first=exports
    ),
    "destroy": Kind(
        exports, judge_gone, frozenset({"deleted"}), {"bucket": BUCKET, "mail": MAIL}, then=frozenset(),
        command="destroy", first=exports,
    ),
}  # fmt: skip


def judge_always(ledger):
    """What no life of any run may ever do."""
    assert ledger["duplicates"] == []
    assert ledger["violations"] == []
    assert ledger["activations"]["overlaps"] == []
    assert ledger["activations"]["maxConcurrentPerAudience"] <= 1
