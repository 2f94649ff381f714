"""What the benchmarks hold schedules against is no more than what was possible, and is computed from what there was."""

from __future__ import annotations

import orjson
import pytest
from benchmarks.__main__ import main
from benchmarks.plans import BODY_BYTES, chains, grove
from benchmarks.scenarios.makespan import longest_way
from benchmarks.server import Desk
from benchmarks.virtual_pairs import CAP, Activated, fewest, soonest, spread_pairs
from benchmarks.virtual_runs import EPOCH_S

from headgate.exchange import Call


def test_chains_stand_behind_a_grove_and_each_link_needs_the_one_before():
    flows = grove(3)
    plan = chains(2, 5, flows)
    added = plan.jobs[len(flows.jobs) :]
    assert len(added) == 10
    assert [sum(job.needs.values()) for job in added[:2]] == [0, len(flows.jobs)]
    assert {len(orjson.dumps(job.spec.body)) for job in plan.jobs} == {BODY_BYTES}
    assert len({job.key for job in plan.jobs}) == len(plan.jobs)


def test_the_longest_way_is_the_sum_of_its_own_latencies():
    plan = chains(2, 3, grove(2))
    latencies = {job.key: 1.0 for job in plan.jobs}
    assert longest_way(plan, latencies) == 3.0
    latencies["chain 0001 link 001"] = 2.5
    latencies["source:item 000000"] = 2.0
    assert longest_way(plan, latencies) == 4.5


def test_the_server_tells_the_latencies_it_drew_by_the_name_of_the_object():
    told = []
    for _ in range(2):
        desk = Desk(0.1, spread=0.5, seed=7)
        drawn = [desk.latency_s(b'{"name":"%d"}' % number) for number in range(200)]
        rows = orjson.loads(desk.drawn().partition(b"\r\n\r\n")[2])
        assert [(name, latency) for _, latency, name in rows] == [(str(n), at) for n, at in enumerate(drawn)]
        told.append(drawn)
    assert told[0] == told[1]
    assert sorted(told[0])[100] == pytest.approx(0.1, rel=0.15)
    assert orjson.loads(desk.drawn().partition(b"\r\n\r\n")[2]) == []
    assert Desk(0.1).latency_s(b'{"name":"x"}') == 0.1


def test_pairs_differ_and_some_audiences_are_in_more_jobs_than_one():
    pairs = spread_pairs(2000, 3)
    assert len(set(pairs)) == len(pairs) == 2000
    assert spread_pairs(2000, 3) == pairs
    audiences = [audience for _, audience in pairs]
    assert max(map(audiences.count, set(audiences))) > 5 * CAP
    assert fewest(pairs) == 25
    audiences = [audience for _, audience in spread_pairs(2000, 3, 50)]
    assert set(map(audiences.count, set(audiences))) == {50}


def test_no_schedule_is_shorter_than_that_of_the_busiest_audience_or_the_rate():
    even = {(str(flow), "a"): 10.0 for flow in range(2 * CAP + 1)}
    assert soonest(even, 1, 1.0) == 30.0
    assert soonest({**even, ("x", "b"): 45.0}, 1, 1.0) == 45.0
    assert soonest(even, 100, 2.0) == 50.0
    # The longest together, the shortest together: nothing else is less.
    assert soonest({(str(flow), "a"): float(flow) for flow in range(2 * CAP)}, 1, 1.0) == 2 * CAP - 1 + CAP - 1


def test_the_platform_refuses_an_audience_that_has_a_run_in_progress():
    flows = [f"{number:08x}-0000-4000-8000-000000000000" for number in (1, 2)]
    audience = "00000000-0000-4000-8000-00000000000a"
    platform = Activated((), takes={(flow, audience): 10.0 for flow in flows})

    def ask(flow, at):
        body = {"activationInfo": {flow: [audience]}}
        return platform.perform(Call("POST", "adhoc", "/adhocrun", "POST /adhocrun", "write", body=body), at)

    ask(flows[0], 0.0)
    with pytest.raises(RuntimeError, match="in progress"):
        ask(flows[1], 9.0)
    assert ask(flows[1], 10.0).date_s == EPOCH_S + 10.0
    assert len(platform.runs) == 2


def test_a_small_activation_is_measured_in_virtual_time(capsys, tmp_path):
    main(["--only", "packing", "--scale", "0.02", "--rounds", "1", "--json", "--room", str(tmp_path)])
    jobs, schedule, *_ = orjson.loads(capsys.readouterr().out)["figures"]
    assert 1.0 <= jobs["median"] <= 1.5
    assert 1.0 <= schedule["median"] <= 1.5
    assert not list(tmp_path.iterdir())
