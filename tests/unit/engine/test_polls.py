"""Who waits for runs: how much longer that will be, and which share of the rate asking for them has."""

from __future__ import annotations

import pytest

from headgate.engine.polls import OVERDUE, SHARE, Polls
from headgate.exchange import Answer, Verdict
from headgate.pacing import PollPolicy
from headgate.pacing.lengths import STEP, Lengths
from headgate.workflows.contract import Await

T0 = 1_780_000_000.0
RUNS = {"r1": ("audience:a",), "r2": ("audience:b",)}


def waiting(lengths=None, rate_per_s=0.0, count=1):
    polls = Polls(PollPolicy(), lengths or Lengths(), rate_per_s, 1.0)
    for job in range(count):
        polls.wait(job, Await({f"{run}-{job}": keys for run, keys in RUNS.items()}, "", {}, T0 + 1e5, T0), 0.0, T0)
    return polls


def learnt(**seconds):
    lengths = Lengths()
    for audience, lasts in seconds.items():
        lengths.learn((f"audience:{audience}", "any"), lasts)
    return lengths


def test_where_nothing_is_known_the_guess_is_taken_and_age_counts():
    polls = waiting()
    assert polls.lasting(0, (), T0, 0.5, 180.0) == 180.0
    assert polls.lasting(0, (), T0 + 100, 0.5, 180.0) == 80.0
    assert polls.lasting(7, RUNS.values(), T0 + 100, 0.5, 180.0) == 180.0, "it has not begun"
    assert polls.lasting(7, (), T0, 0.5, 0.0) == 0.0


def test_the_longest_of_the_runs_that_are_still_open_decides():
    polls = waiting(learnt(a=600.0, b=60.0))
    assert 500 <= polls.lasting(0, (), T0 + 100, 0.5, 0.0) <= 600 * STEP - 100
    look = polls.due(100.0, T0 + 100, idle=True)
    assert look is not None
    over = {"id": "r1-0", "createdAt": T0 * 1000, "metrics": {"statusSummary": {"status": "success"}}}
    assert [found.run for found in polls.answered(0, Answer(Verdict.OK, 200, {"items": [over]}), 100.0, T0 + 100)]
    assert polls.awaits(0) == 1
    assert polls.lasting(0, (), T0 + 30, 0.5, 0.0) <= 60 * STEP - 30


def test_who_takes_longer_than_usual_goes_on_for_a_while():
    polls = waiting(learnt(a=60.0, b=60.0))
    assert polls.lasting(0, (), T0 + 1000, 0.9, 0.0) == pytest.approx(OVERDUE * 0.9 * 1000)


def test_polls_have_a_share_of_the_rate_that_there_is():
    polls = waiting(rate_per_s=50.0, count=2)
    assert polls.due(100.0, T0 + 100, idle=False) is not None
    assert polls._gap(idle=False) == pytest.approx(1 / (50 * SHARE))
    polls.rate_per_s = 5.0  # that is all that the platform takes
    assert polls._gap(idle=False) == pytest.approx(1 / (5 * SHARE))
