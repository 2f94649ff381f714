from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.pacing import PollPolicy


def test_waits_grow_to_the_cap():
    assert [PollPolicy().wait(polls) for polls in range(5)] == [30, 45, 67.5, 101.25, 120]


@given(
    first=st.floats(0.001, 100),
    extra=st.floats(0, 1e6),
    factor=st.floats(1, 100),
    polls=st.integers(0, 10**9),
)
def test_waits_stay_between_first_and_cap(first, extra, factor, polls):
    policy = PollPolicy(first, first + extra, factor)
    assert first <= policy.wait(polls) <= first + extra
    assert policy.wait(polls) <= policy.wait(polls + 1)


@pytest.mark.parametrize("wrong", [(0, 1, 1), (2, 1, 1), (1, 2, 0.5), (1, float("inf"), 2), (1, 2, float("inf"))])
def test_senseless_policies_are_refused(wrong):
    with pytest.raises(ValueError):
        PollPolicy(*wrong)
