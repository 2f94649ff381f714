"""A loaded manifest as frozen data: what was asked, every reference resolved, every line known."""

from __future__ import annotations

from dataclasses import field
from itertools import chain
from typing import TYPE_CHECKING, Any

from headgate.classes import frozen
from headgate.manifest.made import Chained

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from headgate.errors import Diagnostic


@frozen
class Connection:
    """A base connection: to be made (``destination`` and perhaps ``auth``) or an existing one (``id``).

    ``key`` is its key under ``connections:``, or empty for one written inline on an entry. ``auth`` is
    ``{"specName": str, "params": {name: Secret}}`` or ``None``.
    """

    key: str
    name: str
    destination: str | None = None
    source: str | None = None
    auth: Mapping[str, Any] | None = None
    encryption: Mapping[str, Any] | None = None
    id: str | None = None
    line: int = 0


@frozen
class Item:
    """One expanded piece of work. ``body``: the entry's own keys, defaults filled in, references resolved.

    ``connection`` is resolved to a :class:`Connection` where the kind has one. ``place`` is ``file:line``
    of the row it came from (a csv line) or of the entry itself.
    """

    entry: int
    kind: str
    name: str
    body: Mapping[str, Any]
    place: str
    connection: Connection | None = None
    tags: tuple[str, ...] = ()


@frozen
class Entry:
    """One entry of the manifest and its items, in row order. ``name`` is the unexpanded template.

    Of a manifest with very many items, most are made when they are asked for, and not kept: go through them once.
    """

    index: int
    kind: str
    name: str
    line: int
    items: Sequence[Item]
    #: Jobs of an entry with a higher one go first.
    priority: int = 0


@frozen
class Manifest:
    """A valid manifest. ``options`` are its ``options:`` (rate, concurrency, tolerate …), typed."""

    path: Path
    name: str
    sandbox: str | None
    entries: tuple[Entry, ...]
    connections: Mapping[str, Connection] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    #: What is doubtful but allowed, ordered by file and line.
    warnings: tuple[Diagnostic, ...] = ()
    #: How it was asked for: ``set``, ``select``, ``tags``, so that the same can be loaded again.
    asked: Mapping[str, Any] = field(default_factory=dict)
    #: What tells whether it would say the same again; ``None`` where nothing can.
    inputs: Mapping[str, Any] | None = None

    @property
    def items(self) -> Sequence[Item]:
        """All items, in manifest order."""
        parts = [entry.items for entry in self.entries]
        if all(isinstance(part, tuple) for part in parts):
            return tuple(chain.from_iterable(parts))
        return Chained(parts)
