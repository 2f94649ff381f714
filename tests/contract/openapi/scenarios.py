"""What headgate is made to do so that it says everything it can say: exports of audiences, and their activations.

One function, one scenario. A new kind of entry needs one more, here or in another module that the test imports: write
its manifest, ``await world.run(manifest)``, and it is judged like the rest.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from headgate.catalogue import batch_keys
from headgate.simulator import Fault

from tests.contract.openapi.samples import (
    AUDIENCES,
    WHEN,
    DAILY,
    activation,
    audiences_of,
    connections,
    export,
    manifest,
    targets,
)
from tests.contract.openapi.stage import World, scenario


@scenario()
async def every_destination(world: World) -> None:
    """All thirteen, with every way of authenticating and every mode of target."""
    entries = []
    for key in batch_keys():
        ways, places = connections(key), targets(key)
        for number in range(max(len(ways), len(places))):
            way, where = ways[min(number, len(ways) - 1)], places[min(number, len(places) - 1)]
            entries.append(export(f"{key} {number}", key, connection=way, target=where))
    report = await world.run(manifest(*entries))
    assert report.status == "succeeded", report.failures[:3]
    assert len({entry["connection"]["destination"] for entry in entries}) == 13


@scenario()
async def every_schedule(world: World) -> None:
    """Full and incremental, once and weekly, after evaluation, and an audience from outside."""
    once = {"frequency": "ONCE", "triggerType": "SCHEDULED", "startDate": "2099-01-01", "startTime": "17:00"}
    after = {"frequency": "DAILY", "triggerType": "AFTER_SEGMENT_EVAL", "startDate": "2020-01-01"}
    often = {"frequency": "EVERY_3_HOURS", "startDate": "2020-01-01", "startTime": "17:00", "endDate": "2099-01-01"}
    audiences = [
        {"id": AUDIENCES[0], "exportMode": "DAILY_FULL_EXPORT", "schedule": once},
        {"id": AUDIENCES[1], "exportMode": "DAILY_FULL_EXPORT", "schedule": {**after, "endDate": "2099-01-01"}},
        {"id": AUDIENCES[2], "exportMode": "FIRST_FULL_THEN_INCREMENTAL", "schedule": often},
        {"id": "outside", "systemSegmentId": AUDIENCES[3], "namespace": "custom", **WHEN},
    ]
    target = {**targets("amazon_s3")[0], "csvOptions": {"delimiter": ";"}}
    report = await world.run(manifest(export("schedules", target=target, audiences=audiences)))
    assert report.status == "succeeded", report.failures[:3]


@scenario()
async def a_run_a_reuse_and_a_lost_store(world: World) -> None:
    """Lists of more than a page, look-ups by mark, and nothing made twice."""
    wanted = manifest(*(export(f"item {number}") for number in range(3)))
    for _ in range(2):
        assert (await world.run(wanted)).status == "succeeded"
    world.forget()
    assert (await world.run(wanted)).status == "succeeded"


@scenario(seed_counts={"flows": 120, "audiences": 1})
async def a_list_of_pages(world: World) -> None:
    report = await world.run(manifest(export("one more")))
    assert report.status == "succeeded", report.failures[:3]
    assert any(name == "continuationToken" for each in world.recorder.kept for name, _ in each.query)


@scenario(
    faults=[
        Fault("lost-after-commit", method="POST", path=f"/{kind}$", nth=1)
        for kind in ("connections", "sourceConnections", "targetConnections", "flows", "adhocrun")
    ]
)
async def answers_that_are_lost(world: World) -> None:
    """Each creation is looked up by its name, and the runs of a request that was lost are found."""
    report = await world.run(manifest(export("item"), activation(["item"])))
    assert report.status == "succeeded", report.failures[:3]


@scenario(adhoc_wording="segment")
async def activations_of_both_versions(world: World) -> None:
    """Version 2, then 1 with a looked-up export job."""
    for version in (2, 1):
        report = await world.run(manifest(export("item"), activation(["item"], apiVersion=version)))
        assert report.status == "succeeded", report.failures[:3]


@scenario(
    run_visible_after_s=20_000.0,
    faults=[Fault("status", method="GET", path="/runs$", status=200, body={"items": [], "_links": {}})],
)
async def runs_that_the_list_does_not_show(world: World) -> None:
    """They are asked for by id: not there at first, then there."""
    report = await world.run(manifest(export("item"), activation(["item"])))
    assert report.status == "succeeded", report.failures[:3]
    assert {404, 200} <= {each.status for each in world.recorder.kept if "/runs/" in each.path}


@scenario(seed_counts={"flows": 2, "audiences": 2})
async def runs_that_fail(world: World) -> None:
    """Flows of somebody else, and runs that end badly or half well."""
    world.simulator.fail_next_run("failed", times=2)
    world.simulator.fail_next_run("partial", times=2)
    pairs = [
        {"destinationId": flow["id"], "segmentId": audience}
        for flow in world.simulator.objects("flows")
        for audience in audiences_of(flow)
    ]
    report = await world.run(manifest({"kind": "activation", "name": "now", "pairs": {"rows": pairs}}))
    assert {row.runState for row in report.activations} == {"failed", "partial"}


@scenario(seed_counts={"flows": 2, "audiences": 2})
async def ad_hoc_refusals(world: World) -> None:
    """A run of an audience that goes on at another flow, and an audience that is out of schedule."""
    flow, other = world.simulator.objects("flows")
    mine = audiences_of(flow)
    world.simulator.foreign_adhoc(other["id"], mine[0], seconds=20_000.0)
    world.simulator.refuse_schedule(flow["id"], mine[1])
    pairs = [{"destinationId": flow["id"], "segmentId": each} for each in mine]
    await world.run(manifest({"kind": "activation", "name": "now", "pairs": {"rows": pairs}}))
    said = " ".join(str(each.answer) for each in world.recorder.kept if each.status == 400)
    assert "already going on" in said
    assert "out of schedule" in said


@scenario(rate_limit=15)
async def a_busy_gateway(world: World) -> None:
    report = await world.run(manifest(*(export(f"item {number}") for number in range(4))))
    assert report.requests["throttled"] > 0


@scenario()
async def tokens_that_are_revoked(world: World) -> None:
    revoked = []

    def meddle(tell: Any) -> None:
        if tell.name == "settled" and len(revoked) < 1:
            revoked.append(world.simulator.revoke_tokens())

    assert (await world.run(manifest(export("item")), observers=(meddle,))).status == "succeeded"


@scenario()
async def unknown_things(world: World) -> None:
    """A flow, a base connection, a sandbox that are not there, and an organisation of somebody else."""
    nowhere = "00000000-0000-4000-8000-00000000dead"
    gone = export("item", connection={"id": nowhere, "destination": "amazon_s3"})
    report = await world.run(manifest(gone, activation([nowhere])))
    assert report.status == "failed"
    world.forget()
    for wrong in ({"sandbox": "nowhere"}, {"org_id": f"{'0' * 24}@AdobeOrg"}):
        known, world.profile = world.profile, replace(world.profile, **wrong)
        assert (await world.run(manifest(export("item")))).stop
        world.profile = known


@scenario()
async def a_flow_changed_by_somebody_else(world: World) -> None:
    """The etag of the creation is stale when the selectors are sent."""
    changed = []

    def meddle(tell: Any) -> None:
        flows = world.simulator.objects("flows")
        if flows and not changed:
            live = world.simulator._server.world
            flow = flows[0]
            etag = live.ids.etag(live.now() + 1)
            live.commit("put", "flows", {**flow, "etag": etag, "version": etag})
            changed.append(flow)

    assert (await world.run(manifest(export("item")), observers=(meddle,))).status == "succeeded"
    assert 412 in {exchange.status for exchange in world.recorder.kept}
