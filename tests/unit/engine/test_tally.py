"""Counters: what was sent, over all lives of a run."""

from __future__ import annotations

import pytest

from headgate.engine.tally import Tally
from headgate.exchange import Answer, Call, Verdict

POST = Call("POST", "flow", "/flows", "POST /flows", "create")
POLL = Call("GET", "flow", "/runs", "GET /runs", "poll")


def test_answers_are_counted_by_endpoint_and_status():
    tally = Tally()
    tally.answered(POST, Answer(Verdict.OK, 201))
    tally.answered(POST, Answer(Verdict.THROTTLED, 429))
    tally.answered(POLL, Answer(Verdict.OK, 200, requests=3))
    tally.answered(POST, Answer(Verdict.LOST))
    found = tally.as_dict(1.5)
    assert (found["sent"], found["throttled"], found["polls"]) == (6, 1, 3)
    assert found["byEndpoint"] == {"GET /runs": 3, "POST /flows": 3}
    assert found["byStatus"] == {"200": 1, "201": 1, "429": 1, "lost": 1}
    assert found["seconds"] == 1.5


def test_what_was_not_sent_is_not_counted():
    tally = Tally()
    tally.answered(POST, Answer(Verdict.NOT_SENT, requests=0))
    assert tally.as_dict()["sent"] == 0


def test_a_second_life_goes_on_from_the_first():
    first = Tally()
    first.answered(POST, Answer(Verdict.OK, 201))
    first.retried = 2
    second = Tally(first.as_dict(4.0))
    second.answered(POST, Answer(Verdict.OK, 201))
    found = second.as_dict(1.0)
    assert (found["sent"], found["retried"], found["seconds"], found["byEndpoint"]) == (2, 2, 5.0, {"POST /flows": 2})


def test_counters_of_an_older_program_are_taken_as_far_as_they_go():
    assert Tally({"sent": 4}).as_dict()["sent"] == 4
    assert Tally({}).as_dict()["polls"] == 0


def test_latency_and_time_of_leaving_are_kept_over_lives():
    first = Tally()
    first.begin(1000.0)
    first.answered(POST, Answer(Verdict.OK, 201, elapsed_s=0.2), 0.1)
    first.answered(POST, Answer(Verdict.THROTTLED, 429, elapsed_s=0.01), 1.5)
    second = Tally(first.as_dict(10.0))
    second.begin(90_000.0)
    second.answered(POLL, Answer(Verdict.LOST, requests=2, elapsed_s=4.0), 0.5)
    found = second.as_dict(1.0)
    assert found["series"]["sent"] == [1, 1, *[0] * 8, 2]
    assert found["series"]["throttled"][1] == 1
    assert found["series"]["troubled"][10] == 1
    assert sum(found["latency"]["POST /flows"][1:]) == 2
    assert found["lives"] == [[0.0, 1000.0], [10.0, 90_000.0]]
    assert second.latency["GET /runs"].quantile(0.5) == pytest.approx(2.0, rel=0.1)
