"""The limit that nobody tells: found, held, given up and found again, in virtual time."""

from __future__ import annotations

from random import Random
from statistics import mean

import pytest

from headgate.exchange import Answer, Verdict
from headgate.pacing import Found, Pacer
from headgate.pacing.lag import Lag
from headgate.simulator.limits import Bucket, Fixed, Queue, Sliding, made

from tests.unit.pacing.virtual import answer, call, limited, play

HALVED = ((50.0, 0.5), (80.0, 1.0))
#: Limit, ceiling of the client, changes, what an even client gets from second 60 to 120.
MODELS = {
    "bucket": (lambda: Bucket(50, 50), 200, (), 50),
    "3000 a minute, fixed": (lambda: Fixed(3000, 60), 200, (), 50),
    "3000 a minute, sliding": (lambda: Sliding(3000, 60), 200, (), 50),
    "50 a second, fixed": (lambda: Fixed(50, 1), 200, (), 50),
    "50, 25, 50": (lambda: Bucket(50, 50), 200, HALVED, (20 * 25 + 40 * 50) / 60),
    "bucket of 500": (lambda: Bucket(500, 500), 1000, (), 500),
}
#: Servers that the controller was not tuned with; the lowest goodput and the highest share of refusals.
OTHERS = {
    "gcra": (lambda: made("gcra", 50, 1), 200, (), 50, 0.95, 0.02),
    "bucket of 7": (lambda: Bucket(7, 7), 50, (), 7, 0.95, 0.06),
    "1000 in ten seconds, sliding": (lambda: Sliding(1000, 10), 400, (), 100, 0.93, 0.015),
    "300 in ten seconds, fixed": (lambda: Fixed(300, 10), 100, (), 30, 0.93, 0.02),
    "120, then 60": (lambda: Bucket(120, 120), 400, ((60.0, 0.5),), 60, 0.95, 0.015),
}


def test_six_limits_that_nobody_tells_are_found_and_held():
    goodput, refused = {}, {}
    for name, (make, ceiling, changes, limit) in MODELS.items():
        begin = 30 if limit == 500 else 60
        story = play(Pacer(ceiling), limited(make(), changes), 2 * begin)
        goodput[name], refused[name] = story.rate(begin, 2 * begin) / limit, story.refused
    assert mean(goodput.values()) >= 0.96, goodput
    assert min(goodput.values()) >= 0.90, goodput
    assert mean(refused.values()) <= 0.015, refused


@pytest.mark.parametrize("name", OTHERS)
def test_limits_of_other_kinds_are_found_too(name):
    make, ceiling, changes, limit, least, most = OTHERS[name]
    story = play(Pacer(ceiling), limited(make(), changes), 120)
    assert story.rate(60, 120) >= least * limit
    assert story.refused <= most


@pytest.mark.parametrize(("status", "hint"), [(429, None), (429, 1.0), (503, None), (500, None)])
def test_a_limit_that_halves_is_given_way_to_at_once(status, hint):
    serve = limited(Bucket(50, 50), ((30.0, 0.5),), status=status, hint=hint)
    pacer = Pacer(50.0)
    story = play(pacer, serve, 60)
    assert story.rate(0, 60) >= 0.90 * 37.5
    assert story.refused <= 0.02
    assert 20 <= pacer.found()[""] <= 36


def test_a_limit_that_rises_is_found_again():
    story = play(Pacer(200.0), limited(Bucket(20, 20), ((60.0, 4.0),)), 150)
    assert story.rate(100, 150) >= 0.9 * 80


def test_without_refusals_nobody_is_ever_held_back():
    pacer = Pacer(50.0)
    story = play(pacer, limited(Bucket(1e6, 1e6)), 20)
    assert 0.99 * 50 <= story.rate(1, 20) <= 1.01 * 50
    assert pacer.rate == 50.0
    assert not pacer.found()
    assert not list(pacer.told())


@pytest.mark.parametrize(("status", "share"), [(500, 0.05), (500, 0.3), (429, 0.05), (429, 0.2), (503, 0.1)])
def test_refusals_that_have_nothing_to_do_with_the_rate_do_not_slow_it_down(status, share):
    """Others use up the limit, or somebody throws dice: to ask for less would not help, and end in asking nothing."""
    rng = Random(3)
    story = play(Pacer(50.0), lambda *_: (status if rng.random() < share else 201, None, 0.0), 240)
    assert story.rate(30, 240) >= 0.85 * 50 * (1 - share)


def fault(pacer, job, at, status=500):
    pacer.leave("POST /flows", at)
    return pacer.answered(call("POST /flows"), answer(status), at, job)


