"""Very many jobs in few bytes each: columns for what is asked of all of them, the rest packed until it is asked for.

A job of a plan is a kilobyte or two of objects; packed, it is fewer than a hundred bytes. What is asked for is made
again, and is a :class:`Job` like any other, but that nobody may change it: :meth:`PackedJobs.put` does that. Jobs made
from secrets are not packed. They stay as they are, in memory alone.
"""

from __future__ import annotations

import zlib
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields, is_dataclass
from operator import eq
from typing import Any, Final, overload

import orjson

from headgate.planning.lines import CHUNK, Secrets, hidden, line
from headgate.planning.model import Job
from headgate.planning.rebuild import Rebuild, rebuilder

#: Jobs from which on a plan is packed. Fewer stay as they are: that is quicker, and their memory is bounded as well.
PLENTY: Final = 65_536
#: Chunks that stay unpacked, and jobs that stay made.
_SHELVED, _RECENT = 32, 256
#: Changed jobs that are kept beside their chunks before those are packed again.
_CHANGED: Final = 4096


@dataclass(frozen=True, slots=True)
class Sections:
    """Packed jobs as :mod:`headgate.planning.kept` writes them. ``hidden`` are those made from secrets.

    ``unsure``: so many of the first chunks may have a secret in them that was met only later; ``None`` for all of them.
    """

    hidden: list[int]
    shapes: list[Any]
    kinds: array[int]
    edges: array[int]
    chunks: list[bytes]
    secrets: Secrets
    unsure: int | None = None


_FIELDS: Final = tuple(field.name for field in fields(Job))


class PackedJob(Job):
    """A job that is packed: knows where it belongs, and unpacks the rest when it is asked for it."""

    __slots__ = ("_at", "_of")
    _at: int
    _of: PackedJobs

    def __getattr__(self, name: str) -> Any:
        """Called for what was not filled in."""
        if name in ("needs", "after"):
            self.needs, self.after = self._of.named_edges(self._at)
        elif name == "key":
            self.key = self._of.key(self._at)
        elif name in ("spec", "digest"):
            self.digest, self.spec = self._of.content(self._at)
        else:
            raise AttributeError(name)
        return getattr(self, name)

    def __eq__(self, other: object) -> bool:
        """Whether it says the same as another job, packed or not."""
        return isinstance(other, Job) and all(getattr(self, name) == getattr(other, name) for name in _FIELDS)

    __hash__ = None  # type: ignore[assignment]


class PackedJobs(Sequence[Job]):
    """Jobs in the order in which they were added. ``seen`` is told of each once, in that order, before it is packed."""

    def __init__(self, jobs: Iterable[Job] = (), seen: Callable[[Job], None] = lambda _job: None) -> None:
        self._seen = seen
        #: Kind, role, collection and requests, as they come together; which of those each job has.
        self._sorts: list[tuple[str, str, str, tuple[str, ...]]] = []
        self._sort_of: dict[tuple[str, str, str, tuple[str, ...]], int] = {}
        self._sort = array("i")
        #: Names of edges, as they come together; which of those each job has, and how far back its edges go.
        self._shapes: list[tuple[tuple[str, ...], tuple[str, ...]]] = []
        self._shape_of: dict[tuple[tuple[str, ...], tuple[str, ...]], int] = {}
        self._kinds, self._ends, self._starts = array("i"), array("i"), array("i", [0])
        #: The item of each job.
        self.items = array("i")
        self._chunks: list[bytes] = []
        self._keys: list[bytes] = []
        #: Jobs added last, which make no whole chunk yet.
        self._tail: list[Job] = []
        #: Jobs that are not packed: made from secrets, or from what JSON cannot say.
        self.aside: dict[int, Job] = {}
        self._changed: dict[int, Job] = {}
        #: Whether a job was put in the place of one that was seen already.
        self.altered = False
        self._sayable = True
        self._secrets = Secrets()
        self._types: dict[str, Rebuild] = {}
        self._shelf: dict[int, list[bytes]] = {}
        self._names: dict[int, list[str]] = {}
        self._recent: dict[int, Job] = {}
        for job in jobs:
            self.append(job)

    # -- filling -----------------------------------------------------------------------------------------------------

    def append(self, job: Job) -> None:
        """Add ``job``, which nobody changes from now on."""
        index = len(self.items)
        sort = job.kind, job.role, job.collection, job.requests
        found = self._sort_of.get(sort)
        if found is None:
            found = self._sort_of[sort] = len(self._sorts)
            self._sorts.append(sort)
        self._sort.append(found)
        shape = tuple(job.needs), tuple(job.after)
        found = self._shape_of.get(shape)
        if found is None:
            found = self._shape_of[shape] = len(self._shapes)
            self._shapes.append(shape)
        self._kinds.append(found)
        self._ends.extend([index - edge for edge in job.needs.values()])
        if job.after:
            self._ends.extend([index - edge for edge in job.after.values()])
        self._starts.append(len(self._ends))
        self.items.append(job.item)
        self._tail.append(job)
        if len(self._tail) == CHUNK:
            self._pack()

    def put(self, index: int, job: Job) -> None:
        """Put ``job`` in the place of job ``index``, from which it differs in its spec and its digest alone."""
        packed = len(self._chunks) * CHUNK
        self._recent.pop(index, None)
        if index >= packed:
            self._tail[index - packed] = job
            return
        self.altered = True
        if index in self.aside:
            self.aside[index] = job
            return
        self._changed[index] = job
        if len(self._changed) >= _CHANGED:
            self._repack()

    def close(self) -> PackedJobs:
        """Pack what is left. Nothing is added any more."""
        self._repack()
        if self._tail:
            self._pack()
        return self

    def _pack(self) -> None:
        first = len(self.items) - len(self._tail)
        for job in self._tail:
            self._seen(job)
        self._keys.append(zlib.compress(orjson.dumps([job.key for job in self._tail]), 1))
        lines = [self._line(index, job) for index, job in enumerate(self._tail, first)]
        self._chunks.append(zlib.compress(b"\n".join(lines), 1))
        self._tail = []

    def _line(self, index: int, job: Job) -> bytes:
        spec, secrets = job.spec, self._secrets
        name = type(spec).__name__
        if name not in self._types and is_dataclass(spec):
            self._types[name] = rebuilder(type(spec))
        try:
            written = line(job, secrets)
            known = name in self._types or isinstance(spec, dict)
        except orjson.JSONEncodeError:
            known = False
        if known and not secrets.met:
            return written
        self._sayable = self._sayable and known
        self.aside[index] = job
        return hidden(job)

    def _repack(self) -> None:
        for number in sorted({index // CHUNK for index in self._changed}):
            lines = self._lines(number)
            for index in range(number * CHUNK, number * CHUNK + len(lines)):
                if index in self._changed:
                    lines[index % CHUNK] = self._line(index, self._changed[index])
            self._chunks[number] = zlib.compress(b"\n".join(lines), 1)
        self._shelf.clear()
        self._changed.clear()

    # -- looking up --------------------------------------------------------------------------------------------------

    def __eq__(self, other: object) -> bool:
        """Whether the same jobs are in the same order."""
        return isinstance(other, Sequence) and len(self) == len(other) and all(map(eq, self, other))

    __hash__ = None  # type: ignore[assignment]

    def __len__(self) -> int:
        """How many there are."""
        return len(self.items)

    @overload
    def __getitem__(self, index: int) -> Job: ...

    @overload
    def __getitem__(self, index: slice) -> list[Job]: ...

    def __getitem__(self, index: int | slice) -> Job | list[Job]:
        """A job, or several."""
        if isinstance(index, slice):
            return [self._made(one) for one in range(*index.indices(len(self.items)))]
        job = self._recent.get(index)
        if job is None:
            if index < 0:
                index += len(self.items)
            if not 0 <= index < len(self.items):
                raise IndexError(index)
            job = self._made(index)
            if len(self._recent) >= _RECENT:
                del self._recent[next(iter(self._recent))]
            self._recent[index] = job
        return job

    def whole(self, index: int) -> Job:
        """Job ``index``, all of it: cheaper than piece by piece for who needs all, and dearer for who does not."""
        number, place = divmod(index, CHUNK)
        if index in self.aside or index in self._changed or number >= len(self._chunks):
            return self._made(index)
        _, digest, name, spec = orjson.loads((self._shelf.get(number) or self._lines(number))[place])
        kind, role, collection, requests = self._sorts[self._sort[index]]
        names, more = self._shapes[self._kinds[index]]
        ends = self._ends[self._starts[index] : self._starts[index + 1]]
        needs = {name: index - back for name, back in zip(names, ends, strict=False)}
        after = {name: index - back for name, back in zip(more, ends[len(names) :], strict=True)} if more else {}
        made = self._types[name](spec) if name else spec
        key = (self._names.get(number) or self._keys_of(number))[place]
        return Job(key, kind, role, made, self.items[index], needs, after, collection, digest, requests)

    def __iter__(self) -> Iterator[Job]:
        """All of them, one by one: none is kept."""
        apart = {*self.aside, *self._changed, *range(len(self._chunks) * CHUNK, len(self.items) if self._tail else 0)}
        new, sorts = PackedJob.__new__, self._sorts
        for index, (sort, item) in enumerate(zip(self._sort, self.items, strict=True)):
            if index in apart:
                yield self._made(index)
                continue
            job = new(PackedJob)
            job.kind, job.role, job.collection, job.requests = sorts[sort]
            job.item, job._at, job._of = item, index, self  # noqa: SLF001 -- of this very module
            yield job

    def _made(self, index: int) -> Job:
        packed = len(self._chunks) * CHUNK
        if index >= packed and self._tail:
            return self._tail[index - packed]
        if (job := self.aside.get(index) or self._changed.get(index)) is not None:
            return job
        job = PackedJob.__new__(PackedJob)
        job.kind, job.role, job.collection, job.requests = self._sorts[self._sort[index]]
        job.item = self.items[index]
        job._at, job._of = index, self  # noqa: SLF001 -- of this very module
        return job

    def edges(self, index: int) -> list[int]:
        """The jobs that job ``index`` waits for, those that it needs first."""
        return [index - back for back in self._ends[self._starts[index] : self._starts[index + 1]]]

    def needs(self, index: int) -> list[int]:
        """The jobs that job ``index`` needs."""
        return self.edges(index)[: len(self._shapes[self._kinds[index]][0])]

    def named_edges(self, index: int) -> tuple[dict[str, int], dict[str, int]]:
        """What a job needs, and what it goes after."""
        needs, after = self._shapes[self._kinds[index]]
        edges = self.edges(index)
        return dict(zip(needs, edges, strict=False)), dict(zip(after, edges[len(needs) :], strict=True))

    def key(self, index: int) -> str:
        """A job's key."""
        number, place = divmod(index, CHUNK)
        return (self._names.get(number) or self._keys_of(number))[place]

    def content(self, index: int) -> tuple[str, Any]:
        """A job's digest and its spec, which is not one of those that are not packed."""
        _, digest, name, spec = orjson.loads(self._lines(index // CHUNK)[index % CHUNK])
        return digest, self._types[name](spec) if name else spec

    def _lines(self, number: int) -> list[bytes]:
        lines = self._shelf.get(number)
        if lines is None:
            _room(self._shelf)
            lines = self._shelf[number] = zlib.decompress(self._chunks[number]).split(b"\n")
        return lines

    def _keys_of(self, number: int) -> list[str]:
        _room(self._names)
        names: list[str] = orjson.loads(zlib.decompress(self._keys[number]))
        self._names[number] = names
        return names

    def sections(self) -> Sections | None:
        """All of them for the store; ``None`` where JSON cannot say it."""
        if not self._sayable:
            return None
        return Sections(sorted(self.aside), self._shapes, self._kinds, self._ends, self._chunks, self._secrets)


def _room(shelf: dict[int, Any]) -> None:
    """Make room for one more; the oldest goes."""
    if len(shelf) >= _SHELVED:
        del shelf[next(iter(shelf))]
