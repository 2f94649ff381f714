"""The machine against a model platform in virtual time: order, bounds, the journal's meaning, and death at any record."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from headgate.engine.events import Stop
from headgate.engine.live import Rules
from headgate.engine.machine import Machine
from headgate.exchange import Answer, Problem, Verdict
from headgate.pacing import PollPolicy, RetryPolicy
from headgate.planning.marker import marker, scope_prefix
from headgate.planning.model import Job, PairRow, Plan
from headgate.workflows.check import CheckSpec
from headgate.workflows.create import CreateSpec
from headgate.workflows.packing import pack
from headgate.workflows.selectors import SelectorsSpec

from tests.property.model import Driver, Disk, Remote, Trouble, ending, live_through

PATIENT = RetryPolicy(attempts=60, first_s=0.2, cap_s=2.0, budget_floor=100_000)
seeds = st.integers(0, 2**32)
#: Where each life ends: after so many records, or (below zero) after so many events of the machine.
deaths_of = lambda records: st.lists(st.integers(-1 - 2 * records, records), max_size=4)  # noqa: E731
quick = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def creation(index, rng, before):
    """A job that creates object ``index`` and refers to some earlier ones."""
    needs = {f"r{edge}": edge for edge in rng.sample(range(before), min(before, rng.choice([0, 0, 1, 1, 2])))}
    after = {
        f"a{edge}": edge
        for edge in rng.sample(range(before), min(before, rng.choice([0, 0, 1])))
        if edge not in needs.values()
    }
    mark = marker("dev", "m", f"job{index}")
    spec = CreateSpec(
        "connections",
        {"name": f"job{index}", "description": mark, "connectionSpec": {"id": "s", "version": "1.0"}},
        mark,
        tuple((f"refs.{role}", role) for role in needs),
        shared=rng.random() < 0.2,
    )
    return Job(
        f"job{index}", "create", "connection", spec, needs=needs, after=after, collection="connections", digest="d"
    )


def dag(rng, size):
    return Plan("m", "dev", tuple(creation(index, rng, index) for index in range(size)), (), (), (), "f")


class Dice:
    """Answers at random, some of them final refusals. It keeps what it made."""

    def __init__(self, rng, refuse=0.15, trouble=0.2):
        self.rng, self.refuse, self.remote = rng, refuse, Remote(rng, Trouble(trouble))

    def perform(self, call, at, now_s):
        if call.method == "POST" and self.rng.random() < self.refuse:
            return Answer(Verdict.REJECTED, 400, problem=Problem(400, "1400-400", "no"))
        return self.remote.perform(call, at, now_s)


@given(seeds, st.integers(1, 40), st.integers(1, 8), st.integers(0, 4))
@quick
def test_random_graphs_and_answers_keep_order_bounds_and_the_journals_meaning(seed, size, concurrency, ahead):
    """The driver asserts: order, one request a job, the in-flight bound, settled once, skips with a failed ancestor,
    and fold(records) == machine.durable() after every single event."""
    rng = Random(seed)
    plan = dag(rng, size)
    machine = Machine(plan, Rules(concurrency=concurrency, ahead=ahead, retry=PATIENT), now_s=0.0)
    driver = Driver(machine, Dice(rng), Disk(), rng)
    finish = driver.run()
    assert finish.stop is None
    assert machine.open == 0
    assert len(driver.settled) == size
    assert sum(machine.counts.values()) == size


@given(seeds, st.integers(1, 25), deaths_of(40))
@quick
def test_killed_at_any_record_every_object_is_made_exactly_once(seed, size, deaths):
    """Lost answers before and after the effect, lagging lists, a lagging journal, up to four deaths."""
    rng = Random(seed)
    plan = dag(rng, size)
    remote = Remote(rng, Trouble(0.25), list_lag_s=rng.choice([0.0, 3.0]))

    def life(past, known, at):
        return Machine(
            plan, Rules(concurrency=5, ahead=2, retry=PATIENT, seed=seed), now_s=at, at=at, past=past, known=known
        )

    machine, driver, disk = live_through(life, remote, rng, deaths)
    made = Counter(one["name"] for one in remote.objects.get("connections", []))
    assert made == Counter(job.key for job in plan.jobs)
    assert driver.finish is not None and driver.finish.stop is None
    by_name = {one["name"]: one for one in remote.objects.get("connections", [])}
    for index, job in enumerate(plan.jobs):
        settled = machine.live[index].settled
        assert settled["ending"] == "succeeded"
        assert settled["output"]["id"] == by_name[job.key]["id"]
        for role, edge in job.needs.items():
            assert by_name[job.key]["refs"][role] == by_name[plan.jobs[edge].key]["id"]
        assert disk.known[job.spec.marker][0] == by_name[job.key]["id"]


@given(seeds, st.integers(1, 20), st.integers(0, 30))
@quick
def test_a_new_run_after_a_dead_one_uses_what_exists_again(seed, size, died_at):
    """The dead run's journal is gone; what its object table says is enough."""
    rng = Random(seed)
    plan = dag(rng, size)
    remote = Remote(rng, Trouble(0.2))
    disks = []

    def life(past, known, at):
        return Machine(plan, Rules(concurrency=4, ahead=2, retry=PATIENT), now_s=at, at=at, past=None, known=known)

    disk = Disk()
    from tests.property.model import Killed

    first = Driver(life(None, {}, 0.0), remote, disk, rng, die_after=died_at)
    try:
        first.run()
    except Killed:
        pass
    fresh = Disk()
    fresh.known = dict(disk.known)
    driver = Driver(life(None, dict(fresh.known), first.at + 30), remote, fresh, rng, at=first.at + 30)
    driver.run()
    made = Counter(one["name"] for one in remote.objects.get("connections", []))
    assert made == Counter(job.key for job in plan.jobs)
    posts = Counter(call.body["name"] for _, _, call in driver.sent if call.method == "POST")
    for marked, (remote_id, _) in disk.known.items():
        job = next(job for job in plan.jobs if job.spec.marker == marked)
        if remote_id:
            assert posts[job.key] == 0, "known by id and posted again"


