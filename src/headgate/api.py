"""Load, plan, run: what a program calls, and what the command line is a shell over."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from headgate.classes import frozen
from headgate.errors import SettingsError, UsageError
from headgate.garbage import gc_paused
from headgate.secret import Secret

if TYPE_CHECKING:
    from headgate.engine.runner import Observer
    from headgate.export import Exported
    from headgate.launch import Parts, Seen, Wishes
    from headgate.manifest.model import Connection, Manifest
    from headgate.planning.model import Plan
    from headgate.report.model import Report
    from headgate.settings import Profile
    from headgate.store.contract import RunRow, Store
    from headgate.watch import Watch

#: The sandbox of the embedded platform when nobody names one.
SIMULATED_SANDBOX = "dev"
#: A ``--set`` value this long that is part of a secret is one.
_PART_OF_SECRET = 4


def load(
    path: Path | str,
    *,
    overrides: Mapping[str, str] | None = None,
    select: Sequence[str] = (),
    tags: Sequence[str] = (),
    env: Mapping[str, str] | None = None,
    allow_files: Sequence[Path | str] = (),
) -> Manifest:
    """Read, expand and check a manifest; offline.

    Args:
        path: The file. What it names is relative to it.
        overrides: Variables over the manifest's own (``--set``).
        select: Globs on item names; only matching items stay, and what they need.
        tags: Only items with one of these tags stay.
        env: What ``${env:…}`` sees; the process's environment when not given.
        allow_files: Folders, beside the manifest's own, from which ``${file:…}`` may read (``--allow-files``).

    Raises:
        ManifestError: with every problem of the manifest, in one pass.
    """
    from headgate.manifest.kinds import GRAMMARS
    from headgate.manifest.load import load as read

    files = tuple(str(Path(folder).absolute()) for folder in allow_files)
    manifest = read(path, grammars=GRAMMARS, env=env, overrides=overrides, select=select, tags=tags, allow_files=files)
    asked = _asked(manifest, overrides or {}, select, tags)
    return replace(manifest, asked={**asked, "files": list(files)} if files else asked)


def plan(manifest: Manifest, *, sandbox: str | None = None, profile: Profile | None = None) -> Plan:
    """What a run of ``manifest`` would do; offline, and the same for the same manifest.

    Args:
        manifest: From :func:`load`.
        sandbox: Over the manifest's own; else that of ``profile`` (of the usual profile if not given).
        profile: Asked for the sandbox only.

    Raises:
        SettingsError: nobody names a sandbox.
    """
    from headgate.workflows.compile import compile_plan

    chosen = sandbox or manifest.sandbox
    if not chosen:
        if profile is None:
            from headgate.settings import Profile

            profile = Profile.load()
        chosen = profile.sandbox
    if not chosen:
        raise SettingsError(
            "sandbox",
            "default",
            "not set, and the manifest names none; nothing was sent",
            hint="put `sandbox:` into the manifest or the profile, or set HEADGATE_SANDBOX",
        )
    # A variable that was given and not kept is not known again: then nothing else needs to be.
    inputs = None if manifest.asked.get("again") else manifest.inputs
    with gc_paused():
        made = compile_plan(manifest, chosen)
    return replace(made, source={"path": str(manifest.path), **manifest.asked}, inputs=inputs)


def plan_destroy(
    what: Manifest | str,
    *,
    sandbox: str | None = None,
    profile: Profile | None = None,
    state: str | Path | None = None,
) -> Plan:
    """What would be deleted of all that a manifest's runs, or one run, created; for :func:`run`, sends nothing.

    Where a run of the manifest is unfinished, ``run(plan, fresh=True)`` ends it for good; an unfinished destroy of
    the same is continued.

    Args:
        what: A manifest from :func:`load`, or the id of a run.
        sandbox: Over the manifest's own; else that of ``profile``. A run has its own.
        profile: Names the sandbox and the state store; :meth:`Profile.load` when not given.
        state: The state store, over the profile's.

    Raises:
        UsageError: there is no such run, or nobody names a sandbox.
        StoreError: there is no state store, or it cannot be read.
    """
    from headgate.settings import Profile
    from headgate.store import open_store
    from headgate.teardown import Scope, teardown

    profile = profile or Profile.load()
    store = open_store(state if state is not None else profile.state, readonly=True, org=profile.org_id)
    try:
        if isinstance(what, str):
            made = store.run(what)
            if made is None:
                raise UsageError(f"there is no run {what!r} in this store", hint="`headgate runs` lists them")
            scope = Scope(made.manifest, made.sandbox, made.id, made.path, made.id)
        else:
            chosen = sandbox or what.sandbox or profile.sandbox
            if not chosen:
                hint = "put `sandbox:` into the manifest or the profile, or set HEADGATE_SANDBOX"
                raise SettingsError("sandbox", "default", "not set, and the manifest names none", hint=hint)
            scope = Scope(what.name, chosen, None, str(what.path), str(what.path))
        return teardown(store, scope).plan
    finally:
        store.close()


def plan_retry(
    run: str,
    *,
    profile: Profile | None = None,
    state: str | Path | None = None,
    overrides: Mapping[str, str] | None = None,
) -> Plan | None:
    """What failed or was skipped in a finished run, as a plan for :func:`run`; sends nothing.

    Where the run was retried already, what its last retry left undone.

    How that run was to go (``refresh``, ``replace_changed``, the rate) is asked of :func:`run` again.

    Args:
        run: The run's id.
        profile: Names the state store; :meth:`Profile.load` when not given.
        state: The state store, over the profile's.
        overrides: Variables over those the run was given.

    Returns:
        The plan, or ``None`` when nothing is left to do.

    Raises:
        UsageError: there is no such run, it deletes, it is unfinished, or a variable that was a secret is not given.
        ManifestError: its manifest is wrong by now.
    """
    from headgate.launch import RETRY
    from headgate.rest import asked_again, last_try, rest_of
    from headgate.settings import Profile
    from headgate.store import open_store

    profile = profile or Profile.load()

    def again(row: RunRow) -> Manifest:
        return load(row.path, **asked_again(row.args, overrides))

    store = open_store(state if state is not None else profile.state, readonly=True, org=profile.org_id)
    try:
        row = store.run(run)
        if row is None:
            raise UsageError(f"there is no run {run!r} in this store", hint="`headgate runs` lists them")
        if row.command != "run" or row.unfinished:
            what = "is not finished" if row.unfinished else f"is a {row.command}"
            raise UsageError(f"{row.id} {what}; nothing was sent", hint=f"headgate resume {row.id}")
        row = last_try(store, row)
        manifest, _ = rest_of(store, row, again)
    finally:
        store.close()
    if not manifest.entries:
        return None
    made = plan(manifest, profile=profile)
    return replace(made, source={**made.source, RETRY: row.id})


async def run(
    plan: Plan,
    *,
    profile: Profile | None = None,
    state: str | Path | None = None,
    on_event: Callable[[Mapping[str, Any]], object] | None = None,
    simulate: bool = False,
    rate: str | None = None,
    concurrency: int | None = None,
    on_error: str | None = None,
    tolerate: str | None = None,
    finish_by: datetime | None = None,
    fresh: bool = False,
    refresh: bool = False,
    yes: str | None = None,
    replace_changed: bool = False,
    watch: Watch | None = None,
) -> Report:
    """Execute ``plan``, continuing its unfinished run if there is one, and say what happened.

    Args:
        plan: From :func:`plan`.
        profile: Who we are and how fast; :meth:`Profile.load` when not given.
        state: The state store, over the profile's.
        on_event: Called on the event loop with every event, as ``--events`` writes them. Must be quick.
        simulate: Use the embedded platform, in this process.
        rate: Requests per second or minute, ``"50/s"``; over manifest and profile, as all that follows.
        concurrency: Requests at once.
        on_error: ``"continue"`` or ``"stop"``.
        tolerate: Failures allowed before the run stops, ``"5%"`` or ``"10"``.
        finish_by: Start nothing new from then on.
        fresh: Begin anew; an unfinished run of the same manifest is ended and cannot be resumed.
        refresh: Compare every object that exists with what the manifest says, and bring it there.
        yes: The name of the sandbox, where the profile protects it.
        replace_changed: Make anew what cannot be changed in place, and delete the old once the new flow is checked.
        watch: To look at the run while it goes, and to stop it.

    Raises:
        UsageError: nothing was sent (settings, a changed manifest, objects made from other content, a protected
            sandbox that was not named).
        StoreError: the state store is held, broken or full.

    A run that fails, is stopped, or finds the platform out of reach is a report, not an exception.
    """
    from headgate.bulletin import Bulletin
    from headgate.launch import Wishes
    from headgate.settings import Profile
    from headgate.watch import Watch

    profile = profile or Profile.load()
    if state is not None:
        profile = replace(profile, state=str(state))
    if not simulate and profile.protects(plan.sandbox) and yes != plan.sandbox:
        raise UsageError(
            f"sandbox {plan.sandbox} is protected and needs to be named; nothing was sent", hint=f'yes="{plan.sandbox}"'
        )
    watch = watch or Watch()
    until_s = finish_by.timestamp() if finish_by else None
    wishes = Wishes(rate, concurrency, on_error, tolerate, until_s, fresh, refresh, replace_changed)
    bulletin = Bulletin(watch, on_event) if on_event else None
    outcome = await conduct(
        plan, profile, wishes, simulate=simulate, watch=watch, observers=(bulletin,) if bulletin else ()
    )
    if bulletin:
        bulletin.end(outcome.report)
    return outcome.report


async def export(
    profile: Profile | None = None,
    *,
    name: str = "exported",
    select: Sequence[str] = (),
    simulate: bool = False,
) -> Exported:
    """A manifest of the flows of the profile's sandbox. Only reads.

    Args:
        profile: Who we are; :meth:`Profile.load` when not given.
        name: What the manifest is to be called.
        select: Globs on flow names; all flows when empty.
        simulate: Read the embedded platform, in this process.

    Raises:
        SettingsError: something needed to ask the platform is not set.
        PlatformError: the platform refuses, or cannot be reached.
    """
    from headgate.embedded import simulated
    from headgate.export import assemble
    from headgate.looking import live
    from headgate.settings import Profile

    who = profile or Profile.load()
    async with AsyncExitStack() as stack:
        if simulate:
            who, _ = await stack.enter_async_context(simulated(who, who.sandbox or SIMULATED_SANDBOX))
        else:
            who.require_platform()
        found = await live(who)
    return assemble(found, name, select)


@frozen
class Verdict:
    """The embedded platform's word on a run: live objects, and what went wrong since the run began.

    ``duplicates`` are objects created twice by the very same request; ``namesakes`` share a name only (another
    manifest may have made one of them).
    """

    objects: int
    duplicates: int
    namesakes: int
    violations: int
    worst: Sequence[str] = ()

    @property
    def clean(self) -> bool:
        """Whether no rule was broken."""
        return not self.duplicates and not self.violations


@frozen
class Outcome:
    """A report, and the embedded platform's verdict where it was used."""

    report: Report
    verdict: Verdict | None = None


