"""From arguments to a manifest, a profile, a plan: the same way for every command."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from headgate.classes import frozen
from headgate.cli.app import Talk, say
from headgate.errors import StoreMissing, UsageError
from headgate.secret import without_password

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headgate.manifest.model import Manifest
    from headgate.planning.file import SavedPlan
    from headgate.planning.model import Plan
    from headgate.settings import Profile
    from headgate.store.contract import RunRow, Store


@frozen
class Choice:
    """Which manifest, and what of it."""

    path: Path
    overrides: Mapping[str, str] = field(default_factory=dict)
    select: Sequence[str] = ()
    tags: Sequence[str] = ()
    files: Sequence[str] = ()

    @classmethod
    def again(cls, path: Path, args: Mapping[str, Any], given: Mapping[str, str] | None = None) -> Choice:
        """The choice that ``args`` of an earlier run or a saved plan remember; ``given`` are fresh ``--set``."""
        from headgate.rest import asked_again

        found = asked_again(args, given)
        return cls(path, found["overrides"], found["select"], found["tags"], found["allow_files"])


def load_profile(file: str | None, state: str | None) -> Profile:
    """The profile as all layers together say."""
    from headgate.settings import Profile

    talk = _talk()
    flags: dict[str, Any] = dict(talk.settings) if talk is not None else {}
    return Profile.load(file, state=state, **flags)


def _talk() -> Talk | None:
    """What the whole command line was told, where there is one."""
    context = click.get_current_context(silent=True)
    return context.find_object(Talk) if context is not None else None


def load_manifest(choice: Choice) -> Manifest:
    """The manifest; what is doubtful in it is said on stderr.

    From here on nothing is collected until a run begins, or the command ends: all that is made of a manifest stays.
    """
    from headgate.api import load
    from headgate.garbage import gc_paused

    if (context := click.get_current_context(silent=True)) is not None:
        context.with_resource(gc_paused())
    talk = _talk()
    manifest = load(
        choice.path,
        overrides=choice.overrides,
        select=choice.select,
        tags=choice.tags,
        allow_files=(*choice.files, *(talk.files if talk is not None else ())),
    )
    for warning in manifest.warnings:
        say(f"warning: {warning}")
    return manifest


def make_plan(manifest: Manifest, profile: Profile, *, simulate: bool) -> Plan:
    """The plan of ``manifest`` in its own sandbox, the profile's, or the embedded platform's."""
    from headgate.api import SIMULATED_SANDBOX, plan

    sandbox = manifest.sandbox or profile.sandbox or (SIMULATED_SANDBOX if simulate else "")
    return plan(manifest, sandbox=sandbox or None, profile=profile)


def sandbox_of(named: str | None, profile: Profile, *, simulate: bool) -> str:
    """The sandbox a manifest names, else the profile's, else the embedded platform's.

    Raises:
        SettingsError: nobody names one.
    """
    from headgate.api import SIMULATED_SANDBOX
    from headgate.errors import SettingsError

    sandbox = named or profile.sandbox or (SIMULATED_SANDBOX if simulate else "")
    if not sandbox:
        raise SettingsError(
            "sandbox", "default", "not set; nothing was sent", hint="put it into the profile, or set HEADGATE_SANDBOX"
        )
    return sandbox


def refuse_strangers(store: Store, sandbox: str, profile: Profile, *, simulate: bool) -> None:
    """See that what ``store`` knows of ``sandbox`` is of the platform that would be talked to.

    Raises:
        UsageError: it is another's.
    """
    from headgate.api import made_elsewhere, platform_of

    stranger = made_elsewhere(store, sandbox, platform_of(profile, simulate=simulate))
    if stranger:
        raise UsageError(f"{stranger}; nothing was sent", hint="keep one state store per platform: use another --state")


def near(path: str | Path) -> Path:
    """``path`` as a person here would write it: relative where it lies below the working directory."""
    here = Path.cwd()
    whole = Path(path)
    return whole.relative_to(here) if whole.is_absolute() and whole.is_relative_to(here) else whole


def saved_plan(path: Path) -> SavedPlan | None:
    """The saved plan at ``path``; ``None`` when it is something else (a manifest, then)."""
    from headgate.planning import file

    return file.read(path) if file.is_saved_plan(path) else None


@contextmanager
def reading(profile: Profile) -> Iterator[Store | None]:
    """The profile's store, opened for reading beside whoever writes it; ``None`` when there is none yet."""
    from headgate.store import open_store

    store: Store | None = None
    with suppress(StoreMissing):
        store = open_store(profile.state, readonly=True, org=profile.org_id)
    try:
        yield store
    finally:
        if store is not None:
            store.close()


def find_run(store: Store | None, name: str, state: str) -> RunRow:
    """The run called ``name``, or the only one whose id begins so.

    Raises:
        UsageError: there is none, or several.
    """
    from headgate.catalogue.words import suggestion

    runs = store.runs() if store is not None else ()
    found = [run for run in runs if run.id == name] or [run for run in runs if run.id.startswith(name)]
    if len(found) == 1:
        return found[0]
    if found:
        raise UsageError(f"{len(found)} runs begin with '{name}'", hint=f"such as {found[0].id}, {found[1].id}")
    hint = suggestion(name, [run.id for run in runs], noun="runs", most=3) or "`headgate runs` lists them"
    raise UsageError(f"there is no run '{name}' in {without_password(state)}", hint=hint)


def confirm(profile: Profile, sandbox: str, yes: str | None) -> None:
    """Ask for the typed name of a protected sandbox.

    Raises:
        UsageError: it was not given, or another was.
    """
    if not profile.protects(sandbox):
        return
    import sys

    if yes is None and sys.stdin.isatty():
        yes = click.prompt(
            f"Sandbox {sandbox} is protected. Type its name to go on", default="", show_default=False, err=True
        )
    if yes != sandbox:
        what = "needs its name to be typed" if yes is None else f"was not confirmed ('{yes}' is not its name)"
        raise UsageError(f"sandbox {sandbox} is protected and {what}; nothing was sent", hint=f"--yes {sandbox}")
