"""An entry in the making, and what its rows have in common."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, Any

from headgate.classes import mutable
from headgate.manifest.problems import Problems
from headgate.manifest.references import UNRESOLVED
from headgate.manifest.template import varies

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from headgate.manifest.alike import Verdicts
    from headgate.manifest.grammar import Grammar
    from headgate.manifest.keys import Path
    from headgate.manifest.model import Item
    from headgate.manifest.references import Row

_APART = ("name", "tags")


@mutable
class Piece:
    """An item in the making. ``real`` is false for the stand-in of rows that could not be read."""

    raw: dict[str, Any]
    row: Row
    settled: set[Path]
    real: bool
    item: Item = field(init=False)


@mutable
class EntryDraft:
    """An entry in the making. ``template`` is its compiled mapping, ``connection_line`` the line of its connection."""

    index: int
    name: str
    line: int
    grammar: Grammar
    template: Any
    varies: bool
    priority: int
    connection_line: int
    verdicts: Verdicts
    #: Items that are checked once all entries were read.
    pieces: list[Piece] = field(default_factory=list)
    #: Items that are checked already, or what makes them again.
    items: Sequence[Item] = ()
    #: What the checks found, which is told after all that was found while reading.
    found: Problems = field(default_factory=Problems)
    #: Whether rows may have accounts of their own.
    accounts: bool = field(init=False)
    #: The keys that are not its kind's own.
    apart: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        self.apart = apart_of(self.grammar)
        self.accounts = any(varies(self.template, key) for key in ("connection", "source"))

    @property
    def path(self) -> Path:
        """Its path in the manifest."""
        return ("entries", self.index)

    def own(self, raw: Mapping[str, Any]) -> dict[str, Any]:
        """The keys of its kind, of a row's whole mapping."""
        own = dict(raw)
        for key in self.apart:
            own.pop(key, None)
        return own


def apart_of(grammar: Grammar) -> tuple[str, ...]:
    """The keys of a compiled entry that are not its kind's own."""
    return (*_APART, "connection") if grammar.connected else _APART


def name_of(raw: Mapping[str, Any]) -> str:
    """The name of an item by its whole mapping; empty where there is no usable one."""
    name = raw.get("name")
    usable = isinstance(name, (str, int)) and not isinstance(name, bool) and str(name).strip()
    return str(name) if usable else ""


def tags_of(raw: Mapping[str, Any]) -> tuple[str, ...] | None:
    """The tags of an item; ``None`` where what stands there are none."""
    tags = raw.get("tags")
    if tags is None:
        return ()
    if isinstance(tags, list) and all(_is_word(tag) or tag is UNRESOLVED for tag in tags):
        return tuple(str(tag) for tag in tags)
    return None


def _is_word(tag: Any) -> bool:
    return isinstance(tag, (str, int)) and not isinstance(tag, bool)
