"""``--select`` and ``--tag``: the items that stay, and those they need."""

from __future__ import annotations

from dataclasses import replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from headgate.catalogue.words import suggestion
from headgate.errors import Diagnostic
from headgate.manifest.model import Entry, Item, Manifest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headgate.manifest.desk import Desk


def chosen(manifest: Manifest, select: Sequence[str], tags: Sequence[str], desk: Desk) -> tuple[Entry, ...]:
    """The entries with only the selected items, and those that a selected action names."""
    if not select and not tags:
        return manifest.entries
    for glob in select:
        if manifest.items and not any(fnmatchcase(item.name, glob) for item in manifest.items):
            desk.problems.add(
                Diagnostic(
                    desk.file,
                    0,
                    "--select",
                    f"no item matches '{glob}'",
                    suggestion(glob, [item.name for item in manifest.items], noun="items", most=5),
                )
            )
    for tag in tags:
        if manifest.items and not any(tag in item.tags for item in manifest.items):
            desk.problems.add(
                Diagnostic(
                    desk.file,
                    0,
                    "--tag",
                    f"no item has the tag '{tag}'",
                    suggestion(tag, sorted({t for item in manifest.items for t in item.tags}), noun="tags")
                    or "no item has any: tags: [nightly] on an entry",
                )
            )

    def wanted(item: Item) -> bool:
        named = not select or any(fnmatchcase(item.name, glob) for glob in select)
        return named and (not tags or any(tag in item.tags for tag in tags))

    needed = {pair[0] for item in manifest.items if wanted(item) for pair in item.body.get("pairs", ())}
    needed |= {flow for item in manifest.items if wanted(item) for flow in item.body.get("flows", ())}
    return tuple(
        replace(entry, items=tuple(item for item in entry.items if item.name in needed or wanted(item)))
        for entry in manifest.entries
    )
