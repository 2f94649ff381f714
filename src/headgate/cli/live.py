"""Progress on a terminal: one screen, redrawn in place. Only this module knows rich."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from headgate.report.render_causes import brief
from headgate.report.render_table import clip, plural

if TYPE_CHECKING:
    from headgate.cli.progress import EntryLine, Snapshot
    from headgate.report.render_causes import Cause

#: The most lines for entries, for what waits and for causes; what is more is summed up.
_ENTRIES: Final = 9
_LEAST_ENTRIES: Final = 3
_WAITS: Final = 4
_CAUSES: Final = 4
_LEAST_NAME: Final = 12
_LEAST_BAR: Final = 8
_MOST_BAR: Final = 48
_SUMMED: Final = ("done", "total", "failed", "steps", "all_steps")
_GAP: Final = "   "
#: From so many columns on, a cause has room for an example.
_ROOMY: Final = 100
#: From so many seconds on, the time of day is of use.
_LONG_S: Final = 300.0


def render(snapshot: Snapshot, width: int, height: int = 24) -> RenderableType:
    """The whole view, at most ``width`` columns and, where that is possible at all, less than ``height`` lines."""
    head = _head(snapshot, width)
    below = [Text(""), _line("asking", _asking(snapshot), width, "dim")]
    below += _block("waiting", snapshot.waits, _WAITS, width, "cyan")
    causes = _block("failed", [_cause(cause, width) for cause in snapshot.causes], _CAUSES, width, "red")
    below += [Text(""), *causes] if causes else []
    if snapshot.stopping:
        below += [Text(""), Text(clip(f"stopping: {snapshot.stopping}", width), style="yellow")]
    room = height - 2 - len(head) - len(below)
    bars = _bars(snapshot.entries, width, max(_LEAST_ENTRIES, min(_ENTRIES, room)))
    return Group(*head, Text(""), bars, *below)


def _head(snapshot: Snapshot, width: int) -> list[Text]:
    minutes, seconds = divmod(int(snapshot.elapsed_s), 60)
    clock = f"{minutes // 60}:{minutes % 60:02d}:{seconds:02d}" if minutes >= 60 else f"{minutes:02d}:{seconds:02d}"
    run = [Text(snapshot.run_id, style="bold"), Text(clock, style="bold"), Text(f"sandbox {snapshot.sandbox}")]
    if snapshot.continued:
        run.append(Text("continued", style="dim"))
    share = 100 * snapshot.jobs_done // max(1, snapshot.jobs_total)
    far = [Text(f"{share} %", style="bold"), Text(f"{snapshot.jobs_done:,} of {snapshot.jobs_total:,} jobs")]
    if snapshot.left is not None:
        far.append(Text(str(snapshot.left), style="bold"))
        if snapshot.left.high_s >= _LONG_S and snapshot.over_at is not None:
            far.append(Text(f"done at about {snapshot.over_at:%H:%M}"))
    now, of, limit = snapshot.rate.partition(" of ")
    asked = [
        Text.assemble((now, "bold"), of, limit),
        Text(f"in flight {snapshot.in_flight}"),
        Text(f"sent {snapshot.sent:,}"),
        Text(f"throttled {snapshot.throttled:,}", style="yellow" if snapshot.throttled else ""),
        Text(f"retried {snapshot.retried:,}", style="yellow" if snapshot.retried else ""),
    ]
    lines = [_fitted(run, width), _fitted(far, width), _fitted(asked, width)]
    if snapshot.pace:
        lines.append(Text(clip(snapshot.pace, width), style="yellow", no_wrap=True))
    return lines


def _fitted(parts: Sequence[Text], width: int) -> Text:
    """As many of ``parts`` as there is room for: half a number is worse than none."""
    line = Text(no_wrap=True, overflow="ellipsis")
    for at, part in enumerate(parts):
        if at and line.cell_len + len(_GAP) + part.cell_len > width:
            break
        line.append(_GAP if at else "").append_text(part)
    line.truncate(width, overflow="ellipsis")
    return line


def _asking(snapshot: Snapshot) -> str:
    """What is being asked for right now: requests on their way, and those that only wait for leave."""
    return " · ".join(f"{endpoint} {count:,}" for endpoint, count in snapshot.flying) or "nothing at present"


def _cause(cause: Cause, width: int) -> str:
    what = " ".join(word for word in (str(cause.status) if cause.status else "", cause.code) if word)
    said = f"{cause.count:,} × {f'{what}: ' if what else ''}{brief(cause.message)}"
    return f"{said} (such as {cause.example})" if width >= _ROOMY else said


def _block(label: str, texts: Sequence[str], most: int, width: int, style: str) -> list[Text]:
    shown = list(texts)
    if len(shown) > most:
        shown = [*shown[: most - 1], f"and {plural(len(shown) - most + 1, 'more cause', 'more causes')}"]
    return [_line(label if at == 0 else "", text, width, style) for at, text in enumerate(shown)]


def _bars(entries: Sequence[EntryLine], width: int, most: int) -> Table:
    shown = list(entries)
    if len(shown) > most:
        kinds = len({row.noun for row in shown[most - 2 :]})  # what is summed up takes a line for each
        shown = [*shown[: most - kinds], *_summed(shown[most - kinds :])]
    counts = [f"{row.done:,}/{row.total:,} {row.noun}" for row in shown]
    failed = any(row.failed for row in shown)
    count_width = max((len(count) for count in counts), default=0)
    fail_width = max((len(f"{row.failed:,} failed") for row in shown), default=0) if failed else 0
    # Two columns of nothing stand between these, and after the last.
    room = width - count_width - 6 - (fail_width + 2 if failed else 0)
    name_width = max(_LEAST_NAME, min(max((len(row.name) for row in shown), default=0), width // 3, room - _LEAST_BAR))
    bar_width = max(_LEAST_BAR, min(_MOST_BAR, room - name_width))
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(width=name_width, no_wrap=True, overflow="ellipsis")
    table.add_column(width=bar_width)
    table.add_column(width=count_width, justify="right", no_wrap=True)
    if failed:
        table.add_column(width=fail_width, justify="right", no_wrap=True)
    for row, count in zip(shown, counts, strict=True):
        # A bar says how far it is; that three of a thousand failed does not make it an alarm.
        style = "cyan" if row.done < row.total else "yellow" if row.failed else "green"
        bar = ProgressBar(row.all_steps or 1, row.steps, width=bar_width, complete_style=style, finished_style=style)
        cells: list[RenderableType] = [Text(row.name), bar, Text(count)]
        if failed:
            cells.append(Text(f"{row.failed:,} failed" if row.failed else "", style="red"))
        table.add_row(*cells)
    return table


def _summed(rows: Sequence[EntryLine]) -> list[EntryLine]:
    from headgate.cli.progress import EntryLine

    found = []
    for noun in ("items", "pairs"):
        some = [row for row in rows if row.noun == noun]
        if some:
            total = [sum(getattr(row, field) for row in some) for field in _SUMMED]
            found.append(EntryLine(f"… {len(some)} more", noun, *total))
    return found


def _line(label: str, text: str, width: int, style: str) -> Text:
    shown = Text(no_wrap=True, overflow="ellipsis")
    shown.append(f"{label:<9}", style=style)
    shown.append(clip(text, width - 9))
    return shown


class Screen:
    """The live view on stderr. ``show`` redraws, ``say`` prints above, ``close`` leaves the screen clean."""

    def __init__(self) -> None:
        self._console = Console(stderr=True)
        self._live = Live(
            console=self._console, auto_refresh=False, transient=True, redirect_stdout=False, redirect_stderr=False
        )
        self._live.start()

    def show(self, snapshot: Snapshot) -> None:
        """Redraw."""
        self._live.update(render(snapshot, self._console.width, self._console.height), refresh=True)

    def say(self, text: str) -> None:
        """A line that stays."""
        self._console.print(Text(text))

    def close(self) -> None:
        """Take the view away."""
        self._live.stop()
