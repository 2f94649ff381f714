"""``python -m headgate`` and the ``headgate`` command."""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sys import UnraisableHookArgs


def main() -> None:
    """Run the command line and exit with its code."""
    from headgate.cli.app import main as run

    begin()
    code = run()
    end()
    sys.exit(code)


def begin() -> None:
    """Nothing is said of a Ctrl-C that comes while Python throws an object away: it cannot be raised from there."""
    sys.unraisablehook = _unraisable
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")


def end() -> None:
    """A Ctrl-C too many while Python tidies up is nobody's concern."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _unraisable(told: UnraisableHookArgs) -> None:
    if not issubclass(told.exc_type, KeyboardInterrupt):
        sys.__unraisablehook__(told)


if __name__ == "__main__":
    main()
