"""``load``: from a file to a :class:`~headgate.manifest.model.Manifest`, or to all of its problems."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any, Final

from headgate.catalogue.schema import type_name
from headgate.catalogue.words import suggestion
from headgate.errors import Diagnostic, ManifestError
from headgate.garbage import gc_paused
from headgate.manifest import connections
from headgate.manifest.desk import Desk
from headgate.manifest.document import Document, plain
from headgate.manifest.entries import EntryReader
from headgate.manifest.entry_draft import EntryDraft
from headgate.manifest.keys import Path, key_path, value_at
from headgate.manifest.model import Entry, Item, Manifest
from headgate.manifest.options import read_options
from headgate.manifest.references import UNRESOLVED
from headgate.manifest.selection import chosen
from headgate.manifest.template import compile_value

if TYPE_CHECKING:
    from headgate.manifest.grammar import Grammar

GRAMMAR_VERSION: Final = 1
#: The keys of a manifest and what they mean, for messages, the JSON Schema and `headgate help manifest`.
MEANINGS: Final[Mapping[str, str]] = {
    "headgate": f"The version of this grammar: {GRAMMAR_VERSION}.",
    "name": "The manifest's name; run ids begin with it, and what it makes is known by it.",
    "sandbox": "The sandbox it is for; over the profile's.",
    "vars": "Values to refer to as ${vars.name}, of any type; --set name=value overrides them.",
    "connections": "Accounts by a key of your own; each is made once, however many items use it.",
    "entries": "What there shall be and what shall be done, in order.",
    "options": "How a run of this manifest goes; flags override them.",
}
_KEYS: Final = tuple(MEANINGS)
_NAME = re.compile(r"[A-Za-z0-9_.-]+")
#: What a name and a sandbox are made of.
NAME_PATTERN: Final = _NAME.pattern


def load(
    path: FilePath | str,
    *,
    grammars: Mapping[str, Grammar],
    env: Mapping[str, str] | None = None,
    overrides: Mapping[str, str] | None = None,
    select: Sequence[str] = (),
    tags: Sequence[str] = (),
    allow_files: Sequence[FilePath | str] = (),
) -> Manifest:
    """Read, expand and check a manifest.

    Args:
        path: The file, YAML or JSON. Files it names are relative to it.
        grammars: The entry kinds by name: ``headgate.manifest.kinds.GRAMMARS``.
        env: What ``${env:…}`` sees; the process's environment when not given.
        overrides: ``--set key=value``: variables over the manifest's own (dotted keys reach into mappings).
        select: Globs on item names; only matching items stay, and the items their pairs name.
        tags: Only items with one of these tags stay (likewise).
        allow_files: Folders, beside the manifest's own, from which ``${file:…}`` may read.

    Returns:
        The manifest; what is doubtful but allowed stands in ``warnings``.

    Raises:
        ManifestError: with every problem of the whole manifest, whatever was selected.

    Cost: about 40 µs an item. Of very many items few are kept: the others are made when they are asked for.
    """
    place = FilePath(path)
    with gc_paused():
        document = Document.read(place)
        desk = Desk(document, place.parent, os.environ if env is None else env)
        desk.folders = tuple(FilePath(folder) for folder in allow_files)
        desk.inputs.manifest(place, document.source)
        for problem in document.problems:
            desk.problems.add(problem)
        manifest = _Loading(desk, grammars).manifest(place, overrides or {})
        kept = chosen(manifest, select, tags, desk)
        desk.clear()
    desk.problems.closed()
    if desk.problems.errors:
        raise ManifestError(tuple(desk.problems.errors))
    return Manifest(
        manifest.path,
        manifest.name,
        manifest.sandbox,
        kept,
        manifest.connections,
        manifest.options,
        warnings := tuple(sorted(desk.problems.warnings)),
        inputs=desk.inputs.kept([str(warning) for warning in warnings]),
    )


def identity(path: FilePath | str, *, env: Mapping[str, str] | None = None) -> tuple[str, str | None]:
    """The name and the sandbox of a manifest. What else is in it may be wrong, or need variables that are not set.

    Raises:
        ManifestError: it cannot be read, or its name or sandbox is not usable.
    """
    place = FilePath(path)
    document = Document.read(place)
    desk = Desk(document, place.parent, os.environ if env is None else env)
    name, sandbox = None, None
    if isinstance(document.data, dict):
        loading = _Loading(desk, {})
        loading._variables(document.data.get("vars"), {})  # noqa: SLF001 -- of this very module
        desk.problems = type(desk.problems)()
        name, sandbox = (loading._word(key, document.data) for key in ("name", "sandbox"))  # noqa: SLF001
    for problem in document.problems:
        desk.problems.add(problem)
    desk.problems.closed()
    if not name or desk.problems.errors:
        found = tuple(desk.problems.errors) or (Diagnostic(str(place), 0, "name", "missing", "run ids begin with it"),)
        raise ManifestError(found)
    return name, sandbox


class _Loading:
    def __init__(self, desk: Desk, grammars: Mapping[str, Grammar]) -> None:
        self._desk = desk
        self._grammars = grammars

    def manifest(self, place: FilePath, overrides: Mapping[str, str]) -> Manifest:
        """The manifest as far as it can be made; problems are on the desk."""
        desk, data = self._desk, self._desk.document.data
        if not isinstance(data, dict):
            if data is not None:
                desk.tell((), f"a manifest is a mapping, not {type_name(data)}", f"keys: {', '.join(_KEYS)}")
            return Manifest(place, "", None, ())
        self._top(data)
        self._variables(data.get("vars"), overrides)
        name = self._word("name", data)
        sandbox = self._word("sandbox", data)
        known = self._connections(data.get("connections"))
        entries = self._entries(data, known)
        kept = {key: built.connection for key, built in known.items() if built.connection is not None}
        return Manifest(place, name or "", sandbox, entries, kept, self._options(data.get("options")))

    def _top(self, data: Mapping[str, Any]) -> None:
        desk = self._desk
        for key in data:
            if key not in _KEYS:
                desk.tell((key,), "unknown key", suggestion(key, _KEYS, noun="known keys"))
        meant = desk.meant(data, _KEYS)
        hints = {
            "headgate": f"headgate: {GRAMMAR_VERSION}",
            "name": "run ids begin with it",
            "entries": "entries: [{kind: …}]",
        }
        for key, hint in hints.items():
            if (key not in data or (key == "name" and data[key] is None)) and key not in meant:
                desk.tell((key,), "missing", hint)
        version = data.get("headgate", GRAMMAR_VERSION)
        if version != GRAMMAR_VERSION or isinstance(version, bool):
            shown = f"'{version}'" if isinstance(version, (str, int, float)) else type_name(version)
            hint = f"headgate: {GRAMMAR_VERSION}"
            desk.tell(("headgate",), f"grammar version {shown} is not known to this program", hint)

    def _variables(self, raw: Any, overrides: Mapping[str, str]) -> None:
        desk = self._desk
        if raw is not None and not isinstance(raw, dict):
            desk.tell(("vars",), f"must be a mapping, not {type_name(raw)}", "vars: {bucket: acme-exports}")
            raw = None
        merged: dict[str, Any] = {}
        for key, value in (raw or {}).items():
            # One after the other, so that a variable may refer to earlier ones, overrides included.
            if key in overrides:
                merged[key] = desk.variables[key] = _typed(overrides[key], value)
                continue
            desk.inputs.variable = key
            merged[key] = desk.variables[key] = compile_value(value, ("vars", key), desk.scope())
            desk.inputs.variable = None
        for dotted, text in overrides.items():
            if dotted in merged:
                continue
            if not self._uses(dotted, merged):
                hint = suggestion(dotted, merged, noun="variables") or "define it under vars:"
                desk.tell(("vars",), f"--set {dotted}: the manifest has no such variable", hint)
                continue
            *above, last = dotted.split(".")
            holder = desk.variables
            for part in above:
                inner = holder.get(part)
                holder[part] = holder = dict(inner) if isinstance(inner, dict) else {}
            holder[last] = _typed(text, holder.get(last))

    def _uses(self, dotted: str, declared: Mapping[str, Any]) -> bool:
        """Whether a variable given from outside means anything here: it is declared, or referred to."""
        whole = re.compile(rf"\$\{{vars\.{re.escape(dotted)}[.}}]")
        return dotted.partition(".")[0] in declared or whole.search(str(self._desk.document.data)) is not None

    def _word(self, key: str, data: Mapping[str, Any]) -> str | None:
        """A top-level word: the name, the sandbox."""
        if data.get(key) is None:
            return None
        value = compile_value(data[key], (key,), self._desk.scope())
        if value is UNRESOLVED:
            return None
        if not isinstance(value, str) or not _NAME.fullmatch(value):
            shown = f"'{value}' is not usable" if isinstance(value, str) else f"must be text, not {type_name(value)}"
            self._desk.tell((key,), shown, "letters, digits, dots, dashes and underscores only")
            return None
        return value

    def _connections(self, raw: Any) -> dict[str, connections.Built]:
        desk = self._desk
        if raw is None:
            return {}
        if not isinstance(raw, dict):
            desk.tell(
                ("connections",),
                f"must be a mapping, not {type_name(raw)}",
                "connections: {my-s3: {destination: …}}",
            )
            return {}
        done: dict[str, connections.Built] = {}
        names: dict[str, str] = {}
        for key, inner in raw.items():
            path: Path = ("connections", key)
            value = compile_value(inner, path, desk.scope())
            built = done[key] = connections.build(key, value, desk.line(path))
            for finding in built.findings:
                where = key_path(finding.key)
                if value_at(value, where) is not UNRESOLVED:
                    desk.tell((*path, *where), finding.message, finding.hint, warning=finding.severity == "warning")
            if built.connection is not None and built.connection.id is None:
                first = names.setdefault(built.connection.name, key)
                if first != key:
                    desk.tell(
                        (*path, "name"),
                        f"the name '{built.connection.name}' is already used by connection '{first}'",
                        "names identify objects: choose another",
                    )
        return done

    def _options(self, raw: Any) -> dict[str, Any]:
        value = compile_value(raw, ("options",), self._desk.scope())
        if value is UNRESOLVED:
            return {}
        options, findings = read_options(value)
        for finding in findings:
            where = key_path(finding.key)
            if value_at(value, where) is not UNRESOLVED:
                self._desk.tell(("options", *where), finding.message, finding.hint)
        return options

    def _entries(self, data: Mapping[str, Any], known: Mapping[str, connections.Built]) -> tuple[Entry, ...]:
        desk, raw = self._desk, data.get("entries")
        if not isinstance(raw, list):
            if "entries" in data:
                desk.tell(("entries",), f"must be a list, not {type_name(raw)}", "each entry begins with - kind:")
            return ()
        if not raw:
            desk.tell(("entries",), "the list is empty", "there is nothing to do")
        reader = EntryReader(desk, self._grammars, known)
        drafts = [draft for index, one in enumerate(raw) if (draft := reader.read(index, one)) is not None]
        for draft in drafts:
            reader.check(draft)
        return tuple(_entry(draft) for draft in drafts)


def _entry(draft: EntryDraft) -> Entry:
    items: Sequence[Item] = draft.items or [piece.item for piece in draft.pieces if piece.real]
    if isinstance(items, list):
        items = tuple(items)
    return Entry(draft.index, draft.grammar.kind, draft.name, draft.line, items, draft.priority)


def _typed(text: str, like: Any) -> Any:
    """An override's value, of the type the variable had; a new one is a number if written as one."""
    if isinstance(like, str):
        return text
    value = plain(text)
    return value if isinstance(value, bool) or (isinstance(value, (int, float)) and str(value) == text) else text
