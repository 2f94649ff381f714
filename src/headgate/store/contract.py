"""What a state store does. Every store passes the same suite (``tests/contract/store_suite.py``)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from headgate.engine.record import Record

RunStatus = Literal["running", "succeeded", "failed", "stopped", "interrupted"]


@dataclass(frozen=True, slots=True)
class RunRow:
    """One run. Times are epoch seconds; ``args`` is how it was asked for (JSON, no secrets).

    ``open`` is the number of jobs not settled when it ended; a run with open jobs can be resumed.
    """

    id: str
    manifest: str
    path: str
    sandbox: str
    fingerprint: str
    status: RunStatus
    started_at: float
    finished_at: float | None = None
    open: int = 0
    args: Mapping[str, Any] = field(default_factory=dict)
    counters: Mapping[str, Any] = field(default_factory=dict)

    @property
    def command(self) -> str:
        """What it does: ``run``, ``destroy``, ``sweep`` or ``adopt``."""
        return str(self.args.get("command", "run"))

    @property
    def unfinished(self) -> bool:
        """Whether a resume would have something to do."""
        return self.status == "running" or self.open > 0


@dataclass(frozen=True, slots=True)
class ObjectRow:
    """One object the store knows. An empty ``id`` is one in doubt; ``run`` made or found it, ``found`` says how.

    ``found`` is that of :class:`~headgate.engine.record.Made`.
    """

    marker: str
    collection: str
    id: str
    name: str
    run: str
    found: str


@dataclass(frozen=True, slots=True)
class Leased:
    """What came of asking for keys: granted when ``by`` is empty, else who has one of them, in words, since when.

    ``notes`` is what the keys' rows said before: notes of an earlier life of this run, and of dead holders.
    """

    by: str = ""
    since_s: float | None = None
    notes: tuple[str, ...] = ()


class Journal(Protocol):
    """The journal of one claimed run. Called from the event loop; records become durable in the order given.

    ``fresh_until_mono``: until when (``time.monotonic``) the claim surely holds; whoever wants to change something
    later than that asks for a ``flush`` first.
    """

    fresh_until_mono: float

    def append(self, record: Record, then: Callable[[], None] | None = None) -> None:
        """Write ``record`` with the next group; ``then`` is called on the loop once it is durable."""
        ...

    def lease(self, keys: Sequence[str], note: Sequence[str], then: Callable[[Leased], None]) -> None:
        """Ask with the next group for all of ``keys``, or none, for this run; ``then`` is called on the loop.

        A key is free that no living process's run holds but this one. ``note`` is kept with the keys.
        """
        ...

    def count(self, counters: Mapping[str, Any]) -> None:
        """Keep the run's counters up to date; written with the next group."""
        ...

    async def flush(self) -> None:
        """Wait until everything given so far is durable."""
        ...

    def close(self) -> None:
        """End the writer. Call after ``flush``."""
        ...


class Store(Protocol):
    """Runs, their journals and the objects they made. Raises :class:`~headgate.errors.StoreError` and nothing else."""

    def begin(self, run: RunRow, outline: bytes) -> None:
        """Add a new run with its packed outline, taken by this process.

        Raises:
            StoreBusy: a living process drives a run of the same manifest and sandbox.
        """
        ...

    def outline(self, run_id: str) -> bytes:
        """The run's packed outline."""
        ...

    def claim(self, run_id: str) -> None:
        """Take the run for this process.

        Raises:
            StoreBusy: a living process has it.
        """
        ...

    def journal(self, run_id: str) -> Journal:
        """The journal of a claimed run. Must be called on the event loop that will use it."""
        ...

    def finish(
        self, run_id: str, status: RunStatus, finished_at: float, open_jobs: int, counters: Mapping[str, Any]
    ) -> None:
        """End the run's life in this process and give the claim back."""
        ...

    def run(self, run_id: str) -> RunRow | None:
        """One run, or ``None``."""
        ...

    def runs(self) -> Sequence[RunRow]:
        """All runs, newest first."""
        ...

    def records(self, run_id: str) -> Iterable[Record]:
        """The run's journal, oldest first."""
        ...

    def known(self, sandbox: str) -> Mapping[str, tuple[str, str]]:
        """Objects by marker: ``(id, digest)``; the id is empty while nobody knows whether it was made."""
        ...

    def objects(self, sandbox: str) -> Sequence[ObjectRow]:
        """All objects known in ``sandbox`` and those in doubt, in the order of their markers."""
        ...

    def holder(self, run_id: str) -> str | None:
        """Who has the run, in words for a person; ``None`` if nobody living has it."""
        ...

    def close(self) -> None:
        """Let go of the file or the connection. Journals are flushed and closed before."""
        ...
