"""Colour for the last words of a run, where a terminal has it. It says nothing that the words do not."""

from __future__ import annotations

import re
from typing import Final

import click

_ENDS: Final = {
    "SUCCEEDED": "green",
    "FAILED": "red",
    "STOPPED": "yellow",
    "INTERRUPTED": "yellow",
    "MET": "green",
    "DONE": "green",
    "MISSED": "red",
}
_CAUSE: Final = re.compile(r"  ([\d,]+ ×.*?)(?=   such as: )")
_HINT: Final = re.compile(r"( +)(hint:)")
_COMMAND: Final = re.compile(r"(.*: )(headgate .*)")
_ALONE: Final = re.compile(r"  (headgate .*)")
_HEADINGS: Final = ("items ", "pairs ", "why it failed")


def painted(text: str) -> str:
    """``text``, line by line, with escape sequences."""
    return "".join(_line(line) for line in text.splitlines(keepends=True))


def _line(line: str) -> str:
    word = line.partition(" ")[0]
    if word in _ENDS:
        return click.style(word, fg=_ENDS[word], bold=True) + line[len(word) :]
    if line.startswith(_HEADINGS):
        return click.style(line.rstrip("\n"), bold=True) + "\n"
    if found := _CAUSE.match(line):
        return "  " + click.style(found[1], fg="red") + line[found.end() :]
    if found := _ALONE.match(line):
        return "  " + click.style(found[1], bold=True) + "\n"
    if found := _HINT.match(line):
        return found[1] + click.style(found[2], fg="yellow") + line[found.end() :]
    if found := _COMMAND.match(line):
        return found[1] + click.style(found[2], bold=True) + line[found.end() :]
    return line
