"""Changes, switches, deletions and triggers of existing flows in virtual time, through several lives of one run."""

from __future__ import annotations

from collections import Counter
from random import Random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headgate.engine.live import Rules
from headgate.engine.machine import Machine
from headgate.pacing import PollPolicy, RetryPolicy
from headgate.planning.model import Job, Plan

from tests.property.model import Trouble, live_through
from tests.property.model_flows import Flows

PATIENT = RetryPolicy(attempts=60, first_s=0.2, cap_s=2.0, budget_floor=100_000)
seeds = st.integers(0, 2**32)
#: Where each life ends: after so many records, or after so many events of the machine.
deaths = st.lists(st.integers(0, 60) | st.integers(0, 40).map(lambda events: -1 - events), max_size=5)
quick = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])

#: Adding to a list twice is not the same as once.
ADD = {"patch": [{"op": "add", "path": "/scheduleParams/notes/-", "value": "ours"}]}
SET = {"set": [["/scheduleParams/interval", 6]]}


def plan_of(rng, remote):
    """A few actions, one after the other or side by side, each on some of the flows."""
    jobs, chosen = [], {}
    names = sorted(remote.flows)
    kinds = [("flow-change", {"change": ADD}), ("flow-change", {"change": SET}), ("flow-switch", {"action": "disable"}),
             ("flow-retry", {}), ("watch", {"within": 86_400.0})]  # fmt: skip
    doomed = set(rng.sample(names, rng.randint(0, len(names) // 2)))
    rng.shuffle(kinds)
    for number, (then, told) in enumerate([*kinds, ("flow-switch", {"action": "delete"})]):
        mine = sorted(doomed) if told.get("action") == "delete" else rng.sample(names, rng.randint(1, len(names)))
        if not mine:
            continue
        # The next action waits for this one, children included, as the compiler has it.
        after = {"order": len(jobs) - 1} if jobs else {}
        spec = {"flows": [[flow, ""] for flow in mine], "property": [], "where": None, "then": then, "with": told}
        jobs.append(Job(f"{then}:{number}", "select", "select", spec, after=after))
        jobs.append(Job(f"order:{number}", "order", "order", {}, after={"order": len(jobs) - 1}))
        chosen[then, told.get("action", ""), str(told.get("change", ""))[:6]] = mine
    return Plan("m", "dev", tuple(jobs), (), (), (), "f"), chosen


@given(seeds, st.integers(1, 6), st.integers(1, 6), st.sampled_from([0.0, 0.15, 0.3]), deaths)
@quick
def test_every_action_is_done_exactly_once_whatever_dies_and_whatever_is_lost(
    seed, flows, concurrency, trouble, deaths
):
    rng = Random(seed)
    remote = Flows(rng, Trouble(trouble, at_most=2), flows, run_s=(30.0, 300.0))
    plan, chosen = plan_of(rng, remote)

    def life(past, known, at):
        rules = Rules(concurrency=concurrency, ahead=2, retry=PATIENT, poll=PollPolicy(10.0, 40.0), seed=seed)
        return Machine(plan, rules, now_s=at, at=at, past=past, known=known)

    machine, driver, _ = live_through(life, remote, rng, deaths)
    assert driver.finish is not None
    assert driver.finish.stop is None
    problems = {live.settled["problem"][1] for live in machine.live if live.settled and "problem" in live.settled}
    assert problems <= {"headgate-watched-run"}, "watched before it was triggered again, a failed run is a failure"
    wanted = Counter()
    for (then, action, change), mine in chosen.items():
        for flow in mine:
            what = {"flow-change": "change", "flow-retry": "trigger", "watch": "", "flow-switch": "switch"}[then]
            wanted["delete" if action == "delete" else what, flow] += 1
            there = remote.flows[flow]
            remote._seen(there, driver.now_s(driver.at) + 1e6)
            if change == str(ADD)[:6]:
                assert there["scheduleParams"]["notes"] == ["made by hand", "ours"]
            elif change:
                assert there["scheduleParams"]["interval"] == 6
            elif action == "disable":
                assert there["state"] == "disabled"
            elif action == "delete":
                assert "_gone" in there
    done = Counter({key: count for key, count in remote.done.items() if key[0] != "switched again"})
    assert done == Counter({key: count for key, count in wanted.items() if key[0]})
