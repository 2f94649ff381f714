"""One entry of a manifest: rows, items, and everything that can be said about each of them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import field
from typing import TYPE_CHECKING, Any, Final

from headgate.catalogue.schema import type_name
from headgate.catalogue.words import suggestion
from headgate.classes import mutable
from headgate.manifest.entry_connections import ConnectionFinder
from headgate.manifest.keys import Path, key_path, value_at
from headgate.manifest.model import Item
from headgate.manifest.references import UNRESOLVED, Row
from headgate.manifest.rows import Source
from headgate.manifest.schema_errors import schema_findings
from headgate.manifest.template import compile_value, depends_on_row, fill

if TYPE_CHECKING:
    from headgate.catalogue import Finding
    from headgate.manifest.connections import Built
    from headgate.manifest.desk import Desk
    from headgate.manifest.grammar import Draft, Grammar

#: The keys that every entry has, and what they mean.
MEANINGS: Final[Mapping[str, str]] = {
    "kind": "What the entry is.",
    "name": "Names identify objects on the platform. With foreach, one for each row: Loyalty ${row.region}.",
    "foreach": "One item for each row of a file or list; its values are ${row.column}.",
    "tags": "Words to choose items by: --tag nightly.",
    "priority": "Of what may go, entries with a higher number go first; equal ones share the rate. 0 if not given.",
}
COMMON: Final = tuple(MEANINGS)
#: The key of entries that use an account.
CONNECTION: Final = "The account: a key of connections:, or a mapping of its own."
_REFERENCE = re.compile(r"\$\{[^}]*\}")


@mutable
class Piece:
    """An item in the making. ``real`` is false for the stand-in of rows that could not be read."""

    item: Item
    raw: dict[str, Any]
    row: Row
    settled: set[Path]
    real: bool


@mutable
class EntryDraft:
    """An entry in the making. ``template`` is its compiled mapping."""

    index: int
    name: str
    line: int
    grammar: Grammar
    template: Any
    varies: bool
    priority: int = 0
    pieces: list[Piece] = field(default_factory=list)

    @property
    def path(self) -> Path:
        """Its path in the manifest."""
        return ("entries", self.index)


class EntryReader:
    """Reads one entry after the other into a shared draft."""

    def __init__(self, desk: Desk, grammars: Mapping[str, Grammar], known: Mapping[str, Built]) -> None:
        self._desk = desk
        self._grammars = grammars
        self._connections = ConnectionFinder(desk, known)

    def read(self, index: int, raw: Any) -> EntryDraft | None:
        """Expand entry ``index``. ``None`` when it is so broken that nothing of it can be expanded."""
        desk, path = self._desk, ("entries", index)
        if not isinstance(raw, dict):
            desk.tell(path, f"must be a mapping, not {type_name(raw)}", "an entry begins with kind: and name:")
            return None
        grammar = self._grammar(raw, path)
        line = desk.line(path)
        source = self._source(raw, path)
        scope = desk.scope(rows="foreach" in raw, columns=source.columns, source=source.label)
        body = {key: value for key, value in raw.items() if key not in ("kind", "foreach", "priority")}
        template = compile_value(body, path, scope)
        name = raw.get("name")
        if source.broken and isinstance(name, str):
            desk.draft.unknown.append(_pattern(name))
        if grammar is None:
            if isinstance(name, str):
                desk.draft.unknown.append(_pattern(name))
            return None
        entry = EntryDraft(
            index,
            name if isinstance(name, str) else "",
            line,
            grammar,
            template,
            "foreach" in raw,
            self._priority(raw, (*path, "priority")),
        )
        self._name_varies(entry, raw, source)
        stand_in = not source.rows and (source.broken or "foreach" not in raw)
        rows = [Row(UNRESOLVED, 0, f"{desk.file}:{line}")] if stand_in else source.rows
        if not rows:
            desk.tell(
                (*path, "foreach"), "gives no rows, so there are no items", "is the right file named?", warning=True
            )
        for row in rows:
            self._piece(entry, row, real=not stand_in or "foreach" not in raw)
        return entry

    def _grammar(self, raw: Mapping[str, Any], path: Path) -> Grammar | None:
        kind = raw.get("kind")
        desk, available = self._desk, self._grammars
        if isinstance(kind, str) and kind in available:
            return available[kind]
        if kind is None:
            if "kind" not in desk.meant(raw, COMMON):
                desk.tell((*path, "kind"), "missing", f"available: {', '.join(available)}")
        elif not isinstance(kind, str):
            desk.tell((*path, "kind"), f"must be text, not {type_name(kind)}", f"available: {', '.join(available)}")
        elif kind in desk.kinds:
            desk.tell(
                (*path, "kind"),
                f"kind '{kind}' is not available in this version",
                f"available: {', '.join(available)}",
            )
        else:
            desk.tell((*path, "kind"), f"unknown kind '{kind}'", suggestion(kind, desk.kinds, noun="kinds"))
        return None

    def _source(self, raw: Mapping[str, Any], path: Path) -> Source:
        if "foreach" not in raw:
            return Source("")
        where = (*path, "foreach")
        return self._desk.reader.read(compile_value(raw["foreach"], where, self._desk.scope()), where)

    def _name_varies(self, entry: EntryDraft, raw: Mapping[str, Any], source: Source) -> None:
        path = (*entry.path, "name")
        name = raw.get("name")
        if name is None:
            if "name" not in self._desk.meant(raw, (*COMMON, *entry.grammar.model.model_fields)):
                self._desk.tell(path, "missing", "names identify objects; with foreach, use ${row.…} in it")
        elif (
            entry.varies
            and len(source.rows) > 1
            and not depends_on_row(entry.template, ("name",))
            and value_at(entry.template, ("name",)) is not UNRESOLVED
        ):
            self._desk.tell(path, "is the same for every row", "names identify objects: use ${row.…} in it")

    def _piece(self, entry: EntryDraft, row: Row, *, real: bool) -> None:
        desk = self._desk
        quiet = row.value is UNRESOLVED

        def say(path: Path, message: str, hint: str) -> None:
            if not quiet:
                desk.tell(path, message, hint, place=row.place, row=True)

        raw: dict[str, Any] = fill(entry.template, row, say)
        own = {key: value for key, value in raw.items() if key not in ("name", "tags")}
        if entry.grammar.connected:
            own.pop("connection", None)
        common = (*COMMON, "connection") if entry.grammar.connected else COMMON
        found, settled = schema_findings(entry.grammar.model, own, common)
        name = self._name(entry, raw, row)
        draft_item = Item(
            entry.index,
            entry.grammar.kind,
            name,
            own,
            row.place,
            self._connections.find(entry, raw, row, settled),
            self._tags(entry, raw, row),
        )
        piece = Piece(draft_item, raw, row, settled, real)
        for finding in found:
            self.report(entry, piece, finding, checked=False)
        body = entry.grammar.complete(own, desk.at(entry, piece, self.report))
        piece.item = Item(
            entry.index, entry.grammar.kind, name, body, row.place, draft_item.connection, draft_item.tags
        )
        entry.pieces.append(piece)
        self._enter(entry, piece)

    def _enter(self, entry: EntryDraft, piece: Piece) -> None:
        """Make the item known by name, once."""
        desk, item = self._desk, piece.item
        if not item.name:
            if entry.name:
                desk.draft.unknown.append(_pattern(entry.name))
            return
        if not piece.real:
            return
        before = desk.draft.by_name.setdefault(item.name, item)
        if before is item:
            desk.draft.items.append(item)
        elif before.entry != item.entry or depends_on_row(entry.template, ("name",)):
            desk.tell(
                (*entry.path, "name"),
                f"the name '{item.name}' is already used at {before.place}",
                "names identify objects: choose another",
                place=item.place if entry.varies else None,
                row=entry.varies,
            )

    def _name(self, entry: EntryDraft, raw: Mapping[str, Any], row: Row) -> str:
        name = raw.get("name")
        if isinstance(name, (str, int)) and not isinstance(name, bool) and str(name).strip():
            return str(name)
        if name is not None and name is not UNRESOLVED:
            message = "must not be empty" if isinstance(name, str) else f"must be text, not {type_name(name)}"
            place = row.place if depends_on_row(entry.template, ("name",)) else None
            hint = "names identify objects on the platform"
            self._desk.tell((*entry.path, "name"), message, hint, place=place, row=place is not None)
        return ""

    def _priority(self, raw: Mapping[str, Any], path: Path) -> int:
        found = raw.get("priority")
        # One for the whole entry: what differed by the row would be two entries.
        value = compile_value(found, path, self._desk.scope())
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        if value is not None and value is not UNRESOLVED:
            self._desk.tell(path, "must be a whole number", "priority: 10 goes before all at 0")
        return 0

    def _tags(self, entry: EntryDraft, raw: Mapping[str, Any], row: Row) -> tuple[str, ...]:
        tags = raw.get("tags")
        if isinstance(tags, list) and all(_is_word(tag) or tag is UNRESOLVED for tag in tags):
            return tuple(str(tag) for tag in tags)
        if tags is not None and tags is not UNRESOLVED:
            place = row.place if depends_on_row(entry.template, ("tags",)) else None
            self._desk.tell(
                (*entry.path, "tags"),
                "must be a list of words",
                "tags: [nightly, emea]",
                place=place,
                row=place is not None,
            )
        return ()

    def check(self, entry: EntryDraft, draft: Draft) -> None:
        """The checks that look across entries; called when all entries were read."""
        for piece in entry.pieces:
            for finding in entry.grammar.check(piece.item, draft):
                self.report(entry, piece, finding)

    def report(self, entry: EntryDraft, piece: Piece, finding: Finding, *, checked: bool = True) -> None:
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
        )


def _is_word(tag: Any) -> bool:
    return isinstance(tag, (str, int)) and not isinstance(tag, bool)


def _pattern(name: str) -> re.Pattern[str]:
    return re.compile(".*".join(re.escape(part) for part in _REFERENCE.split(name)), re.DOTALL)
