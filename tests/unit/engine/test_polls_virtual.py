"""A thousand runs in virtual time: what asking for them costs, how soon ends are seen, what order makes of lengths."""

from __future__ import annotations

from collections import Counter

import pytest
from benchmarks.virtual_runs import Virtual, drive, ideal, known, lasting, trials

RUNS = 1000


@pytest.fixture(scope="module")
def lasts():
    return lasting(RUNS, 1)


@pytest.fixture(scope="module")
def best(lasts):
    return ideal(lasts)


def test_a_thousand_runs_cost_few_polls_and_are_seen_to_end_at_once(lasts, best):
    found = drive(trials(RUNS), Virtual(lasts))
    assert found.per_run <= 0.4
    assert found.share <= 0.1
    assert found.lag(0.99) <= 6.0
    assert found.makespan_s / best <= 1.02
    assert Counter(found.noticed) == Counter({f"run-{n}": 1 for n in range(RUNS)})
    assert set(found.learnt) >= {f"audience:{n}" for n in range(RUNS)} | {"any"}


def test_without_a_filter_by_time_runs_are_named(lasts, best):
    found = drive(trials(RUNS), Virtual(lasts, filters=False))
    assert found.per_run <= 0.4
    assert found.makespan_s / best <= 1.02


def test_known_lengths_let_the_longest_go_first(lasts, best):
    found = drive(trials(RUNS), Virtual(lasts), lengths=known(lasts))
    assert found.makespan_s / best <= 0.88


def test_what_one_run_learnt_the_next_one_uses(lasts, best):
    from headgate.pacing.lengths import Lengths

    first = drive(trials(RUNS), Virtual(lasts))
    second = drive(trials(RUNS), Virtual(lasts, 7), lengths=Lengths(first.learnt))
    assert second.makespan_s / best <= 0.88


def test_lists_that_lag_and_omit_beside_the_runs_of_others_cost_time_and_lose_nothing():
    found = drive(trials(200), Virtual(lasting(200, 3), lag_s=20.0, omit=0.1, strangers_per_s=3.0))
    assert Counter(found.noticed) == Counter({f"run-{n}": 1 for n in range(200)})
    assert found.lag(0.5) <= 40.0


def test_polls_keep_to_their_share_of_a_slow_rate():
    found = drive(trials(100), Virtual(lasting(100, 3, 5.0, 50.0)), rate_per_s=2.0)
    assert len(found.noticed) == 100
    assert found.share <= 0.2
