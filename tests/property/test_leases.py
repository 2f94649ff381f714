"""Leases: no key with two holders, all or nothing, first come first served, nobody forgotten."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from headgate.engine.leases import Leases

key_sets = st.lists(st.sets(st.sampled_from("abcdef"), min_size=1, max_size=4), min_size=1, max_size=25)


class World:
    """Leases beside a plain account of who should hold what."""

    def __init__(self, wanted):
        self.leases = Leases()
        self.wanted = {job: tuple(sorted(keys)) for job, keys in enumerate(wanted)}
        self.holding: list[int] = []
        self.line: list[int] = []

    def claim(self, job):
        if self.leases.claim(job, self.wanted[job]):
            self.holding.append(job)
        else:
            self.line.append(job)
        self.check()

    def release(self, job):
        self.holding.remove(job)
        granted = self.leases.release(job)
        assert granted == [one for one in self.line if one in granted], "granted in the order they came"
        for one in granted:
            self.line.remove(one)
            self.holding.append(one)
        self.check()
        return granted

    def check(self):
        seen = {}
        for job in self.holding:
            for key in self.wanted[job]:
                assert key not in seen, f"{key} is held by {seen[key]} and {job}"
                seen[key] = job
        for job, keys in self.wanted.items():
            assert self.leases.held(job) == (keys if job in self.holding else ())
        assert len(self.leases._line) == len(self.line)
        for place, job in enumerate(self.line):
            free = not any(key in seen for key in self.wanted[job])
            first = not any(set(self.wanted[job]) & set(self.wanted[other]) for other in self.line[:place])
            assert not (free and first), f"{job} could go and was left in line"
            # Per key, first come first served: nobody holds what an earlier one in line also wants and came later.


@given(key_sets, st.randoms(use_true_random=False))
@settings(max_examples=300, deadline=None)
def test_random_claims_and_releases_keep_every_promise_and_all_are_served(wanted, rng):
    world = World(wanted)
    coming = list(world.wanted)
    rng.shuffle(coming)
    served = set()
    for _ in range(10_000):
        if not coming and not world.holding:
            break
        if coming and (not world.holding or rng.random() < 0.6):
            world.claim(coming.pop())
        else:
            job = rng.choice(world.holding)
            served.add(job)
            world.release(job)
    assert served == set(world.wanted), "somebody starved"
    assert len(world.leases._line) == 0


@given(key_sets)
@settings(max_examples=200, deadline=None)
def test_per_key_it_is_first_come_first_served(wanted):
    world = World(wanted)
    for job in world.wanted:
        world.claim(job)
    order = list(world.holding)
    while world.holding:
        order += world.release(world.holding[0])
    for key in "abcdef":
        turn = [job for job in order if key in world.wanted[job]]
        assert turn == sorted(turn), f"{key} was not served in the order of claims: {turn}"


def test_a_job_that_claims_twice_keeps_what_it_has():
    leases = Leases()
    assert leases.claim(1, ("a",))
    assert leases.claim(1, ("a",))
    assert leases.release(1) == []


def test_nothing_is_held_while_waiting():
    leases = Leases()
    assert leases.claim(1, ("a",))
    assert not leases.claim(2, ("a", "b"))
    assert leases.held(2) == ()


def test_a_latecomer_does_not_overtake_on_a_free_key_that_is_waited_for():
    """Else a job that needs many keys would never get them all."""
    leases = Leases()
    leases.claim(1, ("a",))
    leases.claim(2, ("a", "b"))
    assert not leases.claim(3, ("b",))
    assert leases.release(1) == [2]
    assert leases.release(2) == [3]


def test_unrelated_keys_are_not_held_up():
    leases = Leases()
    leases.claim(1, ("a",))
    leases.claim(2, ("a",))
    assert leases.claim(3, ("c",))


def test_forced_keys_are_held_and_released_like_any_other():
    leases = Leases()
    leases.force(7, ["a"])
    assert not leases.claim(8, ("a",))
    assert leases.release(7) == [8]


def test_a_release_that_frees_keys_of_several_serves_all_that_can_go():
    leases = Leases()
    leases.claim(1, ("a", "b"))
    leases.claim(2, ("a",))
    leases.claim(3, ("b",))
    assert leases.release(1) == [2, 3]


def test_a_job_with_no_keys_never_waits():
    assert Leases().claim(1, ())
