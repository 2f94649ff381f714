"""Destroys against a model platform in virtual time: order, lost answers, and death at any record."""

from __future__ import annotations

from random import Random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headgate.engine.live import Rules
from headgate.engine.machine import Machine
from headgate.pacing import RetryPolicy
from headgate.planning.marker import marker
from headgate.workflows.destroy import Relations, Target, compile_destroy

from tests.property.model import Driver, Disk, Remote, Trouble, live_through

PATIENT = RetryPolicy(attempts=60, first_s=0.2, cap_s=2.0, budget_floor=100_000)
seeds = st.integers(0, 2**32)
quick = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def world(rng, items, *, trouble=0.0):
    """Items of headgate's on shared accounts, some of them in doubt, some gone already; and a stranger's on one."""
    remote = Remote(rng, Trouble(trouble), list_lag_s=rng.choice([0.0, 3.0]))
    known, targets, chosen = Relations(), [], set()

    def add(collection, name, *uses, ours=True, shared=False):
        mark = marker("dev", "m", f"{collection}:{name}")
        made = rng.random() < 0.9
        one = {"id": remote.new_id(collection), "name": name, "uses": uses, "_at": -100.0, "state": "enabled"}
        one["description"] = mark if ours else "theirs"
        if collection in ("targetConnections", "sourceConnections"):
            one["baseConnectionId"] = uses[0]
        if made or not ours or collection == "connections":
            remote.objects.setdefault(collection, []).append(one)
        if ours:
            doubt = rng.random() < 0.1 and collection != "connections"
            targets.append(Target(mark, collection, "" if doubt else one["id"], name, mark, shared))
            chosen.add(one["id"])
            known.told.add(mark)
            marks[one["id"]] = mark
            for used in uses:
                known.use(marks[used], mark)
        return one["id"]

    marks = {}
    accounts = [add("connections", f"account {number}") for number in range(rng.randint(1, 2))]
    store = add("connections", "profile store", shared=True)
    for number in range(items):
        source = add("sourceConnections", f"item {number}", store)
        target = add("targetConnections", f"item {number}", rng.choice(accounts))
        add("flows", f"item {number}", source, target)
    used = rng.random() < 0.3
    if used:
        add("targetConnections", "theirs", store, ours=False)
    return remote, compile_destroy("m", "dev", targets, known), chosen, store if used else None


def left(remote, chosen):
    return {one["id"] for rows in remote.objects.values() for one in rows if one["id"] in chosen and "_gone" not in one}


@given(seeds, st.integers(1, 12), st.integers(1, 8), st.sampled_from([0.0, 0.3]))
@quick
def test_all_goes_in_an_order_that_nothing_refuses(seed, items, concurrency, trouble):
    rng = Random(seed)
    remote, plan, chosen, used = world(rng, items, trouble=trouble)
    machine = Machine(plan, Rules(concurrency=concurrency, retry=PATIENT), now_s=0.0)
    driver = Driver(machine, remote, Disk(), rng)
    assert driver.run().stop is None
    assert machine.open == 0
    assert remote.violations == []
    assert left(remote, chosen) == ({used} if used else set())
    assert machine.counts_failed() == 0


@given(seeds, st.integers(1, 8), st.lists(st.integers(-60, 40), min_size=1, max_size=5))
@quick
def test_killed_at_any_record_it_ends_the_same(seed, items, deaths):
    rng = Random(seed)
    remote, plan, chosen, used = world(rng, items, trouble=0.2)

    def make(past, known, at):
        return Machine(plan, Rules(concurrency=4, retry=PATIENT), now_s=at, at=at, past=past, known=known)

    machine, _, disk = live_through(make, remote, rng, deaths)
    assert machine.open == 0
    assert remote.violations == []
    assert left(remote, chosen) == ({used} if used else set())
    gone = {record.made.id for record in disk.records if record.made is not None and record.made.gone}
    assert used not in gone
    assert {job.spec.id for job in plan.jobs if job.spec.id} - gone == ({used} if used else set())
