"""Where workflows put their jobs while a plan is made: interned by key, so that what is equal is made once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headgate.planning.marker import marker

if TYPE_CHECKING:
    from headgate.planning.model import AdhocNote, ItemRow, Job, PairRow, SelectionRow


class Builder:
    """Collects jobs and rows. Jobs come in an order in which every edge points backwards."""

    def __init__(self, manifest: str, sandbox: str, *, pairs_per_job: int = 80) -> None:
        self.manifest = manifest
        self.pairs_per_job = pairs_per_job
        self.sandbox = sandbox
        self.jobs: list[Job] = []
        self.items: list[ItemRow] = []
        self.pairs: list[PairRow] = []
        self.adhoc: list[AdhocNote] = []
        self.selections: list[SelectionRow] = []
        self._by_key: dict[str, int] = {}
        self._shared: dict[str, Any] = {}
        self._of_item: dict[str, ItemRow] = {}

    def mark(self, key: str, *, shared: bool = False) -> str:
        """The marker of job ``key``; ``shared`` for what a sandbox has once, whatever the manifest."""
        return marker(self.sandbox, "" if shared else self.manifest, key)

    def add(self, job: Job) -> int:
        """The index of ``job``: its own, or that of the job that has its key already."""
        index = self._by_key.get(job.key)
        if index is None:
            if any(edge >= len(self.jobs) for edge in (*job.needs.values(), *job.after.values())):
                raise ValueError(f"{job.key}: an edge must point to a job added before it")
            index = self._by_key[job.key] = len(self.jobs)
            self.jobs.append(job)
        return index

    def find(self, key: str) -> int | None:
        """The index of job ``key``, if it is there already: what many items share need not be made again for each."""
        return self._by_key.get(key)

    def share(self, key: str, content: Any) -> bool:
        """Say that job ``key`` stands for ``content``; whether it does so wherever it was asked for.

        ``content`` may hold secrets: it is compared in memory and never written, so no digest of it exists.
        """
        return bool(self._shared.setdefault(key, content) == content)

    def row(self, row: ItemRow) -> None:
        """Add an item's row and remember it by the item's name."""
        self.items.append(row)
        self._of_item[row.item] = row

    def find_item(self, name: str) -> ItemRow | None:
        """The row of the item called ``name``, if it was planned before."""
        return self._of_item.get(name)
