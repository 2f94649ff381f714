"""What an entry kind tells the loader: its keys, how a body is completed, what is checked."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, Any, ClassVar, Final, Protocol, TypeVar

from headgate.catalogue.words import nearest
from headgate.classes import mutable
from headgate.manifest.names import Names
from headgate.manifest.template import shared

if TYPE_CHECKING:
    import re
    from collections.abc import Callable, Iterable, Mapping

    from pydantic import BaseModel

    from headgate.catalogue.finding import Finding
    from headgate.manifest.model import Connection, Item
    from headgate.manifest.rows import Source

Made = TypeVar("Made")

#: Names to guess at in one load.
GUESSES: Final = 3
#: Every kind the grammar of manifests knows, available in this version or not.
KNOWN_KINDS: Final = (
    "audience-export",
    "dataset-export",
    "source-ingestion",
    "activation",
    "flow-update",
    "flow-action",
    "watch",
)


@mutable
class Draft:
    """Everything expanded so far, valid or not, for checks that look across entries.

    ``unknown`` are the name patterns of items whose names could not be worked out: a reference that fits
    one is not called a mistake. ``notes`` carries what :meth:`Grammar.complete` learned to
    :meth:`Grammar.check`.
    """

    file: str
    by_name: Names = field(default_factory=Names)
    unknown: list[re.Pattern[str]] = field(default_factory=list)
    notes: dict[int, Any] = field(default_factory=dict)
    _guesses: int = 0
    _shared: dict[int, object] = field(default_factory=dict)
    _made: dict[tuple[int, object], Any] = field(default_factory=dict)

    def share(self, things: Iterable[object]) -> None:
        """These are the same objects for many items: they came from no row."""
        # They are kept, so that their ids stay their own.
        self._shared.update((id(thing), thing) for thing in things)

    def once(self, thing: object, make: Callable[[Any], Made], extra: object = None) -> Made:
        """``make(thing)``, worked out once for a value that many items share; what is made is shared, too."""
        if id(thing) not in self._shared:
            return make(thing)
        key = (id(thing), extra)
        if key not in self._made:
            self._made[key] = make(thing)
            self.share(shared(self._made[key]))
        made: Made = self._made[key]
        return made

    def near(self, name: str, kind: str) -> str | None:
        """The item of ``kind`` most likely meant by ``name``; in a flood of names it stops guessing."""
        self._guesses += 1
        if self._guesses > GUESSES:
            return None  # a guess compares with every name there is, and only the first few are shown
        return nearest(name, list(self.by_name.of(kind)))

    def may_exist(self, name: str) -> bool:
        """Whether an item of this name exists, or might if another mistake were mended."""
        return name in self.by_name or any(pattern.fullmatch(name) for pattern in self.unknown)


class Desk(Protocol):
    """What :meth:`Grammar.complete` may ask of the loader. Paths are relative to the entry."""

    @property
    def draft(self) -> Draft:
        """Everything expanded so far."""

    def rows(self, spec: Any, key: str) -> Source:
        """Read rows (csv, jsonl, rows, matrix); problems are said by the loader."""

    def place(self, key: str) -> str:
        """``file:line`` of a key of the entry."""

    def say(self, key: str, message: str, hint: str = "", place: str = "") -> None:
        """Report a problem."""


class Grammar(Protocol):
    """One entry kind."""

    #: As written after ``kind:``.
    kind: ClassVar[str]
    #: What it is, in a sentence.
    summary: ClassVar[str]
    #: An entry of this kind, as YAML, without the head of a manifest.
    example: ClassVar[str]
    #: Whether it repeats on every run.
    action: ClassVar[bool]
    #: Whether entries take ``connection:``.
    connected: ClassVar[bool]
    #: Whether :meth:`complete` and :meth:`check` look at nothing but the item itself, so that it can be checked and let
    #: go, and made again from its row.
    alone: ClassVar[bool]
    #: The entry's own keys after expansion (``extra="forbid"``).
    model: ClassVar[type[BaseModel]]

    def complete(self, body: dict[str, Any], desk: Desk) -> Mapping[str, Any]:
        """The body with defaults filled in and files read. ``body`` may be faulty; must not raise for it."""

    def check(self, item: Item, draft: Draft) -> Iterable[Finding]:
        """What the model cannot see. Keys are relative to the entry; values may be ``UNRESOLVED``."""

    def check_connection(self, connection: Connection) -> Iterable[Finding]:
        """Whether a connection serves this kind. Keys are relative to the entry."""
