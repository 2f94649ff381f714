"""One load test from beginning to end: offered, measured, and cleaned up. What a program calls.

The load is one run with a journal of its own, and the clean-up is a destroy of that run. So a test that is killed has
lost its measurements and nothing else: ``headgate destroy RUN`` deletes what it made, and what it may have made.
"""

from __future__ import annotations

from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from headgate.errors import SettingsError, UsageError
from headgate.garbage import gc_paused
from headgate.loadtest.cast import identity
from headgate.loadtest.result import CleanUp
from headgate.loadtest.stages import Spacing
from headgate.loadtest.trial import COMMAND, CONCURRENCY, KEEP, Asked, Trial

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from headgate.launch import Watch
    from headgate.loadtest.result import LoadResult
    from headgate.manifest.model import Manifest
    from headgate.planning.model import Plan
    from headgate.report.model import Report
    from headgate.settings import Profile
    from headgate.store.contract import RunRow, Store
    from headgate.teardown import Teardown


def refuse_protected(profile: Profile, sandbox: str, *, simulate: bool) -> None:
    """No load on what is protected, whoever asks.

    Raises:
        UsageError: it is.
    """
    if not simulate and profile.protects(sandbox):
        raise UsageError(
            f"sandbox {sandbox} is protected: no load test in it; nothing was sent",
            hint="load tests are for sandboxes of their own: name one in the manifest or the profile",
        )


def refuse_unfinished(store: Store | None, manifest: str, sandbox: str) -> None:
    """An earlier test of the manifest that was cut short has not been cleaned up, and nobody will if not now.

    One that had made nothing by then is passed over: it is ended when the next one begins.

    Raises:
        UsageError: there is one, with the command that deletes what it made.
    """
    if store is None:
        return
    from headgate.teardown import made_by_runs

    name, made = identity(manifest), made_by_runs(store, sandbox)
    for found in store.runs():
        if (found.manifest, found.sandbox) != (name, sandbox):
            continue
        if found.unfinished and (holder := store.holder(found.id)):
            said, hint = f"is being driven by {holder}: one load test of a manifest at a time", "wait for its end"
        elif found.unfinished and found.command != COMMAND:
            said, hint = "deletes what an earlier load test made, and has not ended", f"headgate resume {found.id}"
        elif found.command == COMMAND and _left(store, found, made[found.id]):
            said, hint = "was not cleaned up, and what it made is still there", f"headgate destroy {found.id}"
        else:
            continue
        raise UsageError(f"run {found.id} {said}; nothing was sent", hint=hint)


def _left(store: Store, run: RunRow, made: int) -> bool:
    """Whether there is anything to delete of what ``run`` made, that was not to be kept."""
    from headgate.teardown import Scope, teardown

    if not run.unfinished:
        return bool(made) and not run.args.get(KEEP)
    return bool(teardown(store, Scope(run.manifest, run.sandbox, run.id, run.path, run.id)).plan.jobs)


def end_empty(profile: Profile, runs: Sequence[RunRow], *, simulate: bool) -> None:
    """End load tests that were cut short before they had made anything: nothing else ever would.

    Raises:
        StoreError: one is driven by somebody, or the store cannot be written.
    """
    from headgate.clock import SystemClock
    from headgate.store import open_store

    tests = [run for run in runs if run.command == COMMAND]
    if not tests:
        return
    store = open_store(profile.state, lease_s=profile.lease_life_s, org="" if simulate else profile.org_id)
    try:
        for run in tests:
            store.claim(run.id)
            store.finish(run.id, "interrupted", SystemClock().now(), 0, run.counters, abandoned=True)
    finally:
        store.close()


def clean_up_of(store: Store, run: str, plan: Plan) -> Teardown:
    """What is to be deleted of what load test ``run`` made."""
    from headgate.teardown import Scope, teardown

    return teardown(store, Scope(plan.manifest, plan.sandbox, run, str(plan.source.get("path", "")), run))


def cleaned(store: Store, run: str, sandbox: str, found: Teardown | None, gone: Report | None) -> CleanUp:
    """What became of the clean-up: ``gone`` is the report of the destroy, where there was something to delete."""
    from headgate.teardown import made_by_runs

    deleted = gone.totals["succeeded"] if gone is not None else 0
    kept = tuple(found.kept) if found is not None else ()
    return CleanUp(
        found is not None, gone.run_id if gone is not None else "", deleted, made_by_runs(store, sandbox)[run], kept
    )


