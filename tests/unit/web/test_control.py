"""What a live page may do to a run of this process."""

import math
from types import SimpleNamespace

import pytest

from headgate.watch import PAUSED, Watch
from headgate.web.control import Driver


class Runner:
    def __init__(self):
        self.flying, self.held, self.asked = 7, [], []

    def hold(self, seconds):
        self.held.append(seconds)

    def stop(self, *_):
        self.asked.append("drain")

    def cancel(self):
        self.asked.append("cancel")


@pytest.fixture
def driven():
    watch, said = Watch(), []
    watch.run, watch.runner = SimpleNamespace(id="spring-1"), Runner()
    watch.machine, watch.say = SimpleNamespace(stopped=None), said.append
    return Driver(watch), watch.runner, said


def test_a_pause_holds_until_it_goes_on(driven):
    driver, runner, said = driven
    driver.do("pause")
    driver.do("pause")
    assert runner.held == [math.inf]
    assert driver.now() == {"inFlight": 7, "paused": True, "stopping": "", "left": "", "overAt": [], "why": PAUSED}
    driver.do("go")
    driver.do("go")
    assert runner.held == [math.inf, 0.0]
    assert not driver.now()["paused"]
    assert len(said) == 2, "the person at the terminal is told"


def test_a_drain_ends_the_pause(driven):
    driver, runner, _ = driven
    driver.do("pause")
    driver.do("drain")
    assert runner.held == [math.inf, 0.0]
    driver.do("cancel")
    assert runner.asked == ["drain", "cancel"]
    assert not driver.now()["paused"]


def test_before_a_run_there_is_nothing_to_pause():
    driver = Driver(Watch())
    assert driver.run_id == ""
    assert "not begun" in driver.do("pause")
    assert driver.now() == {"inFlight": 0, "paused": False, "stopping": ""}


def test_what_is_told_of_it_is_written_for_others_too(driven):
    driver, _, _ = driven
    watch, told = driver._watch, []
    watch.journal = SimpleNamespace(tell=told.append)
    watch.tell({})
    assert told == [{"paused": False, "stopping": ""}], "nobody will say when less is on its way"
    watch.tell({"left": "seconds left"})
    driver.do("pause")
    assert told[1:] == [
        {"left": "seconds left", "inFlight": 7, "paused": False, "stopping": ""},
        {"left": "", "overAt": [], "why": PAUSED, "inFlight": 7, "paused": True, "stopping": ""},
    ]


def test_what_is_no_action_is_none(driven):
    with pytest.raises(KeyError):
        driven[0].do("close")
