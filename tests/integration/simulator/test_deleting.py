"""Deletions on the embedded platform: how long they take, what they answer, in which order (facts 2.8, 11.3)."""

import aiohttp
import pytest

from headgate.simulator import Simulator


async def test_a_deletion_that_takes_time_shows_the_object_until_it_is_done(start):
    caller = await start(delete_seconds=30.0)
    account = await caller.s3_base()
    assert (await caller.delete(f"/connections/{account}")).status == 202
    shown = await caller.fetched("connections", account)
    assert shown["state"] == "delete-finalizing"
    assert (await caller.delete(f"/connections/{account}")).code == "1458-400"
    assert (await caller.patch(f"/connections/{account}", [], shown["etag"])).code == "1457-400"
    assert caller.sim.ledger()["deleted"] == {}
    caller.sim.advance(31)
    assert (await caller.get(f"/connections/{account}")).status == 404
    assert (await caller.get("/connections")).body["items"] == []
    assert (await caller.delete(f"/connections/{account}")).status == 404
    assert caller.sim.ledger()["deleted"] == {"connections": 1}


async def test_a_flow_that_is_being_deleted_still_uses_its_account(start):
    caller = await start(delete_seconds=30.0)
    flow = await caller.flow()
    shown = await caller.fetched("flows", flow)
    account = shown["inheritedAttributes"]["targetConnections"][0]["baseConnection"]["id"]
    assert (await caller.delete(f"/flows/{flow}")).status == 202
    assert (await caller.delete(f"/connections/{account}")).code == "1418-400"
    assert caller.violations() == ["delete-order"]


@pytest.mark.parametrize("status", ["202", "204"])
async def test_what_a_deletion_answers_can_be_chosen(start, status):
    caller = await start(delete_status=status)
    answer = await caller.delete(f"/connections/{await caller.s3_base()}")
    assert (answer.status, answer.raw) == (int(status), b"")


async def test_an_account_deleted_before_its_connections_is_noted(caller):
    """Whether the platform refuses it is not documented; that it is the wrong order is."""
    account = await caller.s3_base()
    target = await caller.s3_target(base=account)
    assert (await caller.delete(f"/connections/{account}")).status == 202
    assert caller.violations() == ["delete-order"]
    assert (await caller.delete(f"/targetConnections/{target}")).status == 202
    assert caller.violations() == ["delete-order"]


async def test_connections_first_and_then_their_account_is_in_order(caller):
    account = await caller.s3_base()
    target = await caller.s3_target(base=account)
    assert (await caller.delete(f"/targetConnections/{target}")).status == 202
    assert (await caller.delete(f"/connections/{account}")).status == 202
    assert caller.violations() == []


async def test_a_deletion_under_way_survives_a_restart(tmp_path, wire):
    options = {"world": tmp_path / "world.jsonl", "delete_seconds": 60.0}
    async with Simulator(**options, seed_counts={"flows": 1}) as simulator, aiohttp.ClientSession() as session:
        flow = simulator.objects("flows")[0]["id"]
        assert (await wire.Caller(simulator, session).delete(f"/flows/{flow}")).status == 202
        assert simulator.ledger()["objects"]["flows"] == 1
    async with Simulator(**options) as simulator:
        assert simulator.objects("flows")[0]["state"] == "delete-finalizing"
        simulator.advance(61)
        assert simulator.ledger()["objects"]["flows"] == 0
        assert simulator.ledger()["deleted"] == {"flows": 1}


@pytest.mark.parametrize("wrong", [{"delete_status": "200"}, {"delete_seconds": -1}])
def test_choices_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ValueError, match="delete_"):
        Simulator(**wrong)
