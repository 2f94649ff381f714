"""Progress on a terminal: one screen, redrawn in place. Only this module knows rich."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from headgate.report.render_table import clip

if TYPE_CHECKING:
    from headgate.cli.progress import EntryLine, Snapshot

#: Lines for entries and for causes; what is more is summed up.
_ENTRIES: Final = 9
_CAUSES: Final = 3
_SUMMED: Final = ("done", "total", "failed", "steps", "all_steps")


def render(snapshot: Snapshot, width: int) -> RenderableType:
    """The whole view, at most ``width`` columns."""
    parts: list[RenderableType] = [*_head(snapshot, width), Text(""), _bars(snapshot.entries, width)]
    if snapshot.waits:
        parts += [Text(""), *(_line("waiting", text, width, "cyan", at) for at, text in enumerate(snapshot.waits))]
    if snapshot.causes:
        parts.append(Text(""))
        for at, cause in enumerate(snapshot.causes[:_CAUSES]):
            what = " ".join(word for word in (str(cause.status) if cause.status else "", cause.code) if word)
            said = f"{cause.count:,} × {f'{what}: ' if what else ''}{cause.message}"
            parts.append(_line("failed", said, width, "red", at))
    if snapshot.stopping:
        parts += [Text(""), Text(clip(f"stopping: {snapshot.stopping}", width), style="yellow")]
    return Group(*parts)


def _head(snapshot: Snapshot, width: int) -> list[Text]:
    minutes, seconds = divmod(int(snapshot.elapsed_s), 60)
    clock = f"{minutes // 60}:{minutes % 60:02d}:{seconds:02d}" if minutes >= 60 else f"{minutes:02d}:{seconds:02d}"
    first = Text(no_wrap=True, overflow="ellipsis")
    first.append(snapshot.run_id, style="bold")
    first.append(f"  sandbox {snapshot.sandbox}  ")
    first.append(clock, style="bold")
    if snapshot.continued:
        first.append("  continued", style="dim")
    second = Text(no_wrap=True, overflow="ellipsis")
    second.append(f"{snapshot.rate_per_s:.1f}", style="bold")
    second.append(f" of {snapshot.rate_limit:.3g} req/s   in flight {snapshot.in_flight}   sent {snapshot.sent:,}   ")
    second.append(f"throttled {snapshot.throttled:,}", style="yellow" if snapshot.throttled else "")
    second.append("   ")
    second.append(f"retried {snapshot.retried:,}", style="yellow" if snapshot.retried else "")
    for text in (first, second):
        text.truncate(width, overflow="ellipsis")
    return [first, second]


def _bars(entries: Sequence[EntryLine], width: int) -> Table:
    shown = list(entries)
    if len(shown) > _ENTRIES:
        shown = [*shown[: _ENTRIES - 1], *_summed(shown[_ENTRIES - 1 :])]
    counts = [f"{row.done:,}/{row.total:,} {row.noun}" for row in shown]
    failed = any(row.failed for row in shown)
    count_width = max((len(count) for count in counts), default=0)
    fail_width = max((len(f"{row.failed:,} failed") for row in shown), default=0) if failed else 0
    name_width = min(max((len(row.name) for row in shown), default=0), max(16, width // 3))
    bar_width = max(8, min(48, width - name_width - count_width - (fail_width + 2 if failed else 0) - 4))
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(width=name_width, no_wrap=True, overflow="ellipsis")
    table.add_column(width=bar_width)
    table.add_column(width=count_width, justify="right", no_wrap=True)
    if failed:
        table.add_column(width=fail_width, justify="right", no_wrap=True)
    for row, count in zip(shown, counts, strict=True):
        style = "red" if row.failed else "green" if row.done == row.total else "cyan"
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


def _line(label: str, text: str, width: int, style: str, at: int) -> Text:
    shown = Text(no_wrap=True, overflow="ellipsis")
    shown.append(f"{label if at == 0 else '':<9}", style=style)
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
        self._live.update(render(snapshot, self._console.width), refresh=True)

    def say(self, text: str) -> None:
        """A line that stays."""
        self._console.print(Text(text))

    def close(self) -> None:
        """Take the view away."""
        self._live.stop()
