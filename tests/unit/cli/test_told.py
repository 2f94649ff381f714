"""What a live page is told of a run: when it will be over, and why it goes as fast as it does."""

from dataclasses import replace

import pytest

from headgate.cli.eta import Eta
from headgate.cli.progress import Snapshot
from headgate.cli.told import Telling, told, why
from headgate.watch import Watch

PLAIN = Snapshot("spring-1", "dev", False, 60.0, 20.0, 50.0, 30, 1200, 0, 0, [], slots=100, allowed=50.0,
                 flying=[("POST /flows", 30)])  # fmt: skip


@pytest.mark.parametrize(("changes", "words"), [
    ({}, "fewer requests are ready than may leave: each waits for the answer before it"),
    ({"flying": [("POST /flows", 99)]},
     "requests are ready and leave late: an endpoint has a limit of its own, or this machine is busy"),
    ({"rate_per_s": 49.0}, "as fast as it may: --rate, or the profile, sets the limit"),
    ({"in_flight": 100}, "all 100 requests that may be under way at once are: the platform takes its time"),
    ({"flying": (), "waits": ["runs in progress: 3"]}, "nothing can be asked before what waits is over"),
    ({"flying": ()}, ""),
    ({"pace": "rate lowered to 41/s after 429", "rate_per_s": 41.0}, "rate lowered to 41/s after 429"),
    ({"stopping": "interrupted"}, "nothing new is started"),
])  # fmt: skip
def test_it_says_why_the_rate_is_what_it_is(changes, words):
    assert why(replace(PLAIN, **changes)) == words


def test_it_says_when_it_will_be_over_in_the_terminals_words():
    found = told(replace(PLAIN, left=Eta(700.0, 900.0), over_between=[1_800_000_700, 1_800_000_900], waits=("2 held",)))
    assert found["left"] == "11 to 15 min left"
    assert found["overAt"] == [1_800_000_700, 1_800_000_900]
    assert found["jobs"] == [0, 0]
    assert found["waits"] == ["2 held"]
    assert found["flying"] == [["POST /flows", 30]]
    assert (told(PLAIN)["left"], told(PLAIN)["overAt"]) == ("", [])


def test_what_is_shown_is_told():
    shown, watch = [], Watch()

    class View:
        def show(self, snapshot):
            shown.append(snapshot)

        def say(self, text):
            shown.append(text)

    view = Telling(View(), watch)
    view.show(PLAIN)
    watch.say("paused")
    assert shown == [PLAIN, "paused"]
    assert watch.now()["rate"] == PLAIN.rate
