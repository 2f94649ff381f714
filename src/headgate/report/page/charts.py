"""The page's charts as Bokeh documents without data: the page's script fills their sources, and may do so again.

Bokeh is asked for by the ``report`` extra and is imported here alone, when a page is made.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any, Final

from headgate.errors import UsageError

#: Colours that can be told apart by everybody (Okabe and Ito), on white and on black.
GOOD: Final = "#3a87c8"
BAD: Final = "#e0433a"
WARN: Final = "#e69f00"
QUIET: Final = "#9aa4af"
CEILING: Final = "#8e6bbf"
#: Pixels.
_RATE_HEIGHT: Final = 230
_TIMELINE_HEIGHT: Final = 460
_LATENCY_HEIGHT: Final = 320


def require() -> None:
    """See that Bokeh is there.

    Raises:
        UsageError: it is not.
    """
    if find_spec("bokeh") is None:
        raise UsageError(
            "the report page needs the library bokeh, which is not installed",
            hint="pip install 'headgate[report]'; every other format works without it",
        )


def library() -> str:
    """The text of BokehJS, to be put into the page."""
    resources: Any = import_module("bokeh.resources")
    parts: list[str] = resources.Resources(mode="inline", components=["bokeh"], minified=True).js_raw
    return "\n".join(parts)


def charts() -> dict[str, Any]:
    """Bokeh's JSON items: ``time`` (rate above timeline, moved together) and ``latency``."""
    embed: Any = import_module("bokeh.embed")
    return {"time": embed.json_item(_time()), "latency": embed.json_item(_latency())}


def _figure(**options: Any) -> Any:
    plotting: Any = import_module("bokeh.plotting")
    found = plotting.figure(
        sizing_mode="stretch_width", toolbar_location="above", output_backend="canvas", min_border_left=4, **options
    )
    found.toolbar.logo = None
    found.toolbar.autohide = False
    return found


def _source(name: str, *columns: str) -> Any:
    models: Any = import_module("bokeh.models")
    return models.ColumnDataSource({column: [] for column in columns}, name=name)


def _time() -> Any:
    models: Any = import_module("bokeh.models")
    layouts: Any = import_module("bokeh.layouts")
    rate = _figure(
        height=_RATE_HEIGHT,
        name="rate",
        title="Requests a second",
        tools="xpan,xwheel_zoom,reset",
        active_drag=None,
        active_scroll=None,
        x_range=models.Range1d(0, 1, name="seconds"),
        y_range=models.Range1d(0, 1, name="rates"),
    )
    bars = _source(
        "rate-source", "left", "right", "zero", "answered", "throttled", "troubled", "sent", "when", "n_throttled",
        "n_troubled", "mark", "marked",
    )  # fmt: skip
    for bottom, top, color in (
        ("zero", "answered", GOOD), ("answered", "throttled", WARN), ("throttled", "troubled", BAD),
    ):  # fmt: skip
        rate.quad(left="left", right="right", bottom=bottom, top=top, source=bars, color=color, line_width=0)
    # One throttled answer among a hundred would not be seen in a bar.
    rate.scatter("mark", "marked", source=bars, marker="inverted_triangle", size=7, color=WARN)
    ceiling = _source("ceiling", "at", "rate")
    rate.step("at", "rate", source=ceiling, mode="after", color=CEILING, line_width=2)
    hover = models.HoverTool(
        renderers=[rate.renderers[0]],
        mode="vline",
        tooltips=[("at", "@when"), ("a second", "@sent{0.0}"), ("throttled", "@n_throttled"), ("lost", "@n_troubled")],
    )
    rate.add_tools(hover, models.BoxZoomTool(dimensions="width", name="rate-zoom"))
    timeline = _figure(
        height=_TIMELINE_HEIGHT,
        name="timeline",
        title="Every job, from its first request to its end",
        tools="pan,wheel_zoom,reset,tap",
        active_drag=None,
        active_scroll=None,
        x_range=rate.x_range,
        y_range=models.Range1d(1, 0, name="lanes"),
    )
    columns = ("left", "right", "top", "bottom", "key", "ending", "when", "took", "item")
    shape: dict[str, Any] = {"left": "left", "right": "right", "top": "top", "bottom": "bottom", "line_color": None,
                            "nonselection_fill_alpha": 0.35}  # fmt: skip
    # Nearly all are of one colour: to say it once, and not for each, halves what a redrawing takes.
    jobs = timeline.quad(source=_source("jobs", *columns), fill_color=GOOD, **shape)
    others = timeline.quad(source=_source("other-jobs", *columns, "color"), fill_color="color", **shape)
    # A short job is less than a pixel of a long run: what failed is marked where it failed.
    failed = _source("failed", "x", "y", "key", "ending", "when", "took", "item")
    marked = timeline.scatter(
        "x", "y", source=failed, size=5, color=BAD, line_color=None, nonselection_fill_alpha=1, name="failed-marks"
    )
    timeline.add_tools(
        models.HoverTool(
            renderers=[jobs, others, marked],
            tooltips=[("job", "@key"), ("ended", "@ending"), ("began", "@when"), ("took", "@took")],
            point_policy="follow_mouse",
        ),
        models.BoxZoomTool(name="jobs-zoom"),
    )
    lives = _source("lives", "at")
    for figure in (rate, timeline):
        figure.vspan(x="at", source=lives, color=QUIET, line_dash="dashed", line_width=1)
        figure.xaxis.axis_label = "time the run has been going" if figure is timeline else None
        figure.xaxis.ticker = models.AdaptiveTicker(base=60, mantissas=[1, 2, 5, 10, 15, 30], min_interval=1)
        figure.xaxis.formatter = models.NumeralTickFormatter(format="00:00:00")
        figure.xgrid.grid_line_alpha = figure.ygrid.grid_line_alpha = 0.25
    timeline.ygrid.visible = False
    timeline.yaxis.name = "bands"
    timeline.yaxis.ticker = models.FixedTicker(ticks=[])
    timeline.yaxis.major_tick_line_color = None
    return layouts.column(rate, timeline, sizing_mode="stretch_width")


def _latency() -> Any:
    models: Any = import_module("bokeh.models")
    found = _figure(
        height=_LATENCY_HEIGHT,
        name="latency",
        tools="",
        x_axis_type="log",
        x_range=models.Range1d(0.001, 10, name="durations"),
        y_range=models.FactorRange(name="endpoints"),
    )
    rows = _source("latency-source", "endpoint", "count", "p50", "p90", "p95", "p99", "s50", "s90", "s95", "s99")
    found.segment("p50", "endpoint", "p99", "endpoint", source=rows, color=QUIET, line_width=3)
    for name, color, size in (("p50", GOOD, 11), ("p90", CEILING, 9), ("p95", WARN, 9), ("p99", BAD, 9)):
        found.scatter(name, "endpoint", source=rows, color=color, size=size)
    found.toolbar_location = None  # there is nothing to choose
    found.xaxis.axis_label = "seconds"
    found.xgrid.grid_line_alpha = 0.25
    found.ygrid.grid_line_alpha = 0.25
    found.add_tools(
        models.HoverTool(
            renderers=list(found.renderers[1:2]),
            mode="hline",
            tooltips=[("", "@endpoint"), ("answers", "@count{0,0}"), ("p50", "@s50"), ("p90", "@s90"), ("p95", "@s95"),
                      ("p99", "@s99")],
        )
    )  # fmt: skip
    return found
