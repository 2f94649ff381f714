"""A plan without its contents: job names, rows and edges to rows. Small, free of secrets, kept with the run.

With the journal it is all a report needs, so a report can be made later and elsewhere, without the manifest.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeVar

import orjson

from headgate.errors import StoreError
from headgate.planning import edges
from headgate.planning.model import ItemRow, PairRow, Plan, SelectionRow

if TYPE_CHECKING:
    from collections.abc import Sequence

Word = TypeVar("Word")


@dataclass(slots=True)
class JobLine:
    """One job's names. There are as many as jobs, so it is not frozen: that triples the cost of making it."""

    key: str
    kind: str
    role: str
    item: int


@dataclass(frozen=True, slots=True)
class Outline:
    """What a report needs of a plan."""

    manifest: str
    sandbox: str
    jobs: Sequence[JobLine]
    items: Sequence[ItemRow]
    pairs: Sequence[PairRow]
    selections: Sequence[SelectionRow] = ()
    #: The plan's own ``again``.
    again: Mapping[str, Any] = field(default_factory=dict)
    #: Which jobs wait for which, packed (:mod:`headgate.planning.edges`); ``None`` in outlines of older programs.
    edges: Mapping[str, Any] | None = None

    @classmethod
    def of(cls, plan: Plan) -> Outline:
        """The outline of ``plan``."""
        return cls(
            plan.manifest,
            plan.sandbox,
            [JobLine(job.key, job.kind, job.role, job.item) for job in plan.jobs],
            plan.items,
            plan.pairs,
            plan.selections,
            plan.again,
            edges.packed(plan.jobs),
        )

    def as_json(self) -> dict[str, Any]:
        """As JSON, for events."""
        data: dict[str, Any] = {
            "manifest": self.manifest,
            "sandbox": self.sandbox,
            "jobs": {
                "keys": [job.key for job in self.jobs],
                "kinds": _coded([job.kind for job in self.jobs]),
                "roles": _coded([job.role for job in self.jobs]),
                "items": [job.item for job in self.jobs],
            },
            "items": {
                "entries": _coded([row.entry for row in self.items]),
                "names": [row.item for row in self.items],
                "kinds": _coded([row.kind for row in self.items]),
                "places": [row.place for row in self.items],
                "roles": _coded([tuple(row.jobs) for row in self.items]),
                "jobs": [job for row in self.items for job in row.jobs.values()],
                "known": [[number, dict(row.known)] for number, row in enumerate(self.items) if row.known],
            },
            "pairs": [[row.entry, row.destination, row.audience, row.flow, row.job] for row in self.pairs],
            "selections": [[row.entry, row.item, row.kind, row.place, row.job] for row in self.selections],
        }
        if self.again:
            data["again"] = self.again
        if self.edges:
            data["edges"] = self.edges
        return data

    def packed(self) -> bytes:
        """For the store."""
        return zlib.compress(orjson.dumps(self.as_json()), 6)

    @classmethod
    def unpacked(cls, blob: bytes) -> Outline:
        """From the store.

        Raises:
            StoreError: it is not what was packed.
        """
        try:
            return cls.of_json(opened(blob))
        except (zlib.error, ValueError, TypeError, KeyError) as error:
            raise StoreError(
                "the state store is broken: the outline of a run cannot be read",
                hint="restore it from a copy, or use another --state",
            ) from error

    @classmethod
    def of_json(cls, data: Mapping[str, Any]) -> Outline:
        """From what :meth:`as_json` gave."""
        return cls.read(data, list(map(JobLine, *columns(data["jobs"]))))

    @classmethod
    def read(cls, data: Mapping[str, Any], jobs: Sequence[JobLine]) -> Outline:
        """From what :func:`opened` gives; ``jobs`` are those of its columns, where somebody needs them."""
        return cls(
            data["manifest"],
            data["sandbox"],
            jobs,
            _rows(data["items"]),
            [PairRow(*row) for row in data["pairs"]],
            [SelectionRow(*row) for row in data.get("selections", ())],
            data.get("again", {}),
            data.get("edges"),
        )


def opened(blob: bytes) -> dict[str, Any]:
    """A packed outline as JSON."""
    data: dict[str, Any] = orjson.loads(zlib.decompress(blob))
    return data


def columns(jobs: Any) -> tuple[Sequence[str], Sequence[str], Sequence[str], Sequence[int]]:
    """Keys, kinds, roles and items of packed jobs, in their order."""
    if isinstance(jobs, list):  # of an older program: a row for each job
        keys, kinds, roles, items = zip(*jobs, strict=True) if jobs else ((), (), (), ())
        return keys, kinds, roles, items
    return jobs["keys"], _decoded(*jobs["kinds"]), _decoded(*jobs["roles"]), jobs["items"]


def _rows(items: Any) -> list[ItemRow]:
    if isinstance(items, list):  # of an older program, as are jobs
        return [ItemRow(*row) for row in items]
    jobs = iter(items["jobs"])
    rows = [
        ItemRow(entry, name, kind, place, {role: next(jobs) for role in roles})
        for entry, name, kind, place, roles in zip(
            _decoded(*items["entries"]),
            items["names"],
            _decoded(*items["kinds"]),
            items["places"],
            _decoded(*items["roles"]),
            strict=True,
        )
    ]
    for number, known in items["known"]:
        rows[number] = replace(rows[number], known=known)
    return rows


def _coded(words: list[Word]) -> tuple[list[Word], list[int]]:
    """Few words that come often: each once, and which of them stands where."""
    number = {word: index for index, word in enumerate(dict.fromkeys(words))}
    return list(number), [number[word] for word in words]


def _decoded(words: list[Word], numbers: list[int]) -> list[Word]:
    return list(map(words.__getitem__, numbers))
