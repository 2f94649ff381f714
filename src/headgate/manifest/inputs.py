"""What a manifest was read from, so that it can be known to say the same without being read again.

A digest of everything that was read: the manifest itself, row files, files and variables of the environment that it
refers to. No digest of a secret is made, for a short one could be guessed from it: what is only referred to below
``auth`` need only be there, and a file that holds something secret is recognised by when it was last changed.
"""

from __future__ import annotations

import os
import time
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path as FilePath

#: A file changed less than this before it was looked at may have been changed again in the same tick, in nanoseconds.
_TICK_NS: Final = 100_000_000


class Inputs:
    """Notes of the loader. What stands in a variable counts where, and as, the variable is used."""

    def __init__(self) -> None:
        #: The variable that is being compiled.
        self.variable: str | None = None
        self._rows: dict[str, tuple[str, list[int] | None]] = {}
        self._manifest: tuple[str, list[int] | None] = ("", None)
        self._there: set[tuple[str, str]] = set()
        self._read: dict[tuple[str, str], str] = {}
        self._behind: dict[str, dict[tuple[str, str], str]] = {}
        self._hides = self._rows_hide = False

    def manifest(self, path: FilePath, data: bytes) -> None:
        """The manifest's own file was read."""
        self._manifest = digest(data), _stamp(path)

    def rows(self, name: str, path: FilePath, data: bytes) -> None:
        """A file of rows was read."""
        self._rows[name] = digest(data), _stamp(path)

    def refer(self, kind: str, name: str, value: str, *, secret: bool) -> None:
        """A reference (``env`` or ``file``) was resolved to ``value``."""
        self._there.add((kind, name))
        if not secret:
            into = self._read if self.variable is None else self._behind.setdefault(self.variable, {})
            into[kind, name] = digest(value.encode(errors="surrogatepass"))

    def use(self, variable: str, *, secret: bool) -> None:
        """A variable was referred to."""
        if secret:
            self._hides = True  # it may stand in the manifest itself
            return
        into = self._read if self.variable is None else self._behind.setdefault(self.variable, {})
        into.update(self._behind.get(variable, {}))

    def hide(self, *, rows: bool = False) -> None:
        """Something secret stands in the manifest itself, or in its rows."""
        self._hides = True
        self._rows_hide = self._rows_hide or rows

    def kept(self, said: list[str]) -> dict[str, Any] | None:
        """All of it as JSON, with what was ``said`` about it; ``None`` if a change might not be noticed."""
        manifest = self._manifest[1] if self._hides else self._manifest[0]
        rows = {name: seen[1] if self._rows_hide else seen[0] for name, seen in self._rows.items()}
        if not manifest or None in rows.values():
            return None
        return {
            "manifest": manifest,
            "rows": rows,
            "there": sorted(self._there),
            "read": [[*what, found] for what, found in sorted(self._read.items())],
            "said": said,
        }


def unchanged(kept: Mapping[str, Any], path: FilePath, env: Mapping[str, str] | None = None) -> bool:
    """Whether the manifest at ``path`` would be loaded as it was when ``kept`` was noted."""
    env = os.environ if env is None else env
    base = path.parent
    read = {(kind, name): found for kind, name, found in kept["read"]}
    try:
        return (
            _same(path, kept["manifest"])
            and all(_same(base / name, found) for name, found in kept["rows"].items())
            and all(_refers(kind, name, base, env, read.get((kind, name))) for kind, name in kept["there"])
        )
    except (OSError, ValueError):
        return False


def _same(path: FilePath, found: Any) -> bool:
    return bool(found == (digest(path.read_bytes()) if isinstance(found, str) else _stamp(path)))


def _refers(kind: str, name: str, base: FilePath, env: Mapping[str, str], found: str | None) -> bool:
    value = env.get(name) if kind == "env" else (base / name).read_text(encoding="utf-8-sig")
    return value is not None and (found is None or found == digest(value.encode(errors="surrogatepass")))


def digest(data: bytes) -> str:
    """Of what is not secret."""
    return blake2b(data, digest_size=16).hexdigest()


def _stamp(path: FilePath) -> list[int] | None:
    """A file as the system knows it; ``None`` where that says too little. Any write to it changes it."""
    try:
        found = path.stat()
    except OSError:
        return None
    if os.name != "posix" or time.time_ns() - found.st_ctime_ns < _TICK_NS:
        return None
    return [found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns]
