from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.pacing import Tolerance, burst, parse_rate, parse_share


@pytest.mark.parametrize(
    ("text", "per_s"),
    [
        ("50/s", 50), ("50 / s", 50), ("3000/min", 50), ("3000/m", 50), ("3600/h", 1), ("10", 10), (10, 10),
        (0.5, 0.5), (".5/s", 0.5), ("1/Second", 1),
    ],
)  # fmt: skip
def test_rates_are_per_second(text, per_s):
    assert parse_rate(text) == pytest.approx(per_s)


@pytest.mark.parametrize(
    "text",
    ["", "fast", "0", "0/s", "-1/s", "1/day", "1/", "/s", "nan", "inf", "1e3/s", "5%", True, "٣/s", None, []],
)
def test_nonsense_is_no_rate(text):
    with pytest.raises(ValueError):
        parse_rate(text)


@pytest.mark.parametrize(
    ("text", "expected"), [("5%", Tolerance(ratio=0.05)), ("0.5 %", Tolerance(ratio=0.005)), ("10", Tolerance(count=10)), (0, Tolerance(count=0)), (10.0, Tolerance(count=10))]
)  # fmt: skip
def test_shares(text, expected):
    assert parse_share(text) == expected


@pytest.mark.parametrize("text", ["", "101%", "-1", "1.5", "five", "5%%", True, "nan"])
def test_nonsense_is_no_share(text):
    with pytest.raises(ValueError):
        parse_share(text)


def test_exactly_what_is_tolerated_is_tolerated():
    assert not parse_share("5%").exceeded(5, 100)
    assert parse_share("5%").exceeded(6, 100)
    assert not parse_share("10").exceeded(10, 20)
    assert parse_share("10").exceeded(11, 10_000)
    assert parse_share(0).exceeded(1, 1)
    assert not parse_share("0%").exceeded(0, 0)


def test_a_tolerance_is_one_or_the_other():
    for arguments in ({}, {"ratio": 0.1, "count": 1}, {"count": -1}):
        with pytest.raises(ValueError):
            Tolerance(**arguments)


@given(percent=st.integers(0, 100), hundreds=st.integers(1, 10_000))
def test_rounding_never_decides(percent, hundreds):
    """p % of n * 100 is a whole number of jobs, however p / 100 is rounded."""
    tolerance = parse_share(f"{percent}%")
    assert not tolerance.exceeded(percent * hundreds, hundreds * 100)
    assert tolerance.exceeded(percent * hundreds + 1, hundreds * 100)


def test_tolerances_read_back():
    assert [str(parse_share(text)) for text in ("5%", "10", "0.5%")] == ["5%", "10", "0.5%"]


def test_burst_is_a_twentieth_of_a_second_and_at_least_one():
    assert burst(5000) == pytest.approx(250)
    assert burst(3) == 1
