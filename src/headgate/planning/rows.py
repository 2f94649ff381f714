"""The rows of very many items in few bytes each: columns, and names packed until they are asked for."""

from __future__ import annotations

import zlib
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from operator import eq, itemgetter
from typing import Any, Final, overload

import orjson

from headgate.planning.lines import CHUNK
from headgate.planning.model import ItemRow

#: Chunks of names that stay unpacked.
_SHELVED: Final = 32


class PackedRows(Sequence[ItemRow]):
    """Rows in the order in which they were added; each is made again when it is asked for."""

    def __init__(self, rows: Iterable[ItemRow] = ()) -> None:
        #: Entry, kind, file and roles, as they come together; which of those each row has, and its line in the file.
        self._sorts: list[tuple[str, str, str, tuple[str, ...]]] = []
        self._sort_of: dict[tuple[str, str, str, tuple[str, ...]], int] = {}
        self._sort, self._line = array("i"), array("i")
        self._jobs, self._starts = array("i"), array("i", [0])
        self._known: dict[int, Mapping[str, str]] = {}
        self._names: list[bytes] = []
        self._tail: list[str] = []
        self._shelf: dict[int, list[str]] = {}
        for row in rows:
            self.append(row)

    def append(self, row: ItemRow) -> None:
        """Add ``row``."""
        file, _, number = row.place.rpartition(":")
        if not number.isdecimal() or str(int(number)) != number or len(number) > 9:
            file, number = row.place, "-1"
        sort = row.entry, row.kind, file, tuple(row.jobs)
        found = self._sort_of.get(sort)
        if found is None:
            found = self._sort_of[sort] = len(self._sorts)
            self._sorts.append(sort)
        if row.known:
            self._known[len(self._sort)] = row.known
        self._sort.append(found)
        self._line.append(int(number))
        self._jobs.extend(row.jobs.values())
        self._starts.append(len(self._jobs))
        self._tail.append(row.item)
        if len(self._tail) == CHUNK:
            self._names.append(zlib.compress(orjson.dumps(self._tail), 1))
            self._tail = []

    def __eq__(self, other: object) -> bool:
        """Whether the same rows are in the same order."""
        return isinstance(other, Sequence) and len(self) == len(other) and all(map(eq, self, other))

    __hash__ = None  # type: ignore[assignment]

    def __len__(self) -> int:
        """How many there are."""
        return len(self._sort)

    @overload
    def __getitem__(self, index: int) -> ItemRow: ...

    @overload
    def __getitem__(self, index: slice) -> list[ItemRow]: ...

    def __getitem__(self, index: int | slice) -> ItemRow | list[ItemRow]:
        """A row, or several."""
        if isinstance(index, slice):
            return [self._made(one) for one in range(*index.indices(len(self._sort)))]
        if index < 0:
            index += len(self._sort)
        if not 0 <= index < len(self._sort):
            raise IndexError(index)
        return self._made(index)

    def __iter__(self) -> Iterator[ItemRow]:
        """All of them, one by one: none is kept."""
        return map(self._made, range(len(self._sort)))

    def names(self) -> Iterator[str]:
        """Their items' names."""
        for chunk in self._names:
            yield from orjson.loads(zlib.decompress(chunk))
        yield from self._tail

    def entries(self) -> list[str]:
        """The entry of each; equal ones are one string."""
        entries = list(map(itemgetter(0), self._sorts))
        return list(map(entries.__getitem__, self._sort))

    def _made(self, index: int) -> ItemRow:
        entry, kind, file, roles = self._sorts[self._sort[index]]
        line = self._line[index]
        jobs: dict[str, int] = dict(zip(roles, self._jobs[self._starts[index] : self._starts[index + 1]], strict=True))
        place = file if line < 0 else f"{file}:{line}"
        return ItemRow(entry, self._name(index), kind, place, jobs, self._known.get(index) or {})

    def _name(self, index: int) -> str:
        number, place = divmod(index, CHUNK)
        if number == len(self._names):
            return self._tail[place]
        names: Any = self._shelf.get(number)
        if names is None:
            if len(self._shelf) >= _SHELVED:
                del self._shelf[next(iter(self._shelf))]
            names = self._shelf[number] = orjson.loads(zlib.decompress(self._names[number]))
        return str(names[place])


def entries_of(rows: Sequence[ItemRow]) -> list[str]:
    """The entry of each row."""
    return rows.entries() if isinstance(rows, PackedRows) else [row.entry for row in rows]
