"""What a group of records comes to: rows to append, and what becomes of objects and keys. Pure; every store uses it.

A group is written in one transaction, so only what holds at its end matters: an object has at most one row here.
"""

from __future__ import annotations

from dataclasses import field, replace
from typing import TYPE_CHECKING

import orjson

from headgate.classes import mutable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from headgate.engine.record import Made, Record


@mutable
class Group:
    """To be written in this order: ``rows`` (seq, kind, job, JSON), then of objects ``gone`` (id, collection),
    ``undone`` (markers), ``doubts`` and ``made``, then ``frees``.

    An object's row is marker, collection, id, name, digest, found. No marker is in two of the last three.
    """

    rows: list[tuple[int, str, int, str]] = field(default_factory=list)
    gone: list[tuple[str, str]] = field(default_factory=list)
    undone: list[str] = field(default_factory=list)
    doubts: list[tuple[str, str, str, str, str, str]] = field(default_factory=list)
    made: list[tuple[str, str, str, str, str, str]] = field(default_factory=list)
    frees: list[str] = field(default_factory=list)


def gathered(records: Iterable[Record], last: int) -> Group:
    """The group of ``records``, numbered on from ``last``.

    Raises:
        TypeError: a record holds something that is not JSON.
    """
    group = Group()
    rows, dumps = group.rows, orjson.dumps
    #: By marker; ``None`` ends a doubt.
    objects: dict[str, Made | None] = {}
    for number, record in enumerate(records, last + 1):
        rows.append((number, record.kind, record.job, dumps(record.data).decode()))
        if record.frees:
            group.frees += record.frees
        if record.made is not None:
            _learn(objects, group.gone, record.made, intent=record.kind == "intent")
    for marker, thing in sorted(objects.items()):  # in one order for everybody: two processes must not wait crosswise
        if thing is None:
            group.undone.append(marker)
        else:
            row = (marker, thing.collection, thing.id, thing.name, thing.digest, thing.found)
            (group.made if thing.id else group.doubts).append(row)
    return group


def _learn(objects: dict[str, Made | None], gone: list[tuple[str, str]], thing: Made, *, intent: bool) -> None:
    if thing.gone and thing.id:
        gone.append((thing.id, thing.collection))
        for marker, other in objects.items():
            if other is not None and (other.id, other.collection) == (thing.id, thing.collection):
                objects[marker] = None
    before = objects.get(thing.marker)
    if thing.gone or not (thing.id or intent):
        if before is None or not before.id:
            objects[thing.marker] = None
    elif thing.id:
        first = before if before is not None and before.id == thing.id else thing
        objects[thing.marker] = thing if first.found == thing.found else replace(thing, found=first.found)
    elif before is None or not before.id:
        objects[thing.marker] = before or thing
