"""Who holds which key. All of a job's keys at once or none, so nobody waits while holding: no deadlock."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class Leases:
    """Keys held by jobs of this run, and the line of those that wait for some.

    The line is first come, first served among those whose keys are free; a job may be overtaken only by jobs that
    need none of the keys it waits for.
    """

    def __init__(self) -> None:
        self._holder: dict[str, int] = {}
        self._held: dict[int, tuple[str, ...]] = {}
        self._line: dict[int, tuple[int, tuple[str, ...]]] = {}
        self._came = 0
        self._waiting: dict[str, dict[int, None]] = {}

    def claim(self, job: int, keys: tuple[str, ...]) -> bool:
        """Take all ``keys`` for ``job`` if none is held by another and nobody waits for one; else join the line."""
        if job in self._held:
            return True
        if any(key in self._holder or self._waiting.get(key) for key in keys):
            self._came += 1
            self._line[job] = (self._came, keys)
            for key in keys:
                self._waiting.setdefault(key, {})[job] = None
            return False
        self._take(job, keys)
        return True

    def force(self, job: int, keys: Iterable[str]) -> None:
        """Give ``job`` its keys back after a restart: it held them when the last process ended."""
        self._take(job, tuple(keys))

    def release(self, job: int) -> list[int]:
        """Free what ``job`` holds; the jobs that now hold all of their keys, in the order they came."""
        keys = self._held.pop(job, ())
        if not keys:
            return []
        for key in keys:
            if self._holder.get(key) == job:
                del self._holder[key]
        candidates: dict[int, None] = {}
        for key in keys:
            candidates.update(self._waiting.get(key, {}))
        granted: list[int] = []
        for waiting in sorted(candidates, key=lambda waiting: self._line[waiting][0]):
            wanted = self._line[waiting][1]
            if all(key not in self._holder and next(iter(self._waiting[key])) == waiting for key in wanted):
                del self._line[waiting]
                for key in wanted:
                    del self._waiting[key][waiting]
                    if not self._waiting[key]:
                        del self._waiting[key]
                self._take(waiting, wanted)
                granted.append(waiting)
        return granted

    def held(self, job: int) -> tuple[str, ...]:
        """What ``job`` holds."""
        return self._held.get(job, ())

    def _take(self, job: int, keys: tuple[str, ...]) -> None:
        self._held[job] = keys
        for key in keys:
            self._holder[key] = job