async def conduct(
    plan: Plan,
    profile: Profile,
    wishes: Wishes,
    *,
    simulate: bool,
    watch: Watch,
    observers: tuple[Observer, ...] = (),
    seen: Seen | None = None,
    parts: Parts | None = None,
) -> Outcome:
    """Open the store, start the embedded platform if asked, and execute. Raises as :func:`run` does."""
    from headgate.embedded import simulated
    from headgate.launch import execute
    from headgate.store import open_store

    profile = replace(profile, sandbox=plan.sandbox)
    check_wishes(plan, profile, wishes)
    if not simulate:
        profile.require_platform()
    where = platform_of(profile, simulate=simulate)
    args = {
        **plan.source,
        "simulate": simulate,
        "platform": where,
        "rate": wishes.rate,
        "concurrency": wishes.concurrency,
        "onError": wishes.on_error,
        "tolerate": wishes.tolerate,
        **wishes.args,
    }
    async with AsyncExitStack() as stack:
        store = open_store(profile.state, lease_s=profile.lease_life_s, org="" if simulate else profile.org_id)
        stack.callback(store.close)
        stranger = made_elsewhere(store, plan.sandbox, where)
        if stranger:
            raise UsageError(
                f"{stranger}; nothing was sent", hint="keep one state store per platform: use another --state"
            )
        before: Mapping[str, Any] = {}
        simulator = None
        if simulate:
            from headgate.workflows.dataset_export import named_datasets

            profile, simulator = await stack.enter_async_context(
                simulated(profile, plan.sandbox, datasets=named_datasets(plan))
            )
            before = simulator.ledger()
        report = await execute(
            plan,
            path=_place(plan),
            profile=profile,
            store=store,
            wishes=replace(wishes, args=args),
            observers=observers,
            watch=watch,
            seen=seen,
            parts=parts,
        )
        return Outcome(report, _verdict(before, simulator.ledger()) if simulator else None)


