"""A manifest that is run again: what is unchanged is left alone, what is changed is changed in place, and only that."""

from __future__ import annotations

import json
from copy import deepcopy
from dataclasses import replace

import pytest

from headgate.errors import UsageError
from headgate.embedded import simulated
from headgate.launch import Wishes, execute
from headgate.manifest.kinds import GRAMMARS
from headgate.manifest.load import load
from headgate.pacing import PollPolicy, RetryPolicy
from headgate.settings import Limits, Profile
from headgate.simulator import Fault
from headgate.store import open_store
from headgate.workflows.compile import compile_plan

ITEMS, CHANGED = 30, 20
AUDIENCES = [f"00000000-0000-4000-8000-{n:012d}" for n in range(3)]
DAILY = {
    "frequency": "DAILY",
    "triggerType": "SCHEDULED",
    "startDate": "2026-01-01",
    "startTime": "17:00",
    "endDate": "2035-12-31",
}


def item(number):
    return {
        "kind": "audience-export",
        "name": f"Item {number}",
        "connection": "s3",
        "target": {"bucketName": "acme-exports", "path": f"x/{number}", "fileType": "CSV", "compression": "GZIP"},
        "audiences": [
            {"id": audience, "exportMode": "DAILY_FULL_EXPORT", "schedule": dict(DAILY)} for audience in AUDIENCES[:2]
        ],
        "attributes": ["personalEmail.address"],
    }


@pytest.fixture
def manifest():
    key = {"s3AccessKey": "FAKEFAKEFAKEFAKEFAKE", "s3SecretKey": "fake/secret/key/for/the/embedded/server+"}
    return {
        "headgate": 1,
        "name": "converging",
        "connections": {
            "s3": {"destination": "amazon_s3", "auth": {"specName": "Access Key", "params": key}},
            "gcs": {"destination": "data_landing_zone"},
        },
        "entries": [item(number) for number in range(ITEMS)],
    }


def planned(folder, manifest):
    path = folder / "m.json"
    path.write_text(json.dumps(manifest))
    return compile_plan(load(path, grammars=GRAMMARS), "dev")


async def go(folder, manifest, *, wishes=None, faults=(), tamper=None, **options):
    """Run it; the report, the ledger, and the flows and targets as the platform has them by name."""
    plan, store = planned(folder, manifest), open_store(folder / "state.db")
    profile = replace(
        Profile.load(env={}, state=str(folder / "state.db")),
        limits=Limits(rate="5000/s"),
        retry=RetryPolicy(attempts=8, first_s=0.01, cap_s=0.05, budget_floor=1000),
        poll=PollPolicy(600.0, 1200.0),
    )
    try:
        async with simulated(profile, "dev", time_scale=36000.0, faults=faults) as (where, simulator):
            if tamper is not None:
                tamper(simulator)
            report = await execute(plan, path=folder / "m.json", profile=where, store=store, wishes=wishes, **options)
            seen = {
                kind: {one["name"]: one for one in simulator.objects(kind)}
                for kind in ("flows", "targetConnections", "connections")
            }
            return report, simulator.ledger(), seen
    finally:
        store.close()


def statuses(report):
    found = [row.status for row in report.items]
    return {status: found.count(status) for status in sorted(set(found))}


def clean(ledger):
    assert ledger["duplicates"] == []
    assert ledger["violations"] == []
    assert ledger["created"]["flows"] == ITEMS


def bare(flow):
    """A flow without what changes with every write."""
    kept = deepcopy({key: value for key, value in flow.items() if not key.startswith(("_", "updated", "last"))})
    for key in ("etag", "version", "inheritedAttributes"):
        kept.pop(key, None)
    return kept


async def test_changed_targets_are_updated_and_nothing_else(tmp_path, manifest):
    first, _, _ = await go(tmp_path, manifest)
    assert statuses(first) == {"created": ITEMS}
    again, ledger, before = await go(tmp_path, manifest)
    assert statuses(again) == {"reused": ITEMS}
    clean(ledger)

    for entry in manifest["entries"][:CHANGED]:
        entry["target"]["path"] += "/moved"
    report, ledger, after = await go(tmp_path, manifest)
    assert statuses(report) == {"reused": ITEMS - CHANGED, "updated": CHANGED}
    clean(ledger)
    assert report.requests["byEndpoint"]["PATCH /targetConnections/{id}"] == CHANGED
    assert not [endpoint for endpoint in report.requests["byEndpoint"] if endpoint.startswith("POST /")]
    for number in range(ITEMS):
        was, now = (seen["targetConnections"][f"Item {number}"] for seen in (before, after))
        assert now["params"] == {**was["params"], "path": f"x/{number}" + ("/moved" if number < CHANGED else "")}
        assert now["id"] == was["id"]
        assert bare(after["flows"][f"Item {number}"]) == bare(before["flows"][f"Item {number}"])

    last, ledger, _ = await go(tmp_path, manifest)
    assert statuses(last) == {"reused": ITEMS}
    clean(ledger)


