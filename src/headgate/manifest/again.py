"""The items of an entry, each made again from its row when it is asked for."""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, Any

from headgate.classes import frozen
from headgate.manifest.entry_connections import ConnectionFinder
from headgate.manifest.entry_draft import EntryDraft, name_of, tags_of
from headgate.manifest.grammar import Draft
from headgate.manifest.made import Made
from headgate.manifest.model import Item
from headgate.manifest.template import fill, shared

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from headgate.manifest.connections import Built
    from headgate.manifest.references import Row
    from headgate.manifest.rows import Source


class Again(Made[Item]):
    """The items of ``rows``, which were checked: nothing is said about them any more."""

    def __init__(self, entry: EntryDraft, rows: Sequence[Row], known: Mapping[str, Built]) -> None:
        # A copy: the entry is to refer to these items.
        self._entry, self._rows = copy(entry), rows
        self._connections = ConnectionFinder(known, _nothing)
        self._desk = _Quiet(Draft(""))
        self._desk.draft.share(shared(entry.template))

    def __len__(self) -> int:
        """How many there are."""
        return len(self._rows)

    def __iter__(self) -> Iterator[Item]:
        """All of them, one by one."""
        return map(self._item, self._rows)

    def made(self, index: int) -> Item:
        """Item ``index``."""
        return self._item(self._rows[index])

    def _item(self, row: Row) -> Item:
        entry = self._entry
        raw: dict[str, Any] = fill(entry.template, row, _nothing)
        body = entry.grammar.complete(entry.own(raw), self._desk)
        self._desk.draft.notes.clear()
        connection = self._connections.find(entry, raw, row, set())
        return Item(entry.index, entry.grammar.kind, name_of(raw), body, row.place, connection, tags_of(raw) or ())


@frozen
class _Quiet:
    """What a grammar may ask that looks at nothing but an item: nothing is told."""

    draft: Draft

    def rows(self, spec: Any, key: str) -> Source:
        """Are not read."""
        raise NotImplementedError(f"{key}: {spec!r}")

    def place(self, key: str) -> str:
        """Nobody is told."""
        del key
        return ""

    def say(self, key: str, message: str, hint: str = "", place: str = "") -> None:
        """It was said when the item was made first."""


def _nothing(*_: object, **__: object) -> None:
    """It was said when the item was made first."""
