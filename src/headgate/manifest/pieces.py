"""From the rows of an entry to its items, and everything that can be said about each of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from headgate.catalogue.schema import type_name
from headgate.manifest.again import Again
from headgate.manifest.entry_connections import ConnectionFinder
from headgate.manifest.entry_draft import EntryDraft, Piece, name_of, tags_of
from headgate.manifest.keys import Path, key_path, value_at
from headgate.manifest.model import Item
from headgate.manifest.names import pattern_of
from headgate.manifest.references import UNRESOLVED, Row
from headgate.manifest.template import depends_on_row, fill, shared

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from headgate.catalogue import Finding
    from headgate.manifest.connections import Built
    from headgate.manifest.desk import Desk
    from headgate.manifest.grammar import Draft
    from headgate.manifest.problems import Problems

#: Items that stay as they are, of all entries together: that is quicker. The others are checked and let go, and each is
#: made again from its row when the plan asks for it.
PLENTY: Final = 16_384


class Pieces:
    """Makes and checks the items of one entry after the other."""

    def __init__(self, desk: Desk, known: Mapping[str, Built]) -> None:
        self._desk = desk
        self._known = known
        self._connections = ConnectionFinder(known, desk.tell)
        self._kept = 0

    def read(self, entry: EntryDraft, rows: Sequence[Row], *, real: bool) -> None:
        """Make the items of ``rows``. What looks at nothing else is checked at once, and told in its turn."""
        draft = self._desk.draft
        draft.share(shared(entry.template))
        if not entry.grammar.alone:
            for row in rows:
                entry.pieces.append(self._piece(entry, row, real=real))
                self._enter(entry, entry.pieces[-1])
            return
        items: list[Item] = []
        first: int | None = None
        if real and self._kept + len(rows) > PLENTY:
            entry.items = Again(entry, rows, self._known)
            first = draft.by_name.series(entry.grammar.kind, entry.items)
        elif real:
            entry.items = items
            self._kept += len(rows)
        # What is noted while an item is completed is for its own check alone: it is known by objects that go.
        notes, draft.notes = draft.notes, {}
        for index, row in enumerate(rows):
            piece = self._piece(entry, row, real=real)
            self._enter(entry, piece, None if first is None else first + index)
            self._check(entry, piece, draft)
            draft.notes.clear()
            if first is None:
                items.append(piece.item)
        draft.notes = notes

    def check(self, entry: EntryDraft) -> None:
        """The checks that look across entries; called when all entries were read. Tells what was found."""
        for piece in entry.pieces:
            self._check(entry, piece, self._desk.draft)
        self._desk.problems.join(entry.found)

    def _check(self, entry: EntryDraft, piece: Piece, draft: Draft) -> None:
        for finding in entry.grammar.check(piece.item, draft):
            self._report(entry, piece, finding, into=entry.found)

    def _piece(self, entry: EntryDraft, row: Row, *, real: bool) -> Piece:
        desk, grammar = self._desk, entry.grammar
        quiet = row.value is UNRESOLVED

        def say(path: Path, message: str, hint: str) -> None:
            if not quiet:
                desk.tell(path, message, hint, place=row.place, row=True)

        raw: dict[str, Any] = fill(entry.template, row, say)
        own = entry.own(raw)
        found, settled = entry.verdicts.of(own)
        piece = Piece(raw, row, settled, real)
        for finding in found:
            self._report(entry, piece, finding, checked=False)
        name = self._name(entry, raw, row)
        connection = self._connections.find(entry, raw, row, settled)
        tags = self._tags(entry, raw, row)
        body = grammar.complete(own, desk.at(entry, piece, self._report))
        piece.item = Item(entry.index, grammar.kind, name, body, row.place, connection, tags)
        return piece

    def _enter(self, entry: EntryDraft, piece: Piece, number: int | None = None) -> None:
        """Make the item known by name, once."""
        desk, item = self._desk, piece.item
        if not item.name:
            if entry.name:
                desk.draft.unknown.append(pattern_of(entry.name))
            return
        if not piece.real:
            return
        before = desk.draft.by_name.claim(item.name, item if number is None else number)
        if before is not None and (before.entry != item.entry or depends_on_row(entry.template, ("name",))):
            desk.tell(
                (*entry.path, "name"),
                f"the name '{item.name}' is already used at {before.place}",
                "names identify objects: choose another",
                place=item.place if entry.varies else None,
                row=entry.varies,
            )

    def _name(self, entry: EntryDraft, raw: Mapping[str, Any], row: Row) -> str:
        name = raw.get("name")
        found = name_of(raw)
        if not found and name is not None and name is not UNRESOLVED:
            message = "must not be empty" if isinstance(name, str) else f"must be text, not {type_name(name)}"
            place = row.place if depends_on_row(entry.template, ("name",)) else None
            hint = "names identify objects on the platform"
            self._desk.tell((*entry.path, "name"), message, hint, place=place, row=place is not None)
        return found

    def _tags(self, entry: EntryDraft, raw: Mapping[str, Any], row: Row) -> tuple[str, ...]:
        tags = raw.get("tags")
        found = tags_of(raw)
        if found is None and tags is not UNRESOLVED:
            place = row.place if depends_on_row(entry.template, ("tags",)) else None
            self._desk.tell(
                (*entry.path, "tags"),
                "must be a list of words",
                "tags: [nightly, emea]",
                place=place,
                row=place is not None,
            )
        return found or ()

    def _report(
        self, entry: EntryDraft, piece: Piece, finding: Finding, *, checked: bool = True, into: Problems | None = None
    ) -> None:
        """Say ``finding`` where its value comes from: manifest or row. Not twice, not of the unresolved."""
        path = key_path(finding.key)
        if value_at(piece.raw, path) is UNRESOLVED:
            return
        if checked and any(path[: len(one)] == one for one in piece.settled):
            return
        place, row = finding.place or None, bool(finding.place)
        if place is None and depends_on_row(entry.template, path):
            place, row = piece.row.place, True
        self._desk.tell(
            (*entry.path, *path),
            finding.message,
            finding.hint,
            place=place,
            row=row,
            warning=finding.severity == "warning",
            into=into,
        )
