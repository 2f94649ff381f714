"""One limit: what each answer changes."""

from __future__ import annotations

import pytest

from headgate.pacing import Seeker


def flow(seeker, rate, begin, seconds):
    """Requests that pass, answered a tenth of a second later."""
    for number in range(int(rate * seconds)):
        at = begin + number / rate
        seeker.take(at)
        seeker.passed(at, at + 0.1)


def test_before_a_refusal_nobody_waits_and_nothing_is_known():
    seeker = Seeker(50.0)
    flow(seeker, 100, 0.0, 2.0)
    assert seeker.wait(2.0) == 0.0
    assert seeker.idle
    assert seeker.found is None


def test_a_single_refusal_takes_a_little():
    seeker = Seeker(50.0)
    flow(seeker, 50, 0.0, 2.0)
    seeker.refused(2.0, 2.1)
    assert seeker.rate == pytest.approx(48.5)
    assert seeker.found == pytest.approx(48.5)
    assert seeker.wait(2.15) <= 1 / 48


def test_refusals_of_what_left_before_the_cut_cut_no_more():
    seeker = Seeker(50.0)
    flow(seeker, 50, 0.0, 2.0)
    seeker.refused(2.0, 2.1)
    flow(seeker, 50, 2.11, 1.0)
    before = seeker.rate
    seeker.refused(2.05, 3.2)
    assert seeker.rate == before


def test_a_second_refusal_stops_everybody_until_those_on_their_way_are_answered():
    seeker = Seeker(50.0)
    flow(seeker, 50, 0.0, 2.0)
    seeker.refused(2.0, 2.1)
    seeker.passed(2.01, 2.11)
    seeker.refused(2.02, 2.12)
    assert seeker.wait(2.13) == pytest.approx(0.115, abs=0.02)
    assert seeker.wait(2.30) <= 0.02
    assert seeker.rate < 40


def test_requests_leave_one_by_one_after_a_pause():
    seeker = Seeker(50.0)
    flow(seeker, 50, 0.0, 2.0)
    seeker.refused(2.0, 2.1, 1.0)
    assert seeker.wait(2.1) == pytest.approx(1.0)
    for _ in range(7):
        seeker.take(3.2)
    assert seeker.wait(3.2) > 0.0, "only a tenth of a second is made up for"


def test_when_nothing_passes_single_requests_ask_at_growing_distances():
    seeker = Seeker(50.0)
    for number in range(5):
        seeker.refused(number / 50, 0.1 + number / 50)
    assert seeker.closed
    asked, at = [], 0.2
    while at < 30.0:
        at += seeker.wait(at)
        seeker.take(at)
        asked.append(at)
        assert seeker.wait(at + 0.05) > 1.0, "one at a time"
        seeker.refused(at, at + 0.1)
        at += 0.1
    gaps = [after - before for before, after in zip(asked, asked[1:], strict=False)]
    assert gaps[0] < 0.5
    assert 4.0 < gaps[-1] <= 5.2
    seeker.take(31.0)
    seeker.passed(31.0, 31.1)
    assert not seeker.closed


def test_a_probe_that_gets_lost_does_not_stop_everything():
    seeker = Seeker(50.0)
    for number in range(5):
        seeker.refused(number / 50, 0.1 + number / 50)
    seeker.take(1.0)
    assert 0 < seeker.wait(1.1) <= 10.0
    assert seeker.wait(12.0) == 0.0


def test_an_outage_of_a_run_with_little_to_do_does_not_make_it_crawl():
    seeker = Seeker(50.0)
    flow(seeker, 0.1, 0.0, 3600.0)
    for number in range(4):
        seeker.refused(3600.0 + number / 50, 3600.1 + number / 50)
    seeker.take(3630.0)
    seeker.passed(3630.0, 3630.1)
    assert seeker.rate > 10


def test_a_rate_that_is_not_used_does_not_grow():
    seeker = Seeker(100.0, start=20.0)
    flow(seeker, 2, 0.0, 60.0)
    assert seeker.rate == pytest.approx(20.0, rel=0.02)


def test_a_rate_that_is_used_grows_until_the_ceiling():
    seeker = Seeker(100.0, start=20.0)
    at = 0.0
    while at < 60.0 and not seeker.idle:
        at += seeker.wait(at)
        seeker.take(at)
    assert seeker.rate == 100.0
    assert seeker.idle


def test_what_is_pardoned_goes_back():
    seeker = Seeker(50.0)
    seeker.refused(0.0, 0.1)
    seeker.pardon(50.0)
    assert seeker.idle
    assert seeker.found is None
