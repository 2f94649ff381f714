"""The command line: arguments, commands and views. A thin shell over :mod:`headgate.api`.

Owns every word on stdout and stderr, and the exit codes. Refuses decisions about a run: it wires, watches and shows.
``app`` is the group and where errors become messages; ``options`` the shared flags; ``commands`` one file per command;
``wiring`` from arguments to a plan; ``drive`` one run with its signals, progress and report; ``progress`` what can be
seen of a run, ``plain`` and ``live`` two ways to show it. Everything heavy is imported inside commands.
"""
