"""The witness's own book: what was done, what was refused, which documented rules a client broke.

It is fed by events alone (:mod:`headgate.simulator.world` commits them), so that a reloaded world has the
same book.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from headgate.simulator.store import ALL_KINDS, KINDS, LAKE_KINDS, Store

_KEPT = 1000  # violations and overlaps kept in full; beyond that they are only counted


class Ledger:
    """Sums and lists. Cost: O(1) per event; :meth:`snapshot` is O(objects)."""

    def __init__(self) -> None:
        self.created: Counter[str] = Counter()
        self.updated: Counter[str] = Counter()
        self.deleted: Counter[str] = Counter()
        self.refusals: Counter[str] = Counter()
        self.endpoints: Counter[str] = Counter()
        self.statuses: Counter[str] = Counter()
        self.pairs: Counter[str] = Counter()
        self.violations: list[dict[str, Any]] = []
        self.violation_count = 0
        self.overlaps: list[dict[str, Any]] = []
        self.foreign: list[dict[str, Any]] = []
        self.requests = self.throttled = self.tokens = 0
        self.jobs = self.max_pairs_per_job = self.max_concurrent = self.max_active = 0
        self.worst_second = 0

    def on_request(self, endpoint: str, status: int) -> None:
        """A platform call was answered (status 0: the answer was withheld)."""
        self.requests += 1
        self.endpoints[endpoint] += 1
        self.statuses[str(status)] += 1
        if status == 429:
            self.throttled += 1

    def on_violation(self, violation: dict[str, Any]) -> None:
        """A client broke a documented rule."""
        self.violation_count += 1
        if len(self.violations) < _KEPT:
            self.violations.append(violation)

    def on_job(self, job: dict[str, Any]) -> None:
        """An ad-hoc job of ours was accepted. ``job``: pairs, concurrent, active."""
        self.jobs += 1
        self.pairs.update(job["pairs"])
        self.max_pairs_per_job = max(self.max_pairs_per_job, len(job["pairs"]))
        self.max_concurrent = max(self.max_concurrent, job["concurrent"])
        self.max_active = max(self.max_active, job["active"])

    def on_overlap(self, overlap: dict[str, Any]) -> None:
        """A client asked for a second job of an audience while its own first was running."""
        if len(self.overlaps) < _KEPT:
            self.overlaps.append(overlap)

    def snapshot(self, store: Store, active_now: int, limit: float | None) -> dict[str, Any]:
        """The whole book, JSON-able. Kinds of services other than Flow Service are in it once there are any."""
        kinds = KINDS + tuple(kind for kind in LAKE_KINDS if self.created[kind] or store.count(kind))
        return {
            "objects": {kind: store.count(kind) for kind in kinds},
            "created": {kind: self.created[kind] for kind in kinds},
            "updated": dict(self.updated),
            "deleted": dict(self.deleted),
            "duplicates": duplicates(store),
            "violations": list(self.violations),
            "violationCount": self.violation_count,
            "refusals": dict(self.refusals),
            "requests": {
                "total": self.requests,
                "byEndpoint": dict(self.endpoints),
                "byStatus": dict(self.statuses),
                "perSecond": {"worst": self.worst_second, "limit": limit},
                "throttled": self.throttled,
                "tokens": self.tokens,
            },
            "activations": {
                "pairs": dict(self.pairs),
                "jobs": self.jobs,
                "maxPairsPerJob": self.max_pairs_per_job,
                "maxConcurrentPerAudience": self.max_concurrent,
                "activeNow": active_now,
                "maxActivePairs": self.max_active,
                "overlaps": list(self.overlaps),
                "foreign": list(self.foreign),
            },
        }


def duplicates(store: Store) -> list[dict[str, Any]]:
    """Live objects of one kind and sandbox that share a name, or were created with the very same body."""
    found: list[dict[str, Any]] = []
    for kind in ALL_KINDS:
        for by in ("name", "_digest"):
            groups: dict[tuple[str, str], list[str]] = {}
            for entity in store.all(kind):
                groups.setdefault((entity["sandboxName"], entity[by]), []).append(entity["id"])
            found += [
                {"kind": kind, "sandbox": sandbox, "by": by.lstrip("_"), "value": value, "ids": ids}
                for (sandbox, value), ids in groups.items()
                if len(ids) > 1
            ]
    return found
