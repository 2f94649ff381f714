"""Faults, the control routes, and a world that outlives its process."""

import asyncio
import json
import sys

import aiohttp
import pytest

from headgate.simulator import Fault, Simulator, serve

LOST = (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError, aiohttp.ClientPayloadError)


def connection(wire, name="c"):
    return {"name": name, "connectionSpec": wire.spec(wire.DLZ)}


@pytest.mark.parametrize(
    ("kind", "done"),
    [
        ("lost-after-commit", 1),
        ("lost-before-commit", 0),
        ("reset", 0),
        ("truncated", 1),
    ],
)
async def test_answers_that_never_come(start, wire, kind, done, caplog):
    caller = await start(faults=[Fault(kind, method="POST", path="/connections$", times=1)])
    with pytest.raises(LOST):
        await caller.post("/connections", connection(wire))
    assert caller.sim.ledger()["objects"]["connections"] == done
    assert caller.sim.ledger()["requests"]["total"] == 1
    assert (await caller.post("/connections", connection(wire, "d"))).status == 201
    assert not caplog.records


async def test_a_status_does_nothing_else(start, wire):
    body = {"error_code": "429050", "message": "Too many requests"}
    caller = await start(faults=[Fault("status", status=429, body=body, retry_after=3, times=1)])
    answer = await caller.post("/connections", connection(wire))
    assert (answer.status, answer.body, answer.headers["Retry-After"]) == (429, body, "3")
    ledger = caller.sim.ledger()
    assert (ledger["objects"]["connections"], ledger["requests"]["throttled"]) == (0, 1)


@pytest.mark.parametrize(("status", "shown", "done"), [(None, 502, 0), (200, 200, 1)])
async def test_web_pages(start, wire, status, shown, done):
    caller = await start(faults=[Fault("html", status=status)])
    answer = await caller.post("/connections", connection(wire))
    assert (answer.status, answer.headers["Content-Type"].split(";")[0]) == (shown, "text/html")
    assert caller.sim.ledger()["objects"]["connections"] == done


async def test_slow_answers_are_whole(start, wire):
    real = wire.ManualClock(0.0)
    caller = await start(faults=[Fault("slow", seconds=9)], real_clock=real)
    assert (await caller.post("/connections", connection(wire))).status == 201
    assert real.slept == [9]


async def test_faults_reach_the_token_endpoint(start):
    caller = await start(faults=[Fault("status", path="^/ims/", status=503)])
    async with caller.session.post(caller.sim.ims_url) as response:
        assert response.status == 503
    assert caller.sim.ledger()["requests"]["total"] == 0


async def control(caller, method, path, body=None):
    async with caller.session.request(method, caller.sim.url + path, json=body) as response:
        return response.status, await response.json()


async def test_the_control_routes(caller, clock):
    flow_id = await caller.flow("f", ["a"])
    assert (await control(caller, "GET", "/__health__"))[0] == 200
    status, body = await control(caller, "POST", "/__control__/foreign-adhoc", {"flowId": flow_id, "segmentId": "a"})
    assert (status, "runId" in body) == (200, True)
    status, body = await control(caller, "POST", "/__control__/scheduled-run", {"flowId": flow_id, "seconds": 5})
    assert (status, "runId" in body) == (200, True)
    assert (await control(caller, "POST", "/__control__/fail-next-run", {"outcome": "partial"}))[0] == 200
    assert (await control(caller, "POST", "/__control__/advance", {"seconds": 60}))[1]["now"] == clock.at + 120
    assert (await control(caller, "POST", "/__control__/revoke-tokens"))[0] == 200
    assert (await caller.get("/flows")).status == 401
    rows = [{"match": {"path": "/flows"}, "fault": "status", "status": 500}]
    assert await control(caller, "POST", "/__faults__", rows) == (200, {"faults": 1})
    assert (await caller.get("/flows")).status == 500
    assert (await control(caller, "GET", "/__faults__"))[1] == [{"fault": "status", "path": "/flows", "fired": 1}]
    assert await control(caller, "POST", "/__faults__", {"faults": []}) == (200, {"faults": 0})
    status, body = await control(caller, "GET", "/__ledger__")
    assert body == json.loads(json.dumps(caller.sim.ledger()))


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/__faults__", [{"fault": "explode"}]),
        ("/__control__/scheduled-run", {}),
        ("/__control__/advance", {"seconds": -1}),
        ("/__control__/scheduled-run", {"flowId": "none"}),
        ("/__control__/fail-next-run", {"outcome": "x"}),
    ],
)
async def test_control_mistakes_are_400(caller, path, body):
    status, answer = await control(caller, "POST", path, body)
    assert (status, "error" in answer) == (400, True)
    assert (await control(caller, "GET", "/__nothing__"))[0] == 404


async def test_a_world_goes_on_where_it_stopped(start, clock, tmp_path):
    path = tmp_path / "world.jsonl"
    first = await start(world=path, run_seconds=(500, 500))
    flow_id = await first.flow("f", ["a", "b"])
    clock.at += 3600
    run_id = (await first.adhoc({flow_id: ["a"]})).body["order"][0]["statusURL"].rsplit("/", 1)[1]
    await first.adhoc({flow_id: ["none"]})
    await first.get("/flows", headers={"x-sandbox-name": None})
    before, flow = first.sim.ledger(), await first.fetched("flows", flow_id)
    assert "s" * 40 not in path.read_text()  # secrets never reach the file

    second = Simulator(world=path, clock=clock, run_seconds=(500, 500))  # as after a kill: nothing was closed
    after = second.ledger()
    before["requests"]["total"] += 1  # the fetch of the flow above
    before["requests"]["byEndpoint"]["GET /flows/{id}"] = 1
    before["requests"]["byStatus"]["200"] += 1
    before["requests"]["perSecond"]["worst"] = after["requests"]["perSecond"]["worst"]
    assert after == before
    async with second as sim:
        caller = type(first)(sim, first.session)
        clock.at += 60  # the first simulator was advanced by as much
        assert await caller.fetched("flows", flow_id) == flow
        assert run_id in (await caller.adhoc({flow_id: ["a"]})).body["message"]
        new = await caller.s3_base("new")
        assert new not in path.read_text().partition(new)[0]
        clock.at += 500
        assert (await caller.fetched("runs", run_id))["metrics"]["statusSummary"]["status"] == "success"


