"""Sheets as PNG files, by matplotlib (the extra ``bench``), which is imported only when there is something to draw."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from benchmarks.sheets import Chart, Line, Sheet

#: What to say where it is missing.
ABSENT = "--plots draws with matplotlib, which is not installed. hint: pip install '.[bench]'"
WIDTH_PX, DPI = 1200, 100
#: A sheet has so many charts in a row, each so high.
ACROSS, HEIGHT_PX = 3, 330
ALONE_PX = 620
#: So few points are shown as such, on their line.
FEW = 20
INK, FAINT = "#333333", "#dddddd"
#: Told apart by who does not see red and green as different, too.
STYLES: dict[str, dict[str, Any]] = {
    "measured": {"color": "#0072b2", "linewidth": 1.6},
    "other": {"color": "#e69f00", "linewidth": 1.6},
    "bound": {"color": INK, "linewidth": 1.2, "linestyle": (0, (4, 3))},
    "marks": {"color": "#d55e00", "linewidth": 0, "marker": "|", "markersize": 9, "markeredgewidth": 1.2},
}
_FONT = {"font.family": "DejaVu Sans", "font.size": 11, "axes.edgecolor": INK, "axes.labelcolor": INK}
_TICKS = {"text.color": INK, "xtick.color": INK, "ytick.color": INK}


def drawable() -> bool:
    """Whether there is something to draw with."""
    return find_spec("matplotlib") is not None


def draw(sheets: Mapping[str, Sheet], folder: Path) -> list[Path]:
    """Write each sheet to ``folder``, which is made; the files."""
    matplotlib: Any = import_module("matplotlib")
    matplotlib.use("Agg")
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    with matplotlib.rc_context(_FONT | _TICKS):
        for name, sheet in sheets.items():
            written.append(folder / f"{name}.png")
            _figure(sheet).savefig(written[-1], dpi=DPI)
    return written


def _figure(sheet: Sheet) -> Any:
    kind: Any = import_module("matplotlib.figure").Figure
    count = len(sheet.charts)
    across = min(ACROSS, count)
    down = -(-count // across)
    height = ALONE_PX if down == across == 1 else HEIGHT_PX * down + 110
    figure = kind(figsize=(WIDTH_PX / DPI, height / DPI), layout="constrained")
    figure.get_layout_engine().set(w_pad=0.12, h_pad=0.1)
    figure.suptitle(sheet.title, x=0.012, ha="left", fontsize=14, fontweight="bold")
    handles: dict[str, Any] = {}
    for number, chart in enumerate(sheet.charts):
        axes = figure.add_subplot(down, across, number + 1)
        handles |= _axes(axes, chart)
        if number % across:
            axes.set_ylabel("")
        if number + across < count:
            axes.set_xlabel("")
    if len(handles) > 1:  # below all charts: never over what they show
        figure.legend(handles.values(), handles.keys(), loc="outside lower left", ncols=len(handles), frameon=False)
    return figure


def _axes(axes: Any, chart: Chart) -> dict[str, Any]:
    """Draw a chart; what stands for each of its lines in a legend."""
    handles = {line.label: _line(axes, line) for line in chart.lines}
    axes.set_title(chart.title, loc="left", fontsize=11)
    axes.set_xlabel(chart.x)
    axes.set_ylabel(chart.y)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color=FAINT, linewidth=0.8)
    axes.set_axisbelow(True)
    if chart.log_x:
        ticks = sorted({x for line in chart.lines for x in line.xs})
        axes.set_xscale("log")
        axes.set_xticks(ticks, [f"{tick:,.0f}" for tick in ticks])
        axes.minorticks_off()
    else:
        axes.set_xlim(0, max(x for line in chart.lines for x in line.xs))
    if chart.log_y:
        ticker: Any = import_module("matplotlib.ticker")
        axes.set_yscale("log")
        axes.set_ylim(None, chart.top)
        axes.yaxis.set_major_locator(ticker.LogLocator(subs=(1, 2, 5), numticks=20))
        axes.yaxis.set_minor_locator(ticker.NullLocator())
    else:
        axes.set_ylim(0, chart.top or 1.12 * max(y for line in chart.lines for y in line.ys))
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}" if value == int(value) else f"{value:g}")
    return handles


def _line(axes: Any, line: Line) -> Any:
    style = STYLES[line.kind]
    if line.kind == "marks":
        # On the ground whatever the height of the axis, and not cut by its edge.
        across = axes.get_xaxis_transform()
        return axes.plot(line.xs, [0.0] * len(line.xs), transform=across, clip_on=False, zorder=3, **style)[0]
    if len(line.xs) <= FEW and line.kind != "bound":
        style = {**style, "marker": "o", "markersize": 5}
    return axes.plot(line.xs, line.ys, **style)[0]
