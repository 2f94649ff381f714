"""The items of a manifest by their names, while it is loaded."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from headgate.manifest.model import Item

_REFERENCE = re.compile(r"\$\{[^}]*\}")


def pattern_of(name: str) -> re.Pattern[str]:
    """What names can come from ``name``, whatever the references in it stand for."""
    return re.compile(".*".join(re.escape(part) for part in _REFERENCE.split(name)), re.DOTALL)


class Names(Mapping[str, "Item"]):
    """Items by name. Of those that are made again when they are asked for, only the number is kept."""

    def __init__(self) -> None:
        self._found: dict[str, Item | int] = {}
        #: Items that are not kept: the number of the first, their kind, and what makes them.
        self._series: list[tuple[int, str, Sequence[Item]]] = []
        self._next = 0

    def series(self, kind: str, items: Sequence[Item]) -> int:
        """The number of the first of ``items`` of ``kind``, which are not kept."""
        first = self._next
        self._series.append((first, kind, items))
        self._next += len(items)
        return first

    def claim(self, name: str, item: Item | int) -> Item | None:
        """Give ``name`` to an item (or to the number of one). The item that has it already, or ``None``."""
        before = self._found.setdefault(name, item)
        return None if before is item else self._item(before)

    def of(self, *kinds: str) -> Iterator[str]:
        """The names of the items of ``kinds``, in their order."""
        for name, found in self._found.items():
            if self._kind(found) in kinds:
                yield name

    def kind(self, name: str) -> str | None:
        """The kind of the item of this name, where there is one."""
        found = self._found.get(name)
        return None if found is None else self._kind(found)

    def __getitem__(self, name: str) -> Item:
        """The item of this name."""
        return self._item(self._found[name])

    def __contains__(self, name: object) -> bool:
        """Whether there is one."""
        return name in self._found

    def __iter__(self) -> Iterator[str]:
        """All names."""
        return iter(self._found)

    def __len__(self) -> int:
        """How many there are."""
        return len(self._found)

    def _kind(self, found: Item | int) -> str:
        return self._of(found)[1] if isinstance(found, int) else found.kind

    def _item(self, found: Item | int) -> Item:
        if not isinstance(found, int):
            return found
        first, _, items = self._of(found)
        return items[found - first]

    def _of(self, number: int) -> tuple[int, str, Sequence[Item]]:
        return self._series[bisect_right(self._series, number, key=lambda one: one[0]) - 1]
