from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from headgate.pacing import Brake

TIMES = st.floats(-1e9, 1e9)


def test_a_new_brake_holds_nobody():
    assert Brake().remaining(0.0) == 0.0


def test_it_holds_as_long_as_it_was_told():
    brake = Brake()
    brake.hold(100.0, 5.0)
    assert brake.remaining(102.0) == 3.0
    assert brake.remaining(105.0) == 0.0


def test_a_shorter_hold_does_not_shorten_a_longer_one():
    brake = Brake()
    brake.hold(100.0, 60.0)
    brake.hold(101.0, 1.0)
    assert brake.remaining(101.0) == 59.0


@given(holds=st.lists(st.tuples(TIMES, st.floats())), now=TIMES)
def test_what_remains_is_never_negative_and_holds_only_lengthen(holds, now):
    brake = Brake()
    before = 0.0
    for at, seconds in holds:
        brake.hold(at, seconds)
        assert brake.remaining(now) >= before >= 0.0
        before = brake.remaining(now)
