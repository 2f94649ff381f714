"""``headgate report``: what became of every row of a run."""

from __future__ import annotations

from pathlib import Path

import click

from headgate.cli import options


@click.command(
    short_help="Print the report of a run.",
    epilog=options.examples(
        "headgate report nightly-20261220-170000-3fa1",
        "headgate report nightly --format csv > rows.csv",
        "headgate report nightly --format json --out report.json",
    ),
)
@click.argument("run")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "csv", "jsonl"]),
    default="text",
    show_default=True,
    help="How to print it.",
)
@click.option(
    "--ids",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Old ids beside new ones (CSV): FILE is what `headgate export --ids` wrote.",
)
@click.option("--out", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False), help="Write it to FILE.")
@options.as_json
@options.profile
@options.verbose
def command(
    run: str, form: str, ids: Path | None, out: Path | None, json: bool, profile: str | None, state: str | None
) -> None:
    """Print the report of RUN (its id, or the beginning of it) from the state store; also while it goes."""
    from headgate.cli.drive import screen_width
    from headgate.cli.wiring import find_run, load_profile, reading
    from headgate.errors import StoreError
    from headgate.launch import report_of
    from headgate.report import render, render_text
    from headgate.report.render_ids import ids_text

    settings = load_profile(profile, state)
    with reading(settings) as store:
        row = find_run(store, run, settings.state)
        if store is None:
            return
        found = report_of(store, row.id)
    form = "json" if json else form
    if ids is not None:
        text = ids_text(found, _exported(ids))
    else:
        text = render_text.render(found, width=screen_width()) if form == "text" else render.FORMATS[form](found)
    if out is None:
        click.echo(text, nl=False)
        return
    try:
        render.write(out, text)
    except OSError as error:
        raise StoreError(f"{out}: the report cannot be written: {error.strerror}") from error


def _exported(path: Path) -> list[dict[str, str]]:
    import csv

    from headgate.errors import UsageError

    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"{path}: cannot be read: {error}") from error
    if any("item" not in row for row in rows):
        raise UsageError(f"{path}: has no column 'item'", hint="it must be what `headgate export --ids FILE` wrote")
    return rows
