"""Aggregates of a run: right to a tenth, bounded, and the same after they were stored."""

from __future__ import annotations

import math
import random

import pytest

from headgate.engine.gauges import CHANGES, SLOTS, Histogram, Series, Steps


@pytest.mark.parametrize("share", [0.5, 0.9, 0.95, 0.99])
def test_a_percentile_is_right_to_a_tenth(share):
    rng, found = random.Random(7), Histogram()
    taken = sorted(rng.lognormvariate(math.log(0.18), 0.7) for _ in range(20_000))
    for seconds in taken:
        found.add(seconds)
    assert found.quantile(share) == pytest.approx(taken[int(share * len(taken))], rel=0.1)


def test_any_duration_has_a_bucket():
    found = Histogram()
    for seconds in (0.0, -1.0, 1e-9, 1e-4, 5.0, 1e9):
        found.add(seconds)
    assert found.total == 6
    assert found.quantile(0.0) == 0.0
    assert found.quantile(1.0) > 3600
    assert Histogram().quantile(0.5) is None


def test_a_histogram_is_the_same_after_it_was_stored():
    found = Histogram()
    for seconds in (0.01, 0.02, 0.3, 0.3):
        found.add(seconds)
    packed = found.packed()
    assert len(packed) < 25
    assert Histogram(packed).counts == found.counts
    assert Histogram(Histogram().packed()).total == 0


def test_a_series_gets_wider_and_loses_nothing():
    found = Series()
    for second in range(5000):
        found.add(second + 0.5, 3, second % 2, 0)
    assert len(found.sent) <= SLOTS
    assert found.width_s == 16.0
    assert sum(found.sent) == 15_000
    assert sum(found.throttled) == 2500
    assert set(found.sent[:-1]) == {48}
    again = Series(found.packed())
    again.add(5001, 1, 0, 1)
    assert sum(again.sent) == 15_001
    assert sum(again.troubled) == 1


def test_one_late_request_makes_no_long_list():
    found = Series()
    found.add(0.0, 1, 0, 0)
    found.add(1e6, 1, 0, 0)
    assert len(found.sent) <= SLOTS
    assert sum(found.sent) == 2


def test_a_ceiling_is_kept_where_it_changes():
    found = Steps()
    for second in range(10):
        found.set(second, 50.0 if second < 5 else 41.0)
    assert found.changes == [[0, 50.0], [5, 41.0]]
    for second in range(10, 5000):
        found.set(second, second)
    assert len(found.changes) <= CHANGES
    assert found.changes[-1] == [4999, 4999]
    assert Steps(found.changes).changes == found.changes
