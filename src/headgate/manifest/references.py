"""What references refer to: the environment, files, variables, rows.

Anything that leads nowhere is said once, where it stands, and becomes :data:`UNRESOLVED`.
"""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, Any, Final

from headgate.catalogue.schema import type_name
from headgate.catalogue.words import nearest, suggestion
from headgate.classes import frozen, mutable
from headgate.manifest.inputs import Inputs

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path as FilePath

    from headgate.manifest.keys import Path


class _Unresolved:
    """Stands where a reference led nowhere (that was reported); checks pass over it."""

    def __repr__(self) -> str:
        return "(unresolved)"


UNRESOLVED: Final = _Unresolved()


@frozen
class Row:
    """One row of a ``foreach``: its data, 0-based index, and ``file:line``."""

    value: Any
    index: int
    place: str


@mutable
class Scope:
    """What references may refer to. ``columns`` are names every row has; ``None`` when each row decides.

    ``rows`` says whether there is a row at all; ``source`` names where rows come from, for messages.
    """

    env: Mapping[str, str]
    base: FilePath
    variables: dict[str, Any]
    say: Callable[[Path, str, str], None]
    rows: bool = False
    columns: tuple[str, ...] | None = None
    source: str = ""
    #: Folders beside the manifest's own from which ``${file:…}`` may read.
    folders: tuple[FilePath, ...] = ()
    inputs: Inputs = field(default_factory=Inputs)


@frozen
class RowPath:
    """A reference that needs a row: ``${row.a.b}`` is ``("a", "b")``."""

    parts: tuple[str, ...]


def resolve(inner: str, path: Path, scope: Scope, *, secret: bool) -> Any:
    """What one reference stands for: a value, a row path, or ``UNRESOLVED`` after saying why."""
    if inner.startswith("env:"):
        name = inner[4:].strip()
        if name in scope.env:
            scope.inputs.refer("env", name, scope.env[name], secret=secret)
            return scope.env[name]
        scope.say(path, f"environment variable {name} is not set", f"export {name}=…")
        return UNRESOLVED
    if inner.startswith("file:"):
        return _file(inner[5:].strip(), path, scope, secret=secret)
    if inner.startswith("vars."):
        names = tuple(inner[5:].split("."))
        scope.inputs.use(names[0], secret=secret)
        return _variable(names, path, scope)
    if inner == "row" or inner.startswith("row."):
        if secret:
            scope.inputs.hide(rows=True)
        return _row(tuple(inner.split(".")[1:]), path, scope)
    # Part of a secret may stand between the braces, so it is shown only elsewhere.
    shown = "" if secret else f" '${{{inner}}}'"
    near = (
        None
        if secret
        else nearest(inner.split(".", maxsplit=1)[0].split(":", maxsplit=1)[0], ("env", "file", "vars", "row"))
    )
    kinds = "${env:NAME}, ${file:path}, ${vars.name}, ${row.column}"
    hint = f"did you mean '{near}'? There are {kinds}" if near else f"there are {kinds}; a dollar itself is written $$"
    scope.say(path, f"unknown reference{shown}", hint)
    return UNRESOLVED


def _file(name: str, path: Path, scope: Scope, *, secret: bool) -> Any:
    """What a file holds. Where a manifest comes from elsewhere, it must not be able to read what its reader can."""
    try:
        # Symbolic links are followed first: what counts is where the file lies.
        place = (scope.base / name).resolve()
        if not any(place.is_relative_to(folder.resolve()) for folder in (scope.base, *scope.folders)):
            scope.say(
                path,
                f"file '{name}' lies outside the manifest's folder",
                f"put it beside the manifest, or allow its folder: --allow-files {place.parent}",
            )
            return UNRESOLVED
        text = place.read_text(encoding="utf-8-sig")
    except (OSError, RuntimeError, UnicodeDecodeError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8 text"
        scope.say(path, f"file '{name}' cannot be read: {reason}", "paths are relative to the manifest")
        return UNRESOLVED
    scope.inputs.refer("file", name, text, secret=secret)
    return text[:-1].removesuffix("\r") if text.endswith("\n") else text


def _variable(names: tuple[str, ...], path: Path, scope: Scope) -> Any:
    found: Any = scope.variables
    for depth, name in enumerate(names):
        if found is UNRESOLVED:
            return UNRESOLVED  # its own definition was reported
        if isinstance(found, list) and name.isdigit() and int(name) < len(found):
            found = found[int(name)]
        elif isinstance(found, dict) and name in found:
            found = found[name]
        else:
            known = list(found) if isinstance(found, dict) else []
            where = ".".join(("vars", *names[: depth + 1]))
            hint = suggestion(name, known, noun="vars") or "define it under vars:, or pass --set"
            scope.say(path, f"{where} is not defined", hint)
            return UNRESOLVED
    return found


def _row(names: tuple[str, ...], path: Path, scope: Scope) -> Any:
    if not scope.rows:
        scope.say(path, "there are no rows here", "${row…} needs a foreach on the entry")
        return UNRESOLVED
    if names and names[0] != "index" and scope.columns is not None and names[0] not in scope.columns:
        noun = "columns" if scope.columns else "only"
        hint = suggestion(names[0], (*scope.columns, "index") if scope.columns else (), noun=noun)
        scope.say(path, f"{scope.source} has no column '{names[0]}'", hint or "use ${row} or ${row.index}")
        return UNRESOLVED
    return RowPath(names)


def pick(row: Row, names: Any, path: Path, say: Callable[[Path, str, str], None]) -> Any:
    """What a row reference stands for in ``row``."""
    found = row.value
    if len(names) == 1 and isinstance(found, dict) and names[0] in found:
        return found[names[0]]
    if not names:
        return found
    if found is UNRESOLVED:
        return UNRESOLVED
    for depth, name in enumerate(names):
        if isinstance(found, dict) and name in found:
            found = found[name]
        elif isinstance(found, list) and name.isdigit() and int(name) < len(found):
            found = found[int(name)]
        elif depth == 0 and name == "index" and len(names) == 1:
            return row.index
        else:
            known = list(found) if isinstance(found, dict) else []
            hint = suggestion(name, known, noun="it has") or "each row is a mapping: {region: emea}"
            say(path, f"this row has no '{'.'.join(names[: depth + 1])}'", hint)
            return UNRESOLVED
    return found


def embedded(value: Any, path: Path, say: Callable[[Path, str, str], None]) -> Any:
    """``value`` as part of a longer text."""
    if isinstance(value, str) or value is UNRESOLVED:
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return str(value)
    say(
        path,
        f"a reference to {type_name(value)} cannot stand inside text",
        "let it stand alone, or refer to a part",
    )
    return UNRESOLVED
