"""Where workflows put their jobs while a plan is made: what items share is interned by key, and so made once."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from headgate.planning.fingerprint import Fingerprint, fingerprint
from headgate.planning.marker import marker
from headgate.planning.packed import PLENTY, PackedJobs
from headgate.planning.rows import PackedRows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headgate.planning.model import AdhocNote, ItemRow, Job, PairRow, SelectionRow


class Builder:
    """Collects jobs and rows. Jobs come in an order in which every edge points backwards.

    From ``plenty`` jobs on (:data:`PLENTY` if not given), jobs and the rows of items are packed as they come.
    """

    def __init__(self, manifest: str, sandbox: str, *, pairs_per_job: int = 80, plenty: int | None = None) -> None:
        self.manifest = manifest
        self.pairs_per_job = pairs_per_job
        self.sandbox = sandbox
        #: Not to be changed but by :meth:`add` and :meth:`amend`.
        self.jobs: list[Job] | PackedJobs = []
        self.items: list[ItemRow] | PackedRows = []
        self.pairs: list[PairRow] = []
        self.adhoc: list[AdhocNote] = []
        self.selections: list[SelectionRow] = []
        #: What every job that is added waits for, by role.
        self.behind: dict[str, int] = {}
        self._plenty = PLENTY if plenty is None else plenty
        self._seen = Fingerprint(manifest, sandbox)
        self._by_key: dict[str, int] = {}
        self._shared: dict[str, Any] = {}
        self._row_of: dict[str, int] = {}
        self._named = 0

    def mark(self, key: str, *, shared: bool = False) -> str:
        """The marker of job ``key``; ``shared`` for what a sandbox has once, whatever the manifest."""
        return marker(self.sandbox, "" if shared else self.manifest, key)

    def add(self, job: Job) -> int:
        """The index of ``job``: its own, or that of the job that has its key already. Nobody changes it afterwards.

        A job of one item has a key of its own, for no two items have one name: it is not looked for.
        """
        index = len(self.jobs)
        if job.item < 0 and (known := self._by_key.setdefault(job.key, index)) != index:
            return known
        job.after.update(self.behind)
        if max((*job.needs.values(), *job.after.values()), default=-1) >= index:
            raise ValueError(f"{job.key}: an edge must point to a job added before it")
        self.jobs.append(job)
        if len(self.jobs) == self._plenty and not isinstance(self.jobs, PackedJobs):
            self.jobs, self.items = PackedJobs(self.jobs, self._seen.add), PackedRows(self.items)
        return index

    def amend(self, index: int, spec: Any) -> None:
        """Give job ``index`` another spec."""
        job = self.jobs[index]
        if isinstance(self.jobs, PackedJobs):
            self.jobs.put(index, replace(job, spec=spec))
        else:
            job.spec = spec

    def find(self, key: str) -> int | None:
        """The index of job ``key``, which items share, if it is there already: it need not be made again for each."""
        return self._by_key.get(key)

    def share(self, key: str, content: Any) -> bool:
        """Say that job ``key`` stands for ``content``; whether it does so wherever it was asked for.

        ``content`` may hold secrets: it is compared in memory and never written, so no digest of it exists.
        """
        return bool(self._shared.setdefault(key, content) == content)

    def row(self, row: ItemRow) -> None:
        """Add an item's row and remember it by the item's name."""
        self.items.append(row)

    def find_item(self, name: str) -> ItemRow | None:
        """The row of the item called ``name``, if it was planned before."""
        if self._named < len(self.items):  # few plans ask
            names = self.items.names() if isinstance(self.items, PackedRows) else (row.item for row in self.items)
            self._row_of = {name: index for index, name in enumerate(names)}
            self._named = len(self.items)
        index = self._row_of.get(name)
        return None if index is None else self.items[index]

    def closed(self) -> tuple[Sequence[Job], Sequence[ItemRow], Fingerprint]:
        """The jobs, the rows of items, and the fingerprint. Nothing is added any more."""
        self._by_key.clear()
        jobs = self.jobs.close() if isinstance(self.jobs, PackedJobs) else tuple(self.jobs)
        packed = isinstance(jobs, PackedJobs) and not jobs.altered
        found = self._seen if packed else fingerprint(self.manifest, self.sandbox, jobs)
        return jobs, self.items if isinstance(self.items, PackedRows) else tuple(self.items), found
