"""What a page is put together from: its frame, scripts and styles, data that cannot end the element it stands in."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from html import escape
from importlib.resources import files
from typing import Any, Final

import orjson

#: Scripts of our own, in the order in which they run: the tables are there before the charts' library is read.
_SCRIPTS: Final = {
    "first": ("dom.js", "theme.js", "head.js", "causes.js", "table.js", "page.js"),
    "charts": ("charts.js",),
}


def document(title: str, policy: str, body: str, *, head: str = "") -> str:
    """A page.

    Args:
        title: As plain text.
        policy: Its Content-Security-Policy, for where no server says it.
        body: HTML.
        head: More HTML for its head.
    """
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>{escape(title)}</title>
<style>{asset("page.css")}</style>{head}
</head>
{body}</html>
"""


@cache
def asset(name: str) -> str:
    """One of our files."""
    return files("headgate.report.page").joinpath("assets", name).read_text(encoding="utf-8")


@cache
def ours(which: str) -> str:
    """One of our scripts: ``first`` or ``charts``."""
    text = "\n".join(asset(name) for name in _SCRIPTS[which])
    return f'"use strict";\n{text}'


def digest(script: str) -> str:
    """A script as a Content-Security-Policy names it."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"


def as_json(data: Any) -> str:
    """JSON that cannot end the element it stands in."""
    return orjson.dumps(data, default=dict).decode().replace("<", "\\u003c")
