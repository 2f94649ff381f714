"""What the live page may do to a run of this process."""

import asyncio
from types import SimpleNamespace

import pytest

from headgate.launch import Watch
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
    watch.machine = SimpleNamespace(stopped=None)
    return Driver(watch, lambda: ["2 held"], said.append), watch.runner, said


async def test_a_pause_holds_until_it_goes_on(driven):
    driver, runner, said = driven
    driver.do("pause")
    driver.do("pause")
    await asyncio.sleep(0)
    assert len(runner.held) == 1
    assert driver.now() == {"inFlight": 7, "waits": ["2 held"], "paused": True, "stopping": ""}
    driver.do("go")
    assert not driver.now()["paused"]
    assert len(said) == 2, "the person at the terminal is told"


async def test_a_drain_ends_the_pause(driven):
    driver, runner, _ = driven
    driver.do("pause")
    driver.do("drain")
    driver.do("cancel")
    assert runner.asked == ["drain", "cancel"]
    assert not driver.now()["paused"]


async def test_before_a_run_there_is_nothing_to_pause():
    driver = Driver(Watch(), list, print)
    assert driver.run_id == ""
    assert "not begun" in driver.do("pause")
    assert driver.now() == {"inFlight": 0, "waits": [], "paused": False, "stopping": ""}


async def test_what_is_no_action_is_none(driven):
    with pytest.raises(KeyError):
        driven[0].do("close")
