"""``python -m headgate`` and the ``headgate`` command."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line and exit with its code."""
    import signal

    from headgate.cli.app import main as run

    code = run()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a Ctrl-C too many while Python tidies up is nobody's concern
    sys.exit(code)


if __name__ == "__main__":
    main()
