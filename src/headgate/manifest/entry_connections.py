"""Which connection an item uses: one of ``connections:``, or one written inline on its entry."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from headgate.catalogue import source
from headgate.catalogue.words import suggestion
from headgate.manifest import connections
from headgate.manifest.keys import Path, key_path, value_at
from headgate.manifest.references import UNRESOLVED, Row
from headgate.manifest.template import depends_on_row

if TYPE_CHECKING:
    from collections.abc import Callable

    from headgate.manifest.entry_draft import EntryDraft
    from headgate.manifest.model import Connection

#: Inline connections that are known at once.
_BUILT: Final = 64


class ConnectionFinder:
    """Finds connections by key and builds inline ones, each of them once however many rows share it.

    ``tell`` is told of every problem: :meth:`Desk.tell <headgate.manifest.desk.Desk.tell>`, or nobody.
    """

    def __init__(self, known: Mapping[str, connections.Built], tell: Callable[..., None]) -> None:
        self._known = known
        self._tell = tell
        #: Of entries whose rows have one in common.
        self._found: dict[int, Connection | None] = {}
        #: What was built last: rows may refer to the same mapping.
        self._inline: dict[tuple[int, str], tuple[Any, connections.Built]] = {}

    def find(self, entry: EntryDraft, raw: Mapping[str, Any], row: Row, settled: set[Path]) -> Connection | None:
        """The connection of one item, or ``None`` when it has none that can be used (which was said)."""
        if not entry.grammar.connected:
            return None
        if entry.accounts:
            return self._find(entry, raw, row, settled)
        if entry.index not in self._found:
            self._found[entry.index] = self._find(entry, raw, row, settled)
        return self._found[entry.index]

    def _find(self, entry: EntryDraft, raw: Mapping[str, Any], row: Row, settled: set[Path]) -> Connection | None:
        wanted = raw.get("connection")
        path: Path = ("connection",)
        place = row.place if depends_on_row(entry.template, path) else None
        where = (*entry.path, *path)
        if wanted is None:
            if path not in settled:
                self._tell(where, "missing", "a key of connections:, or a mapping of its own")
            return None
        if wanted is UNRESOLVED:
            return None
        if isinstance(wanted, str):
            built = self._known.get(wanted)
            if built is None:
                hint = suggestion(wanted, self._known, noun="connections") or "define it under connections:"
                self._tell(where, f"unknown connection '{wanted}'", hint, place=place, row=place is not None)
                return None
        else:
            default = _source(raw)
            if default is None:
                return None  # what is wrong with the entry's source is said there
            built = self._build_inline(entry, wanted, row, default)
        if built.connection is None or not built.known:
            return None
        for finding in entry.grammar.check_connection(built.connection):
            self._tell(
                (*entry.path, *key_path(finding.key)),
                finding.message,
                finding.hint,
                place=place,
                row=place is not None,
            )
        return built.connection

    def _build_inline(self, entry: EntryDraft, wanted: Any, row: Row, default: str) -> connections.Built:
        key = (id(wanted), default)
        kept = self._inline.get(key)
        if kept is not None:
            return kept[1]
        told = isinstance(wanted, Mapping) and {"source", "destination"} & wanted.keys()
        whole = {**wanted, "source": default} if default and isinstance(wanted, Mapping) and not told else wanted
        built = connections.build("", whole, entry.connection_line)
        if len(self._inline) >= _BUILT:
            del self._inline[next(iter(self._inline))]
        self._inline[key] = (wanted, built)  # kept alive, so that its id stays its own
        for finding in built.findings:
            inner = key_path(finding.key)
            if value_at(wanted, inner) is UNRESOLVED:
                continue
            below = ("connection", *inner)
            place = row.place if depends_on_row(entry.template, below) else None
            self._tell(
                (*entry.path, *below),
                finding.message,
                finding.hint,
                place=place,
                row=place is not None,
                warning=finding.severity == "warning",
            )
        return built


def _source(raw: Mapping[str, Any]) -> str | None:
    """The source an entry names, for an inline connection that names none; ``None`` when it names no known one."""
    named = raw.get("source", "")
    if isinstance(named, Mapping):
        spec = named.get("connectionSpec")
        named = spec.get("id") if isinstance(spec, Mapping) else None
    if named == "":
        return ""
    return named if isinstance(named, str) and source(named) is not None else None
