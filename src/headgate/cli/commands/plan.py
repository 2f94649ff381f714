"""``headgate plan``: what a run would do. No writes, nothing sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import click

from headgate.cli import options
from headgate.cli.app import say


@click.command(
    short_help="Show what a run would do; send nothing.",
    epilog=options.examples(
        "headgate plan nightly.yaml",
        "headgate plan nightly.yaml --rate 20/s --json",
        "headgate plan nightly.yaml --out nightly.plan.json",
        "headgate plan nightly.yaml --refresh",
        "headgate plan nightly.yaml --graph dot | dot -Tsvg > nightly.svg",
    ),
)
@click.argument("manifest", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--refresh", is_flag=True, help="Read what exists, and show where it is not as the manifest says (drift)."
)
@click.option("--replace", "anew", is_flag=True, help="As `run --replace`: make anew what cannot be changed in place.")
@options.simulate
@options.rate
@click.option(
    "--out",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Save the plan; `headgate run FILE` refuses it when stale.",
)
@options.graph
@options.as_json
@options.chosen
@options.profile
@options.verbose
def command(
    manifest: Path,
    refresh: bool,
    anew: bool,
    simulate: bool,
    rate: str | None,
    out: Path | None,
    graph: str | None,
    graph_limit: int,
    json: bool,
    overrides: Mapping[str, str],
    select: tuple[str, ...],
    tags: tuple[str, ...],
    profile: str | None,
    state: str | None,
) -> int:
    """Show what a run of MANIFEST would create, use again and activate, in how many requests, and how long it takes.

    Nothing is changed and nothing is written but FILE. What exists is known from the state store, if there is one;
    which flows an action would choose is asked of the platform, if there are credentials (or with --simulate). With
    --refresh every object that should exist is read: what drifted, what is gone, and each difference, live value and
    wanted; `headgate run --refresh` then brings it back.
    """
    from headgate.cli.survey import survey
    from headgate.cli.views import plan as view
    from headgate.cli.wiring import Choice, load_manifest, load_profile, make_plan, reading, refuse_strangers
    from headgate.errors import StoreError, UsageError

    loaded = load_manifest(Choice(manifest, overrides, select, tags))
    settings = load_profile(profile, state)
    if not (loaded.sandbox or settings.sandbox or simulate or out):
        say("warning: neither the manifest nor the profile names a sandbox: a run would need one")
        loaded = replace(loaded, sandbox="unnamed")
    plan = make_plan(loaded, settings, simulate=simulate)
    with reading(settings) as store:
        found = survey(plan, settings, store, simulate=simulate, rate=rate, anew=anew)
        known = store.known(plan.sandbox) if store is not None else {}
        if refresh and store is not None:
            refuse_strangers(store, plan.sandbox, settings, simulate=simulate)
    if refresh:
        import asyncio

        from headgate.drift import drift

        if not simulate:
            replace(settings, sandbox=plan.sandbox).require_platform()
        found = found.beside(asyncio.run(drift(found.plan, settings, known, simulate=simulate)))
    if plan.selections:
        import asyncio

        from headgate.cli.preview import previews

        found = replace(found, selections=asyncio.run(previews(plan, settings, found.reused, simulate=simulate)))
    if out is not None:
        from headgate.planning import file
        from headgate.report.render import write

        try:
            write(out, file.written(out, found.as_json()))
        except OSError as error:
            raise StoreError(
                f"{out}: the plan cannot be written: {error.strerror}; nothing was sent",
                hint="name a file in a folder you may write to",
            ) from error
        say(f"saved: {out}; carry it out with: headgate run {out}")
    if graph is not None:
        from headgate.cli.views import graph as graph_view

        click.echo(graph_view.of_plan(found, graph, graph_limit))
    else:
        click.echo(view.as_json(found) if json else view.text(found), nl=False)
    if found.refusals:
        say("a run would refuse; nothing was sent")
        return UsageError.exit_code
    return 0
