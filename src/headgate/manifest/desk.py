"""The loader's desk: one place through which every problem goes, and where scopes and rows are handed out."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, Any

from headgate.catalogue import Finding
from headgate.catalogue.words import nearest
from headgate.classes import frozen, mutable
from headgate.errors import Diagnostic
from headgate.manifest.grammar import KNOWN_KINDS, Draft
from headgate.manifest.inputs import Inputs
from headgate.manifest.keys import Path, key_path, key_text
from headgate.manifest.problems import Problems
from headgate.manifest.references import Row, Scope
from headgate.manifest.rows import Reader, Source

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path as FilePath

    from headgate.manifest.document import Document
    from headgate.manifest.entry_draft import EntryDraft, Piece


@mutable
class Desk:
    """Shared by everything that reads one manifest."""

    document: Document
    base: FilePath
    env: Mapping[str, str]
    problems: Problems = field(default_factory=Problems)
    variables: dict[str, Any] = field(default_factory=dict)
    draft: Draft = field(init=False)
    reader: Reader = field(init=False)
    kinds: tuple[str, ...] = KNOWN_KINDS
    #: Folders beside :attr:`base` from which ``${file:…}`` may read.
    folders: tuple[FilePath, ...] = ()
    inputs: Inputs = field(default_factory=Inputs)

    def __post_init__(self) -> None:
        self.clear()
        self.reader = Reader(self.file, self.base, self._said, self.line, self.inputs)

    @property
    def file(self) -> str:
        """The manifest, as it was named."""
        return self.document.file

    def line(self, path: Path) -> int:
        """The manifest's line of ``path``."""
        return self.document.line(path)

    def scope(self, *, rows: bool = False, columns: tuple[str, ...] | None = None, source: str = "") -> Scope:
        """What references may refer to at some place of the manifest."""
        return Scope(
            self.env, self.base, self.variables, self.tell, rows, columns, source, self.folders, inputs=self.inputs
        )

    def tell(
        self,
        path: Path,
        message: str,
        hint: str = "",
        *,
        place: str | tuple[str, int] | None = None,
        row: bool = False,
        warning: bool = False,
        into: Problems | None = None,
    ) -> None:
        """Keep a problem, or put it ``into`` others. ``place`` (``file:line``) overrides the manifest's own line."""
        if isinstance(place, str):
            file, _, line = place.rpartition(":")
            place = (file, int(line))
        file, number = place or (self.file, self.line(path))
        into = self.problems if into is None else into
        into.add(Diagnostic(file, number, key_text(path), message, hint), warning=warning, row=row)

    def clear(self) -> None:
        """Let go of every item: the desk refers to itself, and nobody may come to collect it."""
        self.draft = Draft(self.file)
        self.draft.share([self.draft.by_name])

    def _said(self, path: Path, message: str, hint: str, place: tuple[str, int] | None) -> None:
        self.tell(path, message, hint, place=place, row=place is not None)

    def meant(self, raw: Mapping[str, Any], known: Iterable[str]) -> set[str | None]:
        """The known keys that misspelt keys of ``raw`` probably stand for."""
        names = tuple(known)
        return {nearest(key, names) for key in raw if key not in names}

    def at(self, entry: EntryDraft, piece: Piece, report: Callable[..., None]) -> ItemDesk:
        """The desk as a grammar sees it while it completes one item."""
        return ItemDesk(self, entry, piece, report)


@frozen
class ItemDesk:
    """What :class:`~headgate.manifest.grammar.Desk` promises, for one item."""

    desk: Desk
    entry: EntryDraft
    piece: Piece
    report: Callable[..., None]

    @property
    def draft(self) -> Draft:
        """Everything expanded so far."""
        return self.desk.draft

    @property
    def row(self) -> Row:
        """The row the item comes from."""
        return self.piece.row

    def rows(self, spec: Any, key: str) -> Source:
        """Read rows; problems are told with the key of the entry."""
        return self.desk.reader.read(spec, (*self.entry.path, *key_path(key)))

    def place(self, key: str) -> str:
        """``file:line`` of a key of the entry."""
        return f"{self.desk.file}:{self.desk.line((*self.entry.path, *key_path(key)))}"

    def say(self, key: str, message: str, hint: str = "", place: str = "") -> None:
        """Report a problem of this item."""
        self.report(self.entry, self.piece, Finding(key, message, hint, place=place))