def test_one_object_that_the_platform_chokes_on_slows_nobody():
    pacer = Pacer(50.0)
    for number in range(200):
        assert not fault(pacer, 7, number / 10)
        pacer.answered(call("POST /flows"), answer(201), number / 10 + 0.05, number)
    assert pacer.rate == 50.0


def test_faults_of_many_jobs_at_once_slow_everybody():
    pacer = Pacer(50.0)
    counted = [fault(pacer, job, job / 50) for job in range(8)]
    assert counted == [False, False, True, True, True, True, True, True]
    assert pacer.rate == 0.0, "nothing passes at all: one asks, now and then"
    assert fault(pacer, 9, 5.0)
    assert pacer.rate == 0.0, "it was no way through"


@pytest.mark.parametrize("status", [429, 503])
def test_what_speaks_of_the_rate_slows_everybody_at_once(status):
    pacer = Pacer(50.0)
    assert fault(pacer, 7, 1.0, status)
    assert pacer.rate < 50.0


def test_a_pause_only_ever_gets_longer():
    pacer, left = Pacer(50.0), 0.0
    for at, hint in ((0.0, 2.0), (0.1, 1.0), (0.2, 2.5), (0.3, 0.1)):
        pacer.answered(call("POST /flows"), answer(429, hint, 0.05), at)
        assert pacer.wait("GET /flows", at) >= max(left - 0.1, hint)
        left = pacer.wait("GET /flows", at)


def test_a_time_that_is_named_with_a_fault_is_kept_too():
    pacer = Pacer(50.0)
    late = Answer(Verdict.FAULT, 500, retry_after_s=2.0, elapsed_s=0.1)
    assert pacer.answered(call("POST /flows"), late, 1.0, 3)
    assert pacer.wait("GET /flows", 1.0) >= 2.0


def test_single_faults_mean_nothing():
    pacer, count = Pacer(50.0), iter(range(10**6))
    play(pacer, lambda *_: (500 if next(count) % 40 == 39 else 201, None, 0.0), 60)
    assert pacer.rate == 50.0


def test_overload_that_only_shows_in_slow_answers_is_eased():
    """A queue at the platform that takes 200 of 50 a second: all slots would end in it, for two seconds each."""
    pacer, queue = Pacer(200.0), Queue(50)
    story = play(pacer, lambda _, now: (201, None, queue.delay(now) if now > 5 else 0.0), 90)
    assert story.rate(1, 5) > 190
    took = [seconds for at, seconds in story.took if at > 40]
    assert story.rate(40, 90) >= 0.90 * 50
    assert mean(took) < 1.2, "without it each takes two seconds"


def test_a_process_of_ours_that_is_held_up_again_and_again_takes_nothing_for_overload():
    """For four seconds in every ten, answers are only taken in at the end of a second; they were there in time."""
    lag, rng, at, heap = Lag(), Random(1), 0.0, []
    for number in range(50 * 60):
        at = number / 50
        took, held = 0.1 * rng.lognormvariate(0, 0.3), at % 10 > 6
        heap.append((took, at))
        if held and number % 50:
            continue
        for usual, came in heap:
            late = at - came
            assert lag.answered("POST /flows", usual + late, 30, 100.0, at) is None
        heap.clear()
    assert lag.in_vain is None


def test_a_platform_that_is_slow_by_nature_is_not_slowed_down():
    rng = Random(5)
    story = play(Pacer(50.0), lambda *_: (201, None, rng.lognormvariate(0.7, 0.8)), 90)
    even = play(Pacer(1e6), lambda *_: (201, None, 0.0), 1, slots=1)
    assert even.seen
    assert story.rate(20, 90) >= 0.9 * min(50.0, 100 / 2.9)


def test_a_limit_of_one_endpoint_holds_only_that_endpoint():
    pacer = Pacer(60.0)
    endpoints = ("POST /flows", "POST /connections", "GET /flows")
    serve = limited(Bucket(10, 10), only="POST /flows")
    story = play(pacer, serve, 90, endpoints=endpoints)
    assert set(pacer.found()) == {"POST /flows"}
    assert 8.5 <= story.rate(30, 90, "POST /flows") <= 10.5
    assert story.rate(30, 90) >= 0.9 * 60


def test_a_limit_of_one_method_holds_only_that_method():
    pacer = Pacer(100.0)
    limit = Bucket(20, 20)

    def serve(endpoint, now):
        return (429 if endpoint.startswith("POST") and not limit.admit(now) else 201), None, 0.0

    story = play(pacer, serve, 120, endpoints=("POST /flows", "POST /connections", "GET /flows", "GET /runs"))
    assert "POST" in pacer.found()
    assert "" not in pacer.found()
    posts = story.rate(60, 120, "POST /flows") + story.rate(60, 120, "POST /connections")
    assert 0.85 * 20 <= posts <= 1.05 * 20
    assert story.rate(60, 120) >= 0.85 * 100


