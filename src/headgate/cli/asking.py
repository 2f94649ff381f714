"""Asking before something is deleted: what will go, and then a yes, or the typed name of a protected sandbox."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from headgate.cli import wiring
from headgate.cli.app import say
from headgate.errors import UsageError

if TYPE_CHECKING:
    from headgate.settings import Profile

Command = TypeVar("Command", bound=Callable[..., Any])

#: ``--yes`` without a name.
YES: Final = "\x00yes"


def yes(command: Command) -> Command:
    """``--yes``, which may name the sandbox."""
    return click.option(
        "--yes",
        metavar="[NAME]",
        is_flag=False,
        flag_value=YES,
        help="Do not ask. A protected sandbox must be named: --yes NAME.",
    )(command)


def counted(going: Mapping[str, int]) -> str:
    """``60 flows, 60 source connections, …``."""
    from headgate.report.render_table import plural
    from headgate.workflows.collections import COLLECTIONS

    return ", ".join(plural(number, COLLECTIONS[one].one, COLLECTIONS[one].many) for one, number in going.items())


def confirm(profile: Profile, sandbox: str, given: str | None, said: Sequence[str], *, simulate: bool) -> None:
    """Say what will be done, and go on only if that is wanted.

    Raises:
        UsageError: it is not, or nobody can be asked.
    """
    for line in said:
        say(line)
    if not simulate and profile.protects(sandbox):
        wiring.confirm(profile, sandbox, None if given == YES else given)
        return
    if given in (YES, sandbox):
        return
    if given is not None:
        raise UsageError(
            f"--yes {given}: that is not the name of sandbox {sandbox}; nothing was sent",
            hint=f"--yes, or --yes {sandbox}",
        )
    if not sys.stdin.isatty():
        raise UsageError(
            "this deletes objects, and nobody can be asked; nothing was sent", hint="--yes deletes without asking"
        )
    if not click.confirm("Delete them?", default=False, err=True):
        raise UsageError("not confirmed; nothing was sent", hint="--yes deletes without asking")
