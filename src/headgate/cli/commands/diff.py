"""``headgate diff``: two runs side by side."""

from __future__ import annotations

import click

from headgate.cli import options


@click.command(
    short_help="Compare two runs.",
    epilog=options.examples(
        "headgate diff nightly-20261219-170000-a1b2 nightly-20261220-170000-3fa1",
        "headgate diff nightly-20261219 nightly-20261220 --json",
    ),
)
@click.argument("run")
@click.argument("other")
@options.as_json
@options.profile
@options.verbose
def command(run: str, other: str, json: bool, profile: str | None, state: str | None) -> None:
    """Compare RUN with OTHER: time, rate, latency, outcomes, requests saved, and rows that came out otherwise."""
    from headgate.cli.wiring import find_run, load_profile, reading
    from headgate.launch import story_of
    from headgate.report.compare import compare, text

    settings = load_profile(profile, state)
    with reading(settings) as store:
        names = [find_run(store, name, settings.state).id for name in (run, other)]
        if store is None:
            return
        found = compare(*(story_of(store, name) for name in names))
    if json:
        import orjson

        click.echo(orjson.dumps(found, option=orjson.OPT_INDENT_2).decode())
    else:
        click.echo(text(found), nl=False)
