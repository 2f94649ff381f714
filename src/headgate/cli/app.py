"""The command group, and the one place where an error becomes a message and an exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from io import TextIOWrapper
from typing import Final

import click

from headgate import __version__
from headgate.errors import HeadgateError, InternalError, ManifestError, UsageError

#: Commands in the order of ``--help``, each in ``headgate.cli.commands.<name>``.
COMMANDS: Final = (
    "init", "validate", "expand", "plan", "run", "resume", "retry", "destroy", "sweep",
    "status", "runs", "serve", "report", "diff", "loadtest", "export", "catalog", "simulate", "schema",
    "help", "completion",
)  # fmt: skip
_INTERRUPTED = 130
_PIPE_CLOSED = 141
_OUR_BUG = 70
#: How messages say themselves what was not done.
_NOT_DONE: Final = ("nothing was", "was sent", "was written")
#: Set by the script of ``headgate completion`` while the shell asks.
_COMPLETING = "_HEADGATE_COMPLETE"

EPILOG: Final = """\b
No account? Everything works against the embedded platform:
  headgate init demo
  headgate run demo/manifest.yaml --simulate

\b
Exit codes:
  0    all settled well
  1    the run ended and some jobs failed
  2    usage, manifest or settings wrong; nothing was sent
  3    the platform refused or could not be reached
  4    the state store is locked, broken or newer than this program
  5    stopped by --tolerate, --finish-by, a threshold or a wall of equal refusals
  130  interrupted; `headgate resume` goes on
"""


class Talk:
    """What the whole command line knows: whether to say more, and where ``${file:…}`` may read."""

    def __init__(self) -> None:
        self.verbose = False
        self.files: tuple[str, ...] = ()
        #: Settings given as flags, beside the profile and the state store.
        self.settings: dict[str, str] = {}


class Misuse(click.UsageError):
    """A command line that cannot be, with what to do about it."""

    def __init__(self, message: str, hint: str, ctx: click.Context | None = None) -> None:
        super().__init__(message, ctx)
        self.hint = hint


class Commands(click.Group):
    """Loads a command when it is named; an unknown one is met with the nearest."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 -- the name is click's
        """In the order in which they are used."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 -- likewise
        """The command's own module."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"headgate.cli.commands.{cmd_name}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, with a hint when there is no such command."""
        name = args[0] if args else ""
        if name and not name.startswith("-") and name not in COMMANDS:
            from difflib import get_close_matches

            near = get_close_matches(name, COMMANDS, n=1, cutoff=0.5)
            hint = f"did you mean '{near[0]}'?" if near else f"commands: {', '.join(COMMANDS)}"
            raise Misuse(f"No such command '{name}'", hint, ctx)
        return super().resolve_command(ctx, args)


@click.group(
    cls=Commands, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(package_name=None, version=__version__, prog_name="headgate")
def group() -> None:
    """Plan and run bulk work on Adobe Experience Platform: each change settled exactly once.

    A manifest says what there shall be. `plan` shows what would happen, `run` makes it happen, `resume` goes on
    after a crash, and `report` says what became of every row.
    """


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command. Returns the exit code; no traceback ever leaves, but with ``-v`` for a bug of ours."""
    talk = Talk()
    _leave_no_core()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that lacks a character gets a question mark
    try:
        code = group.main(
            args=None if argv is None else list(argv), prog_name="headgate", standalone_mode=False, obj=talk
        )
        sys.stdout.flush()
        return code if isinstance(code, int) else 0
    except click.ClickException as error:
        tell_usage(error)
        return 2
    except (click.Abort, KeyboardInterrupt):
        say("interrupted")
        return _INTERRUPTED
    except SystemExit as ending:
        if _COMPLETING in os.environ:  # the shell asked for words, and click answered it
            return ending.code if isinstance(ending.code, int) else 0
        return _PIPE_CLOSED  # click's way to say so
    except BrokenPipeError:
        # Nobody reads any more; the interpreter's own flush at exit must not complain either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _PIPE_CLOSED
    except InternalError as error:
        return _bug(error, talk)
    except HeadgateError as error:
        tell_error(error)
        return error.exit_code
    except Exception as error:  # noqa: BLE001 -- the last resort: every other error has been given words
        return _bug(error, talk)


def _leave_no_core() -> None:
    """A process that crashes leaves no file of its memory: secrets are in it."""
    try:
        import resource
    except ImportError:  # not on this system
        return
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))


def tell_error(error: HeadgateError) -> None:
    """The message, what was not done, and what to do about it on a line of its own."""
    if isinstance(error, ManifestError):
        say(str(error))
        return
    first, line, rest = error.message.partition("\n")
    if isinstance(error, UsageError) and not any(word in error.message for word in _NOT_DONE):
        first = f"{first}; nothing was sent"  # that is what this kind of error means
    say(f"error: {first}{line}{rest}")
    if error.hint:
        say(f"hint: {error.hint}")


def tell_usage(error: click.ClickException) -> None:
    """What is wrong with a command line, in the form of every other error."""
    from headgate.cli.misuse import hint_for, message_of

    say(f"error: {message_of(error)}; nothing was sent")
    say(f"hint: {hint_for(error)}")


def say(text: str) -> None:
    """Talk goes to stderr."""
    try:
        click.echo(text, err=True)
    except OSError:
        return  # nobody listens; what is done counts


def _bug(error: Exception, talk: Talk) -> int:
    first = (str(error).strip() or "no message").splitlines()[0]
    say(f"internal error: {type(error).__name__}: {first}; please report it (with -v it shows where)")
    if talk.verbose:
        import traceback

        say("".join(traceback.format_exception(error)))
    return _OUR_BUG
