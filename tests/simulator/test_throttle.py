"""The gateway's bucket and the sliding second."""

import pytest

from headgate.simulator.throttle import Throttle, read_rate


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("50/s", (50, 1)),
        ("3000/min", (3000, 60)),
        (7, (7, 1)),
        ("2.5", (2.5, 1)),
        (None, None),
        ("10 / s", (10, 1)),
    ],
)
def test_rates(text, rate):
    assert read_rate(text) == rate


@pytest.mark.parametrize("text", ["fast", "0/s", "-1", "5/fortnight", ""])
def test_nonsense_is_refused(text):
    with pytest.raises(ValueError, match="rate_limit"):
        read_rate(text)


def test_a_full_bucket_then_the_rate():
    throttle = Throttle("10/s")
    assert sum(throttle.admit(0.0) for _ in range(15)) == 10
    assert sum(throttle.admit(0.5) for _ in range(15)) == 5


def test_the_worst_second_slides():
    throttle = Throttle(None)
    for at in (0.0, 0.6, 0.9, 1.5, 1.55, 3.0):
        assert throttle.admit(at)
    assert throttle.worst == 4