async def load_test(
    manifest: Manifest,
    stages: Sequence[str],
    thresholds: Sequence[str] = (),
    *,
    warm_up: str | None = None,
    abort_on_fail: bool = False,
    spacing: Spacing = "even",
    seed: int = 0,
    grace: str = "30s",
    keep: bool = False,
    profile: Profile | None = None,
    state: str | None = None,
    sandbox: str | None = None,
    simulate: bool = False,
    concurrency: int | None = None,
    rate: str | None = None,
    on_event: Callable[[Mapping[str, Any]], object] | None = None,
    watch: Watch | None = None,
) -> LoadResult:
    """Let the items of ``manifest`` arrive as ``stages`` say, measure, judge, and delete everything again.

    Args:
        manifest: From :func:`headgate.load`. Items arrive in its order, and from the beginning again.
        stages: Such as ``"10/s:60s"`` or ``"10..50/s:5m"``, one after the other.
        thresholds: Such as ``"p95<800ms"`` or ``"errors<1%"``.
        warm_up: A stage before all others that counts for nothing.
        abort_on_fail: Stop as soon as a threshold is clearly missed.
        spacing: ``"even"``, or ``"poisson"`` with ``seed``.
        seed: Of the spacing.
        grace: How long arrivals may go on after the last stage.
        keep: Delete nothing.
        profile: Who we are; :meth:`Profile.load` when not given.
        state: The state store, over the profile's.
        sandbox: Over the manifest's own, and the profile's.
        simulate: Use the embedded platform, in this process.
        concurrency: Requests at once; an arrival that finds no slot is dropped.
        rate: Requests per second of the set-up and the clean-up.
        on_event: Called with the events of the load, as ``--events`` writes them.
        watch: To look at the load while it goes, and to stop it.

    Raises:
        UsageError: nothing was sent (stages, thresholds, settings, a protected sandbox, an earlier test to clean up).
        StoreError: the state store is held, broken or full; ``headgate destroy`` cleans up.
    """
    from headgate.api import SIMULATED_SANDBOX, conduct
    from headgate.bulletin import Bulletin
    from headgate.launch import Watch, Wishes
    from headgate.settings import Profile

    try:
        asked = Asked.of(
            stages,
            thresholds,
            warm_up=warm_up,
            spacing=spacing,
            seed=seed,
            grace=grace,
            abort_on_fail=abort_on_fail,
            keep=keep,
        )
    except ValueError as error:
        raise UsageError(f"{error}; nothing was sent", hint="stages: 10/s:60s; thresholds: p95<800ms") from error
    profile = profile or Profile.load()
    if state is not None:
        profile = replace(profile, state=str(state))
    where = sandbox or manifest.sandbox or profile.sandbox or (SIMULATED_SANDBOX if simulate else "")
    if not where:
        raise SettingsError("sandbox", "default", "not set; nothing was sent", hint="put it into the profile")
    refuse_protected(profile, where, simulate=simulate)
    with gc_paused():
        trial = Trial(manifest, asked, where)
    with _reading(profile, simulate=simulate) as store:
        refuse_unfinished(store, manifest.name, where)
    watch = watch or Watch()
    bulletin = Bulletin(watch, on_event) if on_event else None
    wishes = Wishes(rate, concurrency or CONCURRENCY, fresh=True)
    heard = (bulletin,) if bulletin else ()
    outcome = await conduct(
        trial.plan, profile, wishes, simulate=simulate, watch=watch, observers=heard, parts=trial.parts()
    )
    if bulletin:
        bulletin.end(outcome.report)
    result, run = trial.result(outcome.report), outcome.report.run_id
    found, gone = None, None
    if not keep:
        with _reading(profile, simulate=simulate) as store:
            found = clean_up_of(store, run, trial.plan) if store is not None else None
        if found is not None and found.plan.jobs:
            wiped = await conduct(found.plan, profile, Wishes(rate, fresh=True), simulate=simulate, watch=Watch())
            gone = wiped.report
    with _reading(profile, simulate=simulate) as store:
        return replace(result, clean_up=cleaned(store, run, where, found, gone)) if store is not None else result


@contextmanager
def _reading(profile: Profile, *, simulate: bool) -> Iterator[Store | None]:
    """The profile's store, opened for reading; ``None`` when there is none yet."""
    from headgate.errors import StoreMissing
    from headgate.store import open_store

    store: Store | None = None
    with suppress(StoreMissing):
        store = open_store(profile.state, readonly=True, org="" if simulate else profile.org_id)
    try:
        yield store
    finally:
        if store is not None:
            store.close()
