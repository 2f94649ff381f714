"""``headgate expand``: the final items, secrets as their references."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import click

from headgate.cli import options


@click.command(
    short_help="Print the final items of a manifest.",
    epilog=options.examples(
        "headgate expand nightly.yaml",
        "headgate expand nightly.yaml --select 'Loyalty fr*' --json",
    ),
)
@click.argument("manifest", type=click.Path(path_type=Path, dir_okay=False))
@options.chosen
@options.as_json
@options.verbose
def command(
    manifest: Path, overrides: Mapping[str, str], select: tuple[str, ...], tags: tuple[str, ...], json: bool
) -> None:
    """Print what MANIFEST expands to: one item for each row, references resolved, secrets as their reference."""
    from headgate.cli.wiring import Choice, load_manifest
    from headgate.manifest.expand import expanded

    items = expanded(load_manifest(Choice(manifest, overrides, select, tags)))
    if json:
        import orjson

        click.echo(orjson.dumps(items, option=orjson.OPT_INDENT_2).decode())
        return
    import yaml

    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    for item in items:
        click.echo(yaml.dump([item], Dumper=dumper, sort_keys=False, allow_unicode=True, width=110), nl=False)
