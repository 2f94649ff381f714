"""The circuit: what is a wall and what is not, and failed rows against tolerated ones, in all and by entry."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.exchange import Problem
from headgate.pacing import Tolerance
from headgate.pacing.circuit import Shares, Walls, sign_of

NO = Problem(403, "", "no right for this")


def refused(walls, times, problem=NO, what="flows"):
    return [walls.refused(what, problem) for _ in range(times)]


def test_the_window_th_equal_refusal_in_a_row_is_a_wall_and_says_what_it_is():
    *before, last = refused(Walls(5), 5)
    assert before == [None] * 4
    assert str(last) == "a wall: 5 times in a row the same refusal to flows, 403: no right for this"


def test_five_bad_rows_are_no_wall():
    assert not any(refused(Walls(), 5))


def test_one_success_of_its_kind_between_is_a_way_through():
    walls = Walls(5)
    for _ in range(20):
        assert not any(refused(walls, 4))
        walls.done("flows")


def test_a_success_of_another_kind_is_none():
    walls = Walls(5)
    found = []
    for _ in range(5):
        found.append(walls.refused("flows", NO))
        walls.done("sourceConnections")
    assert found[-1] is not None
    assert found[:-1] == [None] * 4


def test_different_refusals_are_no_wall():
    walls = Walls(5)
    for number in range(50):
        assert walls.refused("flows", Problem((400, 403)[number % 2], "", "no")) is None


def test_the_same_refusal_of_everything_is_one_wall():
    walls = Walls(5)
    found = [walls.refused(f"kind {number}", NO) for number in range(5)]
    assert found[-1] is not None
    assert str(found[-1]) == "a wall: 5 times in a row the same refusal, 403: no right for this"


@pytest.mark.parametrize("status", [0, 200, 302, 500, 503])
def test_what_is_nobodys_refusal_is_passed_over(status):
    walls = Walls(3)
    refused(walls, 2)
    assert not any(refused(walls, 10, Problem(status, "", "a run failed")))
    assert walls.refused("flows", NO) is not None


def test_rows_that_differ_in_their_own_words_only_are_refused_for_one_reason():
    first = Problem(400, "", 'flow "Item 1" (id 9f7d37fd-7039-4454) is bad at 12:00')
    other = Problem(400, "", 'flow "Item 20" (id aa7d37fd-7039-0000) is bad at 13:01')
    assert sign_of(first) == sign_of(other)
    assert sign_of(first) != sign_of(Problem(400, "", "the schedule is bad"))
    assert sign_of(Problem(400, "1418-400", "x")) == sign_of(Problem(400, "1418-400", "y"))
    assert sign_of(Problem(400, "1418-400", "x")) != sign_of(Problem(400, "1416-400", "x"))


@given(st.lists(st.sampled_from(["ok", "403", "400", "404"]), max_size=200), st.integers(2, 8))
def test_a_wall_is_exactly_a_streak_of_the_window(story, window):
    walls = Walls(window)
    streak, last = 0, ""
    for what in story:
        if what == "ok":
            walls.done("flows")
            streak, last = 0, ""
            continue
        streak, last = (streak + 1 if what == last else 1), what
        assert (walls.refused("flows", Problem(int(what), "", "no")) is not None) == (streak >= window)


# -- shares


def test_the_share_of_the_whole_run():
    shares = Shares(Tolerance(ratio=0.05), {"a": 100})
    shares.count("a", 5)
    assert shares.exceeded("a") == ""
    shares.count("a")
    assert shares.exceeded("a") == "6 failed, 5% tolerated"


def test_the_share_of_an_entry_is_judged_once_enough_of_its_rows_have_ended():
    shares = Shares(Tolerance(ratio=0.05), {"small": 40, "large": 10_000})
    shares.count("small", 3)
    shares.ended("small", 19)
    assert shares.exceeded("small") == ""
    shares.ended("small")
    assert shares.exceeded("small") == "3 of 40 of 'small' failed, 5% tolerated"
    assert shares.exceeded("large") == ""
    assert shares.exceeded() == ""


def test_an_entry_of_a_few_rows_is_not_judged_by_itself():
    shares = Shares(Tolerance(ratio=0.05), {"small": 10, "large": 10_000})
    shares.count("small", 3)
    shares.ended("small", 10)
    assert shares.exceeded("small") == ""


def test_a_count_is_of_the_whole_run():
    shares = Shares(Tolerance(count=3), {"a": 30, "b": 1000})
    shares.ended("a", 30)
    shares.count("a", 3)
    assert shares.exceeded("a") == ""
    shares.count("b")
    assert shares.exceeded("a") == "4 failed, 3 tolerated"


def test_rows_that_come_to_be_known_count_in_the_total():
    shares = Shares(Tolerance(ratio=0.5), {"a": 1})
    shares.more("b", 9)
    shares.count("b", 5)
    assert shares.exceeded("b") == ""
    shares.count("b")
    assert shares.exceeded("b")


def test_without_a_tolerance_everything_is():
    shares = Shares(None, {"a": 1})
    shares.count("a", 100)
    assert shares.exceeded("a") == ""
    assert shares.failed == 100
