"""``headgate schema``: the grammar of manifests for editors and other programs."""

from __future__ import annotations

import click

from headgate.cli import options


@click.command(
    short_help="Print the JSON Schema of manifests.",
    epilog=options.examples(
        "headgate schema > manifest.schema.json",
        "headgate help manifest",
    ),
)
@options.verbose
def command() -> None:
    """Print the JSON Schema (2020-12) of manifests, with which editors complete and check them.

    Editors with a YAML language server find it by a comment, the first line of a manifest:
    `# yaml-language-server: $schema=./manifest.schema.json` (`headgate init` writes both).
    """
    import json

    from headgate.manifest.jsonschema import manifest_schema

    click.echo(json.dumps(manifest_schema(), indent=2, ensure_ascii=False))
