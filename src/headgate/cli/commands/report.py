"""``headgate report``: what became of every row of a run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from headgate.cli import options
from headgate.cli.app import Misuse

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headgate.report.story import Story
    from headgate.settings import Profile

FORMATS = ("text", "json", "csv", "jsonl", "html", "junit")


@click.command(
    short_help="Print the report of a run.",
    epilog=options.examples(
        "headgate report nightly-20261220-170000-3fa1",
        "headgate report nightly --out nightly.html",
        "headgate report nightly --format csv > rows.csv",
        "headgate report nightly --failed-manifest again.yaml",
        "headgate report --events events.jsonl --format json",
    ),
)
@click.argument("run", required=False, shell_complete=options.complete_runs)
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
    help="How to write it  [default: text, or what the name of --out ends in]",
)
@click.option(
    "--ids",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Old ids beside new ones (CSV): FILE is what `headgate export --ids` wrote.",
)
@click.option(
    "--failed-manifest",
    "failed",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write a manifest that does what failed, was skipped or held, and nothing else.",
)
@click.option(
    "--events",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Make the report from what `run --events` wrote, instead of from the state store.",
)
@click.option("--out", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False), help="Write it to FILE.")
@options.as_json
@options.again
@options.profile
@options.verbose
def command(
    run: str | None,
    form: str | None,
    ids: Path | None,
    failed: Path | None,
    events: Path | None,
    out: Path | None,
    json: bool,
    overrides: Mapping[str, str],
    profile: str | None,
    state: str | None,
) -> None:
    """Print the report of RUN (its id, or the beginning of it) from the state store; also while it goes."""
    from headgate.cli.drive import screen_width, state_flag
    from headgate.cli.wiring import load_profile
    from headgate.errors import StoreError
    from headgate.report import render, render_text
    from headgate.report.render_ids import ids_text

    if run is None and events is None:
        raise Misuse("missing argument 'RUN'", "`headgate runs` lists them; or --events FILE")
    settings = load_profile(profile, state)
    if failed is not None:
        _failed(run, failed, settings, overrides)
        if form is None and out is None and ids is None and not json:
            return
    form = "json" if json else form or (_form_of(out) if out is not None else "text")
    told = _told(run, events, settings)
    if ids is not None:
        text = ids_text(told.report, _exported(ids))
    elif form == "text":
        text = render_text.render(told.report, width=screen_width())
    else:
        text = render.rendered(told, form, flags=state_flag(settings))
    if out is None:
        click.echo(text, nl=False)
        return
    try:
        render.write(out, text)
    except OSError as error:
        raise StoreError(
            f"{out}: the report cannot be written: {error.strerror}; the run is as it was",
            hint="name a file in a folder you may write to, or leave --out away to see it here",
        ) from error


def _form_of(out: Path) -> str:
    from headgate.report.render import SUFFIXES, form_of

    return form_of(out) if out.suffix.lower() in {*SUFFIXES, ".json"} else "text"


def _told(run: str | None, events: Path | None, settings: Profile) -> Story:
    """The run, from the state store or from its events."""
    from headgate.cli.wiring import find_run, reading
    from headgate.launch import story_of
    from headgate.report.rebuild import read_events, tell
    from headgate.report.story import story

    if events is not None:
        found = tell(read_events(events), run or "")
        return story(found.run, found.outline, found.past)
    with reading(settings) as store:
        row = find_run(store, run or "", settings.state)
        if store is None:
            raise AssertionError("a run was found in no store")
        return story_of(store, row.id)


def _failed(run: str | None, place: Path, settings: Profile, overrides: Mapping[str, str]) -> None:
    """Write the manifest of what is left to do."""
    import shlex

    from headgate.cli.again import failed_manifest
    from headgate.cli.app import say
    from headgate.cli.drive import state_flag
    from headgate.cli.wiring import find_run, near, reading
    from headgate.errors import StoreError
    from headgate.report import render
    from headgate.report.render_table import plural

    if run is None:
        raise Misuse("--failed-manifest needs a RUN of the state store", "`headgate runs` lists them")
    with reading(settings) as store:
        row = find_run(store, run, settings.state)
        if store is None:
            return
        written, rows = failed_manifest(store, row, place, overrides)
    try:
        render.write(place, written.text)
    except OSError as error:
        raise StoreError(
            f"{place}: the manifest cannot be written: {error.strerror}; the run is as it was",
            hint="name a file in a folder you may write to",
        ) from error
    allowed = [word for folder in written.folders for word in ("--allow-files", str(near(folder)))]
    flags = [flag for flag, needed in (("--simulate", row.args.get("simulate")), ("--fresh", row.unfinished)) if needed]
    again = shlex.join(["headgate", "run", str(place), *allowed, *flags])
    say(f"{place}: {plural(rows, 'row')} left undone by {row.id}")
    say(f"do them with: {again} {state_flag(settings)}".rstrip())


def _exported(path: Path) -> list[dict[str, str]]:
    import csv

    from headgate.errors import UsageError

    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(
            f"{path}: cannot be read: {error}; nothing was written", hint="a file that `headgate export --ids` wrote"
        ) from error
    if any("item" not in row for row in rows):
        raise UsageError(f"{path}: has no column 'item'", hint="it must be what `headgate export --ids FILE` wrote")
    return rows
