"""By what the length of an ad-hoc run may be known, and who knows it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from headgate.planning.model import Job


class Experience(Protocol):
    """What earlier runs have learnt of how long runs take, in platform seconds. Runs are given by their keys."""

    def longest(self, runs: Iterable[Sequence[str]], share: float = 0.5) -> float | None:
        """When the last of ``runs`` that begin together is over; ``None`` if nobody knows."""
        ...

    def known(self, runs: Iterable[Sequence[str]]) -> int:
        """Of how many of ``runs`` their own keys tell how long they take."""
        ...


def run_keys(audience: str, flow: str) -> tuple[str, ...]:
    """The most telling key first: how long an export takes depends on its audience more than on anything else."""
    return f"audience:{audience}", f"flow:{flow}"


def runs_of(job: Job) -> list[tuple[str, ...]]:
    """The keys of each run that an ad-hoc job starts. Of a flow that the same plan makes nothing is known yet."""
    return [run_keys(pair[2], pair[1]) for pair in job.spec["pairs"]]
