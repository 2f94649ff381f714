"""``headgate completion``: the script with which a shell completes commands, flags and names."""

from __future__ import annotations

import click

from headgate.cli import options


@click.command(
    short_help="Print the script for the shell's completion.",
    epilog=options.examples(
        'eval "$(headgate completion bash)"            # in ~/.bashrc',
        'eval "$(headgate completion zsh)"             # in ~/.zshrc',
        "headgate completion fish > ~/.config/fish/completions/headgate.fish",
    ),
)
@click.argument("shell", metavar="SHELL", type=click.Choice(["bash", "zsh", "fish"]))
@options.verbose
def command(shell: str) -> None:
    """Print the script that lets SHELL (bash, zsh or fish) complete commands, flags, destinations and runs."""
    from click.shell_completion import ShellComplete, get_completion_class

    from headgate.cli.app import group

    kind = get_completion_class(shell)
    if kind is not None:
        # Not the subclass's own: that of bash asks the bash of this machine for its version first.
        click.echo(ShellComplete.source(kind(group, {}, "headgate", "_HEADGATE_COMPLETE")))