async def test_a_scaled_clock_resumes_from_the_last_line(tmp_path, wire):
    path, real = tmp_path / "world.jsonl", wire.ManualClock(1000.0)
    async with Simulator(world=path, time_scale=100, real_clock=real) as sim:
        real.at += 10
        async with aiohttp.ClientSession() as session, session.get(sim.url + "/__health__") as response:
            assert (await response.json())["now"] == pytest.approx(2000)
    real.at += 50_000
    assert Simulator(world=path, time_scale=100, real_clock=real).now() == pytest.approx(2000)


async def test_the_same_seed_tells_the_same_story(start, wire):
    made = []
    for _ in range(2):
        caller = await start(seed=7)
        made.append([await caller.s3_base("one"), await caller.s3_base("two"), caller.sim.credentials])
    assert made[0] == made[1]
    assert made[0][2] == Simulator.credentials_of(7)


async def test_starting_again_serves_the_same_world(wire, clock):
    sim = Simulator(clock=clock)
    url = await sim.start()
    assert await sim.start() == url
    await sim.stop()
    assert await sim.start(port=int(url.rpartition(":")[2])) == url
    await sim.stop()


async def test_serve_runs_until_cancelled():
    ready = asyncio.Event()
    urls = []

    def on_ready(url):
        urls.append(url)
        ready.set()

    task = asyncio.create_task(serve(on_ready=on_ready, seed=4))
    await ready.wait()
    async with aiohttp.ClientSession() as session, session.get(urls[0] + "/__health__") as response:
        assert response.status == 200
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.parametrize(
    "options",
    [
        {"rate_limit": "fast"},
        {"patch_status": "204"},
        {"adhoc_wording": "crowd"},
        {"run_seconds": (5, 1)},
        {"default_limit": 0},
        {"time_scale": 0},
        {"seed_counts": {"cows": 1}},
    ],
)
def test_senseless_options_are_refused(options):
    with pytest.raises(ValueError):
        Simulator(**options)


async def test_others_were_here_before(start, tmp_path, clock):
    path = tmp_path / "world.jsonl"
    caller = await start(seed_counts={"flows": 25, "audiences": 2}, world=path)
    ledger = caller.sim.ledger()
    assert {kind: count for kind, count in ledger["objects"].items() if count} == {
        "connections": 2,
        "sourceConnections": 1,
        "targetConnections": 25,
        "flows": 25,
    }
    assert (sum(ledger["created"].values()), ledger["duplicates"]) == (0, [])
    flow = (await caller.get("/flows")).body["items"][0]
    audience = flow["transformations"][0]["params"]["segmentSelectors"]["selectors"][1]["value"]["id"]
    assert (await caller.adhoc({flow["id"]: [audience]})).status == 200
    again = Simulator(seed_counts={"flows": 25}, world=path, clock=clock)
    assert again.ledger()["objects"]["flows"] == 25


async def test_what_happens_before_the_start_is_kept(tmp_path, clock):
    path = tmp_path / "world.jsonl"
    sim = Simulator(seed_counts={"flows": 1}, world=path, clock=clock)
    sim.scheduled_run(sim.objects("flows")[0]["id"])
    async with sim:
        pass
    assert len(Simulator(world=path, clock=clock).ledger()["activations"]["foreign"]) == 1


SERVER = """
import asyncio, sys
from pathlib import Path
from headgate.simulator import serve
asyncio.run(serve(world=Path(sys.argv[1]), seed=9, on_ready=lambda url: print(url, flush=True)))
"""


@pytest.mark.real_time
async def test_a_killed_process_loses_nothing_it_answered(tmp_path, wire):
    path = tmp_path / "world.jsonl"
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        SERVER,
        str(path),
        stdout=asyncio.subprocess.PIPE,
    )
    url = (await process.stdout.readline()).decode().strip()
    known = Simulator.credentials_of(9)
    form = {
        "client_id": known["client_id"],
        "client_secret": known["client_secret"],
        "grant_type": "client_credentials",
        "scope": known["scopes"],
    }
    async with aiohttp.ClientSession() as session:
        async with session.post(url + "/ims/token/v3", data=form) as response:
            token = (await response.json())["access_token"]
        headers = {
            "Authorization": f"Bearer {token}",
            "x-api-key": known["client_id"],
            "x-gw-ims-org-id": known["org_id"],
            "x-sandbox-name": "dev",
        }
        made = []
        for index in range(20):
            body = connection(wire, f"c{index}")
            async with session.post(url + wire.FLOW + "/connections", json=body, headers=headers) as response:
                made.append((await response.json())["id"])
        process.kill()
        await process.wait()
    world = Simulator(world=path)
    assert [each["id"] for each in world.objects("connections")] == made
    assert world.ledger()["created"]["connections"] == 20
