"""Where the rooms are joined: one plan, one profile, one store become one run and one report.

The command line and the Python API both come through here; nothing else wires.
"""

from __future__ import annotations

import secrets as randomness
from dataclasses import field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headgate.changes import known_to, refuse_changes
from headgate.classes import frozen
from headgate.clock import Clock, SystemClock
from headgate.engine.clearance import Clearance
from headgate.engine.events import Finish, Stop
from headgate.engine.gate import Gate
from headgate.engine.live import Rules
from headgate.engine.machine import Machine
from headgate.engine.record import Past, fold, fold_latest
from headgate.engine.runner import Limits, Observer, Runner
from headgate.engine.tally import Tally
from headgate.errors import HeadgateError, StalePlan, StoreError, UsageError
from headgate.faultpoint import Point, reach
from headgate.garbage import gc_paused
from headgate.pacing import Tolerance, parse_rate, parse_share
from headgate.pacing.lengths import Lengths
from headgate.planning import kept
from headgate.planning.forecast import Assumptions, forecast
from headgate.planning.grown import with_secrets
from headgate.planning.outline import Outline
from headgate.store import RunRow, Store
from headgate.watch import Watch
from headgate.workflows.replace import extended, replacements

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from headgate.planning.model import Job, Plan
    from headgate.report import Report
    from headgate.report.story import Story
    from headgate.settings import Profile


@frozen
class Wishes:
    """What one run asks for beyond its manifest and profile; ``None`` leaves it to them."""

    rate: str | None = None
    concurrency: int | None = None
    on_error: str | None = None
    tolerate: str | None = None
    finish_by_s: float | None = None
    fresh: bool = False
    refresh: bool = False
    #: Make anew what cannot be changed in place, and delete the old.
    replace: bool = False
    args: Mapping[str, Any] = field(default_factory=dict)
    #: The id of the run to continue: no other, and no new one.
    resume: str = ""


@frozen
class Parts:
    """What drives a run, where that is not the usual: called with the arguments of what they stand for."""

    machine: Callable[..., Machine] = Machine
    gate: Callable[..., Gate] = Gate
    #: Whether nothing can go on with the run once it has ended, however it ended.
    final: bool = False
    #: What is kept with the run's counters once it is over.
    told: Callable[[], Mapping[str, Any]] | None = None


#: In a run's arguments: what it replaces.
REPLACES = "replaces"
#: In a run's arguments: the run of which it does what was left.
RETRY = "retry"


@frozen
class Seen:
    """What was read of a run's journal before it is claimed: up to record ``number``, as ``past`` says."""

    number: int
    past: Past


def new_run_id(manifest: str, now_s: float, command: str = "run") -> str:
    """``<manifest>-<UTC time>-<4 hex>``, with what it does in it (``destroy``, ``retry``) where that is not ``run``."""
    told = command == "run" or manifest.endswith(f"-{command}")
    words = [word for word in (manifest, "" if told else command) if word]
    return f"{'-'.join(words)}-{datetime.fromtimestamp(now_s, UTC):%Y%m%d-%H%M%S}-{randomness.token_hex(2)}"


def last_unfinished(store: Store, manifest: str | None = None, sandbox: str | None = None) -> RunRow | None:
    """The newest run with something left to do, of one manifest and sandbox or of any."""
    for run in store.runs():
        if run.unfinished and manifest in (None, run.manifest) and sandbox in (None, run.sandbox):
            return run
    return None


