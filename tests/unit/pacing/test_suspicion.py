"""Faults that mean the rate, and faults that do not."""

from __future__ import annotations

from headgate.pacing.suspicion import Meaning, Suspicion


def live(suspicion, faults, begin=0.0, rate=50.0):
    """Answers fifty a second; which of them counted as refusals, and whether it was innocent in the end."""
    counted, innocent = [], False
    for number, fault in enumerate(faults):
        now = begin + number / 50
        if fault:
            counted.append(suspicion.fault(rate, now))
        else:
            suspicion.passed(rate, now)
        innocent = suspicion.innocent(rate, now) or innocent
    return counted, innocent


def test_two_faults_are_not_many():
    suspicion = Suspicion()
    counted, _ = live(suspicion, [True] + [False] * 30 + [True, False, True] + [False] * 30)
    assert counted == [False, False, False]


def test_faults_that_go_with_the_rate_mean_it():
    suspicion = Suspicion()
    counted, innocent = live(suspicion, [False, True] * 10 + [False] * 300)
    assert counted[:3] == [False, False, True]
    assert not innocent
    assert suspicion.meaning is Meaning.RATE
    assert suspicion.fault(50.0, 100.0), "each one, from now on"


def test_faults_that_stay_are_about_something_else():
    suspicion = Suspicion()
    _, innocent = live(suspicion, [False, False, True] * 120)
    assert innocent
    assert suspicion.meaning is Meaning.OTHER
    assert not suspicion.fault(50.0, 100.0)


def test_far_more_of_them_are_tried_again():
    suspicion = Suspicion()
    live(suspicion, [False] * 9 + [True] + [False] * 9 + [True, True, True] + ([False] * 9 + [True]) * 30)
    assert suspicion.meaning is Meaning.OTHER
    live(suspicion, [True] * 20, 100.0)
    assert suspicion.meaning is Meaning.TRIED


def test_what_another_endpoint_has_shown_holds_at_once():
    assert Suspicion().fault(50.0, 1.0, known=True)


def test_a_rate_that_falls_and_falls_while_faults_stay_is_given_back():
    suspicion = Suspicion()
    live(suspicion, [False, True] * 10 + [False] * 300)
    _, innocent = live(suspicion, ([False] * 14 + [True]) * 24, 100.0, rate=15.0)
    assert innocent
    assert suspicion.rate_then == 50.0


def test_what_is_refused_on_the_way_down_to_a_limit_means_the_rate():
    suspicion = Suspicion(Meaning.RATE, 50.0)
    _, innocent = live(suspicion, [False, True] * 15)
    for rate, share in ((18.0, 4), (11.0, 6), (7.0, 50)):
        _, way = live(suspicion, ([False] * (share - 1) + [True]) * (80 // share + 1), 10.0, rate)
        innocent = innocent or way
    assert not innocent


def test_one_job_that_is_refused_again_and_again_slows_nobody():
    suspicion = Suspicion()
    for number in range(100):
        assert not suspicion.fault(50.0, number / 50, of=7)


def test_during_a_trial_the_rate_has_a_floor():
    suspicion = Suspicion()
    assert suspicion.floor == 0.0
    live(suspicion, [False, True] * 4)
    assert suspicion.meaning is Meaning.TRIED
    assert suspicion.floor == 5.0
