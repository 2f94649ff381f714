"""How much work something is, in calls made and lines of Python run: the same on every machine, however busy."""

import sys
from collections.abc import Callable
from typing import Any


def work(what: Callable[[], Any]) -> int:
    """Lines and calls of Python code that ``what`` runs through."""
    count = 0

    def trace(_frame: Any, _event: str, _arg: Any) -> Any:
        nonlocal count
        count += 1
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        what()
    finally:
        sys.settrace(before)
    return count


def grows(what: Callable[[int], Callable[[], Any]], size: int, times: int = 4) -> float:
    """How many times as much work ``times`` as large a case is, divided by ``times``: 1 is linear.

    ``what(size)`` prepares a case and returns what is to be measured.
    """
    small, large = what(size), what(size * times)
    return work(large) / work(small) / times
