"""Wrong command lines in words: click's own messages, with a hint as every error has one."""

from __future__ import annotations

from collections.abc import Sequence

import click

from headgate.cli.app import Misuse


def message_of(error: click.ClickException) -> str:
    """What is wrong, and with which command."""
    if isinstance(error, click.NoSuchOption):
        text = f"no such option '{error.option_name}'"  # click's own guesses stand in the hint
    else:
        text = error.format_message().rstrip(".")
    context = getattr(error, "ctx", None)
    where = f"{context.command_path}: " if context is not None and context.parent is not None else ""
    return where + text


def hint_for(error: click.ClickException) -> str:
    """What to write instead: the nearest option, what the option takes, or how the command is written."""
    if isinstance(error, Misuse):
        return error.hint
    context: click.Context | None = getattr(error, "ctx", None)
    if isinstance(error, click.NoSuchOption):
        return _did_you_mean(error.possibilities or (), context)
    if isinstance(error, click.BadOptionUsage):
        return f"{error.option_name} takes a value; `headgate COMMAND --help` shows which"
    parameter = getattr(error, "param", None)
    if isinstance(parameter, click.Option) and parameter.help:
        return f"{parameter.opts[-1]}: {parameter.help}"
    return _usage(context)


def _did_you_mean(near: Sequence[str], context: click.Context | None) -> str:
    if near:
        return f"did you mean {' or '.join(near)}?"
    return f"`{_path(context)} --help` lists them"


def _usage(context: click.Context | None) -> str:
    if context is None:
        return "`headgate --help` lists the commands"
    return " ".join([context.command_path, *context.command.collect_usage_pieces(context)])


def _path(context: click.Context | None) -> str:
    return context.command_path if context is not None else "headgate"
