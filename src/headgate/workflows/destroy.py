"""From objects that are to go to a plan of deletions: each after everything that refers to it.

Who refers to whom is read from the outlines of the runs that made them (an item's flow uses its connections), or told
by whoever has seen the objects themselves (a sweep). What something that stays refers to stays too.
"""

from __future__ import annotations

from collections.abc import Collection as Group
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from hashlib import blake2b
from typing import Any, Final

import orjson

from headgate.classes import frozen, mutable
from headgate.planning.marker import marker
from headgate.planning.model import ItemRow, Job, Plan
from headgate.planning.outline import Outline
from headgate.workflows.collections import COLLECTIONS
from headgate.workflows.delete import DeleteSpec

#: The kind of the rows of such a plan.
DESTROY: Final = "destroy"


@frozen
class Target:
    """An object that is to go. ``key`` names it among all that were looked at: its marker, or its id.

    ``shared``: a sandbox has it once, whoever made it.
    """

    key: str
    collection: str
    id: str
    name: str
    marker: str = ""
    shared: bool = False


@mutable
class Relations:
    """Who refers to whom, by key, and which rows a person knows them by.

    ``users``: for what is referred to, the keys of what refers to it directly; complete for all that is in ``told``.
    ``rows``: by entry and item, the keys of what belongs to that item alone, by role.
    """

    users: dict[str, set[str]] = field(default_factory=dict)
    told: set[str] = field(default_factory=set)
    rows: dict[tuple[str, str], dict[str, str]] = field(default_factory=dict)

    def use(self, used: str, user: str) -> None:
        """Note that ``user`` refers to ``used``."""
        self.users.setdefault(used, set()).add(user)


def relations(outlines: Iterable[Outline], collections: Mapping[str, str]) -> Relations:
    """The relations that ``outlines`` (the newest first) tell of; ``collections`` by marker are all that is known."""
    found = Relations()
    for outline in outlines:
        marks: dict[int, str] = {}
        for row in outline.items:
            present: dict[str, str] = {}
            for role, index in row.jobs.items():
                if index not in marks:
                    marks[index] = _mark_of(outline, index, collections)
                mark = marks[index]
                if mark and collections[mark] in COLLECTIONS:
                    present[role] = mark
            _relate(found, present.values(), collections)
            found.told.update(present.values())
            own = {role: mark for role, mark in present.items() if outline.jobs[row.jobs[role]].item >= 0}
            if own:
                kept = found.rows.setdefault((row.entry, row.item), {})
                kept.update({role: mark for role, mark in own.items() if role not in kept})
    return found


def _mark_of(outline: Outline, index: int, collections: Mapping[str, str]) -> str:
    """The marker of the object that a job of ``outline`` made, if it is known; else ``""``."""
    key = outline.jobs[index].key
    for scope in (outline.manifest, ""):
        mark = marker(outline.sandbox, scope, key)
        if mark in collections:
            return mark
    return ""


def _relate(found: Relations, marks: Iterable[str], collections: Mapping[str, str]) -> None:
    """Of one item's objects each is used by those of the nearest lower stage that has any."""
    stages: dict[int, list[str]] = {}
    for mark in marks:
        stages.setdefault(COLLECTIONS[collections[mark]].stage, []).append(mark)
    before: list[str] = []
    for stage in sorted(stages):
        for used in stages[stage]:
            for user in before:
                found.use(used, user)
        before = stages[stage]


def compile_destroy(manifest: str, sandbox: str, targets: Sequence[Target], known: Relations) -> Plan:
    """The plan that deletes ``targets``, but for those that something which stays refers to.

    What nothing is told of waits for all that may refer to it, and so does what a sandbox has once.
    """
    by_key = {one.key: one for one in targets if one.collection in COLLECTIONS}
    kept = _kept(by_key, known.users)
    going = sorted(
        (one for one in by_key.values() if one.key not in kept),
        key=lambda one: COLLECTIONS[one.collection].stage,
    )
    index = {one.key: position for position, one in enumerate(going)}
    rows, row_of = _rows(by_key, index, known.rows)
    objects: list[list[Any]] = []
    for one in going:
        users = sorted(index[user] for user in known.users.get(one.key, ()) if user in index)
        after = [] if one.key in known.told and not one.shared else _earlier(going, one)
        objects.append(
            [one.collection, one.id, one.name, one.marker, one.shared, users, after, row_of.get(one.key, -1)]
        )
    again = {"objects": objects}
    return _plan(manifest, sandbox, rows, again)


def _kept(by_key: Mapping[str, Target], users: Mapping[str, Group[str]]) -> set[str]:
    """What must stay, because it is referred to by what stays."""
    kept: set[str] = set()
    for one in sorted(by_key.values(), key=lambda one: COLLECTIONS[one.collection].stage):
        if any(user not in by_key or user in kept for user in users.get(one.key, ())):
            kept.add(one.key)
    return kept


def _earlier(going: Sequence[Target], one: Target) -> list[int]:
    """All that has a lower stage: nobody knows which of them refer to ``one``."""
    stage = COLLECTIONS[one.collection].stage
    return [position for position, other in enumerate(going) if COLLECTIONS[other.collection].stage < stage]


def _rows(
    by_key: Mapping[str, Target], index: Mapping[str, int], items: Mapping[tuple[str, str], Mapping[str, str]]
) -> tuple[list[ItemRow], dict[str, int]]:
    """A row for each item some of whose own objects go, then one for each object of no item."""
    rows: list[ItemRow] = []
    row_of: dict[str, int] = {}
    for (entry, item), keys in items.items():
        jobs = {role: index[key] for role, key in keys.items() if key in index and key not in row_of}
        if jobs:
            row_of.update({key: len(rows) for role, key in keys.items() if role in jobs})
            rows.append(ItemRow(entry, item, DESTROY, "", jobs))
    for key, one in by_key.items():
        if key not in row_of:
            where = COLLECTIONS[one.collection]
            jobs = {where.role: index[key]} if key in index else {}
            known = {} if jobs else {where.role: one.id}  # it stays
            row_of[key] = len(rows)
            rows.append(ItemRow(where.many, one.name or one.id, DESTROY, "", jobs, known))
    return rows, row_of


def rebuilt(outline: Outline) -> Plan:
    """The plan that ``outline`` is of: what the store knows has changed since, so it is not compiled again."""
    return _plan(outline.manifest, outline.sandbox, outline.items, outline.again)


def _plan(manifest: str, sandbox: str, rows: Sequence[ItemRow], again: Mapping[str, Any]) -> Plan:
    keys: set[str] = set()
    jobs = []
    for collection, remote, name, mark, shared, users, after, row in again["objects"]:
        where = COLLECTIONS[collection]
        key = f"delete:{where.role}:{name or remote}"
        if key in keys:
            key = f"{key}:{remote or mark}"
        keys.add(key)
        looks = [f"GET {COLLECTIONS[user].path}" for user, _ in where.users]
        jobs.append(
            Job(
                key,
                "delete",
                where.role,
                DeleteSpec(collection, remote, name, mark, shared),
                row,
                needs={f"user {number}": user for number, user in enumerate(users)} if not shared else {},
                after={f"before {number}": other for number, other in enumerate({*after, *(users if shared else ())})},
                requests=(*looks, f"DELETE {where.path}/{{id}}", f"GET {where.path}/{{id}}"),
            )
        )
    digest = blake2b(orjson.dumps([manifest, sandbox, again]), digest_size=16)
    return Plan(manifest, sandbox, jobs, rows, (), (), digest.hexdigest(), again=again)