def choose_run(store: Store, plan: Plan, path: Path, wishes: Wishes, now_s: float) -> tuple[RunRow, bool]:
    """The run to drive, claimed, and whether it is an old one continued.

    Raises:
        UsageError: what is unfinished does something else (deletes what this one would make).
        StalePlan: the manifest has changed since its unfinished run.
        StoreBusy: another process drives it.
    """
    command = str(plan.source.get("command", "run"))
    while (unfinished := last_unfinished(store, plan.manifest, plan.sandbox)) is not None and wishes.fresh:
        store.claim(unfinished.id)
        store.finish(unfinished.id, "interrupted", now_s, 0, unfinished.counters, abandoned=True)
    if wishes.resume and (unfinished is None or unfinished.id != wishes.resume):
        # It was ended by another process since it was chosen. A new run would activate everything a second time.
        raise UsageError(f"run {wishes.resume} is not unfinished any more; nothing was sent", hint="`headgate runs`")
    if unfinished is not None:
        retried = plan.source.get(RETRY)
        if (unfinished.command, unfinished.args.get(RETRY)) != (command, retried):
            doing = RETRY if unfinished.args.get(RETRY) else unfinished.command
            raise UsageError(
                f"run {unfinished.id} ({doing}) of this manifest is unfinished; nothing was sent",
                hint=f"`headgate resume {unfinished.id}` finishes it"
                + ("" if retried else "; --fresh leaves it as it stands"),
            )
        if unfinished.fingerprint != plan.fingerprint:
            raise StalePlan(
                f"{path}: the manifest has changed since its unfinished run {unfinished.id}; nothing was sent",
                expected=unfinished.fingerprint,
                found=plan.fingerprint,
                hint="put the manifest back and `headgate resume`, or start anew with --fresh (what was made is kept)",
            )
        store.claim(unfinished.id)
        return unfinished, True
    run = RunRow(
        new_run_id(plan.manifest, now_s, RETRY if plan.source.get(RETRY) else command),
        plan.manifest,
        str(path),
        plan.sandbox,
        plan.fingerprint,
        "running",
        now_s,
        args={**plan.source, **wishes.args, **_kept_wishes(plan, wishes)},
    )
    store.begin(run, Outline.of(plan).packed(), b"" if plan.replaces else kept.packed(plan))
    return run, False


def _kept_wishes(plan: Plan, wishes: Wishes) -> dict[str, Any]:
    """What a resume must know besides how it was asked for: it goes on with the same jobs."""
    wished: dict[str, Any] = {"refresh": True} if wishes.refresh else {}
    if plan.replaces:
        wished[REPLACES] = {plan.jobs[index].key: old for index, old in plan.replaces.items()}
    return wished


def with_replacements(store: Store, plan: Plan, wishes: Wishes, past: Past | None = None) -> Plan:
    """``plan`` with what is to be replaced, by this run or the unfinished one that it would continue.

    ``past`` is that run's, where it was read.

    Raises:
        UsageError: an object would have to become one that the platform does not change it to.
    """
    known, among = known_to(store, plan, past)
    unfinished = None if wishes.fresh else last_unfinished(store, plan.manifest, plan.sandbox)
    if unfinished is not None and unfinished.fingerprint == plan.fingerprint:
        olds = dict(unfinished.args.get(REPLACES, {}))
    else:
        olds = replacements(plan, known) if wishes.replace else {}
    refuse_changes(plan, known, olds, among)
    return extended(plan, olds)


def rules_of(plan: Plan, profile: Profile, wishes: Wishes) -> tuple[Rules, Limits]:
    """How the run behaves: flags over the manifest's options over the profile."""
    options = plan.options
    rate = parse_rate(wishes.rate or options.get("rate") or profile.limits.rate)
    concurrency = int(wishes.concurrency or options.get("concurrency") or profile.limits.concurrency)
    tolerate = wishes.tolerate if wishes.tolerate is not None else options.get("tolerate")
    tolerance: Tolerance | None = None if tolerate is None else parse_share(tolerate)
    on_error = wishes.on_error or options.get("onError") or "continue"
    rules = Rules(
        concurrency=concurrency,
        time_scale=profile.time_scale,
        rate_per_s=rate,
        retry=profile.retry,
        poll=profile.poll,
        stop_on_error=on_error == "stop",
        tolerance=tolerance,
        refresh=wishes.refresh,
    )
    return rules, Limits(rate, concurrency)


