"""When a run will be over: spans that hold what happens, in words that stay for a while."""

import pytest

from headgate.cli.eta import Ahead, Eta, Pace


@pytest.mark.parametrize(("low", "high", "said"), [
    (3, 7, "seconds left"), (14, 22, "10 to 25 s left"), (41, 44, "about 45 s left"), (0, 300, "up to 5 min left"),
    (70, 118, "70 s to 2 min left"), (700, 1500, "11 to 25 min left"), (3500, 4000, "55 min to 1 h 10 min left"),
    (4000, 5000, "1 h 05 min to 1 h 25 min left"), (12000, 20000, "3 h 15 min to 5 h 45 min left"),
])  # fmt: skip
def test_words(low, high, said):
    assert str(Eta(low, high)) == said


def pace_of(*rates):
    """So many requests a second in stretches of ten seconds; and where that leads to."""
    pace, now, sent = Pace(), 0.0, 0
    pace.add(now, sent)
    for rate in rates:
        now, sent = now + 10, sent + rate * 10
        pace.add(now, sent)
    return pace, now, sent


def test_before_anything_is_known_the_ceiling_is_the_best_that_can_be():
    assert Pace().left(Ahead(100), 0.0, 0, 50) == Eta(2.0, 4.0)


def test_a_steady_rate_leaves_no_doubt_and_an_unsteady_one_does():
    assert pace_of(50, 50, 50)[0].left(Ahead(100), 30.0, 1500, 50) == Eta(2.0, 2.0)
    assert pace_of(20, 50, 25)[0].left(Ahead(100), 30.0, 950, 50) == Eta(2.0, 5.0)


def test_the_distant_past_does_not_count():
    pace, now, sent = pace_of(1, 1, *[50] * 6)
    assert pace.left(Ahead(100), now, sent, 50) == Eta(2.0, 2.0)


def test_a_pause_is_no_rate():
    pace, now, sent = pace_of(50, 0, 0)
    assert pace.left(Ahead(100), now, sent, 50) == Eta(2.0, 2.0)


def test_more_requests_than_planned_may_go_on_being_needed():
    pace, now, sent = pace_of(50)
    pace.took(planned=100, needed=150)
    assert pace.left(Ahead(100), now, sent, 50) == Eta(2.0, 3.0)
    pace.took(planned=100, needed=10)  # most of it was there already
    assert pace.left(Ahead(100), now, sent, 50) == Eta(0.2, 2.0)


def test_holds_and_rounds_are_waited_for():
    pace, now, sent = pace_of(50)
    assert pace.left(Ahead(100, held_s=600), now, sent, 50) == Eta(600, 600)
    assert pace.left(Ahead(100, hold_s=3600), now, sent, 50) == Eta(3602, 3602)
    assert pace.left(Ahead(0, runs_s=(180, 720)), now, sent, 50) == Eta(180, 720)
