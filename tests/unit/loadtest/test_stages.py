"""Arrival schedules: the rate is what was asked for, in every stage and at every moment of it."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.loadtest.stages import Stage, arrivals, length, parse_seconds, parse_stages, spelled, starts

RATES = st.floats(0, 60, allow_nan=False).map(lambda rate: round(rate, 3))
STAGES = st.lists(st.builds(Stage, RATES, RATES, st.floats(0.05, 5).map(lambda s: round(s, 2))), min_size=1, max_size=4)


def offered(stages, until_s):
    """The integral of the rate, by definition and not by the formula that is tested."""
    found = 0.0
    for stage, begin in zip(stages, starts(stages), strict=True):
        x = min(max(until_s - begin, 0.0), stage.seconds)
        found += (
            x
            * (stage.begin_per_s + (stage.begin_per_s + (stage.end_per_s - stage.begin_per_s) * x / stage.seconds))
            / 2
        )
    return found


@given(STAGES)
def test_even_arrivals_are_never_more_than_one_away_from_the_rate(stages):
    found = arrivals(stages)
    assert len(found) == math.ceil(offered(stages, length(stages)) - 1e-6)
    for number, one in enumerate(found):
        assert offered(stages, one.at_s) == pytest.approx(number, abs=1e-3)
    assert all(first.at_s <= second.at_s + 1e-9 for first, second in pairwise(found))


@given(STAGES, st.sampled_from(["even", "poisson"]), st.integers(0, 5))
def test_arrivals_lie_in_their_stage_and_are_the_same_again(stages, spacing, seed):
    found = arrivals(stages, spacing, seed)
    begins = starts(stages)
    for one in found:
        assert begins[one.stage] - 1e-9 <= one.at_s <= begins[one.stage] + stages[one.stage].seconds + 1e-9
    assert found == arrivals(stages, spacing, seed)


def test_a_kept_rate_is_kept_to_the_millisecond():
    found = arrivals(parse_stages(["10/s:3s"]))
    assert [one.at_s for one in found] == pytest.approx([number / 10 for number in range(30)])


def test_poisson_has_the_rate_in_the_mean_and_gaps_of_chance():
    found = arrivals(parse_stages(["50/s:200s"]), "poisson", seed=3)
    assert len(found) == pytest.approx(10_000, rel=0.05)
    gaps = [after.at_s - before.at_s for before, after in pairwise(found)]
    mean = sum(gaps) / len(gaps)
    spread = math.sqrt(sum((gap - mean) ** 2 for gap in gaps) / len(gaps))
    assert spread == pytest.approx(mean, rel=0.1), "of an exponential the deviation is the mean"


def test_stages_as_they_are_written():
    stages = parse_stages(["600/min:30s", "10..50/s:1m30s", "..0/s:500ms", "0/s:2h", "1.5/s:10s"], "2/s:5s")
    assert stages == (
        Stage(2, 2, 5, warm_up=True),
        Stage(10, 10, 30),
        Stage(10, 50, 90),
        Stage(50, 0, 0.5),
        Stage(0, 0, 7200),
        Stage(1.5, 1.5, 10),
    )
    assert [str(stage) for stage in stages] == [
        "2/s:5s",
        "10/s:30s",
        "10..50/s:1m30s",
        "50..0/s:0.5s",
        "0/s:2h",
        "1.5/s:10s",
    ]
    assert parse_stages(["..5/s:2s"])[0].begin_per_s == 0, "the first comes from nothing"
    assert arrivals(parse_stages(["0/s:10s", "1/s:2s"]))[0].at_s == 10.0, "nobody arrives in a pause"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("10", "not a stage"),
        ("10/s", "not a stage"),
        ("10/d:5s", "not a stage"),
        ("-1/s:5s", "not a stage"),
        ("10/s:five", "not a duration"),
        ("10/s:0s", "above zero"),
        ("10/s:5", "not a duration"),
        ("0/s:5s", "nobody arrives"),
        ("1000/s:10m", "too many"),
    ],
)
def test_what_is_no_stage(text, said):
    with pytest.raises(ValueError, match=said):
        parse_stages([text])


@given(st.integers(1, 10**6))
def test_durations_are_read_as_they_are_spelled(tenths):
    assert parse_seconds(spelled(tenths / 10)) == pytest.approx(tenths / 10, rel=1e-3)