def _place(plan: Plan) -> Path:
    """The manifest's place, good from any working directory: a resume may come from another."""
    return Path(plan.source.get("path", "")).absolute()


def check_wishes(plan: Plan, profile: Profile, wishes: Wishes) -> None:
    """Refuse a rate, a share or a count that makes no sense, before anything is opened.

    Raises:
        UsageError: saying which.
    """
    from headgate.launch import rules_of

    if wishes.concurrency is not None and wishes.concurrency < 1:
        raise UsageError("concurrency: must be at least 1; nothing was sent", hint="leave it out for the profile's")
    if wishes.on_error not in (None, "continue", "stop"):
        raise UsageError(
            f"on_error: {wishes.on_error!r} is neither continue nor stop; nothing was sent", hint="continue"
        )
    try:
        rules_of(plan, profile, wishes)
    except ValueError as error:
        raise UsageError(f"{error}; nothing was sent", hint="rates: 50/s, 3000/min; shares: 10, 5%") from error


def platform_of(profile: Profile, *, simulate: bool) -> str:
    """Which platform a run talks to, as kept with the run: objects of one mean nothing to another."""
    from headgate.platform.endpoint import loopback

    if simulate:
        return "embedded"
    host = urlsplit(profile.platform_url).hostname or ""
    return "local" if loopback(host) else f"{host} {profile.org_id}".strip()


