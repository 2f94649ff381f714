"""A manifest with only the rows that are to be done again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field, replace
from typing import Any

from headgate.classes import frozen
from headgate.manifest.model import Item, Manifest


@frozen
class Rows:
    """Rows of a report, in the words of the manifest they came from.

    ``items`` are names of items that make something. ``pairs`` has, for each activation, (destination as written,
    audience); ``flows``, for each item that chooses flows while running, ids or names of items, and nothing where the
    choice itself is to be made again. ``made`` has the flow of every item that is not among ``items``.
    """

    items: frozenset[str] = frozenset()
    pairs: Mapping[str, Sequence[tuple[str, str]]] = field(default_factory=dict)
    flows: Mapping[str, Sequence[str]] = field(default_factory=dict)
    made: Mapping[str, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.items) + sum(map(len, self.pairs.values())) + sum(len(one) or 1 for one in self.flows.values())


def narrowed(manifest: Manifest, rows: Rows) -> tuple[Manifest, list[str]]:
    """``manifest`` with ``rows`` alone, and the names of those items of ``rows`` that it has no more.

    What names an item that is not done again names its flow instead, so that nothing but ``rows`` is touched.
    """
    wanted = {*rows.items, *rows.pairs, *rows.flows}
    entries = []
    for entry in manifest.entries:
        items = tuple(_item(item, rows) for item in entry.items if item.name in wanted)
        if items:
            entries.append(replace(entry, items=items))
    there = {item.name for entry in entries for item in entry.items}
    return replace(manifest, entries=tuple(entries)), sorted(wanted - there)


def _item(item: Item, rows: Rows) -> Item:
    def flow(name: str) -> str:
        return name if name in rows.items else rows.made.get(name, name)

    if item.name in rows.pairs and "pairs" in item.body:
        asked = set(rows.pairs[item.name])
        pairs = [
            (flow(destination), audience, place)
            for destination, audience, place in item.body["pairs"]
            if (destination, audience) in asked
        ]
        return replace(item, body={**item.body, "pairs": pairs})
    chosen = rows.flows.get(item.name)
    if chosen:
        body: dict[str, Any] = {key: value for key, value in item.body.items() if key != "select"}
        return replace(item, body={**body, "flows": [flow(name) for name in chosen]})
    if item.name in rows.flows and item.body.get("flows"):
        return replace(item, body={**item.body, "flows": [flow(name) for name in item.body["flows"]]})
    return item
