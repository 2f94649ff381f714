"""One entry of a manifest: its kind, its rows, its name, and from there to its items."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from headgate.catalogue.schema import type_name
from headgate.catalogue.words import suggestion
from headgate.manifest.alike import Verdicts
from headgate.manifest.entry_draft import EntryDraft, apart_of
from headgate.manifest.keys import Path, value_at
from headgate.manifest.names import pattern_of
from headgate.manifest.pieces import Pieces
from headgate.manifest.references import UNRESOLVED, Row
from headgate.manifest.rows import Source
from headgate.manifest.template import compile_value, depends_on_row

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headgate.manifest.connections import Built
    from headgate.manifest.desk import Desk
    from headgate.manifest.grammar import Grammar

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


class EntryReader:
    """Reads one entry after the other into a shared draft."""

    def __init__(self, desk: Desk, grammars: Mapping[str, Grammar], known: Mapping[str, Built]) -> None:
        self._desk = desk
        self._grammars = grammars
        self._pieces = Pieces(desk, known)

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
            desk.draft.unknown.append(pattern_of(name))
        if grammar is None:
            if isinstance(name, str):
                desk.draft.unknown.append(pattern_of(name))
            return None
        common = (*COMMON, "connection") if grammar.connected else COMMON
        entry = EntryDraft(
            index,
            name if isinstance(name, str) else "",
            line,
            grammar,
            template,
            "foreach" in raw,
            self._priority(raw, (*path, "priority")),
            desk.line((*path, "connection")),
            Verdicts(grammar.model, common, template, apart_of(grammar)),
        )
        self._name_varies(entry, raw, source)
        stand_in = not source.rows and (source.broken or "foreach" not in raw)
        rows: Sequence[Row] = [Row(UNRESOLVED, 0, f"{desk.file}:{line}")] if stand_in else source.rows
        if not rows:
            desk.tell(
                (*path, "foreach"), "gives no rows, so there are no items", "is the right file named?", warning=True
            )
        self._pieces.read(entry, rows, real=not stand_in or "foreach" not in raw)
        return entry

    def check(self, entry: EntryDraft) -> None:
        """The checks that look across entries; called when all entries were read, for one after the other."""
        self._pieces.check(entry)

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

    def _priority(self, raw: Mapping[str, Any], path: Path) -> int:
        found = raw.get("priority")
        # One for the whole entry: what differed by the row would be two entries.
        value = compile_value(found, path, self._desk.scope())
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        if value is not None and value is not UNRESOLVED:
            self._desk.tell(path, "must be a whole number", "priority: 10 goes before all at 0")
        return 0
