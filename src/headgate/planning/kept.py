"""A plan kept with its run, so that the run goes on without its manifest being read and compiled again.

Beside what the outline holds already: edges, and what each job is made from. Of that only what is asked for is ever
decoded: a job that is over costs a few bytes of a column. No secret is in it: a job made from one is marked, and who
needs that job makes the plan anew. Nothing of a kept plan is trusted but by a program of the same :data:`SCHEMA` and
version, and only while ``Plan.inputs`` says that the same plan would be made again.
"""

from __future__ import annotations

import sys
import zlib
from array import array
from itertools import accumulate, pairwise, repeat
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import orjson

from headgate.planning.bundles import Bundles, released, unpacked
from headgate.planning.lines import CHUNK, HIDDEN, Secrets, line
from headgate.planning.model import Plan
from headgate.planning.outline import Outline, columns, opened
from headgate.planning.packed import PackedJobs, Sections
from headgate.planning.sorts import Sorts
from headgate.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from headgate.planning.model import Job

#: Raised whenever what is packed, or what a spec means, changes.
SCHEMA: Final = 3
#: Chunks that stay unpacked.
_SHELVED: Final = 32

#: From the JSON of a spec to the spec, by the name of its type.
Types: TypeAlias = "Mapping[str, Callable[[dict[str, Any]], Any]]"


def packed(plan: Plan) -> bytes:
    """``plan`` for the store; empty where it cannot be kept."""
    if plan.inputs is None:
        return b""
    made = plan.jobs.sections() if isinstance(plan.jobs, PackedJobs) else _sections(plan.jobs)
    if made is None:
        return b""  # something that JSON cannot say (nothing of ours, so far), or what is a secret elsewhere
    head = {
        "schema": SCHEMA,
        "version": __version__,
        "fingerprint": plan.fingerprint,
        "options": plan.options,
        "priorities": plan.priorities,
        "source": plan.source,
        "inputs": plan.inputs,
        "hidden": made.hidden,
        "shapes": made.sorts.shapes(),
    }
    if not made.secrets.absent(orjson.dumps(head)) or not all(
        made.secrets.absent(released(made.bundles.chunks[number])) for number in made.unsure
    ):
        return b""  # what is a secret in one place stands openly in another
    sums = array("I", map(zlib.crc32, made.bundles.chunks))  # they have none of their own
    numbers = made.sorts.of, made.sorts.backwards(), made.bundles.where, sums
    columns = (zlib.compress(each, 1) for each in (orjson.dumps(head), *map(_bytes, numbers)))
    sections = [*columns, *made.bundles.chunks]
    sizes = array("i", [len(section) for section in sections])
    return b"".join((_bytes(array("i", [len(sizes)])), _bytes(sizes), *sections))


class Kept:
    """A kept plan, as far as it is opened.

    Raises:
        ValueError: it is not one that this program can read.
    """

    def __init__(self, blob: bytes) -> None:
        try:
            count = _numbers(blob[:4])[0]
            ends = list(accumulate(_numbers(blob[4 : 4 + 4 * count]), initial=4 + 4 * count))
            view = memoryview(blob)
            self.sections = [view[start:end] for start, end in pairwise(ends)]
            self.head: dict[str, Any] = orjson.loads(zlib.decompress(self.sections[0]))
            if (self.head["schema"], self.head["version"]) != (SCHEMA, __version__):
                raise ValueError("kept by another program")
            self.hidden = frozenset(self.head["hidden"])
            self.inputs: Mapping[str, Any] = self.head["inputs"]
            self.fingerprint = str(self.head["fingerprint"])
        except (zlib.error, IndexError, KeyError, TypeError) as error:
            raise ValueError("not a kept plan") from error

    def plan(self, outline: bytes, types: Types) -> Plan:
        """The plan, as it was, but that its jobs do not name their ``requests``."""
        data = opened(outline)
        shelf = _Shelf(self, types)
        names = columns(data["jobs"])
        jobs: list[Any] = list(map(KeptJob, zip(*names, repeat(shelf), range(len(names[0])), strict=False)))
        rows = Outline.read(data, ())
        return Plan(
            rows.manifest,
            rows.sandbox,
            jobs,
            rows.items,
            rows.pairs,
            (),
            self.fingerprint,
            self.head["options"],
            self.head["source"],
            rows.selections,
            rows.again,
            inputs=self.inputs,
            priorities=self.head.get("priorities", {}),
        )


