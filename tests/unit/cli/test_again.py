"""What is asked for again when a run, or the rest of one, is done again."""

from __future__ import annotations

from headgate.cli.again import wishes_again
from headgate.launch import REPLACES, Wishes


def test_a_retry_asks_for_what_its_run_asked_for():
    args = {
        "rate": "20/s",
        "concurrency": 7,
        "onError": "stop",
        "tolerate": "5%",
        "refresh": True,
        REPLACES: {"f": "id"},
    }
    found = wishes_again(args, Wishes())
    assert found == Wishes("20/s", 7, "stop", "5%", refresh=True, replace=True)
    assert wishes_again({}, Wishes()) == Wishes()


def test_what_is_given_goes_before_it():
    args = {"rate": "20/s", "concurrency": 7, "onError": "stop", "tolerate": "5%"}
    given = Wishes("9/s", 1, "continue", "10", 1.8e9, resume="r-1")
    assert wishes_again(args, given) == given
