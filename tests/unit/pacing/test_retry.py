from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.exchange import Verdict
from headgate.pacing import RetryBudget, RetryPolicy

AGAIN = [Verdict.THROTTLED, Verdict.FAULT, Verdict.LOST, Verdict.NOT_SENT]
POLICY = RetryPolicy()


@pytest.mark.parametrize("verdict", [Verdict.OK, Verdict.REJECTED, Verdict.REFUSED])
def test_what_was_decided_is_not_asked_again(verdict):
    assert POLICY.delay(verdict, 1, None, Random(0)) is None
    assert POLICY.delay(verdict, 1, 5.0, Random(0)) is None


@given(
    verdict=st.sampled_from(AGAIN),
    attempt=st.integers(1, 100),
    hint=st.none() | st.floats(0, 86_400),
    seed=st.integers(),
    first=st.floats(0, 10),
    cap=st.floats(10, 1000),
)
def test_delays_stay_in_bounds(verdict, attempt, hint, seed, first, cap):
    policy = RetryPolicy(first_s=first, cap_s=cap)
    delay = policy.delay(verdict, attempt, hint, Random(seed))
    if attempt >= (30 if verdict is Verdict.THROTTLED else 6):
        assert delay is None
    elif hint:
        assert hint <= delay <= hint * 1.1
    else:
        assert 0 <= delay <= min(cap, first * 2.0 ** (attempt - 1))


def test_the_ceiling_doubles_up_to_the_cap():
    class High(Random):
        def random(self) -> float:
            return 1.0

    policy = RetryPolicy(attempts=20)
    waits = [policy.delay(Verdict.FAULT, attempt, None, High()) for attempt in range(1, 10)]
    assert waits == [0.5, 1, 2, 4, 8, 16, 30, 30, 30]


def test_throttling_is_borne_longer_than_failing():
    assert POLICY.delay(Verdict.FAULT, 6, None, Random(0)) is None
    assert POLICY.delay(Verdict.THROTTLED, 29, None, Random(0)) is not None
    assert POLICY.delay(Verdict.THROTTLED, 30, 1.0, Random(0)) is None
    assert RetryPolicy(attempts=40).limit(Verdict.THROTTLED) == 40


def test_a_hint_above_the_cap_is_honoured():
    assert POLICY.delay(Verdict.FAULT, 1, 120.0, Random(0)) >= 120


@pytest.mark.parametrize("hint", [0.0, -5.0, float("nan"), float("inf")])
def test_an_empty_hint_is_none(hint):
    assert 0 <= POLICY.delay(Verdict.THROTTLED, 1, hint, Random(0)) <= 0.5


@pytest.mark.parametrize(
    "wrong",
    [{"attempts": 0}, {"first_s": -1}, {"cap_s": 0.1}, {"cap_s": float("inf")}, {"budget_ratio": -1}, {"budget_floor": -1}, {"first_s": float("nan")}],
)  # fmt: skip
def test_senseless_policies_are_refused(wrong):
    with pytest.raises(ValueError):
        RetryPolicy(**wrong)


def test_the_budget_is_a_floor_and_a_share():
    budget = RetryPolicy(budget_ratio=0.2, budget_floor=2).budget()
    assert [budget.spend() for _ in range(3)] == [True, True, False]
    budget.request(10)
    assert budget.left == 2
    assert [budget.spend() for _ in range(3)] == [True, True, False]
    assert (budget.spent, budget.allowed, budget.left) == (4, 4, 0)


@given(steps=st.lists(st.booleans(), max_size=200), ratio=st.floats(0, 2), floor=st.integers(0, 20))
def test_the_budget_is_never_overdrawn(steps, ratio, floor):
    budget = RetryBudget(ratio=ratio, floor=floor)
    for retry in steps:
        if retry:
            budget.spend()
        else:
            budget.request()
        assert budget.spent <= budget.allowed
        assert budget.left >= 0
