"""References: ``${env:X}``, ``${file:p}``, ``${vars.a}``, ``${row.x}`` and ``$$``.

A value is compiled once per entry: what depends on no row is resolved at once and shared by all items, the
rest becomes a small template that is filled in per row. A reference alone keeps the type of what it refers
to. Everything below a key ``auth`` but ``specName`` becomes a :class:`~headgate.secret.Secret`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from headgate.classes import frozen
from headgate.manifest.references import UNRESOLVED, Row, RowPath, Scope, embedded, pick, resolve
from headgate.secret import MASK, Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from headgate.manifest.keys import Path

    Say = Callable[[Path, str, str], None]

_REFERENCE = re.compile(r"\$\$|\$\{([^{}]*)\}|\$\{")


@frozen
class Text:
    """A string with row references. ``pieces`` are literals and row paths; one alone keeps its type."""

    pieces: tuple[str | tuple[str, ...], ...]
    path: Path
    secret: str | None

    def fill(self, row: Row, say: Say) -> Any:
        """The value for ``row``, or ``UNRESOLVED`` after saying why."""
        if len(self.pieces) == 1:
            found = pick(row, self.pieces[0], self.path, say)
        else:
            parts = []
            for piece in self.pieces:
                part: Any = piece
                if not isinstance(piece, str):
                    part = pick(row, piece, self.path, say)
                    if not isinstance(part, str):
                        part = embedded(part, self.path, say)
                parts.append(part)
            found = UNRESOLVED if UNRESOLVED in parts else "".join(parts)
        if self.secret is None or found is UNRESOLVED:
            return found
        return Secret(found, self.secret)


@frozen
class Map:
    """A mapping of which some values depend on the row; ``base`` keeps the order of keys."""

    base: dict[str, Any]
    parts: tuple[tuple[str, Template], ...]
    names: tuple[tuple[str, Text], ...] = ()

    def fill(self, row: Row, say: Say) -> Any:
        """The mapping for ``row``."""
        filled = dict(self.base)
        for key, part in self.parts:
            filled[key] = part.fill(row, say)
        if not self.names:
            return filled
        names = {key: text.fill(row, say) for key, text in self.names}
        lost = [key for key, name in names.items() if name is UNRESOLVED]
        filled |= dict.fromkeys(lost, UNRESOLVED)
        return {key if key in lost else str(names.get(key, key)): value for key, value in filled.items()}


@frozen
class Listing:
    """A list of which some values depend on the row."""

    base: list[Any]
    parts: tuple[tuple[int, Template], ...]

    def fill(self, row: Row, say: Say) -> Any:
        """The list for ``row``."""
        filled = list(self.base)
        for position, part in self.parts:
            filled[position] = part.fill(row, say)
        return filled


Template = Text | Map | Listing


def fill(compiled: Any, row: Row, say: Say) -> Any:
    """A compiled value for one row; what depends on no row is returned as it is, shared."""
    return compiled.fill(row, say) if isinstance(compiled, (Text, Map, Listing)) else compiled


def varies(compiled: Any, key: str) -> bool:
    """Whether anything at ``key`` of a compiled mapping, or below, may differ from row to row."""
    return isinstance(compiled, Map) and (bool(compiled.names) or key in dict(compiled.parts))


def shared(compiled: Any) -> Iterator[Any]:
    """Every mapping and list in ``compiled`` that is the same object for all rows."""
    if isinstance(compiled, (Map, Listing)):
        base = compiled.base
        for inner in base.values() if isinstance(base, dict) else base:
            yield from shared(inner)
    elif isinstance(compiled, (dict, list)):
        yield compiled
        for inner in compiled.values() if isinstance(compiled, dict) else compiled:
            yield from shared(inner)


def leaves(compiled: Any, path: Path = ()) -> list[Path] | None:
    """Where in ``compiled`` values come from the row; ``None`` where keys do, too."""
    if isinstance(compiled, Text):
        return [path]
    if not isinstance(compiled, (Map, Listing)):
        return []
    if isinstance(compiled, Map) and compiled.names:
        return None
    found: list[Path] = []
    for key, part in compiled.parts:
        inner = leaves(part, (*path, key))
        if inner is None:
            return None
        found += inner
    return found


def depends_on_row(compiled: Any, path: Path) -> bool:
    """Whether what stands at ``path`` below ``compiled`` comes from the row."""
    for part in path:
        if isinstance(compiled, Text):
            return True
        if not isinstance(compiled, (Map, Listing)):
            return False
        compiled = dict(compiled.parts).get(part)
    return isinstance(compiled, Text)


def compile_value(value: Any, path: Path, scope: Scope, *, secret: bool = False) -> Any:
    """Resolve what can be resolved now. Every bad reference is said, and stands as ``UNRESOLVED``.

    Returns:
        Plain data, or a template wherever a row is needed.
    """
    if isinstance(value, str):
        return _compile_text(value, path, scope, secret=secret)
    if isinstance(value, dict):
        return _compile_map(value, path, scope, secret=secret)
    if isinstance(value, list):
        parts = [compile_value(inner, (*path, n), scope, secret=secret) for n, inner in enumerate(value)]
        moving = tuple((n, part) for n, part in enumerate(parts) if isinstance(part, (Text, Map, Listing)))
        return Listing(parts, moving) if moving else parts
    if not secret or value is None:
        return value
    scope.inputs.hide()
    return Secret(value)


def _compile_map(value: dict[str, Any], path: Path, scope: Scope, *, secret: bool) -> Any:
    done: dict[str, Any] = {}
    names: list[tuple[str, Text]] = []
    for key, inner in value.items():
        name: Any = key
        if "$" in key:
            name = _compile_text(key, (*path, key), scope, secret=False)
            if isinstance(name, Text):
                names.append((key, name))
                name = key
            elif not isinstance(name, str):
                done[key] = UNRESOLVED
                continue
        hidden = secret and key != "specName"
        done[name] = compile_value(inner, (*path, key), scope, secret=hidden or key == "auth")
    moving = tuple((key, part) for key, part in done.items() if isinstance(part, (Text, Map, Listing)))
    return Map(done, moving, tuple(names)) if moving or names else done


def _compile_text(value: str, path: Path, scope: Scope, *, secret: bool) -> Any:
    if "$" not in value:
        if not secret:
            return value
        scope.inputs.hide()
        return Secret(value)
    pieces: list[Any] = []
    at, referred, moving = 0, False, False
    for match in _REFERENCE.finditer(value):
        if match.start() > at:
            pieces.append(value[at : match.start()])
        at = match.end()
        if match.group() == "$$":
            pieces.append("$")
            continue
        referred = True
        inner = match.group(1)
        found: Any = UNRESOLVED
        if inner is None:
            # What follows is not quoted: it may be part of a secret.
            scope.say(path, "a reference is not closed", "write ${env:NAME}; a dollar itself is written $$")
        else:
            found = resolve(inner.strip(), path, scope, secret=secret)
        moving = moving or isinstance(found, RowPath)
        pieces.append(found)
    if at < len(value):
        pieces.append(value[at:])
    ref = value if referred else MASK
    if secret and not referred:
        scope.inputs.hide()
    if any(piece is UNRESOLVED for piece in pieces):
        return UNRESOLVED
    if moving:
        if len(pieces) > 1:
            pieces = [piece if isinstance(piece, RowPath) else embedded(piece, path, scope.say) for piece in pieces]
        flat = tuple(piece.parts if isinstance(piece, RowPath) else piece for piece in pieces)
        return UNRESOLVED if UNRESOLVED in flat else Text(flat, path, ref if secret else None)
    if len(pieces) == 1 and referred:
        found = pieces[0]
    else:
        parts = [embedded(piece, path, scope.say) for piece in pieces]
        found = UNRESOLVED if UNRESOLVED in parts else "".join(parts)
    return Secret(found, ref) if secret and found is not UNRESOLVED else found
