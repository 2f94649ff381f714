"""Packing: every pair once, nothing over the cap, audiences together, and an honest bound."""

from __future__ import annotations

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from headgate.workflows.packing import CAP, pack
from tests.growth import grows

audiences = st.lists(st.integers(0, 12).map(str), max_size=200)
caps = st.integers(1, 80)


@given(audiences, caps)
@settings(max_examples=200, deadline=None)
def test_every_pair_is_packed_once_and_no_job_is_over_its_cap(pairs, cap):
    packing = pack(pairs, cap)
    assert sorted(index for job in packing.jobs for index in job) == list(range(len(pairs)))
    assert all(0 < len(job) <= cap for job in packing.jobs)


@given(audiences, caps)
@settings(max_examples=200, deadline=None)
def test_an_audience_is_spread_over_no_more_jobs_than_its_pairs_need(pairs, cap):
    packing = pack(pairs, cap)
    for audience, count in Counter(pairs).items():
        jobs = [job for job in packing.jobs if any(pairs[index] == audience for index in job)]
        assert len(jobs) == -(-count // cap)
        # All of its jobs but one hold nothing but this audience.
        assert sum(1 for job in jobs if {pairs[index] for index in job} != {audience}) <= 1


@given(audiences, caps)
@settings(max_examples=200, deadline=None)
def test_the_bound_is_never_above_what_was_reached_and_minimal_says_the_truth(pairs, cap):
    packing = pack(pairs, cap)
    assert -(-len(pairs) // cap) <= packing.bound <= len(packing.jobs)
    assert packing.minimal == (packing.bound == len(packing.jobs))
    assert str(len(packing.jobs)) in packing.why


@given(st.lists(st.integers(1, 8), max_size=7), st.integers(1, 8))
@settings(max_examples=150, deadline=None)
def test_the_bound_is_below_the_true_minimum_and_minimal_is_never_claimed_falsely(sizes, cap):
    """Against exhaustive search on small cases: `minimal` is a proof or it is nothing."""
    sizes = [min(size, cap) for size in sizes]
    pairs = [str(audience) for audience, size in enumerate(sizes) for _ in range(size)]
    packing = pack(pairs, cap)
    best = _fewest(sorted(sizes, reverse=True), cap)
    assert packing.bound <= best
    if packing.minimal:
        assert len(packing.jobs) == best
    assert len(packing.jobs) <= best + 1


def _fewest(sizes, cap):
    best = [len(sizes)]

    def place(at, bins):
        if len(bins) >= best[0]:
            return
        if at == len(sizes):
            best[0] = len(bins)
            return
        for index in range(len(bins)):
            if bins[index] + sizes[at] <= cap:
                place(at + 1, [*bins[:index], bins[index] + sizes[at], *bins[index + 1 :]])
        place(at + 1, [*bins, sizes[at]])

    place(0, [])
    return best[0]


@given(audiences, caps)
@settings(max_examples=100, deadline=None)
def test_the_same_pairs_are_packed_the_same_way(pairs, cap):
    assert pack(pairs, cap) == pack(list(pairs), cap)
    assert [job[0] for job in pack(pairs, cap).jobs] == sorted(job[0] for job in pack(pairs, cap).jobs)


def test_no_pairs_make_no_jobs():
    assert pack([]).jobs == ()
    assert pack([]).bound == 0


def test_six_hundred_pairs_of_the_first_run_size_meet_the_minimum():
    pairs = [f"a{n % 40}" for n in range(600)]
    packing = pack(pairs)
    assert packing.cap == CAP == 80
    assert len(packing.jobs) == 8
    assert packing.minimal


def test_one_audience_with_more_pairs_than_a_job_holds_fills_whole_jobs():
    packing = pack(["a"] * 200)
    assert sorted(map(len, packing.jobs)) == [40, 80, 80]


def test_four_times_the_pairs_are_four_times_the_work():
    assert grows(lambda size: lambda: pack([f"a{(n * n) % (size // 7)}" for n in range(size)]), 1000) < 1.3