def made_elsewhere(store: Store, sandbox: str, where: str) -> str:
    """Words for the fact that ``store`` knows ``sandbox`` of another platform; empty when it does not."""
    for known in store.runs():
        other = known.args.get("platform")
        if known.sandbox == sandbox and other and other != where:
            return (
                f"this state store belongs to {_platform_words(str(other))}: run {known.id} made its objects of "
                f"sandbox {sandbox} there, and this run would talk to {_platform_words(where)}"
            )
    return ""


def _platform_words(where: str) -> str:
    names = {"embedded": "the embedded platform (--simulate)", "local": "a platform served on this machine"}
    return names.get(where, where)


def _verdict(before: Mapping[str, Any], after: Mapping[str, Any]) -> Verdict:
    def doubles(ledger: Mapping[str, Any], *, same: bool) -> list[Mapping[str, Any]]:
        return [row for row in ledger.get("duplicates", ()) if (row["by"] == "digest") == same]

    def fresh(*, same: bool) -> int:
        return max(0, len(doubles(after, same=same)) - len(doubles(before, same=same)))

    old = len(before.get("violations", ()))
    worst = [
        *(f"{row['kind']} created twice: {', '.join(row['ids'])}" for row in doubles(after, same=True)),
        *(_words(row) for row in after["violations"][old:]),
    ]
    violations = int(after["violationCount"]) - int(before.get("violationCount", 0))
    return Verdict(sum(after["objects"].values()), fresh(same=True), fresh(same=False), violations, worst[:5])


def _words(violation: Mapping[str, Any]) -> str:
    return ", ".join(f"{key} {value}" for key, value in violation.items())[:200]


def _asked(
    manifest: Manifest, overrides: Mapping[str, str], select: Sequence[str], tags: Sequence[str]
) -> dict[str, Any]:
    """What is kept of how a manifest was loaded. A variable that became a secret is kept by its name alone."""
    secrets = list(_secrets(manifest)) if overrides else []
    hidden = sorted(key for key, value in overrides.items() if any(_part_of(key, value, secret) for secret in secrets))
    kept = {key: value for key, value in overrides.items() if key not in hidden}
    asked: dict[str, Any] = {"set": kept, "select": list(select), "tags": list(tags)}
    return {**asked, "again": hidden} if hidden else asked


def _secrets(manifest: Manifest) -> Iterator[Secret]:
    last = None
    for found in chain(manifest.connections.values(), (item.connection for item in manifest.items)):
        if found is not None and found is not last:  # items of one entry mostly have it in common
            last = found
            yield from _inside(_of_connection(found))


def _of_connection(connection: Connection) -> list[Any]:
    return [connection.auth, connection.encryption]


def _inside(value: Any) -> Iterator[Secret]:
    if isinstance(value, Secret):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _inside(inner)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from _inside(inner)


def _part_of(key: str, value: str, secret: Secret) -> bool:
    found = str(secret.reveal())
    return f"${{vars.{key}}}" in secret.ref or value == found or (len(value) >= _PART_OF_SECRET and value in found)
