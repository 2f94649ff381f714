"""The report page: one HTML file that needs no network, for a browser and for a phone.

The data is one JSON document, the charts are Bokeh's, and nothing is run but the two scripts whose digests stand in the
page's own Content-Security-Policy. Names from the platform become text nodes and are never read as HTML. The live page
(room ``web``) is made of the same parts.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from headgate.report.page.charts import charts, library, require
from headgate.report.page.parts import as_json, asset, digest, document, ours
from headgate.report.page.payload import payload

if TYPE_CHECKING:
    from headgate.report.story import Story

__all__ = ["commands", "drawn", "page", "payload", "require", "script_library"]


def page(told: Story, *, flags: str = "") -> str:
    """The page of a run.

    Args:
        told: The run.
        flags: What commands on the page need to find the run again (``--state other.db``).

    Raises:
        UsageError: the charts' library is not installed.
    """
    require()
    first, bokeh, last = ours("first"), script_library(), ours("charts")
    policy = (
        "default-src 'none'; base-uri 'none'; form-action 'none'; style-src 'unsafe-inline'; img-src data: blob:; "
        f"script-src {digest(first)} {digest(bokeh)} {digest(last)}"
    )
    return document(
        f"{told.report.status}: {told.report.run_id or told.report.manifest}",
        policy,
        f"""{asset("page.html")}
<script type="application/json" id="data">{as_json(payload(told, commands(told, flags)))}</script>
<script type="application/json" id="charts">{as_json(drawn())}</script>
<script>{first}</script>
<script>{bokeh}</script>
<script>{last}</script>
</body>
""",
    )


def commands(told: Story, flags: str = "") -> list[tuple[str, str]]:
    """What to do next, as (what for, command line), the most useful first."""
    report, run, more = told.report, told.report.run_id, f" {flags}" if flags else ""
    if not run:
        return []
    left = bool(report.totals.get("held")) or report.status in ("running", "interrupted")
    found = []
    if told.command == "loadtest":
        return [("delete what it made, where that was not done", f"headgate destroy {run}{more}")]
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
def script_library() -> str:
    """BokehJS, as it may stand in a page."""
    return library().replace("</script", "<\\/script")


@cache
def drawn() -> dict[str, Any]:
    """The charts, empty."""
    return charts()
