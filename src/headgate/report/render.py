"""The renderings of a report by name, and the file it is written to."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import orjson

from headgate.report.model import Report
from headgate.report.render_csv import csv_text, jsonl_text
from headgate.report.render_junit import junit_text
from headgate.report.render_text import render as text
from headgate.report.story import Story


def json_text(report: Report) -> str:
    """``headgate.report/1``, indented."""
    return orjson.dumps(report.as_json(), option=orjson.OPT_INDENT_2).decode() + "\n"


FORMATS: Final[Mapping[str, Callable[[Report], str]]] = {
    "text": text, "json": json_text, "csv": csv_text, "jsonl": jsonl_text, "junit": junit_text,
}  # fmt: skip
#: Which form a report's file has by the end of its name; any other is JSON.
SUFFIXES: Final[Mapping[str, str]] = {
    ".html": "html", ".htm": "html", ".xml": "junit", ".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl",
    ".txt": "text",
}  # fmt: skip


def form_of(path: Path) -> str:
    """The form in which a report is written to ``path``."""
    return SUFFIXES.get(path.suffix.lower(), "json")


def rendered(told: Story, form: str, *, flags: str = "") -> str:
    """A run in any form, the page included; ``flags`` are for the commands on the page.

    Raises:
        UsageError: the page's library is not installed.
    """
    if form == "html":
        from headgate.report.page import page

        return page(told, flags=flags)
    return FORMATS[form](told.report)


def write(path: Path, content: str | bytes) -> None:
    """Put ``content`` at ``path`` as a whole or not at all: a temporary file beside it, then a rename.

    Raises:
        OSError: the file cannot be written; what was there before is still there.
    """
    data = content.encode() if isinstance(content, str) else content
    if path.exists() and not path.is_file():  # /dev/stdout and the like are written to, not replaced
        with path.open("wb") as file:
            file.write(data)
        return
    beside = _beside(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside.write_bytes(data)
        beside.replace(path)
    except OSError:
        beside.unlink(missing_ok=True)
        raise


def probe(path: Path) -> None:
    """Find out whether :func:`write` would work, without touching what is there.

    Raises:
        OSError: it would not.
    """
    if path.exists() and not path.is_file():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = _beside(path)
    beside.touch()
    beside.unlink()


def _beside(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}.part")
