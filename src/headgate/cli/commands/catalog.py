"""``headgate catalog``: destinations and sources, and what each wants to know."""

from __future__ import annotations

import click

from headgate.cli import options


@click.command(
    short_help="Show destinations and sources.",
    epilog=options.examples(
        "headgate catalog",
        "headgate catalog amazon_s3",
        "headgate catalog oracle_eloqua --json",
    ),
)
@click.argument("name", required=False, shell_complete=options.complete_catalog)
@options.as_json
@options.verbose
def command(name: str | None, json: bool) -> None:
    """List every destination and source, or show one: ids, auth specs, target parameters, schedule rules."""
    from headgate.cli.views import catalog as view

    if name is None:
        click.echo(view.all_as_json() if json else view.all_text())
    else:
        found = view.find(name)
        click.echo(view.as_json(found) if json else view.text(found))