@given(seeds, st.integers(1, 20), st.integers(0, 30))
@quick
def test_a_new_run_that_lost_its_store_makes_nothing_a_second_time(seed, size, died_at):
    """Neither journal nor object table: the lists of the platform are all there is."""
    from headgate.workflows.listing import LISTED, ListSpec

    from tests.property.model import Killed

    rng = Random(seed)
    lists = Job("list", "list", LISTED, ListSpec("connections", (scope_prefix("dev", "m"),)))
    jobs = [lists, *dag(rng, size).jobs]
    for one in jobs[1:]:
        one.needs = {**{role: edge + 1 for role, edge in one.needs.items()}, LISTED: 0}
        one.after = {role: edge + 1 for role, edge in one.after.items()}
    plan = Plan("m", "dev", tuple(jobs), (), (), (), "f")
    remote = Remote(rng, Trouble(0.2))

    def life(at, disk, die_after=None):
        rules = Rules(concurrency=4, ahead=2, retry=PATIENT)
        return Driver(Machine(plan, rules, now_s=at, at=at), remote, disk, rng, at=at, die_after=die_after)

    first = life(0.0, Disk(), died_at)
    try:
        first.run()
    except Killed:
        pass
    life(first.at + 30, Disk()).run()
    made = Counter(one["name"] for one in remote.objects.get("connections", []))
    assert made == Counter(job.key for job in plan.jobs[1:])


