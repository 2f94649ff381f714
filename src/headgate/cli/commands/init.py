"""``headgate init``: a starter profile and a starter manifest."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from headgate.cli import options

if TYPE_CHECKING:
    from headgate.cli.first import First

_NAME = re.compile(r"[A-Za-z0-9_.-]+")
_DEFAULTS = {"name": "exports", "sandbox": "dev", "destination": "data_landing_zone"}
_QUESTIONS = {
    "name": "Name of the manifest",
    "sandbox": "Sandbox",
    "destination": "Destination (`headgate catalog` lists them)",
}


def _word(_ctx: click.Context, _param: click.Parameter, value: str | None) -> str | None:
    if value is not None and not _NAME.fullmatch(value):
        raise click.BadParameter(f"'{value}' is not usable: letters, digits, dots, dashes and underscores only")
    return value


def _destination(_ctx: click.Context, _param: click.Parameter, value: str | None) -> str | None:
    if value is not None:
        from headgate.catalogue import batch_keys
        from headgate.catalogue.words import suggestion

        if value not in batch_keys():
            raise click.BadParameter(f"unknown destination '{value}'; {suggestion(value, batch_keys(), noun='known')}")
    return value


_CHECKS = {"name": _word, "sandbox": _word, "destination": _destination}


@click.command(
    short_help="Write a starter manifest and profile.",
    epilog=options.examples(
        "headgate init",
        "headgate init demo && headgate run demo/manifest.yaml --simulate",
        "headgate init partner --destination sftp --sandbox prod --name partner-exports",
    ),
)
@click.argument("directory", required=False, default=".", type=click.Path(path_type=Path, file_okay=False))
@click.option("--name", metavar="NAME", callback=_word, help="The manifest's name.  [default: exports]")
@click.option("--sandbox", metavar="NAME", callback=_word, help="The sandbox.  [default: dev]")
@click.option(
    "--destination",
    metavar="KEY",
    callback=_destination,
    shell_complete=options.complete_destinations,
    help="Where it exports to; `headgate catalog` lists them.  [default: data_landing_zone]",
)
@click.option("--no-schema", is_flag=True, help="Do not write the JSON Schema beside it, nor point to it.")
@click.option("--yes", is_flag=True, help="Ask nothing: take the defaults.")
@options.verbose
@click.pass_context
def command(
    ctx: click.Context,
    directory: Path,
    name: str | None,
    sandbox: str | None,
    destination: str | None,
    no_schema: bool,
    yes: bool,
) -> None:
    """Write a starter profile, a starter manifest and its rows into DIRECTORY; nothing of yours is ever overwritten.

    On a terminal it asks for what no flag says; elsewhere, and with --yes, it takes the defaults. The manifest's first
    line leads an editor's YAML language server to its JSON Schema, which completes and checks what is typed.
    """
    given = {"name": name, "sandbox": sandbox, "destination": destination}
    _refuse_to_overwrite(directory)
    wanted = {key: value if value is not None else _asked(ctx, key, ask=not yes) for key, value in given.items()}

    from headgate.catalogue import batch
    from headgate.cli.first import First

    found = batch(wanted["destination"])
    if found is None:
        raise click.BadParameter(wanted["destination"])
    _write(directory, First(wanted["name"], wanted["sandbox"], found, with_schema=not no_schema))


def _asked(ctx: click.Context, key: str, *, ask: bool) -> str:
    if not (ask and sys.stdin.isatty() and sys.stderr.isatty()):
        return _DEFAULTS[key]

    def checked(text: str) -> str:
        parameter = next(one for one in ctx.command.params if one.name == key)
        return str(_CHECKS[key](ctx, parameter, text))

    answer: str = click.prompt(_QUESTIONS[key], default=_DEFAULTS[key], err=True, value_proc=checked)
    return answer


_FILES = ("headgate.yaml", "manifest.yaml", "regions.csv")


def _refuse_to_overwrite(directory: Path) -> None:
    from headgate.errors import UsageError

    there = [str(directory / name) for name in _FILES if (directory / name).exists()]
    if there:
        raise UsageError(
            f"{', '.join(there)}: there already; nothing was written",
            hint="choose another directory: headgate init demo",
        )


def _write(directory: Path, first: First) -> None:
    from headgate.cli.first import SCHEMA
    from headgate.errors import UsageError

    texts = dict(zip(_FILES, (first.profile(), first.manifest(), first.rows()), strict=True))
    try:
        directory.mkdir(parents=True, exist_ok=True)
        if first.with_schema:
            _write_schema(directory / SCHEMA)
        for name, text in texts.items():
            with (directory / name).open("x", encoding="utf-8") as file:
                file.write(text)
            click.echo(str(directory / name))
    except OSError as error:
        raise UsageError(
            f"{directory}: cannot be written: {error.strerror}", hint="choose a directory you may write to"
        ) from error
    manifest = directory / "manifest.yaml"
    lines = ["", "next:"]
    lines += [f"  export {variable}=…" for variable in first.variables()]
    lines += [f"  headgate validate {manifest}"]
    lines += [f"  headgate {verb} {manifest} --simulate" for verb in ("plan", "run")]
    click.echo("\n".join(lines), err=True)


def _write_schema(path: Path) -> None:
    """The schema is headgate's own, so an older one gives way."""
    import json

    from headgate.manifest.jsonschema import manifest_schema

    path.parent.mkdir(mode=0o700, exist_ok=True)
    path.write_text(json.dumps(manifest_schema(), ensure_ascii=False) + "\n", encoding="utf-8")
    click.echo(str(path))
