"""What a plan finds with a look at the platform: drift, what is gone, and each difference; it only reads."""

from __future__ import annotations

from dataclasses import replace

import pytest

from headgate.cli.survey import survey
from headgate.cli.views import plan as view
from headgate.drift import drift
from headgate.launch import Watch, Wishes
from headgate.store import open_store

from tests.integration import test_converge, test_source_ingestion


def profile_of(folder):
    return test_source_ingestion.profile(folder, "state.db")


async def looked(folder, plan):
    """The states of a plan's objects by the keys of their jobs, and the survey with them."""
    profile, store = profile_of(folder), open_store(folder / "state.db", readonly=True)
    world = (folder / "platform.jsonl").read_bytes()
    try:
        states = await drift(plan, profile, store.known("dev"), simulate=True)
        found = survey(plan, profile, store, simulate=True, rate=None).beside(states)
    finally:
        store.close()
    assert (folder / "platform.jsonl").read_bytes() == world, "nothing was written"
    return {plan.jobs[index].key: state for index, state in states.items()}, found


def put(simulator, kind, name, **changes):
    world = simulator._server.world
    (one,) = [one for one in world.store.all(kind) if one["name"] == name]
    world.commit("put", kind, {**one, **changes})


def drop(simulator, kind, name):
    world = simulator._server.world
    (one,) = [one for one in world.store.all(kind) if one["name"] == name]
    world.commit("del", kind, one["id"])


manifest = pytest.fixture(test_converge.manifest.__wrapped__)


async def test_of_exports_every_difference_is_shown_and_refresh_brings_it_back(tmp_path, manifest):
    await test_converge.go(tmp_path, manifest)
    plan = test_converge.planned(tmp_path, manifest)
    states, found = await looked(tmp_path, plan)
    assert {state.action for state in states.values()} == {"reuse"}
    assert found.count("reuse") == test_converge.ITEMS

    def tamper(simulator):
        (one,) = [one for one in simulator.objects("targetConnections") if one["name"] == "Item 7"]
        put(simulator, "targetConnections", "Item 7", params={**one["params"], "path": "elsewhere"})
        (flow,) = [one for one in simulator.objects("flows") if one["name"] == "Item 8"]
        (step,) = flow["transformations"]
        first, second = step["params"]["segmentSelectors"]["selectors"]
        value = {**first["value"], "schedule": {**first["value"]["schedule"], "endDate": "2036-01-01"}}
        params = {**step["params"], "segmentSelectors": {"selectors": [{**first, "value": value}, second]}}
        put(simulator, "flows", "Item 8", description="mine", transformations=[{**step, "params": params}])
        drop(simulator, "flows", "Item 9")

    await test_converge.go(tmp_path, manifest, tamper=tamper)
    manifest["entries"][3]["target"]["path"] = "moved"
    manifest["entries"].append(test_converge.item(99))
    plan = test_converge.planned(tmp_path, manifest)
    states, found = await looked(tmp_path, plan)
    odd = {key: state for key, state in states.items() if state.action != "reuse"}
    assert {key: state.action for key, state in odd.items()} == {
        "target:Item 3": "update",
        "target:Item 7": "drifted",
        "flow:Item 8": "drifted",
        "flow:Item 9": "gone",
    }
    assert odd["target:Item 3"].differences == [{"path": "/params/path", "from": "x/3", "to": "moved"}]
    assert odd["target:Item 7"].differences == [{"path": "/params/path", "from": "elsewhere", "to": "x/7"}]
    said, audience = odd["flow:Item 8"].differences
    assert (said["path"], said["from"]) == ("/description", "mine")
    assert audience == {
        "path": "/transformations/0/params/segmentSelectors/selectors/0/value/schedule/endDate",
        "from": "2036-01-01",
        "to": "2035-12-31",
    }
    fates = {row.item: fate for row, fate in zip(plan.items, found.fates, strict=True) if fate != "reuse"}
    assert fates == {
        "Item 3": "update",
        "Item 7": "drifted",
        "Item 8": "drifted",
        "Item 9": "gone",
        "Item 99": "create",
    }
    data = found.as_json()
    assert data["items"] == {"total": 31, "create": 1, "update": 1, "reuse": 26, "drifted": 2, "gone": 1}
    (target,) = [one for one in data["actions"][7]["objects"] if one["action"] == "drifted"]
    assert target["differences"] == [{"path": "/params/path", "live": "elsewhere", "wanted": "x/7", "changeable": True}]
    assert {one["job"].partition(":")[0] for one in data["shared"]} == {"base"}
    text = view.text(found)
    assert '/params/path "elsewhere" → "x/7"' in text
    assert "gone: will be made again" in text
    assert "1 to create, 1 to update, 26 exist, 2 drifted, 1 gone" in text

    report, ledger, _ = await test_converge.go(tmp_path, manifest, wishes=Wishes(refresh=True))
    assert test_converge.statuses(report) == {"created": 2, "reused": 26, "updated": 3}
    assert ledger["violations"] == ledger["duplicates"] == []
    states, found = await looked(tmp_path, plan)
    assert {state.action for state in states.values()} == {"reuse"}


