"""Whose each job is: jobs of one entry go in the order of its own needs, and entries share the rate."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, Final

from headgate.classes import frozen
from headgate.planning.grown import items_of
from headgate.planning.rows import entries_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headgate.planning.model import Plan

#: The share of what several entries need, or none: it goes before all entries.
COMMON: Final = 0


@frozen
class Shares:
    """The share of each planned job (a number), and the priority of each share by its number."""

    of: Sequence[int]
    priorities: Sequence[int]


def shares(plan: Plan) -> Shares:
    """The shares of ``plan``: one for each entry, in the order of its rows, and :data:`COMMON`."""
    names: dict[str, int] = {}

    def share(entry: str) -> int:
        return names.setdefault(entry, len(names) + 1)

    of_items = array("i", list(map(share, entries_of(plan.items))))
    of = array("i", [of_items[item] if 0 <= item < len(of_items) else COMMON for item in items_of(plan.jobs)])
    for pair in plan.pairs:
        of[pair.job] = share(pair.entry)
    for row in plan.selections:
        of[row.job] = share(row.entry)
    given = plan.priorities
    most = max((given.get(name, 0) for name in names), default=0)
    return Shares(of, (most + 1, *(given.get(name, 0) for name in names)))
