"""The platform's clock as its answers tell it: hours off from ours, read in whole seconds, lied about by some."""

from __future__ import annotations

import pytest

from headgate.engine.skew import HEARD, PlatformClock

NOON = 1_781_524_800.0


def clock(scale=1.0):
    return PlatformClock(NOON, 0.0, scale)


@pytest.mark.parametrize("ahead_s", [-7200.0, 7200.0, 86400.0 * 365])
def test_the_first_date_is_believed_however_far_it_is(ahead_s):
    of = clock()
    assert not of.heard
    of.hear(1.0, NOON + ahead_s + 1.0)
    assert of.heard
    assert of.now(1.0) == pytest.approx(NOON + ahead_s + 1.0, abs=1.0)
    assert of.now(61.0) - of.now(1.0) == pytest.approx(60.0)


def test_whole_seconds_make_it_no_worse_than_a_second():
    of = clock()
    for tenth in range(200):
        of.hear(tenth / 10, float(int(NOON + 0.7 + tenth / 10)))
        assert abs(of.now(tenth / 10) - (NOON + 0.7 + tenth / 10)) <= 1.0


@pytest.mark.parametrize("lie_s", [-1.7e9, -7200.0, 7200.0, 86400.0])
@pytest.mark.parametrize("every", [3, 5])
def test_some_answers_that_lie_move_nothing(lie_s, every):
    of, off = clock(), []
    for second in range(1, 60):
        date_s = NOON + second + (lie_s if second % every == 0 else 0.0)
        of.hear(float(second), date_s)
        off.append(abs(of.now(float(second)) - (NOON + second)))
    assert max(off) <= 1.0


def test_a_first_lie_is_found_out():
    of = clock()
    of.hear(0.0, NOON + 7200)
    for second in range(1, HEARD):
        of.hear(float(second), NOON + second)
    assert of.now(10.0) == pytest.approx(NOON + 10, abs=1.0)


def test_a_clock_that_is_put_right_is_followed():
    of = clock()
    for second in range(20):
        of.hear(float(second), NOON + second + (0 if second < 10 else 7200))
    assert of.now(20.0) == pytest.approx(NOON + 7220, abs=1.0)


def test_a_fast_clock_is_read_as_exactly_as_it_can_be():
    of = clock(36_000.0)
    of.hear(0.001, NOON)
    of.hear(0.101, NOON + 3_000.0)  # the answer took its time: within half a second of ours nothing is doubted
    assert of.now(0.101) == pytest.approx(NOON + 3_000.0, abs=1.0)
