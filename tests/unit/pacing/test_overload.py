"""Bare 5xx answers: many jobs' are overload, one job's are not."""

from __future__ import annotations

from random import Random

from headgate.pacing.overload import CAP_S, FIRST_S, WINDOW, Overload


def test_one_broken_object_slows_nobody():
    of = Overload()
    for second in range(100):
        of.good()
        assert of.bad(7, float(second), Random(1)) == 0.0


def test_a_few_among_many_good_ones_slow_nobody():
    of, rng = Overload(), Random(1)
    for job in range(50):
        for _ in range(9):
            of.good()
        assert of.bad(job, float(job), rng) == 0.0


def test_many_jobs_at_once_are_overload_and_each_time_it_lasts_longer():
    of, rng, at, holds = Overload(), Random(1), 0.0, []
    for job in range(40):
        held = of.bad(job, at, rng)
        if held:
            holds.append(held)
            assert of.bad(job + 1000, at + held / 2, rng) == 0.0, "what was on its way says nothing new"
            at += held
        at += 0.01
    assert len(holds) > 6
    for number, held in enumerate(holds):
        ceiling = min(CAP_S, FIRST_S * 2**number)
        assert ceiling / 2 <= held <= ceiling


def test_it_is_forgotten_when_all_is_well():
    of, rng = Overload(), Random(1)
    for job in range(5):
        of.bad(job, 0.0, rng)
    for _ in range(WINDOW + 1):
        of.good()
    assert [of.bad(job, 100.0, rng) for job in range(2)] == [0.0, 0.0]
    again = [of.bad(job, 100.0, rng) for job in range(2, 6)]
    assert max(again) <= FIRST_S, "patience began anew"