@given(seeds, st.integers(2, 20), st.floats(0.05, 20.0), st.sampled_from(list(Stop)))
@quick
def test_a_stop_at_any_moment_lets_what_is_out_come_back_and_a_resume_ends_the_work(seed, size, when, reason):
    from headgate.engine.events import StopAsked

    rng = Random(seed)
    plan = dag(rng, size)
    remote = Remote(rng, Trouble(0.2))
    disk = Disk()
    machine = Machine(plan, Rules(concurrency=4, ahead=2, retry=PATIENT), now_s=0.0)
    driver = Driver(machine, remote, disk, rng)

    def stop(_):
        driver.stopped_with = len(driver.sent) + len(driver.queue)
        driver.tell(StopAsked(reason, driver.at))

    driver.stop = stop
    driver.later(when, "stop", None)
    finish = driver.run()
    if machine.open:
        assert finish.stop is reason
        assert len(driver.sent) <= driver.stopped_with, "something new was started after the stop"
    assert not driver.flying
    again = Machine(
        plan,
        Rules(concurrency=4, ahead=2, retry=PATIENT),
        now_s=driver.at,
        at=driver.at,
        past=__import__("headgate.engine.record", fromlist=["fold"]).fold(disk.records),
        known=disk.known,
    )
    Driver(again, remote, disk, rng, at=driver.at).run()
    assert Counter(one["name"] for one in remote.objects.get("connections", [])) == Counter(
        job.key for job in plan.jobs
    )


# -- ad-hoc jobs -------------------------------------------------------------------------------------------------------


def activation(rng, *, flows, audiences, cap, wait=True, young=False):
    """A plan of checks of existing flows and packed ad-hoc jobs, and the platform it runs on."""
    names = {f"aud{n}": rng.choice([f"Name {n}", "Same name", f"Name, with {n}", ""]) for n in range(audiences)}
    mapped = {f"flow{n}": rng.sample(sorted(names), rng.randint(1, audiences)) for n in range(flows)}
    pairs = [(flow, audience) for flow, found in mapped.items() for audience in found]
    rng.shuffle(pairs)
    packing = pack([audience for _, audience in pairs], cap)
    jobs = [Job(f"check:{flow}", "check", "check", CheckSpec(facts=True, flow=flow)) for flow in mapped]
    at = {flow: index for index, flow in enumerate(mapped)}
    of_pair = {}
    for number, indexes in enumerate(packing.jobs, 1):
        roles = sorted({pairs[index][0] for index in indexes})
        spec = {"pairs": [[index, *pairs[index]] for index in indexes], "version": 2, "wait": wait}
        of_pair.update(dict.fromkeys(indexes, len(jobs)))
        jobs.append(Job(f"adhoc:x:{number}", "adhoc", "adhoc", spec, after={role: at[role] for role in roles}))
    rows = tuple(PairRow("x", flow, audience, at[flow], of_pair[index]) for index, (flow, audience) in enumerate(pairs))
    return Plan("m", "dev", tuple(jobs), (), rows, (), "f"), mapped, names, pairs


def outcomes(machine):
    rows = {}
    for live in machine.live:
        for row in (live.settled or {}).get("output", {}).get("pairs", ()):
            assert row[0] not in rows, "a pair with two last words"
            rows[row[0]] = row
    return rows


class Watched(Driver):
    """Also: two jobs that share an audience never overlap between a POST and the end of its runs."""

    def launch(self, send):
        if send.call.method == "POST" and send.call.path == "/adhocrun":
            mine = {pair[2] for pair in self.machine.jobs[send.job].spec["pairs"]}
            for other, live in enumerate(self.machine.live):
                if other == send.job or live.settled is not None or self.machine.jobs[other].kind != "adhoc":
                    continue
                posted = live.phase.get("at") in ("post", "find", "runs")
                theirs = {pair[2] for pair in self.machine.jobs[other].spec["pairs"]}
                assert not (posted and mine & theirs), f"jobs {send.job} and {other} overlap on {mine & theirs}"
            for run in self.remote.runs:
                if run["ours"] and run["ends"] > self.now_s(self.at) and run["audience"] in mine:
                    # Only a job that sends again what it lost may meet a run of its own.
                    assert self.machine.live[send.job].phase.get("lost"), "posted while an earlier run was going"
        super().launch(send)


