"""All jobs of a run as they stand, in few bytes each: only what has begun, and is not over, is an object of its own.

A job that waits for others, or for a slot, is a number in a column. One that is over is the data of its last record;
that of the latest is there as it was given, that of the others as JSON.
"""

from __future__ import annotations

from array import array
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Final

import orjson

from headgate.engine.live import Live, Over, State

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

#: In the column of states: it has begun, and its own object says how it stands.
_BEGUN: Final = len(State)
#: So many of those that ended last are not packed: who waits for them, or looks at them, comes soon.
_FRESH: Final = 16_384
_HELD, _READY = Live(), Live(state=State.READY)
_STATES: Final = tuple(State)
#: As the column has them.
_AT_HAND, _OVER = int(State.READY), int(State.SETTLED)


class Lives:
    """How each job stands, by index. Those that are ``over`` from the beginning are so for good."""

    def __init__(self, count: int, over: Mapping[int, Mapping[str, Any]]) -> None:
        #: Where each job is; :data:`_BEGUN` where an object of its own says it.
        self.states = bytearray(count)
        self._data: list[Mapping[str, Any] | bytes | None] = [None] * count
        self._begun: dict[int, Live] = {}
        #: Jobs that ended since the beginning, in that order: who looks again and again reads on.
        self.ended = array("i")
        for index, data in over.items():
            if index < count:
                self.states[index], self._data[index] = State.SETTLED, data

    def __len__(self) -> int:
        """How many there are."""
        return len(self.states)

    def __getitem__(self, index: int) -> Live:
        """The job, to be changed: it has begun from now on, if it is not over."""
        live = self._begun.get(index)
        if live is not None:
            return live
        if index < 0:
            return self[index + len(self.states)]
        state = self.states[index]
        if state == State.SETTLED:
            return self.look(index)
        live = self._begun[index] = Live(_STATES[state])
        self.states[index] = _BEGUN
        return live

    def admitted(self, index: int) -> Live | None:
        """The job, to be changed, if it waits for a slot: it has begun from now on."""
        live = self._begun.get(index)
        if live is not None:
            return live if live.state is State.READY else None
        if self.states[index] != _AT_HAND:
            return None
        live = self._begun[index] = Live(State.READY)
        self.states[index] = _BEGUN
        return live

    def __iter__(self) -> Iterator[Live]:
        """All of them, to be looked at."""
        return map(self.look, range(len(self.states)))

    def look(self, index: int) -> Live:
        """The job, to be looked at and not to be changed."""
        live = self._begun.get(index)
        if live is not None:
            return live
        data = self.settled(index)
        if data is not None:
            return Over(data)
        return _READY if self.states[index] == State.READY else _HELD

    def append(self) -> None:
        """One more, held."""
        self.states.append(State.HELD)
        self._data.append(None)

    def state(self, index: int) -> State:
        """Where the job is."""
        state = self.states[index]
        return self._begun[index].state if state == _BEGUN else _STATES[state]

    def is_over(self, index: int) -> bool:
        """Whether the job is settled."""
        return self.states[index] == _OVER

    def settled(self, index: int) -> Mapping[str, Any] | None:
        """The data of a job that is over."""
        data = self._data[index]
        if isinstance(data, bytes):
            unpacked: dict[str, Any] = orjson.loads(data)
            return unpacked
        return data

    def ready(self, index: int) -> None:
        """The job waits for a slot."""
        live = self._begun.get(index)
        if live is None:
            self.states[index] = _AT_HAND
        else:
            live.state, live.reason, live.held_until_s = State.READY, "", None

    def close(self, index: int, data: Mapping[str, Any]) -> None:
        """The job is over, as ``data`` says."""
        self._begun.pop(index, None)
        self.states[index], self._data[index] = _OVER, data
        self.ended.append(index)
        late = len(self.ended) - _FRESH
        if late > 0:
            self._pack(self.ended[late - 1])

    def _pack(self, index: int) -> None:
        try:
            packed = orjson.dumps(self._data[index])
        except orjson.JSONEncodeError:
            return  # nothing of ours: it stays as it is
        self._data[index] = bytes(memoryview(packed))  # a copy: the encoder leaves room

    def begun(self) -> list[tuple[int, Live]]:
        """Jobs that have begun and are not over, in their order."""
        return sorted(self._begun.items(), key=lambda item: item[0])

    def count(self) -> dict[State, int]:
        """How many jobs are in each state."""
        found = {state: self.states.count(state) for state in State}
        for live in self._begun.values():
            found[live.state] += 1
        return found


class Links:
    """Who waits for whom, in columns; of each job, how many it waits for, and how long the path below it is.

    Args:
        count: Jobs there are.
        linked: Those that are not over.
        edges: Of each of these, the jobs that it waits for.
        over: Of each job, whether it is over.
        path: Of each of these, its longest path, where that of those that wait for it is given.
    """

    def __init__(
        self,
        count: int,
        linked: Sequence[int],
        edges: Callable[[int], Iterable[int]],
        over: Callable[[int], bool] | None,
        path: Callable[[int, float], float],
    ) -> None:
        self.waits_for, self.priority = array("i", bytes(4 * count)), array("d", bytes(8 * count))
        waits, priority, fan = self.waits_for, self.priority, array("i", bytes(4 * count))
        for index in linked:
            own = set(edges(index))
            for edge in own:
                fan[edge] += 1
            waits[index] = len(own) if over is None else sum(1 for edge in own if not over(edge))
        self._starts = array("i", accumulate(fan, initial=0))
        self._ends = array("i", bytes(4 * self._starts[-1]))
        free, ends = self._starts[1:], self._ends
        # Edges point backwards, so one sweep is enough, and until it comes to a job, that job's place has the longest
        # path of those that wait for it.
        for index in reversed(linked):
            own_path = priority[index] = path(index, priority[index])
            for edge in set(edges(index)):
                free[edge] -= 1
                ends[free[edge]] = index
                if priority[edge] < own_path:  # noqa: PLR1730 -- a call of max costs more than all the rest
                    priority[edge] = own_path
        self._count = count
        self._more: dict[int, Sequence[int]] = {}

    def dependents(self, index: int) -> Sequence[int]:
        """The open jobs that wait for job ``index``, in their order."""
        if index < self._count:
            return self._ends[self._starts[index] : self._starts[index + 1]]
        return self._more.get(index, ())

    def append(self, priority: float, dependents: Sequence[int]) -> None:
        """One more job, for which others wait."""
        if dependents:
            self._more[len(self.priority)] = dependents
        self.priority.append(priority)
        self.waits_for.append(0)
        for dependent in dependents:
            self.waits_for[dependent] += 1
