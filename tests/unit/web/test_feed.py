"""The states of a page: who was away for a moment gets what was missed, everybody else the whole."""

import json

from headgate.web.feed import Feed, event


def grown(feed, *values):
    for value in values:
        step = feed.step({"run": value})
        if step is not None:
            feed.take(step)
    return feed


def data(text):
    name, mark, body = text.decode().rstrip("\n").split("\n")
    return name.removeprefix("event: "), mark.removeprefix("id: "), json.loads(body.removeprefix("data: "))


def test_who_is_new_gets_the_whole_state():
    feed = grown(Feed("e"), 1, 2)
    assert feed.since("") is None
    assert data(feed.newest.whole) == ("state", "e-2", {"run": 2})


def test_who_was_away_gets_what_was_missed():
    feed = grown(Feed("e"), 1, 2, 3)
    assert [data(each) for each in feed.since("e-1")] == [
        ("delta", "e-2", {"set": {"run": 2}}), ("delta", "e-3", {"set": {"run": 3}})]  # fmt: skip
    assert feed.since("e-3") == []


def test_who_was_away_too_long_or_comes_from_another_life_gets_the_whole():
    feed = grown(Feed("e", kept=2), 1, 2, 3, 4)
    assert feed.since("e-1") is None
    assert len(feed.since("e-2")) == 2
    for mark in ("f-2", "e-5", "e-0", "e-", "e--1", "nonsense", "e-²"):
        assert feed.since(mark) is None


def test_a_state_that_is_the_same_is_no_step():
    feed = grown(Feed("e"), 1)
    assert feed.step({"run": 1}) is None
    assert feed.newest.number == 1


def test_an_empty_first_state_is_one():
    feed = Feed("e")
    feed.take(feed.step({}))
    assert feed.newest.number == 1


def test_an_event_is_one_line_whatever_is_in_it():
    assert event("x", "", {"a": "b\r\nevent: y\n\n\u2028"}).count(b"\n") == 3
