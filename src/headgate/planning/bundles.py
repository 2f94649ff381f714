"""Lines of JSON in few bytes each, packed with those that are asked for at the same time."""

from __future__ import annotations

import zlib
from array import array
from io import BytesIO
from typing import TYPE_CHECKING, Final

from headgate.planning.lines import CHUNK

if TYPE_CHECKING:
    from collections.abc import Sequence

#: For :mod:`zlib`: neither header nor checksum; the bytes that most chunks unpacked fit into.
_RAW: Final = -15
_ROOM: Final = 65_536
#: Sorts of jobs that are packed by themselves; those of all further sorts are packed as they come.
_APART: Final = 64


class Bundles:
    """Lines, each with its end, in the order in which they were added, packed in chunks of one sort of jobs each.

    A run goes through a plan sort by sort: what others wait for goes first. So a chunk of one sort is unpacked once in
    a run. One of all sorts, as they come, would be unpacked once for every sort.
    """

    def __init__(self) -> None:
        #: Where the line of each job is: the number of its chunk times :data:`CHUNK`, and its place in there.
        self.where = array("i")
        self.chunks: list[bytes] = []
        #: The chunk that each sort is added to, and what is in those chunks so far.
        self._filling: dict[int, int] = {}
        self._open: dict[int, list[bytes]] = {}

    def add(self, sort: int, line: bytes) -> int:
        """Add the line of a job of ``sort``; the number of its chunk."""
        number = self._filling.get(min(sort, _APART))
        if number is None:
            number = self._filling[min(sort, _APART)] = len(self.chunks)
            self.chunks.append(b"")
            self._open[number] = []
        lines = self._open[number]
        self.where.append(number * CHUNK + len(lines))
        lines.append(line)
        if len(lines) == CHUNK:
            del self._filling[min(sort, _APART)]
            self.put(number, self._open.pop(number))
        return number

    def close(self) -> Bundles:
        """Pack what is left. Nothing is added any more."""
        while self._open:
            self.put(*self._open.popitem())
        self._filling.clear()
        return self

    def lines(self, number: int) -> list[bytes]:
        """What is in a chunk; nobody changes it."""
        return self._open.get(number) or unpacked(self.chunks[number])

    def put(self, number: int, lines: Sequence[bytes]) -> None:
        """Let ``lines`` be in a chunk."""
        if number in self._open:
            self._open[number] = list(lines)
        else:
            self.chunks[number] = pressed(b"".join(lines))


def pressed(data: bytes) -> bytes:
    """``data`` in fewer bytes. Without a checksum, which takes half as long again: memory needs none."""
    return zlib.compress(data, 1, _RAW)


def released(data: bytes | memoryview) -> bytes:
    """What :func:`pressed` was given.

    Raises:
        zlib.error: it was something else.
    """
    return zlib.decompress(data, _RAW, _ROOM)


def unpacked(chunk: bytes | memoryview) -> list[bytes]:
    """The lines of a chunk, each with its end."""
    return BytesIO(released(chunk)).readlines()  # looks for ends of lines several times as fast as ``split``
