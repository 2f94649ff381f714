"""The two pages as HTML without data, and their scripts. What they show comes as events."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from importlib.util import find_spec

import orjson

from headgate.report.page import drawn, script_library
from headgate.report.page.parts import as_json, asset, document, ours
from headgate.web.guard import POLICY
from headgate.web.looks import nothing

_SCRIPT = "text/javascript"


@cache
def one_run() -> str:
    """The page of a run: the report's, with what is live above it. Without Bokeh it has no charts."""
    body = asset("page.html").replace("<main>", f"{_own('run.html')}\n<main>", 1)
    charts = ("bokeh.js", "charts.js") if find_spec("bokeh") is not None else ()
    return _page(body, nothing(), "run.js", later=charts)


@cache
def all_runs() -> str:
    """The page that lists all runs."""
    return _page(_own("list.html"), {"runs": [], "live": {}, "lives": []}, "list.js")


def script(name: str) -> tuple[str, bytes] | None:
    """A script or the charts' description by its name, with its type; ``None`` where there is no such."""
    if name not in ("run.js", "list.js", "charts.js", "bokeh.js", "charts.json"):
        return None
    if name == "charts.json":
        return "application/json", orjson.dumps(drawn())
    return _SCRIPT, _text(name).encode()


@cache
def _text(name: str) -> str:
    match name:
        case "run.js":
            return f"{ours('first')}\n{_own('live.js')}\n{_own('run.js')}"
        case "list.js":
            return f'"use strict";\n{asset("dom.js")}\n{asset("theme.js")}\n{_own("live.js")}\n{_own("list.js")}'
        case "bokeh.js":
            return script_library()
        case _:
            return ours("charts")


def _page(body: str, data: object, script: str, later: tuple[str, ...] = ()) -> str:
    """Scripts are asked for by what is in them, so that a browser keeps each until it is another.

    Those for ``later`` the page's own script puts in when its rows are there: to read them takes a browser longer than
    anything else.
    """
    tags = [f'<script defer src="{_source(script)}"></script>']
    tags += [f'<link rel="prefetch" as="script" class="later" href="{_source(name)}">' for name in later]
    data_tag = f'<script type="application/json" id="data">{as_json(data)}</script>'
    head = f'<link rel="icon" href="data:,"><style>{_own("live.css")}</style>'
    return document("headgate", POLICY, "\n".join([body, data_tag, *tags, "</body>\n"]), head=head)


def _source(name: str) -> str:
    return f"/assets/{name}?v={_edition(name)}"


def _edition(name: str) -> str:
    if name == "bokeh.js":
        return version("bokeh")  # to look into it, it would have to be imported: rows need not wait for that
    return hashlib.sha256(_text(name).encode()).hexdigest()[:16]


def _own(name: str) -> str:
    return files("headgate.web").joinpath("assets", name).read_text(encoding="utf-8")
