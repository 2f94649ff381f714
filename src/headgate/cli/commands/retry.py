"""``headgate retry``: do again what failed or was skipped."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import click

from headgate.cli import options
from headgate.cli.app import Talk, say


@click.command(
    short_help="Run again only what failed or was skipped.",
    epilog=options.examples(
        "headgate retry nightly-20261220-170000-3fa1",
        "headgate retry nightly --rate 20/s --report again.html",
    ),
)
@click.argument("run")
@options.running
@options.again
@options.profile
@options.verbose
@click.pass_obj
def command(
    talk: Talk,
    run: str,
    rate: str | None,
    concurrency: int | None,
    on_error: str | None,
    tolerate: str | None,
    finish_by: datetime | None,
    report: Path | None,
    events: Path | None,
    json: bool,
    no_progress: bool,
    yes: str | None,
    overrides: Mapping[str, str],
    profile: str | None,
    state: str | None,
) -> int:
    """Do again what failed or was skipped in RUN (its id, or the beginning of it), and nothing else.

    The manifest is read again, so mend it first where it was the cause. Flags are those RUN was started with, unless
    they are given again. What succeeded is not touched; an activation that went well is not repeated.
    """
    from headgate.cli.again import plan_of_rest, wishes_again
    from headgate.cli.drive import Drive, drive
    from headgate.cli.wiring import confirm, find_run, load_profile, reading
    from headgate.errors import UsageError
    from headgate.launch import Wishes

    settings = load_profile(profile, state)
    with reading(settings) as store:
        row = find_run(store, run, settings.state)
        if store is None:
            return 2
        if row.command != "run":
            again = f"headgate {row.args['again']}" if row.args.get("again") else f"headgate {row.command}"
            raise UsageError(f"{row.id} is a {row.command}; nothing was sent", hint=f"to do the rest of it: {again}")
        if row.unfinished:
            raise UsageError(
                f"{row.id} is not finished; nothing was sent", hint=f"finish it first: headgate resume {row.id}"
            )
        plan, gone = plan_of_rest(store, row, settings, overrides)
    for name in gone:
        say(f"warning: '{name}' is not in the manifest any more: left out")
    if plan is None:
        say(f"nothing failed and nothing was skipped in {row.id}" if not gone else "nothing is left to do")
        return 0
    simulate = bool(row.args.get("simulate"))
    if not simulate:
        confirm(settings, plan.sandbox, yes)
    until_s = finish_by.timestamp() if finish_by else None
    wishes = wishes_again(row.args, Wishes(rate, concurrency, on_error, tolerate, until_s))
    return drive(Drive(plan, settings, wishes, simulate, report, events, json, not no_progress, talk.verbose))
