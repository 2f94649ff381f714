"""One run of the real engine, joined as ``headgate.launch`` joins it."""

from __future__ import annotations

import asyncio
import gc
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from benchmarks.measure import Lap, lap
from benchmarks.nothing import NullJournal, NullPlatform
from headgate.clock import Clock, SystemClock
from headgate.engine.events import Stop
from headgate.engine.gate import Gate
from headgate.engine.live import Rules
from headgate.engine.machine import Machine
from headgate.engine.runner import Limits, Runner
from headgate.engine.tally import Tally
from headgate.exchange import Call
from headgate.garbage import gc_paused, settle
from headgate.planning.outline import Outline
from headgate.platform.contract import Platform
from headgate.platform.endpoint import PlatformSettings
from headgate.platform.transport import Transport
from headgate.secret import Secret
from headgate.store import Journal, RunRow, Store, open_store
from headgate.telemetry import listeners
from headgate.watch import Watch
from headgate.workflows.contract import Ending

if TYPE_CHECKING:
    from pathlib import Path

    from headgate.engine.events import Tell
    from headgate.engine.runner import Observer
    from headgate.planning.model import Plan
    from headgate.settings import Profile

#: Far above what any machine can send, so that the limiter works but never waits.
NO_LIMIT = 1e7
RUN = "benchmark-run"

Opened = Callable[[Gate, Clock], AbstractAsyncContextManager[Platform]]


class Progress:
    """An observer as a progress view has it: counts, and the last trouble."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.trouble = ""

    def __call__(self, tell: Tell) -> None:
        """Take one telling in."""
        self.counts[str(tell.fields.get("ending", tell.name))] += 1
        if message := tell.fields.get("message"):
            self.trouble = str(message)


@dataclass(frozen=True, slots=True)
class Setting:
    """How a run is driven. ``state`` is where its store is made; without one nothing is journaled."""

    slots: int = 50
    rate_per_s: float = NO_LIMIT
    state: Path | None = None
    #: Stop after so many seconds, whatever is left to do.
    seconds: float | None = None
    #: Whether anybody listens to what happens.
    observed: bool = True
    #: Whose telemetry listens; without one nobody is even asked whether any does.
    profile: Profile | None = None


def over_http(url: str, slots: int) -> Opened:
    """The real transport, to a server at ``url``."""
    settings = PlatformSettings(
        platform_url=url,
        ims_url=url,
        org_id="benchmark@AdobeOrg",
        client_id="benchmark",
        sandbox="dev",
        access_token=Secret("benchmark"),
        connections=slots,
    )
    return lambda gate, clock: Transport(settings, clock, admit=gate.pass_one)


def over_nothing() -> Opened:
    """A transport that answers at once."""
    return lambda _gate, _clock: nullcontext(NullPlatform())


@contextmanager
def stored(plan: Plan, state: Path) -> Iterator[Store]:
    """A fresh store at ``state`` with a claimed run of ``plan`` in it; the file is gone afterwards."""
    store = open_store(state)
    try:
        store.begin(
            RunRow(RUN, plan.manifest, "benchmark.yaml", plan.sandbox, plan.fingerprint, "running", 0.0),
            Outline.of(plan).packed(),
        )
        store.claim(RUN)
        yield store
    finally:
        store.close()
        for file in state.parent.glob(f"{state.name}*"):
            file.unlink()


@contextmanager
def settled() -> Iterator[None]:
    """The garbage collector as the command has it while a run is under way."""
    usual = gc.get_threshold()
    with gc_paused():
        settle()
        try:
            yield
        finally:
            gc.unfreeze()
            gc.set_threshold(*usual)


async def calls(opened: Opened, bodies: Sequence[Mapping[str, Any]], slots: int) -> Lap:
    """A worker pool that posts all ``bodies`` by the transport: no plan, no machine, no journal, no limiter.

    Raises:
        RuntimeError: an answer was no object.
    """
    waiting, clock = iter(bodies), SystemClock()

    async def work(platform: Platform) -> None:
        for body in waiting:
            answer = await platform.perform(Call("POST", "flow", "/flows", "POST /flows", "create", body=body))
            if "id" not in answer.body:
                raise RuntimeError(f"the benchmark server answered {answer}")

    with lap(len(bodies)) as found:
        async with opened(Gate(NO_LIMIT, clock), clock) as platform:
            await asyncio.gather(*(work(platform) for _ in range(slots)))
    return found


async def drive(plan: Plan, opened: Opened, setting: Setting) -> Lap:
    """One whole run of ``plan``: machine, runner, limiter, observer, transport, and a journal if asked for.

    Raises:
        RuntimeError: not every job succeeded, so the lap means nothing.
    """
    if setting.state is None:
        return await drive_into(plan, opened, setting, NullJournal)
    with stored(plan, setting.state) as store:
        return await drive_into(plan, opened, setting, lambda: store.journal(RUN))


async def drive_into(
    plan: Plan,
    opened: Opened,
    setting: Setting,
    make: Callable[[], Journal],
    known: Mapping[str, Any] | None = None,
) -> Lap:
    """As :func:`drive`, into the journal that ``make`` gives."""
    clock, tally, progress = SystemClock(), Tally(), Progress()
    observers: tuple[Observer, ...] = (progress,) if setting.observed else ()
    watch = Watch()
    listening = listeners(setting.profile, watch) if setting.profile is not None else []
    gate, limits = Gate(setting.rate_per_s, clock), Limits(setting.rate_per_s, setting.slots)
    with lap(len(plan.jobs)) as found, settled():
        machine = Machine(plan, Rules(concurrency=setting.slots), now_s=clock.now(), at=clock.mono(), known=known)
        journal = make()
        watch.machine, watch.tally, watch.gate = machine, tally, gate
        async with opened(gate, clock) as platform:
            observers += tuple(listening)
            runner = Runner(machine, platform, journal, clock, gate, tally, limits=limits, observers=observers)
            if setting.seconds is not None:
                asyncio.get_running_loop().call_later(setting.seconds, runner.stop, Stop.FINISH_BY)
            finish = await runner.run()
        journal.close()
    for listener in listening:
        listener.end(None)
    if setting.seconds is not None:
        if finish.stop is not Stop.FINISH_BY or progress.counts["failed"]:
            raise RuntimeError(f"the benchmarked run went wrong: {finish}, {dict(progress.counts)}: {progress.trouble}")
        return found
    if machine.counts[Ending.SUCCEEDED] != len(plan.jobs) or tally.sent - tally.retried != len(plan.jobs):
        raise RuntimeError(
            f"the benchmarked run went wrong: {dict(progress.counts)}, {tally.sent} sent: {progress.trouble}"
        )
    return found
