"""A command in a terminal of its own, and what stands on its screen, as SVG."""

from __future__ import annotations

import fcntl
import io
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, Final

import pyte
from rich.console import Console
from rich.style import Style
from rich.terminal_theme import TerminalTheme
from rich.text import Text

_DARK: Final = TerminalTheme(
    (22, 27, 34),
    (201, 209, 217),
    [(72, 79, 88), (255, 123, 114), (86, 211, 100), (227, 179, 65),
     (121, 192, 255), (210, 168, 255), (86, 212, 221), (201, 209, 217)],
    [(110, 118, 129), (255, 161, 152), (126, 231, 135), (242, 204, 96),
     (165, 214, 255), (226, 197, 255), (179, 240, 255), (255, 255, 255)],
)  # fmt: skip
#: rich's own picture of a terminal, without a font from somewhere else.
_FORMAT: Final = """<svg viewBox="0 0 {terminal_width} {terminal_height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{ font-family: ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; \
font-size: {char_height}px; line-height: {line_height}px; }}
{styles}
</style>
<defs>
{lines}
</defs>
<rect width="100%" height="100%" fill="#161b22" rx="8"/>
<g transform="translate(9, 9)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""
#: What pyte calls the colours that are spelled otherwise elsewhere.
_SPELLED: Final = {"brown": "yellow", "default": None}


class Terminal:
    """``command`` in a terminal of ``columns`` by ``lines``; what it wrote so far stands on ``screen``."""

    def __init__(self, command: Sequence[str], columns: int, lines: int, env: Mapping[str, str]) -> None:
        self.screen = pyte.Screen(columns, lines)
        self._stream = pyte.ByteStream(self.screen)
        self.began = time.monotonic()
        self._pid, self._fd = pty.fork()
        if not self._pid:
            os.execvpe(command[0], list(command), {**os.environ, **env})  # noqa: S606 -- the command is ours
        fcntl.ioctl(self._fd, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def run(self, enough: Callable[[str, float], bool] = lambda _screen, _seconds: False) -> bool:
        """Go on until ``enough`` of the screen and the seconds, or to the end; whether it was enough."""
        while True:
            if select.select([self._fd], [], [], 0.1)[0]:
                try:
                    data = os.read(self._fd, 65536)
                except OSError:  # Linux says so when nobody writes any more
                    data = b""
                if not data:
                    os.waitpid(self._pid, 0)
                    return False
                self._stream.feed(data)
                continue  # a frame is looked at when it is whole
            if enough("\n".join(self.screen.display), time.monotonic() - self.began):
                return True

    def stop(self) -> None:
        """Ctrl-C."""
        os.kill(self._pid, signal.SIGINT)

    def text(self) -> list[str]:
        """The lines on the screen, to the last that is not empty."""
        lines = [line.rstrip() for line in self.screen.display]
        while lines and not lines[-1]:
            lines.pop()
        return lines

    def svg(self, prompt: str = "") -> str:
        """The screen as a picture, ``prompt`` above it."""
        console = Console(
            record=True, width=self.screen.columns, file=io.StringIO(), force_terminal=True, color_system="truecolor",
            legacy_windows=False,
        )  # fmt: skip
        if prompt:
            console.print(Text(f"$ {prompt}", style="bold"))
        for at in range(len(self.text())):
            console.print(_line(self.screen.buffer[at], self.screen.columns), soft_wrap=True)
        svg = console.export_svg(theme=_DARK, code_format=_FORMAT, unique_id="t")
        # Room for the margins, which the format cannot compute.
        return re.sub(
            r'viewBox="0 0 ([0-9.]+) ([0-9.]+)"',
            lambda size: f'viewBox="0 0 {float(size[1]) + 20:.0f} {float(size[2]) + 22:.0f}"',
            svg,
            count=1,
        )


def _line(cells: Any, columns: int) -> Text:
    line = Text(no_wrap=True)
    for style, run in groupby((cells[at] for at in range(columns)), key=lambda cell: (cell.fg, cell.bg, cell.bold)):
        colour, ground, bold = style
        line.append(
            "".join(cell.data for cell in run), Style(color=_colour(colour), bgcolor=_colour(ground), bold=bold)
        )
    line.rstrip()
    return line


def _colour(name: str) -> str | None:
    if name in _SPELLED:
        return _SPELLED[name]
    if len(name) == 6 and all(char in "0123456789abcdef" for char in name):
        return f"#{name}"
    return name.replace("bright", "bright_") if name.startswith("bright") else name


if __name__ == "__main__":  # COLUMNS LINES SECONDS OUT COMMAND…: for looking at one
    columns, lines, seconds, out, *command = sys.argv[1:]
    terminal = Terminal(command, int(columns), int(lines), {"TERM": "xterm-256color"})
    if terminal.run(lambda _, passed: passed >= float(seconds)):
        Path(f"{out}-mid.svg").write_text(terminal.svg())
        terminal.run()
    Path(f"{out}-end.svg").write_text(terminal.svg())
