"""What a state store does. Every store passes the same suite (``tests/contract/store_suite.py``)."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol

from headgate.classes import frozen

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from headgate.engine.record import Latest, Record

#: Seconds a process may be silent before it is dead to others, unless the store was opened with another number.
LEASE_S: Final = 60.0

#: How keys begin that are marks of objects. (No other key does: an audience's says that it is one.)
MARK: Final = "["

RunStatus = Literal["running", "succeeded", "failed", "stopped", "interrupted"]


@frozen
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


@frozen
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


@frozen
class Leased:
    """What came of asking for keys: all of them, or none.

    ``by`` is empty when they were granted, else who has one of them, in words: ``run R, driven by process P on H``;
    ``since_s`` is then how many seconds ago that one was taken. ``notes`` of a grant are what the keys' rows held
    before, oldest first: left by an earlier life of this run or by a holder that is dead. What is named there may
    still be going on, so it is looked at before anything is sent. ``known`` of a grant is what the store knows, once
    the keys are granted, of the objects whose marks are among them: id and digest as in :meth:`Store.known`.
    """

    by: str = ""
    since_s: float | None = None
    notes: tuple[str, ...] = ()
    known: Mapping[str, tuple[str, str]] = field(default_factory=dict)


class Journal(Protocol):
    """The journal of one claimed run. Called from the event loop; records become durable in the order given.

    ``fresh_until_mono``: until when (``time.monotonic``) the claim surely holds, counted from before its last renewal
    was sent. An effect may begin only if it ends before that, its longest time allowed for; whoever cannot promise
    that asks for a ``flush`` first.
    """

    fresh_until_mono: float

    def append(self, record: Record, then: Callable[[], None] | None = None) -> None:
        """Write ``record`` with the next group; ``then`` is called on the loop once it is durable."""
        ...

    def lease(self, keys: Sequence[str], note: Sequence[str], then: Callable[[Leased], None]) -> None:
        """Ask, with the next group, for all ``keys`` for this run; ``then`` is called on the loop once durable.

        A key is free if nobody has it, if this run has it, or if who has it is dead: then it is taken away. Keys are
        those of the run's organisation and sandbox. ``note`` (short strings) is added to what the keys' rows hold,
        for whoever takes them after this process. They stay until a record ``frees`` them, or the run is finished
        with nothing open and is not abandoned. Who frees an object's mark has said in the same record, or before,
        what became of it: so whoever is granted it next is told.
        """
        ...

    def learn(self, lengths: Mapping[str, Mapping[str, float]]) -> None:
        """Keep with the next group what was learnt of how long runs take, by key: all that is known of each key.

        Of two processes that learn of one key at the same time, the last has the say.
        """
        ...

    def count(self, counters: Mapping[str, Any]) -> None:
        """Keep the run's counters up to date; written with the next group."""
        ...

    def tell(self, told: Mapping[str, Any]) -> None:
        """How the run stands, for who looks from another process (``Store.told``): JSON, written now and then."""
        ...

    def heed(self, listener: Callable[[str], object]) -> None:
        """``listener`` is called on the loop with each action that another process asks (``Store.ask``)."""
        ...

    async def flush(self) -> None:
        """Wait until everything given so far is durable."""
        ...

    def close(self) -> None:
        """End the writer. Call after ``flush``."""
        ...


class Store(Protocol):
    """Runs, their journals and the objects they made. Raises :class:`~headgate.errors.StoreError` and nothing else.

    One that was opened for an organisation sees its rows and those that belong to none yet (of older programs), which
    it makes its own, sandbox by sandbox, when it begins or claims a run there. One opened for none sees all rows.
    """

    def begin(self, run: RunRow, outline: bytes, plan: bytes = b"") -> None:
        """Add a new run with its packed outline, taken by this process.

        ``plan`` is kept beside it until the run is finished with nothing open. A run of the same manifest and sandbox
        whose process is dead can do nothing any more from now on.

        Raises:
            StoreBusy: a living process drives a run of the same manifest and sandbox.
        """
        ...

    def outline(self, run_id: str) -> bytes:
        """The run's packed outline."""
        ...

    def plan(self, run_id: str) -> bytes:
        """The packed plan kept with an unfinished run; empty where none was."""
        ...

    def claim(self, run_id: str) -> None:
        """Take the run, and the keys it holds, for this process.

        Raises:
            StoreBusy: a living process has it.
        """
        ...

    def journal(self, run_id: str) -> Journal:
        """The journal of a claimed run. Must be called on the event loop that will use it."""
        ...

    def finish(
        self,
        run_id: str,
        status: RunStatus,
        finished_at: float,
        open_jobs: int,
        counters: Mapping[str, Any],
        *,
        abandoned: bool = False,
    ) -> None:
        """End the run's life in this process and give the claim back.

        With nothing open its keys are free. With open jobs they are free to be taken, and their notes stay; likewise
        where it is ``abandoned``: nobody goes on with it, but what it started may still be going on.
        """
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

    def latest(self, run_id: str, after: int = 0) -> Latest:
        """The last record of each job, of the records after number ``after``: all that is needed to go on."""
        ...

    def known(self, sandbox: str, markers: Collection[str] | None = None) -> Mapping[str, tuple[str, str]]:
        """Objects of ``sandbox`` by marker: ``(id, digest)``; no id while nobody knows whether it was made.

        With ``markers``, only those among them.
        """
        ...

    def objects(self, sandbox: str) -> Sequence[ObjectRow]:
        """All objects known in ``sandbox`` and those in doubt, in the order of their markers."""
        ...

    def limits(self, sandbox: str) -> Mapping[str, tuple[float, float]]:
        """The platform's limits that runs of this organisation have found in ``sandbox``, by scope.

        Requests per second, and how many seconds ago that was found, by the store's clock. What older programs found,
        which did not say in which sandbox, stands in where nothing else is known.
        """
        ...

    def remember_limits(self, sandbox: str, found: Mapping[str, float], gone: Collection[str] = ()) -> None:
        """Keep what was ``found`` just now (requests per second by scope); forget scopes that are ``gone``."""
        ...

    def ask(self, run_id: str, action: str) -> str:
        """Ask something of the process that drives the run, which hears it within seconds; whom, in words.

        It is asked of that process alone: whoever goes on with the run later is asked nothing.

        Raises:
            StoreError: nobody drives it, or it is another organisation's.
        """
        ...

    def told(self, run_id: str) -> Mapping[str, Any]:
        """What the process that drives the run last told of it; empty where it told nothing (an older program)."""
        ...

    def lengths(self, sandbox: str) -> Mapping[str, Mapping[str, float]]:
        """What runs of this organisation have learnt in ``sandbox`` of how long runs take, by key."""
        ...

    def holder(self, run_id: str) -> str | None:
        """Who has the run, in words for a person; ``None`` if nobody living has it."""
        ...

    def close(self) -> None:
        """Let go of the file or the connection. Journals are flushed and closed before."""
        ...
