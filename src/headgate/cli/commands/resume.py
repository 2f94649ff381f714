"""``headgate resume``: go on with an unfinished run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from headgate.cli import options
from headgate.cli.app import say
from headgate.cli.how import How

if TYPE_CHECKING:
    from headgate.launch import Seen
    from headgate.planning.model import Plan
    from headgate.settings import Profile
    from headgate.store.contract import RunRow, Store


@click.command(
    short_help="Continue an unfinished run.",
    epilog=options.examples(
        "headgate resume",
        "headgate resume nightly-20261220-170000-3fa1 --rate 20/s",
    ),
)
@click.argument("run", required=False, shell_complete=options.complete_runs)
@options.running
@options.again
@options.profile
@options.verbose
def command(
    run: str | None,
    how: How,
    overrides: Mapping[str, str],
    profile: str | None,
    state: str | None,
) -> int:
    """Continue RUN, or the last unfinished one, with the manifest and the flags it was started with.

    What was done is not done again; what was on its way when it stopped is looked up first.
    """
    from headgate.cli.again import wishes_again
    from headgate.cli.wiring import (
        Choice,
        confirm,
        find_run,
        load_manifest,
        load_profile,
        make_plan,
        near,
        reading,
    )
    from headgate.errors import StalePlan, UsageError
    from headgate.garbage import gc_paused
    from headgate.launch import last_unfinished
    from headgate.planning.outline import Outline
    from headgate.workflows.destroy import rebuilt

    click.get_current_context().with_resource(gc_paused())  # until the run begins: all that is made until then stays
    settings = load_profile(profile, state)
    with reading(settings) as store:
        row = find_run(store, run, settings.state) if run else last_unfinished(store) if store else None
        undoing = row is not None and row.command in ("destroy", "sweep", "loadtest")
        outline = store.outline(row.id) if undoing and store is not None and row is not None else b""
        made, seen = None, None
        if store is not None and row is not None and row.unfinished and not undoing:
            made, seen = _at_hand(store, row, settings, overrides)
    if row is None or not row.unfinished:
        say("nothing is unfinished" if row is None else f"{row.id} is finished: {row.status}; nothing is left to do")
        return 0
    if row.command == "loadtest":
        raise UsageError(
            f"{row.id} is a load test, and its time has passed; nothing was sent", hint=f"headgate destroy {row.id}"
        )
    args = row.args
    simulate = bool(args.get("simulate"))
    if undoing:
        source = {key: args.get(key, "") for key in ("path", "command", "target", "again")}
        plan = replace(rebuilt(Outline.unpacked(outline)), source=source)
    elif made is not None:
        plan = made
    else:
        manifest = load_manifest(Choice.again(near(row.path), args, overrides))
        plan = make_plan(
            manifest if manifest.sandbox else replace(manifest, sandbox=row.sandbox), settings, simulate=simulate
        )
        del manifest  # a run may be long, and its items many
    if plan.fingerprint != row.fingerprint:
        raise StalePlan(
            f"{near(row.path)}: the manifest has changed since run {row.id} began; nothing was sent",
            expected=row.fingerprint,
            found=plan.fingerprint,
            hint=f"put the manifest back, or start anew: headgate run {near(row.path)} --fresh (what was made is kept)",
        )
    if not simulate:
        confirm(settings, plan.sandbox, how.yes)
    wishes = wishes_again(args, how.wishes(resume=row.id))
    return how.drive(plan, settings, wishes, simulate=simulate, seen=seen)


def _at_hand(store: Store, run: RunRow, settings: Profile, given: Mapping[str, str]) -> tuple[Plan | None, Seen | None]:
    """The plan of an unfinished run where its manifest is not needed for it, or is not all that is needed."""
    from headgate.cli.kept import kept_plan
    from headgate.cli.wiring import near

    made = kept_plan(store, run, near(run.path)) if not given else None
    if made is not None:
        return made
    from headgate.cli.again import plan_of_rest
    from headgate.launch import RETRY

    first = store.run(str(run.args[RETRY])) if run.args.get(RETRY) else None
    return (plan_of_rest(store, first, settings, given)[0] if first is not None else None), None