def test_a_common_limit_is_not_taken_for_that_of_the_busiest_endpoint():
    pacer = Pacer(100.0)
    endpoints = ("POST /flows",) * 5 + ("GET /flows",)
    play(pacer, limited(Bucket(40, 40)), 120, endpoints=endpoints)
    assert set(pacer.found()) == {""}


def test_all_brake_together_and_nothing_stampedes_after_a_pause():
    closed_until = 40.0

    def serve(_endpoint, now):
        return (429, 30.0, 0.0) if 10.0 <= now < closed_until else (201, None, 0.0)

    story = play(Pacer(50.0), serve, 60)
    during = [at for at, _, _ in story.seen if 10.6 < at < 40.0]
    assert not during, "the platform said when"
    after = [at for at, _, _ in story.seen if at >= 40.0]
    assert len([at for at in after if at < after[0] + 0.05]) == 1, "one asks first"
    assert story.worst_second(39.0) <= 53


def test_a_closed_window_is_asked_by_single_requests_until_it_opens():
    pacer = Pacer(100.0)
    story = play(pacer, lambda _e, now: ((429 if 5 < now < 35 else 201), None, 0.0), 60)
    asked = [at for at, _, _ in story.seen if 6 < at < 35]
    assert len(asked) < 30
    assert [str(change) for change in pacer.told()][0] == "rate: nothing passes after 429; asking now and then"


def test_an_outage_is_asked_by_single_requests_too():
    story = play(Pacer(100.0), lambda _e, now: ((503 if 5 < now < 35 else 201), None, 0.0), 60)
    assert len([at for at, _, _ in story.seen if 6 < at < 35]) < 30


def test_what_was_found_is_where_the_next_run_begins():
    first = Pacer(200.0)
    play(first, limited(Bucket(50, 50)), 60)
    kept, gone = first.learned()
    assert 45 <= kept[""] <= 53
    assert not gone
    second = Pacer(200.0)
    second.restore({scope: Found(per_s, 3600.0) for scope, per_s in kept.items()})
    (said,) = second.told()
    assert str(said) == f"rate begins at {kept['']:.3g}/s, which an earlier run found"
    assert second.learned() == ({}, []), "nothing new"
    story = play(second, limited(Bucket(50, 50)), 30)
    assert story.refused <= 0.02
    assert story.worst_second() <= 75


def test_what_is_a_day_old_or_above_the_ceiling_is_not_believed():
    for found in (Found(20.0, 86_401.0), Found(90.0, 1.0), Found(20.0, -99.0)):
        pacer = Pacer(50.0)
        pacer.restore({"": found})
        assert pacer.rate == 50.0
        assert pacer.learned() == ({}, []), "nor is it gone"


def test_a_limit_that_is_not_there_any_more_is_forgotten():
    pacer = Pacer(50.0)
    pacer.restore({"": Found(20.0, 60.0), "POST /flows": Found(10.0, 60.0)})
    play(pacer, limited(Bucket(1e6, 1e6)), 120)
    assert pacer.learned() == ({}, ["", "POST /flows"])
    assert pacer.rate == 50.0


def test_a_limit_of_an_endpoint_is_remembered_too():
    pacer = Pacer(50.0)
    pacer.restore({"POST /flows": Found(10.0, 10.0)})
    assert [scope for scope, _ in pacer.lanes("POST /flows")] == ["POST /flows", ""]
    assert [scope for scope, _ in pacer.lanes("GET /flows")] == [""]


def test_a_lowered_rate_is_told_in_words():
    pacer = Pacer(100.0)
    play(pacer, limited(Bucket(80, 10)), 30)
    said = [str(change) for change in pacer.told()]
    assert said[0].startswith("rate lowered to ")
    assert said[0].endswith("/s after 429")


def test_what_says_nothing_of_a_limit_changes_nothing():
    pacer = Pacer(50.0)
    for each in (
        Answer(Verdict.LOST, 0, elapsed_s=30.0),
        Answer(Verdict.NOT_SENT, 0),
        Answer(Verdict.REJECTED, 400),
        Answer(Verdict.FAULT, 408),
        Answer(Verdict.REJECTED, 0, requests=0),
    ):
        pacer.answered(call("POST /flows"), each, 1.0)
    assert pacer.rate == 50.0
    pacer.answered(call("POST /flows"), answer(429), 1.0)
    assert pacer.rate == pytest.approx(48.5)
