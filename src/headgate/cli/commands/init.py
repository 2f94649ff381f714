"""``headgate init``: a starter profile and a starter manifest."""

from __future__ import annotations

from pathlib import Path

import click

from headgate.cli import options

_FILES = ("headgate.yaml", "manifest.yaml", "regions.csv")


@click.command(
    short_help="Write a starter manifest and profile.",
    epilog=options.examples(
        "headgate init",
        "headgate init demo && cd demo && headgate run manifest.yaml --simulate",
    ),
)
@click.argument("directory", required=False, default=".", type=click.Path(path_type=Path, file_okay=False))
@options.verbose
def command(directory: Path) -> None:
    """Write a starter profile, a starter manifest and its rows into DIRECTORY; nothing is ever overwritten."""
    from importlib.resources import files

    from headgate.errors import UsageError

    there = [str(directory / name) for name in _FILES if (directory / name).exists()]
    if there:
        raise UsageError(
            f"{', '.join(there)}: there already; nothing was written",
            hint="choose another directory: headgate init demo",
        )
    starter = files("headgate.cli") / "starter"
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for name in _FILES:
            with (directory / name).open("x", encoding="utf-8") as file:
                file.write((starter / name).read_text(encoding="utf-8"))
            click.echo(str(directory / name))
    except OSError as error:
        raise UsageError(f"{directory}: cannot be written: {error.strerror}") from error
    manifest = directory / "manifest.yaml"
    click.echo(
        "\n".join(
            [
                "",
                "next:",
                f"  headgate validate {manifest}",
                f"  headgate plan {manifest} --simulate",
                f"  headgate run {manifest} --simulate",
            ]
        ),
        err=True,
    )
