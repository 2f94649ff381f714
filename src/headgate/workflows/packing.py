"""Pack (destination, audience) pairs into the fewest ad-hoc jobs.

A job takes at most ``cap`` pairs (80: facts 4.2, trap 10). An audience's pairs stay in one job wherever they fit,
because jobs that share an audience may not overlap; an audience with more than ``cap`` pairs fills whole jobs and
leaves one remainder. That is bin packing; with sizes of at most 80 the minimum-bin-slack rule (fill each bin, from
the largest piece down, as full as a subset can) meets the Martello-Toth bound nearly always, and says so when not.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from headgate.classes import frozen

if TYPE_CHECKING:
    from collections.abc import Sequence

CAP = 80


@frozen
class Packing:
    """``jobs``: indexes into the pairs, each index once. ``bound``: no packing can have fewer jobs than this."""

    jobs: tuple[tuple[int, ...], ...]
    bound: int
    cap: int

    @property
    def minimal(self) -> bool:
        """Whether the number of jobs is proven to be the minimum."""
        return len(self.jobs) == self.bound

    @property
    def why(self) -> str:
        """In words, why there are as many jobs as there are."""
        count = len(self.jobs)
        if self.minimal:
            return f"{count} is the minimum for {sum(map(len, self.jobs))} pairs, at most {self.cap} a job"
        return (
            f"{count} jobs; at least {self.bound} are needed, and no packing with fewer was found that keeps "
            "each audience's pairs in one job"
        )


def pack(audiences: Sequence[str], cap: int = CAP) -> Packing:
    """Pack pairs given by their audience, in order.

    Args:
        audiences: The audience of pair 0, 1, 2, …
        cap: Pairs a job may hold, 1..80.

    Returns:
        Jobs in the order of their earliest pair. Cost: O(pairs) plus a small search per distinct filling.
    """
    groups: dict[str, list[int]] = {}
    for index, audience in enumerate(audiences):
        groups.setdefault(audience, []).append(index)
    full: list[tuple[int, ...]] = []
    pieces: dict[int, list[list[int]]] = {}
    for group in groups.values():
        for start in range(0, len(group), cap):
            piece = group[start : start + cap]
            if len(piece) == cap:
                full.append(tuple(piece))
            else:
                pieces.setdefault(len(piece), []).append(piece)
    sizes = Counter({size: len(found) for size, found in pieces.items()})
    fillings = min((_slack(sizes, cap), _first_fit(sizes, cap)), key=len)
    for found in pieces.values():
        found.reverse()  # taken from the end, so that the earliest audiences come into the earliest jobs
    jobs = full + [tuple(index for size in filling for index in pieces[size].pop()) for filling in fillings]
    bound = max(_bound(Counter(sizes) + Counter({cap: len(full)}), cap), -(-len(audiences) // cap))
    return Packing(tuple(sorted((tuple(sorted(job)) for job in jobs), key=lambda job: job[0])), bound, cap)


def _slack(sizes: Counter[int], cap: int) -> list[tuple[int, ...]]:
    """Fill bin after bin as full as a subset can, repeating a filling while the pieces for it last."""
    left = Counter(sizes)
    bins: list[tuple[int, ...]] = []
    while left := +left:
        largest = max(left)
        left[largest] -= 1
        filling = (largest, *_fill(cap - largest, sorted(+left, reverse=True), left))
        left[largest] += 1
        need = Counter(filling)
        times = min(left[size] // count for size, count in need.items())
        bins += [filling] * times
        for size, count in need.items():
            left[size] -= count * times
    return bins


def _fill(room: int, sizes: list[int], left: Counter[int]) -> tuple[int, ...]:
    """The fullest subset of the pieces left that fits into ``room``; large pieces preferred."""
    memo: dict[tuple[int, int], tuple[int, tuple[int, ...]]] = {}

    def best(at: int, room: int) -> tuple[int, tuple[int, ...]]:
        if room == 0 or at == len(sizes):
            return 0, ()
        if (at, room) in memo:
            return memo[at, room]
        size, found = sizes[at], (-1, ())
        result: tuple[int, tuple[int, ...]] = found
        for count in range(min(left[size], room // size), -1, -1):
            rest, chosen = best(at + 1, room - count * size)
            if rest + count * size > result[0]:
                result = (rest + count * size, (size,) * count + chosen)
            if result[0] == room:
                break
        memo[at, room] = result
        return result

    return best(0, room)[1]


def _first_fit(sizes: Counter[int], cap: int) -> list[tuple[int, ...]]:
    """First fit, largest first, by room left (a bin of each room is as good as another)."""
    by_room: dict[int, list[list[int]]] = {}
    bins: list[list[int]] = []
    for size in sorted(sizes, reverse=True):
        for _ in range(sizes[size]):
            room = min((room for room, found in by_room.items() if found and room >= size), default=0)
            if room:
                chosen = by_room[room].pop()
            else:
                chosen, room = [], cap
                bins.append(chosen)
            chosen.append(size)
            by_room.setdefault(room - size, []).append(chosen)
    return [tuple(found) for found in bins]


def _bound(sizes: Counter[int], cap: int) -> int:
    """Martello and Toth's L2: how many bins any packing needs."""
    best = -(-sum(size * count for size, count in sizes.items()) // cap)
    for small in range(cap // 2 + 1):
        alone = sum(count for size, count in sizes.items() if size > cap - small)
        halves = [(size, count) for size, count in sizes.items() if cap / 2 < size <= cap - small]
        many = sum(count for _, count in halves)
        room = many * cap - sum(size * count for size, count in halves)
        rest = sum(size * count for size, count in sizes.items() if small <= size <= cap / 2)
        best = max(best, alone + many + max(0, -(-(rest - room) // cap)))
    return best