def drive_activation(
    seed, deaths, *, trouble, flows, audiences, cap, terse=False, page=100, foreign=False, shows_after_s=0.0
):
    rng = Random(seed)
    plan, mapped, names, pairs = activation(rng, flows=flows, audiences=audiences, cap=cap)
    remote = Remote(
        rng,
        Trouble(trouble),
        page=page,
        terse_order=terse,
        run_s=(20.0 + 2 * shows_after_s, 400.0),
        shows_after_s=shows_after_s,
    )
    for flow, found in mapped.items():
        remote.flow(flow, {audience: names[audience] for audience in found}, -10_000.0)
    if foreign:
        for _ in range(rng.randint(1, 3)):
            flow = rng.choice(sorted(mapped))
            remote.foreign(flow, rng.choice(mapped[flow]), 0.0, rng.uniform(10.0, 300.0))
    disk, at, deaths = Disk(), 0.0, [*deaths, None]
    from headgate.engine.record import fold
    from tests.property.model import Killed

    while True:
        die = deaths.pop(0)
        machine = Machine(
            plan,
            Rules(concurrency=6, ahead=2, retry=PATIENT, poll=PollPolicy(10.0, 40.0)),
            now_s=at,
            at=at,
            past=fold(disk.records) if disk.records else None,
        )
        driver = Watched(machine, remote, disk, rng, at=at, **ending(die, disk))
        try:
            driver.run()
            return machine, driver, remote, pairs
        except Killed:
            at = driver.at + rng.uniform(1.0, 30.0)


@given(seeds, st.integers(1, 5), st.integers(1, 6), st.integers(1, 12), st.booleans(), st.sampled_from([2, 100]))
@quick
def test_every_pair_is_activated_exactly_once_on_a_quiet_platform(seed, flows, audiences, cap, terse, page):
    machine, _, remote, pairs = drive_activation(
        seed, [], trouble=0.0, flows=flows, audiences=audiences, cap=cap, terse=terse, page=page
    )
    assert remote.activated == Counter(pairs)
    assert not remote.violations
    rows = outcomes(machine)
    assert set(rows) == set(range(len(pairs)))
    assert all(row[1] == "activated" and row[3] == "success" for row in rows.values())


@given(seeds, st.integers(1, 4), st.integers(1, 5), st.integers(1, 12))
@quick
def test_runs_of_others_are_waited_for(seed, flows, audiences, cap):
    machine, _, remote, pairs = drive_activation(
        seed, [], trouble=0.0, flows=flows, audiences=audiences, cap=cap, foreign=True
    )
    assert remote.activated == Counter(pairs)
    assert all(row[1] == "activated" for row in outcomes(machine).values())


@given(seeds, st.integers(1, 4), st.integers(1, 5), st.integers(1, 12), deaths_of(25))
@quick
def test_with_lost_answers_and_deaths_every_pair_is_activated_exactly_once(seed, flows, audiences, cap, deaths):
    machine, _, remote, pairs = drive_activation(seed, deaths, trouble=0.25, flows=flows, audiences=audiences, cap=cap)
    assert remote.activated == Counter(pairs)
    rows = outcomes(machine)
    assert set(rows) == set(range(len(pairs)))
    assert all(row[1] == "activated" for row in rows.values())


@given(seeds, st.integers(1, 4), st.integers(1, 5), st.integers(1, 12), st.floats(0.0, 150.0))
@example(142, 3, 5, 2, 54.0)
@quick
def test_with_lost_answers_and_runs_that_show_late_no_pair_is_activated_twice(
    seed, flows, audiences, cap, shows_after_s
):
    machine, _, remote, pairs = drive_activation(
        seed, [], trouble=0.3, flows=flows, audiences=audiences, cap=cap, shows_after_s=shows_after_s
    )
    assert remote.activated == Counter(pairs)
    assert all(row[1] == "activated" for row in outcomes(machine).values())
