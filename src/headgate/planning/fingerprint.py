"""The fingerprint of a plan: the same for the same jobs and edges, whatever they are kept in."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import orjson

from headgate.planning.content import fields_of
from headgate.secret import reference

if TYPE_CHECKING:
    from collections.abc import Iterable

    from headgate.planning.model import Job


class Fingerprint:
    """A digest of every job and edge, taken as they come; secrets count by their reference alone."""

    def __init__(self, manifest: str, sandbox: str) -> None:
        self._digest = blake2b(f"{manifest}\x1f{sandbox}".encode(), digest_size=16)
        self._count = 0
        self._met = False
        #: The jobs that were made from secrets, by index.
        self.secret: list[int] = []

    def _reference(self, value: Any) -> str:
        self._met = True
        return reference(value)

    def add(self, job: Job) -> None:
        """Take one more job in."""
        spec = job.spec if isinstance(job.spec, dict) else fields_of(job.spec)
        self._digest.update(
            orjson.dumps(
                [job.key, job.kind, sorted(job.needs.values()), sorted(job.after.values()), spec],
                self._reference,
                orjson.OPT_SORT_KEYS,
            )
        )
        if self._met:
            self.secret.append(self._count)
            self._met = False
        self._count += 1

    def __str__(self) -> str:
        """In hex digits."""
        return self._digest.hexdigest()


def fingerprint(manifest: str, sandbox: str, jobs: Iterable[Job]) -> Fingerprint:
    """The fingerprint of all ``jobs``."""
    found = Fingerprint(manifest, sandbox)
    for job in jobs:
        found.add(job)
    return found