async def test_of_ingestions_too_and_what_cannot_be_brought_back_says_so(tmp_path):
    text = test_source_ingestion.MANIFEST.replace("[1, 20]", "[1, 3]").replace("[1, 4]", "[1, 1]")
    plan = test_source_ingestion.planned(tmp_path, text)
    await test_source_ingestion.go(tmp_path, plan)
    states, _ = await looked(tmp_path, plan)
    assert {state.action for state in states.values()} == {"reuse"}

    def tamper(simulator):
        (one,) = [one for one in simulator.objects("sourceConnections") if one["name"] == "Now 1"]
        put(simulator, "sourceConnections", "Now 1", params={**one["params"], "tableName": "Theirs"})
        drop(simulator, "schemas", "Other 1")
        (flow,) = [one for one in simulator.objects("flows") if one["name"] == "Now 2"]
        put(simulator, "flows", "Now 2", scheduleParams={**flow["scheduleParams"], "interval": 7})

    await test_source_ingestion.go(tmp_path, plan, before=tamper)
    changed = test_source_ingestion.planned(tmp_path, text.replace('tableName: "T${row}", columns: [*id]}\n    schema: *',
                                                                   'tableName: "U${row}", columns: [*id]}\n    schema: *'))  # fmt: skip
    states, found = await looked(tmp_path, changed)
    now = states["source:Now 1"]
    assert (now.action, now.differences) == ("refused", [{"path": "/params/tableName", "from": "Theirs", "to": "U1"}])
    assert now.reason.startswith("source:Now 1: another table or other columns: put the content back")
    assert states["schema:Other 1"].action == "gone"
    assert "schema:Other 1, which is gone" in states["dataset:Other 1"].reason
    assert states["flow:Now 2"].differences == [{"path": "/scheduleParams/interval", "from": 7, "to": 1}]
    assert found.count("refused") == 4


async def test_no_secret_is_shown_or_compared(tmp_path, manifest):
    secret = manifest["connections"]["s3"]["auth"]["params"]["s3SecretKey"]
    await test_converge.go(tmp_path, manifest)
    manifest["connections"]["s3"]["name"] = "renamed"
    states, found = await looked(tmp_path, test_converge.planned(tmp_path, manifest))
    (base,) = [state for key, state in states.items() if key.startswith("base:amazon")]
    assert [leaf["path"] for leaf in base.differences] == ["/name"]
    assert secret not in view.text(found) + view.as_json(found)


async def test_a_world_that_was_lost_is_all_gone(tmp_path, manifest):
    await test_converge.go(tmp_path, manifest)
    plan, profile = test_converge.planned(tmp_path, manifest), profile_of(tmp_path)
    store = open_store(tmp_path / "state.db", readonly=True)
    (tmp_path / "platform.jsonl").unlink()
    try:
        states = await drift(plan, replace(profile), store.known("dev"), simulate=True)
    finally:
        store.close()
    assert {state.action for state in states.values()} == {"gone"}
    watch, settled = Watch(), []

    def end(event):
        if event.name == "settled":
            settled.append(event)
            if len(settled) == 40:
                watch.cancel()

    cut, *_ = await test_converge.go(tmp_path, manifest, wishes=Wishes(refresh=True), watch=watch, observers=(end,))
    assert cut.status == "interrupted"
    report, ledger, _ = await test_converge.go(tmp_path, manifest)
    assert test_converge.statuses(report) == {"created": test_converge.ITEMS}, "a resume remembers what was asked"
    test_converge.clean(ledger)
