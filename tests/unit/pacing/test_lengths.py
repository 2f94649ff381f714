"""Lengths of runs: learnt, kept as rows, faded, and asked by the most telling key."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.pacing.lengths import ENOUGH, MOST, STEP, Lengths


def test_nothing_is_known_at_first():
    assert Lengths().usual(("audience:a", "any")) is None
    assert not Lengths()


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=50))
def test_a_guess_is_a_step_too_long_at_most(seconds):
    lengths = Lengths()
    for one in seconds:
        lengths.learn(("k",), one)
    middle = sorted(seconds)[(len(seconds) - 1) // 2]
    assert middle <= lengths.usual(("k",)) * 1.000001
    assert lengths.usual(("k",)) <= max(1.0, middle) * STEP * 1.000001


def test_the_most_telling_key_that_is_known_says_it():
    lengths = Lengths()
    lengths.learn(("audience:a", "any"), 10.0)
    lengths.learn(("audience:b", "any"), 1000.0)
    assert 10 <= lengths.usual(("audience:a", "any")) <= 12.5
    assert lengths.usual(("audience:new", "any")) == lengths.usual(("any",))


def test_the_longest_of_many_strangers_is_longer_than_a_usual_one():
    lengths = Lengths()
    assert lengths.longest([("audience:a",)]) is None
    for seconds in range(30, 300, 2):
        lengths.learn(("any",), float(seconds))
    alone, many = lengths.longest([("audience:a",)]), lengths.longest([(f"audience:{n}",) for n in range(80)])
    assert 165 / STEP <= alone <= 165 * STEP**2
    assert 300 / STEP**2 <= many <= 300 * STEP
    lengths.learn(("audience:a", "any"), 900.0)
    assert lengths.longest([("audience:a",), ("audience:b",)]) == lengths.usual(("audience:a",))
    assert lengths.known([("audience:a",), ("audience:b",)]) == 1
    assert lengths.longest([("audience:b",)], 0.1) < alone < lengths.longest([("audience:b",)], 0.9)


def test_what_is_learnt_later_counts():
    lengths = Lengths()
    lengths.learn(("k",), 10.0)
    first = lengths.usual(("k",))
    for _ in range(3):
        lengths.learn(("k",), 500.0)
    assert first < 20 < 400 < lengths.usual(("k",))


def test_one_run_does_not_say_when_to_look():
    lengths = Lengths()
    for number in range(int(ENOUGH)):
        assert lengths.soonest(("k",)) is None, number
        lengths.learn(("k",), 100.0)
    assert 100 / STEP**2 <= lengths.soonest(("k",)) <= 100


def test_rows_say_all_and_are_read_again():
    lengths = Lengths()
    for seconds in (1.0, 30.0, 31.0, 900.0):
        lengths.learn(("k",), seconds)
    again = Lengths({"k": lengths.row("k")})
    assert again.row("k") == lengths.row("k")
    assert again.usual(("k",)) == lengths.usual(("k",))


def test_what_was_long_ago_fades():
    lengths = Lengths()
    for _ in range(400):
        lengths.learn(("k",), 1000.0)
    for _ in range(200):
        lengths.learn(("k",), 10.0)
    assert lengths.usual(("k",)) < 20
    assert sum(lengths.row("k").values()) <= MOST + 1


@pytest.mark.parametrize("row", [{}, {"x": 1.0}, {"-1": 2.0}, {"3": 0.0}, {"3": -4.0}, {"999": 1.0}])
def test_odd_rows_are_borne(row):
    lengths = Lengths({"k": row})
    lengths.usual(("k",))
    lengths.learn(("k",), 5.0)
    assert lengths.usual(("k",)) is not None


@pytest.mark.parametrize("seconds", [-1.0, float("nan"), float("inf")])
def test_what_is_no_length_is_not_learnt(seconds):
    lengths = Lengths()
    lengths.learn(("k",), seconds)
    assert "k" not in lengths
