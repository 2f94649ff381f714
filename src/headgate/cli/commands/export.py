"""``headgate export``: a manifest from the live flows of a sandbox."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from headgate.cli import options
from headgate.cli.app import say

if TYPE_CHECKING:
    from headgate.export import Exported


@click.command(
    short_help="Write a manifest from a sandbox's flows.",
    epilog=options.examples(
        "headgate export --out prod.yaml --ids prod-ids.csv",
        "headgate export --sandbox dev --select 'Loyalty *' > loyalty.yaml",
    ),
)
@click.option("--out", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False), help="Write it to FILE.")
@click.option(
    "--ids",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the ids of what was exported (CSV); `headgate report RUN --ids FILE` sets the new ones beside them.",
)
@click.option("--name", default="exported", show_default=True, help="What the manifest is called.")
@click.option("--sandbox", metavar="NAME", help="Over the profile's.")
@click.option("--select", "select", metavar="GLOB", multiple=True, help="Only flows with such a name; may be repeated.")
@options.simulate
@options.as_json
@options.profile
@options.verbose
def command(
    out: Path | None,
    ids: Path | None,
    name: str,
    sandbox: str | None,
    select: tuple[str, ...],
    simulate: bool,
    json: bool,
    profile: str | None,
    state: str | None,
) -> None:
    """Write a manifest of a sandbox's flows, with what they stand on. Only reads.

    A run of it on another sandbox is a migration. Accounts that several flows share are one connection; secrets become
    references to the environment; what cannot be written is said. Schemas and datasets that headgate made are made
    again, once; all others are used as they are: their ids become variables, to be given for another sandbox (--set).
    """
    import asyncio

    from headgate.api import SIMULATED_SANDBOX, export
    from headgate.cli.wiring import load_profile
    from headgate.export import manifest_text

    settings = load_profile(profile, state)
    if sandbox:
        settings = replace(settings, sandbox=sandbox)
    found = asyncio.run(export(settings, name=name, select=select, simulate=simulate))
    where = settings.sandbox or SIMULATED_SANDBOX
    text = _json(found) if json else manifest_text(found, where)
    if ids is not None:
        _write(ids, _csv(found))
    if out is None:
        click.echo(text, nl=False)
    else:
        _write(out, text)
        say(f"{len(found.ids)} flows written to {out}")
    for said in found.left:
        say(f"left out: {said}")
    for said in found.notes:
        say(f"note: {said}")
    if found.given and not json:
        say(f"ids of {where}, to be given for another sandbox with --set: {', '.join(sorted(found.given))}")
    if found.variables and not json:
        say(f"its secrets are to be set in the environment: {', '.join(sorted(found.variables))}")


def _json(found: Exported) -> str:
    import orjson

    data = {
        "schema": "headgate.export/1",
        "manifest": found.manifest,
        "ids": list(found.ids),
        "leftOut": list(found.left),
        "notes": list(found.notes),
        "given": dict(found.given),
        "variables": dict(found.variables),
    }
    return orjson.dumps(data, option=orjson.OPT_INDENT_2).decode() + "\n"


def _csv(found: Exported) -> str:
    import csv
    import io

    from headgate.export.live import ROLES

    file = io.StringIO()
    rows = csv.DictWriter(file, ["item", *ROLES], restval="", lineterminator="\n")
    rows.writeheader()
    rows.writerows(found.ids)
    return file.getvalue()


def _write(path: Path, text: str) -> None:
    from headgate.errors import StoreError
    from headgate.report.render import write

    try:
        write(path, text)
    except OSError as error:
        raise StoreError(
            f"{path}: cannot be written: {error.strerror}; nothing was changed on the platform",
            hint="name a file in a folder you may write to",
        ) from error
