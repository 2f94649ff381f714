"""The report page: one HTML file that needs no network, for a browser and for a phone.

The data is one JSON document, the charts are Bokeh's, and nothing is run but the two scripts whose digests stand in the
page's own Content-Security-Policy. Names from the platform become text nodes and are never read as HTML.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from html import escape
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

import orjson

from headgate.report.page.charts import charts, library, require
from headgate.report.page.payload import payload

if TYPE_CHECKING:
    from headgate.report.story import Story

__all__ = ["page", "payload", "require"]

#: Scripts of our own, in the order in which they run: the tables are there before the charts' library is read.
_SCRIPTS: Final = ("dom.js", "head.js", "causes.js", "table.js", "page.js")
_CHARTS: Final = ("charts.js",)


def page(told: Story, *, flags: str = "") -> str:
    """The page of a run.

    Args:
        told: The run.
        flags: What commands on the page need to find the run again (``--state other.db``).

    Raises:
        UsageError: the charts' library is not installed.
    """
    require()
    first, bokeh, last = _assets()
    title = f"{told.report.status}: {told.report.run_id or told.report.manifest}"
    policy = (
        "default-src 'none'; base-uri 'none'; form-action 'none'; style-src 'unsafe-inline'; img-src data: blob:; "
        f"script-src {_digest(first)} {_digest(bokeh)} {_digest(last)}"
    )
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>{escape(title)}</title>
<style>{_asset("page.css")}</style>
</head>
{_asset("page.html")}
<script type="application/json" id="data">{_json(payload(told, commands(told, flags)))}</script>
<script type="application/json" id="charts">{_json(_drawn())}</script>
<script>{first}</script>
<script>{bokeh}</script>
<script>{last}</script>
</body>
</html>
"""


def commands(told: Story, flags: str = "") -> list[tuple[str, str]]:
    """What to do next, as (what for, command line), the most useful first."""
    report, run, more = told.report, told.report.run_id, f" {flags}" if flags else ""
    if not run:
        return []
    left = bool(report.totals.get("held")) or report.status in ("running", "interrupted")
    found = []
    if left:
        found.append(("go on with what is left", f"headgate resume {run}{more}"))
    if report.failed or report.totals.get("skipped"):
        if told.command == "run" and not left:
            found.append(("mend the causes, then do only the failed rows again", f"headgate retry {run}{more}"))
        if told.command == "run":
            found.append(
                ("or take them as a manifest", f"headgate report {run} --failed-manifest again.yaml{more}"),
            )
    found.append(("every row for a spreadsheet", f"headgate report {run} --format csv{more}"))
    return found


@cache
def _assets() -> tuple[str, str, str]:
    """Our first script, the library, our last script."""
    ours, last = ("\n".join(_asset(name) for name in names) for names in (_SCRIPTS, _CHARTS))
    return f'"use strict";\n{ours}', library().replace("</script", "<\\/script"), f'"use strict";\n{last}'


@cache
def _drawn() -> dict[str, Any]:
    return charts()


@cache
def _asset(name: str) -> str:
    return files("headgate.report.page").joinpath("assets", name).read_text(encoding="utf-8")


def _digest(script: str) -> str:
    """A script as a Content-Security-Policy names it."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"


def _json(data: Any) -> str:
    """JSON that cannot end the element it stands in."""
    return orjson.dumps(data, default=dict).decode().replace("<", "\\u003c")
