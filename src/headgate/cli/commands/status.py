"""``headgate status``: one run as it stands, also while it goes; or the settings."""

from __future__ import annotations

import click

from headgate.cli import options
from headgate.cli.app import say


@click.command(
    short_help="Show one run as it stands, or the settings.",
    epilog=options.examples(
        "headgate status",
        "headgate status nightly-20261220-170000-3fa1 --json",
        "headgate status nightly-20261220-170000-3fa1 --graph mermaid",
        "headgate status --settings",
    ),
)
@click.argument("run", required=False, shell_complete=options.complete_runs)
@click.option("--settings", is_flag=True, help="Show every setting, its value and the layer it came from.")
@options.graph
@options.as_json
@options.profile
@options.verbose
def command(
    run: str | None,
    settings: bool,
    graph: str | None,
    graph_limit: int,
    json: bool,
    profile: str | None,
    state: str | None,
) -> None:
    """Show RUN, or the newest run: counts, what is open, who drives it, requests, failures. Reads the state only."""
    from headgate.cli.views import settings as settings_view
    from headgate.cli.views import status as view
    from headgate.cli.wiring import find_run, load_profile, reading
    from headgate.launch import report_of
    from headgate.rest import last_try

    loaded = load_profile(profile, state)
    if settings:
        click.echo(settings_view.as_json(loaded) if json else settings_view.text(loaded))
        return
    with reading(loaded) as store:
        if store is None or not (rows := store.runs()):
            if run:
                find_run(store, run, loaded.state)
            say(f"no runs in {loaded.state_shown} yet")
            if json:
                click.echo("null")
            return
        row = (
            find_run(store, run, loaded.state)
            if run
            else next((one for one in rows if one.status == "running"), rows[0])
        )
        if graph is not None:
            from headgate.cli.views import graph as graph_view
            from headgate.engine.record import fold
            from headgate.planning.outline import Outline

            outline, past = Outline.unpacked(store.outline(row.id)), fold(store.records(row.id))
            if outline.edges is None:
                say("this run was made by an older program, which did not keep what waits for what: no lines are drawn")
            click.echo(graph_view.of_run(row, outline, past, graph, graph_limit))
            return
        holder = store.holder(row.id)
        told, last = store.told(row.id) if holder else {}, last_try(store, row)
        report = report_of(store, row.id)
    click.echo(view.as_json(row, report, holder) if json else view.text(row, report, holder, told, last))