async def execute(
    plan: Plan,
    *,
    path: Path,
    profile: Profile,
    store: Store,
    wishes: Wishes | None = None,
    observers: tuple[Observer, ...] = (),
    watch: Watch | None = None,
    clock: Clock | None = None,
    seen: Seen | None = None,
    parts: Parts | None = None,
) -> Report:
    """Run ``plan`` to its end and say what happened.

    ``seen`` is what was read already of the journal of the run that ``wishes.resume`` names; ``parts`` drive it.

    Raises:
        UsageError: the run cannot begin (changed content, stale plan, settings).
        StoreError: the store is held, broken or full; what was journaled before is kept.
    """
    from headgate.platform.endpoint import PlatformSettings
    from headgate.platform.scrub import known as secrets_in_specs
    from headgate.platform.transport import Transport

    wishes, watch, clock = wishes or Wishes(), watch or Watch(), clock or SystemClock()
    parts = parts or Parts()
    rules, limits = rules_of(plan, profile, wishes)
    # What a continued run still has to do needs no secret where its plan was kept: there is none in it.
    hidden = secrets_in_specs(*(job.spec for job in _from_secrets(plan))) if seen is None else ()
    settings = PlatformSettings.of(replace(profile, limits=replace(profile.limits, concurrency=limits.concurrency)))
    asked = plan
    plan = with_replacements(store, asked, wishes, seen.past if seen else None)
    run, continued = choose_run(store, plan, path, wishes, clock.now())
    reach(Point.CLAIMED if continued else Point.BEGUN)
    if continued:
        plan = extended(asked, run.args.get(REPLACES, {}))
    rules = replace(rules, refresh=rules.refresh or bool(continued and run.args.get("refresh")))
    # Read once nobody else may add to it: to the journal, or to what is known of this manifest's objects.
    with gc_paused():
        past = _past(store, run, seen) if continued else None
        known, _ = known_to(store, plan, past if seen else None)
        lengths = Lengths(store.lengths(plan.sandbox))
        now_s, at = clock.now(), clock.mono()
        machine = parts.machine(plan, rules, now_s=now_s, at=at, past=past, known=known, lengths=lengths)
    tally = Tally(run.counters)
    rates = profile.limits.endpoint_rates()
    gate = parts.gate(limits.rate_per_s, clock, rates, sandbox=plan.sandbox, retry=profile.retry)
    gate.restore(_limits(store, run, clock.now()))
    if not tally.seconds and not parts.final:  # else it was said when the run began, and is about all of its lives
        assumed = Assumptions(rate_per_s=limits.rate_per_s, time_scale=rules.time_scale)
        under = rates | gate.found()
        tally.forecast_s = forecast(plan, assumed, machine.settled(), lengths, under).total_s
    finish = Finish(Stop.INTERRUPTED, "")
    watch.run, watch.machine, watch.tally, watch.limits, watch.continued = (
        run,
        machine,
        tally,
        limits,
        continued,
    )
    watch.gate = gate
    watch.journal = journal = store.journal(run.id)
    journal.heed(watch.ask)
    watch.tell({})
    try:
        clear = Clearance(journal, clock, settings.timeout_s)
        async with Transport(settings, clock, admit=gate.pass_one, clear=clear, secrets=hidden) as platform:
            runner = Runner(machine, platform, journal, clock, gate, tally, limits=limits, observers=observers)
            watch.runner = runner
            with _FinishBy(runner, wishes.finish_by_s, clock):
                finish = await unwrapped(partial(runner.run, watch.begin))
    finally:
        journal.close()
    if finish.stop is None and machine.stopped is not None and machine.stopped.reason is Stop.TOLERATE:
        # More failed than allowed, even if by then nothing was left to stop.
        finish = Finish(Stop.TOLERATE, machine.stopped.detail)
    status = _status(finish, machine)
    counters = tally.as_dict(runner.wall_s)
    if finish.stop is not None:
        counters["stop"] = [finish.stop.value, finish.detail, finish.hint]
    counters |= parts.told() if parts.told is not None else {}
    store.remember_limits(run.sandbox, *gate.learned())
    left = 0 if parts.final else machine.open
    store.finish(run.id, status, clock.now(), left, counters, abandoned=left != machine.open)
    reach(Point.FINISHED)
    return report_of(store, run.id)


