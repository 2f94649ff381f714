"""``--select`` and ``--tag``: the items that stay, and those they need."""

from __future__ import annotations

from array import array
from dataclasses import replace
from fnmatch import fnmatchcase
from itertools import compress
from typing import TYPE_CHECKING

from headgate.catalogue.words import suggestion
from headgate.errors import Diagnostic
from headgate.manifest.made import Drawn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headgate.manifest.desk import Desk
    from headgate.manifest.model import Entry, Item, Manifest


def chosen(manifest: Manifest, select: Sequence[str], tags: Sequence[str], desk: Desk) -> tuple[Entry, ...]:
    """The entries with only the selected items, and those that a selected action names."""
    if not select and not tags:
        return manifest.entries
    met: set[str] = set()
    bore: set[str] = set()
    needed: set[str] = set()
    wanted = [bytearray(len(entry.items)) for entry in manifest.entries]
    for entry, marks in zip(manifest.entries, wanted, strict=True):
        for index, item in enumerate(entry.items):
            named = [glob for glob in select if fnmatchcase(item.name, glob)]
            tagged = [tag for tag in tags if tag in item.tags]
            met.update(named)
            bore.update(tagged)
            if (named or not select) and (tagged or not tags):
                marks[index] = 1
                needed.update(pair[0] for pair in item.body.get("pairs", ()))
                needed.update(item.body.get("flows", ()))
    if any(entry.items for entry in manifest.entries):
        _missed(manifest, [glob for glob in select if glob not in met], [tag for tag in tags if tag not in bore], desk)
    if needed:
        for entry, marks in zip(manifest.entries, wanted, strict=True):
            for index, item in enumerate(entry.items):
                if item.name in needed:
                    marks[index] = 1
    return tuple(
        replace(entry, items=_marked(entry.items, marks)) for entry, marks in zip(manifest.entries, wanted, strict=True)
    )


def _marked(items: Sequence[Item], marks: bytearray) -> Sequence[Item]:
    if isinstance(items, tuple):
        return tuple(compress(items, marks))
    kept = array("q", compress(range(len(items)), marks))
    return Drawn(len(kept), lambda index: items[kept[index]])


def _missed(manifest: Manifest, globs: Sequence[str], tags: Sequence[str], desk: Desk) -> None:
    """Say which choices nothing answers to."""
    for glob in globs:
        hint = suggestion(glob, [item.name for item in manifest.items], noun="items", most=5)
        desk.problems.add(Diagnostic(desk.file, 0, "--select", f"no item matches '{glob}'", hint))
    for tag in tags:
        there = sorted({known for item in manifest.items for known in item.tags})
        hint = suggestion(tag, there, noun="tags") or "no item has any: tags: [nightly] on an entry"
        desk.problems.add(Diagnostic(desk.file, 0, "--tag", f"no item has the tag '{tag}'", hint))
