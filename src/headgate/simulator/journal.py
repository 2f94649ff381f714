"""The world's file: one JSON line per answered request, written before the answer leaves.

A line is ``{"at": platform time, "e": [event, ...]}``. It reaches the kernel in a single write and is not
synced: a killed process loses nothing it answered, a dead machine may. A torn last line is cut off on
reading.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, BinaryIO

import orjson

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Event = list[Any]


def _private(path: str, flags: int) -> int:
    """Open a file; a new one is its owner's alone, for it holds what clients have sent."""
    return os.open(path, flags, 0o600)


def _private_folder(path: Path) -> None:
    if not path.is_dir():
        _private_folder(path.parent)
        path.mkdir(mode=0o700, exist_ok=True)


class Journal:
    """Append-only file of events."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: BinaryIO | None = None

    def read(self) -> Iterator[tuple[float, list[Event]]]:
        """Every ``(at, events)`` so far, oldest first; cuts a torn last line off.

        Raises:
            ValueError: a line that is not the last cannot be read.
        """
        if not self._path.exists():
            return
        good = 0
        with self._path.open("rb") as file:
            for number, line in enumerate(file, 1):
                try:
                    record = orjson.loads(line)
                    at, events = float(record["at"]), record["e"]
                except (ValueError, LookupError, TypeError) as error:
                    if file.read(1):
                        raise ValueError(f"{self._path}:{number}: not a line of a world file") from error
                    break
                if not line.endswith(b"\n"):
                    break
                good += len(line)
                yield at, events
        if good < self._path.stat().st_size:
            with self._path.open("r+b") as file:
                file.truncate(good)

    def open(self) -> None:
        """Begin appending; makes the folder when it is missing."""
        if self._file is None:
            _private_folder(self._path.parent)
            self._file = open(self._path, "ab", buffering=0, opener=_private)  # noqa: SIM115 -- closed by close()

    @property
    def is_open(self) -> bool:
        """Whether lines can be appended."""
        return self._file is not None

    def append(self, at: float, events: list[Event]) -> None:
        """Write one line. Does nothing while closed."""
        if self._file is not None:
            self._file.write(orjson.dumps({"at": at, "e": events}) + b"\n")

    def close(self) -> None:
        """Stop appending."""
        if self._file is not None:
            self._file.close()
            self._file = None