def _from_secrets(plan: Plan) -> Iterable[Job]:
    """The jobs that secrets may be found in."""
    return with_secrets(plan.jobs) if plan.secret is None else [plan.jobs[index] for index in plan.secret]


def _past(store: Store, run: RunRow, seen: Seen | None) -> Past:
    """What the journal of a claimed run says; of what was ``seen`` before, only what came since is read."""
    return fold_latest(store.latest(run.id, seen.number if seen else 0), seen.past if seen else None)


def _limits(store: Store, run: RunRow, now_s: float) -> dict[str, tuple[float, float]]:
    """Limits that are known, requests per second and seconds ago; some by a life of this run that was killed."""
    counters, known = run.counters, dict(store.limits(run.sandbox))
    age_s = max(0.0, now_s - run.started_at - float(counters.get("seconds", 0.0)))
    own = {scope: (per_s, age_s) for scope, per_s in counters.get("limits", {}).items()}
    return known | {scope: found for scope, found in own.items() if scope not in known or age_s < known[scope][1]}


def report_of(store: Store, run_id: str) -> Report:
    """The report of any run in ``store``.

    Raises:
        StoreError: there is no such run.
    """
    from headgate.report import build

    return build(*told_of(store, run_id))


def story_of(store: Store, run_id: str) -> Story:
    """The report of any run in ``store``, with its times and its counters.

    Raises:
        StoreError: there is no such run.
    """
    from headgate.report.story import story

    return story(*told_of(store, run_id))


def told_of(store: Store, run_id: str) -> tuple[RunRow, Outline, Past]:
    """All that ``store`` knows of a run.

    Raises:
        StoreError: there is no such run.
    """
    run = store.run(run_id)
    if run is None:
        raise StoreError(f"there is no run {run_id!r} in this store", hint="`headgate runs` lists them")
    return run, Outline.unpacked(store.outline(run_id)), fold(store.records(run_id))


def _status(finish: Finish, machine: Machine) -> Any:
    match finish.stop:
        case None:
            return "failed" if machine.failed_rows or machine.counts_failed() else "succeeded"
        case Stop.INTERRUPTED:
            return "interrupted"
        case Stop.PLATFORM | Stop.ON_ERROR:
            return "failed"
        case _:
            return "stopped"


async def unwrapped(run: Callable[[], Any]) -> Finish:
    """A task group wraps what went wrong; one cause is raised as itself, however many met it."""
    try:
        finish: Finish = await run()
    except BaseExceptionGroup as group:
        causes = list(_causes(group))
        if len(causes) == 1 or all(isinstance(cause, HeadgateError) for cause in causes):
            raise causes[0] from None
        raise
    return finish


def _causes(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from _causes(inner)
    else:
        yield error


class _FinishBy:
    """Stops the runner when the time comes."""

    def __init__(self, runner: Runner, at_s: float | None, clock: Clock) -> None:
        self._runner, self._at_s, self._clock = runner, at_s, clock
        self._timer: Any = None

    def __enter__(self) -> None:
        import asyncio

        if self._at_s is not None:
            delay = max(0.0, self._at_s - self._clock.now())
            self._timer = asyncio.get_running_loop().call_later(
                delay, self._runner.stop, Stop.FINISH_BY, "the time given by --finish-by has come"
            )

    def __exit__(self, *_: object) -> None:
        if self._timer is not None:
            self._timer.cancel()