async def test_changed_audiences_are_added_replaced_and_removed(tmp_path, manifest):
    await go(tmp_path, manifest)
    entry = manifest["entries"][0]
    entry["audiences"][0]["schedule"]["endDate"] = "2040-12-31"
    entry["audiences"][1]["id"] = AUDIENCES[2]
    entry["attributes"] = ["person.name.firstName"]
    report, ledger, seen = await go(tmp_path, manifest)
    assert statuses(report) == {"reused": ITEMS - 1, "updated": 1}
    clean(ledger)
    params = seen["flows"]["Item 0"]["transformations"][0]["params"]
    found = {one["value"]["id"]: one["value"] for one in params["segmentSelectors"]["selectors"]}
    assert set(found) == {AUDIENCES[0], AUDIENCES[2]}
    assert found[AUDIENCES[0]]["schedule"]["endDate"] == "2040-12-31"
    assert [one["value"]["path"] for one in params["profileSelectors"]["selectors"]] == ["person.name.firstName"]


async def test_with_answers_lost_and_etags_refused_every_change_is_made_once(tmp_path, manifest):
    await go(tmp_path, manifest)
    for entry in manifest["entries"]:
        entry["target"]["path"] += "/moved"
    report, ledger, seen = await go(
        tmp_path,
        manifest,
        faults=[
            Fault("lost-after-commit", method="PATCH", probability=0.3),
            Fault("status", method="PATCH", status=412, probability=0.3),
        ],
    )
    assert statuses(report) == {"updated": ITEMS}
    assert ledger["duplicates"] == []
    assert all(one["params"]["path"].endswith("/moved") for one in seen["targetConnections"].values())


async def test_credentials_that_changed_are_sent_and_are_nowhere_else(tmp_path, manifest):
    await go(tmp_path, manifest)
    secret = "another/fake/secret/for/the/embedded/srv"
    manifest["connections"]["s3"]["auth"]["params"] = {"s3AccessKey": "OTHEROTHEROTHEROTHER", "s3SecretKey": secret}
    manifest["connections"]["s3"]["name"] = "s3 of next year"
    report, ledger, seen = await go(tmp_path, manifest)
    assert report.status == "succeeded"
    clean(ledger)
    assert report.requests["byEndpoint"]["PATCH /connections/{id}"] == 1
    assert "s3 of next year" in seen["connections"]
    assert secret.encode() not in (tmp_path / "state.db").read_bytes()


async def test_what_cannot_be_changed_is_refused_before_anything_is_sent(tmp_path, manifest):
    await go(tmp_path, manifest)
    manifest["entries"][3].update(connection="gcs", target={"path": "x/3", "fileType": "CSV", "compression": "GZIP"})
    with pytest.raises(UsageError, match="cannot be changed") as caught:
        await go(tmp_path, manifest)
    assert "target:Item 3" in str(caught.value)
    assert "nothing was sent" in str(caught.value)


async def test_refresh_brings_back_what_somebody_changed(tmp_path, manifest):
    await go(tmp_path, manifest)

    def tamper(simulator):
        one = next(one for one in simulator.objects("targetConnections") if one["name"] == "Item 7")
        one = {**simulator._server.world.store.get("targetConnections", one["id"])}
        simulator._server.world.commit(
            "put", "targetConnections", {**one, "params": {**one["params"], "path": "elsewhere"}}
        )

    unseen, _, seen = await go(tmp_path, manifest, tamper=tamper)
    assert statuses(unseen) == {"reused": ITEMS}
    assert seen["targetConnections"]["Item 7"]["params"]["path"] == "elsewhere"
    report, ledger, seen = await go(tmp_path, manifest, wishes=Wishes(refresh=True))
    assert statuses(report) == {"reused": ITEMS - 1, "updated": 1}
    assert seen["targetConnections"]["Item 7"]["params"]["path"] == "x/7"
    clean(ledger)
