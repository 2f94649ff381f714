"""A plan without its contents: job names, rows and edges to rows. Small, free of secrets, kept with the run.

With the journal it is all a report needs, so a report can be made later and elsewhere, without the manifest.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson

from headgate.planning.model import ItemRow, PairRow, Plan, SelectionRow

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class JobLine:
    """One job's names."""

    key: str
    kind: str
    role: str
    item: int


@dataclass(frozen=True, slots=True)
class Outline:
    """What a report needs of a plan."""

    manifest: str
    sandbox: str
    jobs: Sequence[JobLine]
    items: Sequence[ItemRow]
    pairs: Sequence[PairRow]
    selections: Sequence[SelectionRow] = ()
    #: The plan's own ``again``.
    again: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, plan: Plan) -> Outline:
        """The outline of ``plan``."""
        return cls(
            plan.manifest,
            plan.sandbox,
            [JobLine(job.key, job.kind, job.role, job.item) for job in plan.jobs],
            plan.items,
            plan.pairs,
            plan.selections,
            plan.again,
        )

    def as_json(self) -> dict[str, Any]:
        """As JSON, for events."""
        data: dict[str, Any] = {
            "manifest": self.manifest,
            "sandbox": self.sandbox,
            "jobs": [[job.key, job.kind, job.role, job.item] for job in self.jobs],
            "items": [
                [row.entry, row.item, row.kind, row.place, dict(row.jobs), dict(row.known)] for row in self.items
            ],
            "pairs": [[row.entry, row.destination, row.audience, row.flow, row.job] for row in self.pairs],
            "selections": [[row.entry, row.item, row.kind, row.place, row.job] for row in self.selections],
        }
        if self.again:
            data["again"] = self.again
        return data

    def packed(self) -> bytes:
        """For the store."""
        return zlib.compress(orjson.dumps(self.as_json()), 6)

    @classmethod
    def unpacked(cls, blob: bytes) -> Outline:
        """From the store."""
        return cls.of_json(orjson.loads(zlib.decompress(blob)))

    @classmethod
    def of_json(cls, data: Mapping[str, Any]) -> Outline:
        """From what :meth:`as_json` gave."""
        return cls(
            data["manifest"],
            data["sandbox"],
            [JobLine(*job) for job in data["jobs"]],
            [ItemRow(*row) for row in data["items"]],
            [PairRow(*row) for row in data["pairs"]],
            [SelectionRow(*row) for row in data.get("selections", ())],
            data.get("again", {}),
        )
