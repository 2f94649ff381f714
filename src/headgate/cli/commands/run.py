"""``headgate run``: plan, then execute; go on with what is unfinished."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import click

from headgate.cli import options
from headgate.cli.how import How


@click.command(
    short_help="Plan a manifest, then execute it.",
    epilog=options.examples(
        "headgate run nightly.yaml --simulate",
        "headgate run nightly.yaml --rate 3000/min --tolerate 5% --report report.json",
        "headgate run nightly.yaml --select 'Loyalty *' --finish-by 06:00",
        "headgate run nightly.plan.json",
    ),
)
@click.argument("manifest", type=click.Path(path_type=Path, dir_okay=False))
@options.simulate
@click.option(
    "--fresh", is_flag=True, help="Begin anew; an unfinished run is ended for good. What it made is kept and used."
)
@click.option("--refresh", is_flag=True, help="Read what exists, and bring back what somebody changed since.")
@click.option(
    "--replace",
    "anew",
    is_flag=True,
    help="Make anew what cannot be changed in place; delete the old once the new flow is checked.",
)
@options.running
@options.chosen
@options.profile
@options.verbose
def command(
    manifest: Path,
    simulate: bool,
    fresh: bool,
    refresh: bool,
    anew: bool,
    how: How,
    overrides: Mapping[str, str],
    select: tuple[str, ...],
    tags: tuple[str, ...],
    profile: str | None,
    state: str | None,
) -> int:
    """Make it so: plan MANIFEST (or take a plan saved by `headgate plan --out`), then execute it.

    What exists already is used again, and changed in place where the manifest has changed; what cannot be changed is
    refused, or with --replace made anew, and then the old is deleted. An unfinished run of the same manifest is
    continued. Ctrl-C stops it well: nothing new is started, the state is saved, and `headgate resume`
    goes on from there.
    """
    from headgate.cli.wiring import (
        Choice,
        confirm,
        load_manifest,
        load_profile,
        make_plan,
        saved_plan,
    )
    from headgate.errors import UsageError

    saved = saved_plan(manifest)
    choice = Choice(manifest, overrides, select, tags)
    if saved is not None:
        if select or tags:
            raise UsageError(
                "--select and --tag: a saved plan has made its choice; nothing was sent",
                hint=f"plan again: headgate plan {saved.path}",
            )
        choice = Choice.again(saved.path, saved.asked, overrides)
    loaded = load_manifest(choice)
    settings = load_profile(profile, state)
    plan = make_plan(loaded, settings, simulate=simulate)
    del loaded  # a run may be long, and its items many
    if saved is not None:
        saved.check(plan.fingerprint)
    if not simulate:
        confirm(settings, plan.sandbox, how.yes)
    return how.drive(plan, settings, how.wishes(fresh=fresh, refresh=refresh, replace=anew), simulate=simulate)
