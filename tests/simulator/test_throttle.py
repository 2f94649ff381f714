"""The gateway's bucket and the sliding second."""

import aiohttp
import pytest

from headgate.simulator import Simulator
from headgate.simulator.throttle import Throttle, read_rate


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("50/s", (50, 1)),
        ("3000/min", (3000, 60)),
        (7, (7, 1)),
        ("2.5", (2.5, 1)),
        (None, None),
        ("10 / s", (10, 1)),
    ],
)
def test_rates(text, rate):
    assert read_rate(text) == rate


@pytest.mark.parametrize("text", ["fast", "0/s", "-1", "5/fortnight", ""])
def test_nonsense_is_refused(text):
    with pytest.raises(ValueError, match="rate_limit"):
        read_rate(text)


def test_a_full_bucket_then_the_rate():
    throttle = Throttle("10/s")
    assert sum(throttle.admit(0.0) for _ in range(15)) == 10
    assert sum(throttle.admit(0.5) for _ in range(15)) == 5


def test_the_worst_second_slides():
    throttle = Throttle(None)
    for at in (0.0, 0.6, 0.9, 1.5, 1.55, 3.0):
        assert throttle.admit(at)
    assert throttle.worst == 4


def count(throttle, times):
    return sum(throttle.admit(at) for at in times)


def test_a_fixed_window_begins_anew_however_it_was_used():
    throttle = Throttle("10/s", "fixed")
    assert count(throttle, [0.0] * 15) == 10
    assert count(throttle, [0.99] * 5) == 0
    assert count(throttle, [1.0] * 15) == 10


def test_a_sliding_window_lets_through_what_has_left_it():
    throttle = Throttle("10/s", "sliding")
    assert count(throttle, [0.0] * 5 + [0.5] * 15) == 10
    assert count(throttle, [1.0] * 15) == 5
    assert count(throttle, [1.4] * 15) == 0
    assert count(throttle, [1.5] * 15) == 5


def test_a_gcra_wants_requests_one_by_one():
    throttle = Throttle("50/s", "gcra")
    assert count(throttle, [0.0] * 50) == 5
    assert count(throttle, [0.1 + number / 50 for number in range(100)]) == 100


def test_a_bucket_holds_what_it_is_told_to_hold():
    assert count(Throttle("50/s", burst=20), [0.0] * 50) == 20


@pytest.mark.parametrize("model", ["bucket", "fixed", "sliding", "gcra"])
def test_a_limit_that_halves_lets_half_of_it_through(model):
    throttle = Throttle("50/s", model, changes=[(10.0, 0.5), (20.0, 1.0)])
    passed = [at / 200 for at in range(6000) if throttle.admit(at / 200)]
    rates = [sum(1 for at in passed if low < at <= low + 8) / 8 for low in (2, 12, 22)]
    assert rates == pytest.approx([50, 25, 50], rel=0.05)


def test_an_unknown_model_is_refused():
    with pytest.raises(ValueError, match="limit_model"):
        Throttle("50/s", "leaky")


@pytest.mark.parametrize(
    ("setting", "match"),
    [
        ({"limit_model": "leaky"}, "limit_model"),
        ({"limit_status": 418}, "limit_status"),
        ({"limit_changes": [(3.0, 0.0)]}, "limit_changes"),
    ],
)
def test_limits_that_make_no_sense_are_refused(setting, match):
    with pytest.raises(ValueError, match=match):
        Simulator(rate_limit="50/s", **setting)


@pytest.mark.parametrize(("status", "hint"), [(429, "1"), (503, "1"), (500, None)])
async def test_a_limit_is_answered_as_it_is_told_to_be(status, hint):
    async with (
        Simulator(rate_limit="1/s", limit_status=status) as platform,
        aiohttp.ClientSession() as session,
    ):
        answers = [await session.get(f"{platform.url}/data/foundation/flowservice/flows") for _ in range(2)]
    assert answers[1].status == status
    assert answers[1].headers.get("Retry-After") == hint
