"""``headgate destroy``: delete what a run or a manifest created."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from headgate.cli import asking, options
from headgate.cli.app import Misuse, Talk, say

if TYPE_CHECKING:
    from headgate.settings import Profile
    from headgate.store.contract import Store
    from headgate.teardown import Scope, Teardown


@click.command(
    short_help="Delete what a run or a manifest created.",
    epilog=options.examples(
        "headgate destroy nightly.yaml",
        "headgate destroy nightly-20261220-170000-3fa1 --report gone.json",
        "headgate destroy nightly.yaml --yes prod",
    ),
)
@click.argument("what", metavar="RUN|MANIFEST", required=False)
@options.simulate
@asking.yes
@options.deleting
@options.profile
@options.verbose
@click.pass_obj
def command(
    talk: Talk,
    what: str | None,
    simulate: bool,
    yes: str | None,
    rate: str | None,
    concurrency: int | None,
    report: Path | None,
    events: Path | None,
    json: bool,
    no_progress: bool,
    profile: str | None,
    state: str | None,
) -> int:
    """Delete what RUN created, or what any run of MANIFEST created in its sandbox, and wait until it is gone.

    Only what this state store knows to be created by headgate: never what was only used. Flows go first, then their
    source and target connections, then base connections; what something that stays still uses stays too, and the
    profile store's connection goes only if this manifest created it and nothing uses it any more.

    It asks first. An unfinished run of the manifest is ended for good (what it may have made is looked up and deleted
    too); an unfinished destroy of the same is continued. `headgate resume` goes on with a destroy that was stopped.
    """
    from headgate.cli.drive import Drive, drive
    from headgate.cli.wiring import load_profile, reading, refuse_strangers
    from headgate.launch import Wishes
    from headgate.loadtest.conduct import end_empty
    from headgate.teardown import teardown

    if what is None and yes not in (None, asking.YES):
        what, yes = yes, asking.YES  # `destroy --yes MANIFEST`
    if what is None:
        raise Misuse("missing argument 'RUN' or 'MANIFEST'", "a run's id, or the manifest that made it")
    settings = load_profile(profile, state)
    with reading(settings) as store:
        scope, embedded = _scope(store, what, settings, simulate=simulate)
        simulate = simulate or embedded
        if not simulate:
            settings.require_platform()
        if store is not None:
            refuse_strangers(store, scope.sandbox, settings, simulate=simulate)
        found = teardown(store, scope) if store is not None else None
        if store is not None and found is not None:
            _refuse_living(store, found)
    if found is None or not found.plan.jobs:
        end_empty(settings, found.ends if found is not None else (), simulate=simulate)
        return _nothing(scope, found, report, json=json)
    asking.confirm(settings, scope.sandbox, yes, _words(scope, found), simulate=simulate)
    wishes = Wishes(rate, concurrency, fresh=found.continues is None)
    return drive(Drive(found.plan, settings, wishes, simulate, report, events, json, not no_progress, talk.verbose))


def _scope(store: Store | None, what: str, settings: Profile, *, simulate: bool) -> tuple[Scope, bool]:
    """Whose objects are meant, and whether the embedded platform has them."""
    from headgate.cli.wiring import find_run, near, sandbox_of, saved_plan
    from headgate.errors import UsageError
    from headgate.manifest.load import identity
    from headgate.teardown import Scope

    path = Path(what)
    if path.is_file():
        saved = saved_plan(path)
        path = saved.path if saved is not None else path
        name, named = identity(path)
        sandbox = sandbox_of(named, settings, simulate=simulate)
        return Scope(name, sandbox, None, str(path.absolute()), str(path)), False
    if path.suffix in (".yaml", ".yml", ".json") or len(path.parts) > 1:
        raise UsageError(f"{what}: there is no such file; nothing was sent", hint="a manifest, or the id of a run")
    run = find_run(store, what, settings.state)
    if run.command not in ("run", "loadtest"):
        hint = f"headgate resume {run.id}" if run.unfinished else f"headgate destroy {near(run.path)}"
        raise UsageError(f"run {run.id} ({run.command}) created nothing; nothing was sent", hint=hint)
    return Scope(run.manifest, run.sandbox, run.id, run.path, run.id), bool(run.args.get("simulate"))


def _refuse_living(store: Store, found: Teardown) -> None:
    from headgate.errors import StoreBusy

    for run in (*found.ends, *([found.continues] if found.continues else [])):
        holder = store.holder(run.id)
        if holder is not None:
            raise StoreBusy(
                f"run {run.id} is being driven by {holder}; nothing was sent",
                hint=f"`headgate status {run.id}` shows how it stands",
            )


def _words(scope: Scope, found: Teardown) -> list[str]:
    """What will happen, for the one who is asked."""
    whose = f"run {scope.run}" if scope.run else f"manifest {scope.manifest}"
    lines = [
        f"what {whose} created in sandbox {scope.sandbox} will be deleted:",
        f"  {asking.counted(found.going) or 'nothing'}",
    ]
    if found.doubtful:
        lines.append(f"  of these {found.doubtful:,} may not exist: the answers to their creation were lost")
    lines += [f"kept: {words}" for words in found.kept]
    if found.continues is not None:
        lines.append(f"this continues {found.continues.id}")
    lines += [f"unfinished, and ended for good: {run.id}" for run in found.ends]
    return lines


def _nothing(scope: Scope, found: Teardown | None, report: Path | None, *, json: bool) -> int:
    """There is nothing to delete: said, and reported."""
    from headgate.cli.drive import publish
    from headgate.clock import SystemClock
    from headgate.report import nothing_done

    whose = f"run {scope.run}" if scope.run else f"manifest {scope.manifest}"
    say(f"nothing to delete: this state store knows of nothing in sandbox {scope.sandbox} that {whose} created")
    for words in found.kept if found is not None else ():
        say(f"kept: {words}")
    if scope.run is None:
        say(f"hint: what another state store has made is found by `headgate sweep --adopt {scope.again}`")
    publish(nothing_done(scope.manifest, scope.sandbox, SystemClock().now()), report, json=json)
    return 0
