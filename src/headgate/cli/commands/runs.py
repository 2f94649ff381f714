"""``headgate runs``: all runs of a state store."""

from __future__ import annotations

import click

from headgate.cli import options
from headgate.cli.app import say


@click.command(
    short_help="List all runs.",
    epilog=options.examples(
        "headgate runs",
        "headgate runs --state team.db --json",
    ),
)
@options.as_json
@options.profile
@options.verbose
def command(json: bool, profile: str | None, state: str | None) -> None:
    """List the runs that the state store knows, newest first."""
    from headgate.cli.views import runs as view
    from headgate.cli.wiring import load_profile, reading

    settings = load_profile(profile, state)
    with reading(settings) as store:
        rows = [(run, store.holder(run.id)) for run in store.runs()] if store else []
    if json:
        click.echo(view.as_json(rows))
    elif rows:
        click.echo(view.text(rows))
    else:
        say(f"no runs in {settings.state_shown} yet")
