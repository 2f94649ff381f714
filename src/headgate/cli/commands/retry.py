"""``headgate retry``: do again what failed or was skipped."""

from __future__ import annotations

from collections.abc import Mapping

import click

from headgate.cli import options
from headgate.cli.app import say
from headgate.cli.how import How


@click.command(
    short_help="Run again only what failed or was skipped.",
    epilog=options.examples(
        "headgate retry nightly-20261220-170000-3fa1",
        "headgate retry nightly --rate 20/s --report again.html",
        "headgate retry nightly --web",
    ),
)
@click.argument("run", shell_complete=options.complete_runs)
@options.running
@options.again
@options.profile
@options.verbose
def command(
    run: str,
    how: How,
    overrides: Mapping[str, str],
    profile: str | None,
    state: str | None,
) -> int:
    """Do again what failed or was skipped in RUN (its id, or the beginning of it), and nothing else.

    The manifest is read again, so mend it first where it was the cause. Flags are those RUN was started with, unless
    they are given again. What succeeded is not touched, in RUN or in an earlier retry of it; an activation that went
    well is not repeated.
    """
    from headgate.cli.again import plan_of_rest, wishes_again
    from headgate.cli.wiring import confirm, find_run, load_profile, reading
    from headgate.errors import UsageError
    from headgate.rest import last_try

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
        last = last_try(store, row)
        plan, gone = plan_of_rest(store, last, settings, overrides)
    for name in gone:
        say(f"warning: '{name}' is not in the manifest any more: left out")
    if plan is None and last is not row:
        say(f"nothing is left to do: {last.id} did what {row.id} left undone")
        return 0
    if plan is None:
        say(f"nothing failed and nothing was skipped in {row.id}" if not gone else "nothing is left to do")
        return 0
    if last is not row:
        say(f"{row.id} was retried already: this does what {last.id} left undone")
    simulate = bool(row.args.get("simulate"))
    if not simulate:
        confirm(settings, plan.sandbox, how.yes)
    return how.drive(plan, settings, wishes_again(row.args, how.wishes()), simulate=simulate)
