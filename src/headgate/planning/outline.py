"""A plan without its contents: job names, rows and edges to rows. Small, free of secrets, kept with the run.

With the journal it is all a report needs, so a report can be made later and elsewhere, without the manifest.
"""

from __future__ import annotations

import zlib
from array import array
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field, replace
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar

import orjson

from headgate.classes import frozen
from headgate.errors import StoreError
from headgate.planning import edges
from headgate.planning.model import ItemRow, PairRow, Plan, SelectionRow
from headgate.planning.packed import PackedJobs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headgate.planning.model import Job

#: What has a job's names.
Line: TypeAlias = "JobLine | Job"
#: So many are written at a time.
_SLICE: Final = 4096
Word = TypeVar("Word")


@frozen
class JobLine:
    """One job's names."""

    key: str
    kind: str
    role: str
    item: int


@frozen
class Outline:
    """What a report needs of a plan."""

    manifest: str
    sandbox: str
    jobs: Sequence[Line]
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
            # Packed jobs have all that a line has, and it would be made of all of them at once.
            plan.jobs
            if isinstance(plan.jobs, PackedJobs)
            else [JobLine(job.key, job.kind, job.role, job.item) for job in plan.jobs],
            plan.items,
            plan.pairs,
            plan.selections,
            plan.again,
            edges.packed(plan.jobs),
        )

    def as_json(self) -> dict[str, Any]:
        """As JSON, for events."""
        data: dict[str, Any] = orjson.loads(b"".join(self._written()))
        return data

    def packed(self) -> bytes:
        """For the store."""
        press = zlib.compressobj(6)
        return b"".join((*map(press.compress, self._written()), press.flush()))

    def _written(self) -> Iterator[bytes]:
        """As JSON, piece by piece: a long list is never there as a whole."""
        kinds, roles, items = Coded(), Coded(), array("i")
        yield from (b'{"manifest":', orjson.dumps(self.manifest), b',"sandbox":', orjson.dumps(self.sandbox))
        yield b',"jobs":{"keys":'
        for jobs in _slices(self.jobs):
            kinds.add(job.kind for job in jobs)
            roles.add(job.role for job in jobs)
            items.extend([job.item for job in jobs])
        yield from _listed(job.key for job in self.jobs)
        yield from (b',"kinds":', *kinds.written(), b',"roles":', *roles.written(), b',"items":', *_listed(items))
        yield b'},"items":{"names":'
        entries, sorts, shapes, known = Coded(), Coded(), Coded(), []
        numbers = array("i")
        for first, rows in enumerate(_slices(self.items)):
            entries.add(row.entry for row in rows)
            sorts.add(row.kind for row in rows)
            shapes.add(tuple(row.jobs) for row in rows)
            for row in rows:
                numbers.extend(row.jobs.values())
            known += [[first * _SLICE + at, dict(row.known)] for at, row in enumerate(rows) if row.known]
        yield from _listed(row.item for row in self.items)
        yield from (b',"places":', *_listed(row.place for row in self.items))
        yield from (b',"entries":', *entries.written(), b',"kinds":', *sorts.written(), b',"roles":', *shapes.written())
        yield from (b',"jobs":', *_listed(numbers), b',"known":', orjson.dumps(known))
        yield b'},"pairs":'
        yield from _listed([row.entry, row.destination, row.audience, row.flow, row.job] for row in self.pairs)
        chosen = [[row.entry, row.item, row.kind, row.place, row.job] for row in self.selections]
        yield from (b',"selections":', orjson.dumps(chosen))
        if self.again:
            yield from (b',"again":', orjson.dumps(self.again))
        if self.edges:
            yield from (b',"edges":{"shapes":', orjson.dumps(self.edges["shapes"]))
            yield from (b',"kinds":', *_listed(self.edges["kinds"]), b',"ends":', *_listed(self.edges["ends"]), b"}")
        yield b"}"

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


class Coded:
    """Few words that come often: each once, and which of them stands where."""

    def __init__(self) -> None:
        self._number: dict[Any, int] = {}
        self._where = array("i")

    def add(self, words: Iterable[Any]) -> None:
        """More words."""
        number = self._number
        self._where.extend([number.setdefault(word, len(number)) for word in words])

    def written(self) -> Iterator[bytes]:
        """As JSON: the words, and the numbers."""
        yield from (b"[", orjson.dumps(list(self._number)), b",", *_listed(self._where), b"]")


def _slices(values: Sequence[Any]) -> Iterator[list[Any]]:
    rest = iter(values)
    while found := list(islice(rest, _SLICE)):
        yield found


def _listed(values: Iterable[Any]) -> Iterator[bytes]:
    """A list as JSON, so many at a time."""
    rest, begun = iter(values), False
    yield b"["
    while found := list(islice(rest, _SLICE)):
        if begun:
            yield b","
        begun = True
        yield orjson.dumps(found)[1:-1]
    yield b"]"


def _decoded(words: list[Word], numbers: list[int]) -> list[Word]:
    return list(map(words.__getitem__, numbers))
