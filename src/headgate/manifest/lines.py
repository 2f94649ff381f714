"""The rows of a file in few bytes each: packed as they are read, and made again when they are asked for."""

from __future__ import annotations

import zlib
from array import array
from typing import TYPE_CHECKING, Any, Final

import orjson

from headgate.manifest.made import Made
from headgate.manifest.references import Row

if TYPE_CHECKING:
    from collections.abc import Callable

#: Rows packed together: the more, the smaller the whole, and the dearer one of them.
_CHUNK: Final = 256


class Lines(Made[Row]):
    """Rows of a file, packed as they are read. ``value`` makes a row's data from what was kept of it (JSON)."""

    def __init__(self, file: str, value: Callable[[Any], Any]) -> None:
        self._file, self._value = file, value
        self._lines = array("q")
        self._chunks: list[bytes] = []
        self._tail: list[Any] = []
        #: The chunk that was asked for last.
        self._open: list[Any] = []
        self._at = -1

    def append(self, kept: Any, line: int) -> None:
        """One more row, of which ``kept`` is kept, from line ``line``."""
        self._lines.append(line)
        self._tail.append(kept)
        if len(self._tail) == _CHUNK:
            self._chunks.append(zlib.compress(orjson.dumps(self._tail), 1))
            self._tail = []

    def __len__(self) -> int:
        """How many there are."""
        return len(self._lines)

    def made(self, index: int) -> Row:
        """Row ``index``."""
        number, place = divmod(index, _CHUNK)
        if number == len(self._chunks):
            kept = self._tail[place]
        else:
            if number != self._at:
                self._open, self._at = orjson.loads(zlib.decompress(self._chunks[number])), number
            kept = self._open[place]
        return Row(self._value(kept), index, f"{self._file}:{self._lines[index]}")