class KeptJob(tuple[Any, ...]):  # noqa: SLOT001 -- what is looked up is kept in its dict, made when it is needed
    """A :class:`Job` that knows its names, and looks up the rest when it is asked.

    A tuple, because a hundred thousand of them are made at once: six times as fast as anything with attributes.
    """

    key = property(itemgetter(0))
    kind = property(itemgetter(1))
    role = property(itemgetter(2))
    item = property(itemgetter(3))
    requests = ()

    def __getattr__(self, name: str) -> Any:
        """Called for what was not looked up yet."""
        shelf, index = self[4], self[5]
        if name in ("needs", "after"):
            self.needs, self.after = shelf.edges(index)
        elif name in ("spec", "collection", "digest"):
            self.collection, self.digest, made = shelf.content(index)
            if made[0] == HIDDEN and name == "spec":
                raise LookupError(f"{self[0]}: made from a secret, which is not kept")
            if made[0] != HIDDEN:
                self.spec = shelf.made(*made)
        else:
            raise AttributeError(name)
        return self.__dict__[name]


class _Shelf:
    """What jobs look up."""

    def __init__(self, kept: Kept, types: Types) -> None:
        self._types, self._chunks = types, kept.sections[5:]
        self._shapes = [(tuple(needs), tuple(after)) for needs, after in kept.head["shapes"]]
        self._kinds, self._edges, self._where = (_numbers(zlib.decompress(each)) for each in kept.sections[1:4])
        self._sums = _numbers(zlib.decompress(kept.sections[4]), "I")
        sizes = [len(needs) + len(after) for needs, after in self._shapes]
        self._starts = array("i", accumulate(map(sizes.__getitem__, self._kinds), initial=0))
        self._open: dict[int, list[bytes]] = {}

    def edges(self, index: int) -> tuple[dict[str, int], dict[str, int]]:
        """What the job needs, and what it goes after."""
        needs, after = self._shapes[self._kinds[index]]
        edges = [index - back for back in self._edges[self._starts[index] : self._starts[index + 1]]]
        return dict(zip(needs, edges, strict=False)), dict(zip(after, edges[len(needs) :], strict=True))

    def content(self, index: int) -> tuple[str, str, tuple[str, Any]]:
        """The job's collection and digest, and what its spec is made from.

        Raises:
            ValueError: it is damaged.
        """
        number, line = divmod(self._where[index], CHUNK)
        lines = self._open.get(number)
        if lines is None:
            if len(self._open) >= _SHELVED:
                del self._open[next(iter(self._open))]
            if zlib.crc32(self._chunks[number]) != self._sums[number]:
                raise ValueError("the plan that the store has kept is damaged")
            lines = self._open[number] = unpacked(self._chunks[number])
        collection, digest, name, spec = orjson.loads(lines[line])
        return collection, digest, (name, spec)

    def made(self, name: str, spec: Any) -> Any:
        """A spec."""
        return self._types[name](spec) if name else spec


def _sections(jobs: Sequence[Job]) -> Sections | None:
    """As :meth:`PackedJobs.sections`, of jobs that are not packed; ``None`` also where a secret stands in a line."""
    secrets, hidden, sorts = Secrets(), list[int](), Sorts()
    bundles = _Searched(secrets)
    for index, job in enumerate(jobs):
        sorts.append(job)
        try:
            bundles.add(sorts.of[index], line(job, secrets))
        except orjson.JSONEncodeError:
            return None
        if secrets.met:
            hidden.append(index)
    bundles.close()
    return Sections(hidden, sorts, bundles, secrets, bundles.unsure) if bundles.clean else None


class _Searched(Bundles):
    """Bundles that are looked through for secrets as they are packed."""

    def __init__(self, secrets: Secrets) -> None:
        super().__init__()
        self._secrets, self._met = secrets, 0
        #: Whether none was found; chunks that may hold one that was met only later.
        self.clean, self.unsure = True, list[int]()

    def put(self, number: int, lines: Sequence[bytes]) -> None:
        """Let ``lines`` be in a chunk."""
        if len(self._secrets) != self._met:
            self._met, self.unsure = len(self._secrets), [one for one, chunk in enumerate(self.chunks) if chunk]
        self.clean = self.clean and self._secrets.absent(b"".join(lines))
        super().put(number, lines)


def _bytes(numbers: array[int]) -> bytes:
    """Four bytes each, the lowest first, whatever the machine."""
    if sys.byteorder == "big":
        numbers = numbers[:]
        numbers.byteswap()
    return numbers.tobytes()


def _numbers(data: bytes, kind: Literal["i", "I"] = "i") -> array[int]:
    numbers = array(kind)
    numbers.frombytes(data)
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers
