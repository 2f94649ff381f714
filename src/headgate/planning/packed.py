"""Very many jobs in few bytes each: columns for what is asked of all of them, the rest packed until it is asked for.

A job of a plan is a kilobyte or two of objects; packed, it is fewer than a hundred bytes. What is asked for is made
again, and is a :class:`Job` like any other, but that nobody may change it: :meth:`PackedJobs.put` does that. Jobs made
from secrets are not packed. They stay as they are, in memory alone.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import fields, is_dataclass
from operator import eq
from typing import Any, Final, overload

import orjson

from headgate.classes import frozen
from headgate.planning.bundles import Bundles, pressed, released
from headgate.planning.lines import CHUNK, Secrets, hidden, line
from headgate.planning.model import Job
from headgate.planning.rebuild import Rebuild, rebuilder
from headgate.planning.sorts import Sorts

#: Jobs from which on a plan is packed. Fewer stay as they are: that is quicker, and their memory is bounded as well.
PLENTY: Final = 65_536
#: Chunks that stay unpacked, of some 60 KB each: entries take turns in a run, and each wants one or two of its own.
_SHELVED: Final = 128
#: Jobs that stay made.
_RECENT: Final = 256
#: Changed jobs that are kept beside their chunks before those are packed again.
_CHANGED: Final = 4096


@frozen
class Sections:
    """Packed jobs as :mod:`headgate.planning.kept` writes them. ``hidden`` are those made from secrets.

    ``unsure`` are the chunks that may have a secret in them that was met only later.
    """

    hidden: list[int]
    sorts: Sorts
    bundles: Bundles
    secrets: Secrets
    unsure: Collection[int]


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
        self._sorts, self._bundles = Sorts(), Bundles()
        #: The jobs that a job waits for, those that it needs first, and those that it needs; by index.
        self.edges, self.needs = self._sorts.edges, self._sorts.needs
        #: The item of each job.
        self.items = array("i")
        #: Keys of the jobs of each chunk; those of chunks that are being filled.
        self._keys: list[bytes] = []
        self._filling: dict[int, list[str]] = {}
        #: Jobs added last, which are not packed yet.
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
        self._sorts.append(job)
        self.items.append(job.item)
        self._tail.append(job)
        if len(self._tail) == CHUNK:
            self._pack()

    def put(self, index: int, job: Job) -> None:
        """Put ``job`` in the place of job ``index``, from which it differs in its spec and its digest alone."""
        packed = len(self._bundles.where)
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
        self._pack()
        self._bundles.close()
        for number in list(self._filling):
            self._pack_keys(number)
        return self

    def _pack(self) -> None:
        seen, add, filling, sorts = self._seen, self._bundles.add, self._filling, self._sorts.of
        for index, job in enumerate(self._tail, len(self._bundles.where)):
            seen(job)
            number = add(sorts[index], self._line(index, job))
            keys = filling.get(number)
            if keys is None:
                keys = filling[number] = []
                self._keys.append(b"")
            keys.append(job.key)
            if len(keys) == CHUNK:
                self._pack_keys(number)
        self._tail = []

    def _pack_keys(self, number: int) -> None:
        self._keys[number] = pressed(orjson.dumps(self._filling.pop(number)))

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
        where, chunks = self._bundles.where, dict[int, list[bytes]]()
        for index, job in self._changed.items():
            number, place = divmod(where[index], CHUNK)
            lines = chunks.get(number)
            if lines is None:
                lines = chunks[number] = list(self._bundles.lines(number))
            lines[place] = self._line(index, job)
        for number, lines in chunks.items():
            self._bundles.put(number, lines)
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
        if index in self.aside or index in self._changed or index >= len(self._bundles.where):
            return self._made(index)
        number, place = divmod(self._bundles.where[index], CHUNK)
        _, digest, name, data = orjson.loads((self._shelf.get(number) or self._lines(number))[place])
        kind, role, collection, requests, needs, after = self._sorts.all[self._sorts.of[index]]
        edges = self.edges(index)
        return Job(
            (self._names.get(number) or self._keys_of(number))[place],
            kind,
            role,
            self._types[name](data) if name else data,
            self.items[index],
            dict(zip(needs, edges, strict=False)),
            dict(zip(after, edges[len(needs) :], strict=True)) if after else {},
            collection,
            digest,
            requests,
        )

    def __iter__(self) -> Iterator[Job]:
        """All of them, one by one: none is kept."""
        apart = {*self.aside, *self._changed, *range(len(self._bundles.where), len(self.items))}
        new, sorts = PackedJob.__new__, self._sorts.all
        for index, (sort, item) in enumerate(zip(self._sorts.of, self.items, strict=True)):
            if index in apart:
                yield self._made(index)
                continue
            job = new(PackedJob)
            job.kind, job.role, job.collection, job.requests, _, _ = sorts[sort]
            job.item, job._at, job._of = item, index, self  # noqa: SLF001 -- of this very module
            yield job

    def _made(self, index: int) -> Job:
        packed = len(self._bundles.where)
        if index >= packed:
            return self._tail[index - packed]
        if (job := self.aside.get(index) or self._changed.get(index)) is not None:
            return job
        job = PackedJob.__new__(PackedJob)
        job.kind, job.role, job.collection, job.requests, _, _ = self._sorts.all[self._sorts.of[index]]
        job.item = self.items[index]
        job._at, job._of = index, self  # noqa: SLF001 -- of this very module
        return job

    def named_edges(self, index: int) -> tuple[dict[str, int], dict[str, int]]:
        """What a job needs, and what it goes after."""
        *_, needs, after = self._sorts.all[self._sorts.of[index]]
        edges = self.edges(index)
        return dict(zip(needs, edges, strict=False)), dict(zip(after, edges[len(needs) :], strict=True))

    def key(self, index: int) -> str:
        """A job's key."""
        number, place = divmod(self._bundles.where[index], CHUNK)
        return (self._names.get(number) or self._keys_of(number))[place]

    def content(self, index: int) -> tuple[str, Any]:
        """A job's digest and its spec, which is not one of those that are not packed."""
        number, place = divmod(self._bundles.where[index], CHUNK)
        _, digest, name, spec = orjson.loads((self._shelf.get(number) or self._lines(number))[place])
        return digest, self._types[name](spec) if name else spec

    def _lines(self, number: int) -> list[bytes]:
        lines = self._bundles.lines(number)
        if number not in self._filling:  # it changes no more but by being packed anew
            _room(self._shelf)
            self._shelf[number] = lines
        return lines

    def _keys_of(self, number: int) -> list[str]:
        if (filling := self._filling.get(number)) is not None:
            return filling
        _room(self._names)
        names: list[str] = orjson.loads(released(self._keys[number]))
        self._names[number] = names
        return names

    def sections(self) -> Sections | None:
        """All of them for the store; ``None`` where JSON cannot say it."""
        if not self._sayable:
            return None
        return Sections(sorted(self.aside), self._sorts, self._bundles, self._secrets, range(len(self._bundles.chunks)))


def _room(shelf: dict[int, Any]) -> None:
    """Make room for one more; the oldest goes."""
    if len(shelf) >= _SHELVED:
        del shelf[next(iter(shelf))]
