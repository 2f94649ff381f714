"""``headgate help``: commands, and the grammar of manifests as a page."""

from __future__ import annotations

from importlib import import_module

import click

from headgate.cli import options
from headgate.cli.app import COMMANDS, group

_TOPIC = "manifest"


def _complete(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    words: tuple[str, ...] = (*COMMANDS, _TOPIC)
    if ctx.params.get("about") == _TOPIC:
        from headgate.manifest.grammar import KNOWN_KINDS

        words = KNOWN_KINDS
    return [word for word in words if word.startswith(incomplete)]


@click.command(
    short_help="Explain a command, or how a manifest is written.",
    epilog=options.examples(
        "headgate help manifest",
        "headgate help manifest audience-export",
        "headgate help run",
    ),
)
@click.argument("about", required=False, shell_complete=_complete)
@click.argument("kind", required=False, shell_complete=_complete)
@options.verbose
@click.pass_context
def command(ctx: click.Context, about: str | None, kind: str | None) -> None:
    """Explain ABOUT: a command, or `manifest`: how one is written; with KIND, one kind of entry and an example."""
    above = ctx.parent or ctx
    if about == _TOPIC:
        from headgate.cli.views import manual

        click.echo(manual.styled(manual.page() if kind is None else manual.kind_page(kind)))
        return
    if about is None:
        click.echo(group.get_help(above))
        click.echo("\nHow a manifest is written: headgate help manifest")
        return
    if about not in COMMANDS or kind is not None:
        from headgate.catalogue.words import suggestion
        from headgate.errors import UsageError

        asked = f"{about} {kind}" if kind else about
        raise UsageError(
            f"there is no help about '{asked}'", hint=suggestion(asked, (*COMMANDS, _TOPIC), noun="known", most=20)
        )
    found: click.Command = import_module(f"headgate.cli.commands.{about}").command
    with click.Context(found, info_name=about, parent=above, max_content_width=above.max_content_width) as inner:
        click.echo(found.get_help(inner))
