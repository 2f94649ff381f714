"""``headgate validate``: every problem of a manifest at once, offline."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from headgate.cli import options
from headgate.cli.app import say

if TYPE_CHECKING:
    from headgate.errors import Diagnostic
    from headgate.manifest.model import Manifest


@click.command(
    short_help="Check a manifest offline.",
    epilog=options.examples(
        "headgate validate nightly.yaml",
        "headgate validate nightly.yaml --set bucket=acme-test",
    ),
)
@click.argument("manifest", type=click.Path(path_type=Path, dir_okay=False))
@options.chosen
@options.as_json
@options.verbose
def command(
    manifest: Path, overrides: Mapping[str, str], select: tuple[str, ...], tags: tuple[str, ...], json: bool
) -> int:
    """Check MANIFEST and say every problem in one pass, each with its file, line and key. Nothing is sent."""
    from headgate.api import SIMULATED_SANDBOX, plan
    from headgate.cli.wiring import Choice, load_manifest
    from headgate.errors import ManifestError

    try:
        loaded = load_manifest(Choice(manifest, overrides, select, tags))
        plan(loaded, sandbox=loaded.sandbox or SIMULATED_SANDBOX)
    except ManifestError as error:
        if not json:
            raise
        click.echo(_json(None, error.problems))
        say(error.message)
        return error.exit_code
    click.echo(_json(loaded, ()) if json else _human(loaded))
    return 0


def _human(manifest: Manifest) -> str:
    from headgate.report.render_table import plural

    warned = f", {plural(len(manifest.warnings), 'warning')}" if manifest.warnings else ""
    return (
        f"{manifest.path}: valid: {plural(len(manifest.entries), 'entry', 'entries')}, "
        f"{plural(len(manifest.items), 'item')}{warned}"
    )


def _json(manifest: Manifest | None, problems: tuple[Diagnostic, ...]) -> str:
    import orjson

    def rows(found: tuple[Diagnostic, ...]) -> list[dict[str, Any]]:
        return [
            {"file": one.file, "line": one.line, "key": one.key, "message": one.message, "hint": one.hint}
            for one in found
        ]

    return orjson.dumps(
        {
            "valid": manifest is not None,
            "items": len(manifest.items) if manifest else 0,
            "problems": rows(problems),
            "warnings": rows(manifest.warnings) if manifest else [],
        },
        option=orjson.OPT_INDENT_2,
    ).decode()
