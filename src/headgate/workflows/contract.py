"""What a job may ask for and what it is told: the seam between workflows (pure) and the engine.

A *procedure* is one pure function, ``advance(ctx, phase, signal) -> Step``. It keeps no state: what it must remember
between steps is its *phase*, a small JSON object that the engine holds and journals. So a job can be picked up by
another process from its last recorded phase alone.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import field
from enum import Enum
from typing import Any, Final

from headgate.classes import frozen, mutable
from headgate.exchange import Answer, Call, Problem
from headgate.pacing import PollPolicy

Phase = dict[str, Any]

#: In a phase: why the job was held when the run ended, for the report.
HELD: Final = "held"
#: A phase's or an output's list of remote runs this job started: "ours" to every other job of the run.
RUNS: Final = "runs"
#: An output's list of what a job chose while running: each is a row of the report.
SELECTED: Final = "selected"


class Signal(Enum):
    """Why ``advance`` is called, when no answer is the reason."""

    START = "start"  # first time, nothing has been sent
    RESUME = "resume"  # a pause is over, keys were claimed, or the run was resumed at this phase
    LOST = "lost"  # the effect asked for in this phase may or may not have happened


@frozen
class RunEnd:
    """What became of an awaited run: how it ended, or why nobody can say (``problem``)."""

    state: str
    reason: str | None = None
    problem: Problem | None = None


@mutable
class Context:
    """What a procedure may look at.

    ``spec`` is the job's own (planned) data; ``inputs`` the outputs of jobs it needs, by role; ``missing`` the roles
    of soft dependencies that did not succeed, with the reason. ``now_s`` is the platform's clock, epoch seconds.
    ``ours`` are the remote runs that jobs of this run started. ``dated`` is false until an answer has told the
    platform's time: until then ``now_s`` is only our own clock's idea of it.
    """

    key: str
    spec: Any
    inputs: Mapping[str, Mapping[str, Any]]
    missing: Mapping[str, str]
    now_s: float
    ours: Collection[str] = ()
    dated: bool = True
    #: What earlier holders of the claimed keys noted (see :class:`Procedure`), this job's own notes aside.
    left: tuple[str, ...] = ()
    #: Whether this life of the run has been granted what the job claimed.
    granted: bool = False
    #: What the store knew of the object whose mark was claimed when it was granted: its id (empty while it is in
    #: doubt) and digest. A creation is only told of a doubt: what exists, the engine sees to.
    known: tuple[str, str] | None = None
    poll: PollPolicy = field(default_factory=PollPolicy)
    #: After an :class:`Await`: the runs of it that are over, or of which nobody can say anything more.
    ended: Mapping[str, RunEnd] = field(default_factory=dict)


@frozen
class Ask:
    """Send ``call``; its answer arrives while in ``phase``. An effect's phase is journaled before it leaves."""

    call: Call
    phase: Phase


@frozen
class Pause:
    """Hold no slot until ``seconds`` of the platform's clock have passed, then ``RESUME`` in ``phase``.

    ``keep`` journals the phase, for what must not be asked twice. ``held`` marks a wait that a person should see as
    a hold (an audience younger than an hour), with ``until_s`` as its end on the platform's clock.
    """

    seconds: float
    reason: str
    phase: Phase
    keep: bool = False
    held: bool = False
    until_s: float | None = None


@frozen
class Await:
    """Hold no slot until all ``runs`` are over, or it is ``until_s`` on the platform's clock; then ``RESUME``.

    What became of them is then in :attr:`Context.ended`. Who asks, when, and with which requests is the engine's
    business: those of many jobs are asked for together. ``runs`` are ids, each with the keys by which its length may
    be known, the most telling first (``audience:…``, ``flow:…``). ``began_s`` is when the youngest of them began, where
    all were seen going on just now; ``None`` where nobody has looked. ``keep`` journals the phase.
    """

    runs: Mapping[str, tuple[str, ...]]
    reason: str
    phase: Phase
    until_s: float
    began_s: float | None = None
    keep: bool = False


@frozen
class Claim:
    """Take all ``keys`` at once, waiting in line if need be, then ``RESUME`` in ``phase``. Freed when settled.

    A key has one holder among all runs that share a state store. One that is an object's mark is the right to make or
    delete that object: with it comes what the store knows of the object (``Context.known``).
    """

    keys: tuple[str, ...]
    phase: Phase


class Ending(str, Enum):
    """How a job ended."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    SKIPPED = "skipped"


#: By what a record says. (Asking the enumeration itself costs five times as much.)
ENDINGS: Final = {ending.value: ending for ending in Ending}


@frozen
class Child:
    """A job found necessary while running (an ad-hoc job split in two). ``spec`` must be JSON."""

    key: str
    kind: str
    spec: Mapping[str, Any]


@frozen
class Settle:
    """The job is over. ``output`` (JSON) feeds dependents and the report; ``children`` are started in its stead."""

    ending: Ending
    output: Mapping[str, Any] = field(default_factory=dict)
    problem: Problem | None = None
    children: tuple[Child, ...] = ()


Step = Ask | Pause | Await | Claim | Settle
Advance = Callable[[Context, Phase, "Signal | Answer"], Step]


def _no_keys(_spec: Any, _phase: Phase) -> tuple[str, ...]:
    return ()


def _no_note(_ctx: Context) -> tuple[str, ...]:
    return ()


def _denied(_spec: Any, by: str) -> str:
    return f"{by} holds what it needs"


def _no_runs(_spec: Any) -> tuple[tuple[str, ...], ...]:
    return ()


@frozen
class Procedure:
    """How jobs of one kind go. ``keys(spec, phase)`` are what such a job holds in a journaled phase.

    ``note(ctx)`` is kept with its keys, for a run that takes them over from a dead one: it gets it as ``ctx.left``.
    ``runs(spec)`` are the keys of each run that it will start, by which their lengths may be known.
    ``denied(spec, by)`` says to people why such a job waits while ``by`` (in words) has one of its keys.
    """

    advance: Advance
    keys: Callable[[Any, Phase], tuple[str, ...]] = _no_keys
    note: Callable[[Context], tuple[str, ...]] = _no_note
    runs: Callable[[Any], tuple[tuple[str, ...], ...]] = _no_runs
    denied: Callable[[Any, str], str] = _denied


NO_PHASE: Final[Phase] = {}


def failed(problem: Problem | None, message: str = "", *, code: str = "headgate", advice: str = "") -> Settle:
    """A failure with the platform's problem, or with our own message when there is none."""
    return Settle(Ending.FAILED, problem=problem or Problem(0, code, message, advice=advice))
