"""Very many of a kind in few bytes each: sequences whose members are made when they are asked for, and not kept.

Nothing here refers to itself: what is not needed any more goes at once, whether or not anybody collects garbage.
"""

from __future__ import annotations

from abc import abstractmethod
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate, chain
from operator import eq
from typing import TypeVar, overload

One = TypeVar("One")


class Made(Sequence[One]):
    """A sequence that makes its members, equal every time."""

    @abstractmethod
    def made(self, index: int) -> One:
        """Member ``index``, which there is."""

    @overload
    def __getitem__(self, index: int) -> One: ...

    @overload
    def __getitem__(self, index: slice) -> list[One]: ...

    def __getitem__(self, index: int | slice) -> One | list[One]:
        """A member, or several."""
        if isinstance(index, slice):
            return [self.made(one) for one in range(*index.indices(len(self)))]
        if index < 0:
            index += len(self)
        if not 0 <= index < len(self):
            raise IndexError(index)
        return self.made(index)

    def __iter__(self) -> Iterator[One]:
        """All of them, one by one."""
        return map(self.made, range(len(self)))

    def __eq__(self, other: object) -> bool:
        """Whether the same members are in the same order."""
        return isinstance(other, Sequence) and len(self) == len(other) and all(map(eq, self, other))

    __hash__ = None  # type: ignore[assignment]


class Drawn(Made[One]):
    """``count`` members, each of which ``make`` makes from its index."""

    def __init__(self, count: int, make: Callable[[int], One]) -> None:
        self._count, self._make = count, make

    def __len__(self) -> int:
        """How many there are."""
        return self._count

    def made(self, index: int) -> One:
        """Member ``index``."""
        return self._make(index)


class Chained(Made[One]):
    """Sequences one after the other, as one."""

    def __init__(self, parts: Sequence[Sequence[One]]) -> None:
        self._parts = parts
        self._starts = [0, *accumulate(map(len, parts))]

    def __len__(self) -> int:
        """How many there are."""
        return self._starts[-1]

    def __iter__(self) -> Iterator[One]:
        """All of them, one by one."""
        return chain.from_iterable(self._parts)

    def made(self, index: int) -> One:
        """Member ``index``."""
        part = bisect_right(self._starts, index) - 1
        return self._parts[part][index - self._starts[part]]
