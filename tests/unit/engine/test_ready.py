"""Which job goes next: priorities, turns, the longest path."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.engine.ready import Ready


def ready(priorities, *jobs):
    """A queue of ``jobs``, each ``(share, path)``, numbered in order."""
    queue = Ready(priorities)
    for number, (share, path) in enumerate(jobs):
        queue.push(number, share, path)
    return queue


def all_of(queue):
    return [queue.pop() for _ in range(queue.count)]


def test_in_a_share_the_longest_path_goes_first_and_of_equal_ones_who_waited_longest():
    assert all_of(ready([0], (0, 1.0), (0, 3.0), (0, 1.0), (0, 2.0))) == [1, 3, 0, 2]


def test_a_higher_priority_goes_first_whatever_the_path():
    assert all_of(ready([1, 0, -5], (2, 9.0), (1, 9.0), (0, 1.0), (0, 1.0))) == [2, 3, 1, 0]


def test_who_comes_with_a_higher_priority_goes_next():
    queue = ready([1, 0], (1, 1.0), (1, 1.0))
    assert queue.pop() == 0
    queue.push(7, 0, 1.0)
    assert all_of(queue) == [7, 1]


def test_who_comes_late_takes_turns_from_then_on():
    queue = ready([0, 0], *[(0, 1.0)] * 100)
    for _ in range(50):
        queue.pop()
    for number in range(100, 130):
        queue.push(number, 1, 1.0)
    late = [job >= 100 for job in all_of(queue)]
    assert sum(late[:20]) == 10, "neither waits for the other, nor makes up for what it did not ask for"


def test_who_had_nothing_to_do_does_not_make_up_for_it():
    queue = ready([0, 0], (0, 1.0), (1, 1.0))
    all_of(queue)
    for number in range(40):
        queue.push(number, 0, 1.0)
        if number % 2:
            queue.pop()
    for number in range(100, 120):
        queue.push(number, 1, 1.0)
    taken = [queue.pop() >= 100 for _ in range(20)]
    assert sum(taken) == 10


def test_nothing_to_take():
    with pytest.raises(IndexError):
        Ready([0]).pop()


@given(st.lists(st.integers(-2, 2), min_size=1, max_size=6), st.data())
def test_every_job_once_and_turns_are_even(priorities, data):
    shares = data.draw(st.lists(st.integers(0, len(priorities) - 1), max_size=60))
    queue = ready(priorities, *((share, 1.0) for share in shares))
    left, last, taken = Counter(shares), None, Counter()
    for job in all_of(queue):
        share = shares[job]
        assert priorities[share] == max(priorities[other] for other in left)
        rivals = [other for other in left if priorities[other] == priorities[share]]
        assert taken[share] == min(taken[other] for other in rivals)
        taken[share] += 1
        left[share] -= 1
        left += Counter()
        last = job
    assert not left
    assert (last is None) == (not shares)
