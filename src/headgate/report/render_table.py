"""Aligned columns of plain text: legible in any terminal, in a log, and without colour."""

from __future__ import annotations

from collections.abc import Sequence
from unicodedata import east_asian_width


def width(text: str) -> int:
    """Columns that ``text`` takes in a terminal."""
    return sum(2 if east_asian_width(char) in "WF" else 1 for char in text)


def clip(text: str, most: int) -> str:
    """``text`` in at most ``most`` columns, its end cut."""
    if width(text) <= most:
        return text
    kept = ""
    for char in text:
        if width(kept) + width(char) > most - 1:
            break
        kept += char
    return f"{kept.rstrip()}…"


def table(
    rows: Sequence[Sequence[str]], *, right: Sequence[int] = (), most: Sequence[int] = (), gap: int = 2
) -> list[str]:
    """Lines of aligned columns.

    Args:
        rows: Cells, header included; every row of the same length.
        right: Columns that are flushed right.
        most: The most columns each column may take, by position; 0 or missing is no bound.
        gap: Spaces between columns.
    """
    if not rows:
        return []
    count = len(rows[0])
    bound = [*most, *([0] * (count - len(most)))]
    cells = [[clip(cell, bound[at]) if bound[at] else cell for at, cell in enumerate(row)] for row in rows]
    widths = [max(width(row[at]) for row in cells) for at in range(count)]
    lines = []
    for row in cells:
        padded = [
            " " * (widths[at] - width(cell)) + cell if at in right else cell + " " * (widths[at] - width(cell))
            for at, cell in enumerate(row)
        ]
        lines.append((" " * gap).join(padded).rstrip())
    return lines


def wrapped(text: str, most: int, indent: str = "") -> list[str]:
    """``text`` broken at spaces into lines of at most ``most`` columns, each after ``indent``."""
    lines: list[str] = []
    line = ""
    for word in text.split():
        if line and width(indent) + width(line) + 1 + width(word) > most:
            lines.append(indent + line)
            line = word
        else:
            line = f"{line} {word}" if line else word
    return [*lines, indent + line] if line else lines


def seconds(value: float) -> str:
    """A duration for people: ``0.4 s``, ``12 s``, ``3 min 20 s``, ``1 h 05 min``."""
    if value < 10:
        return f"{value:.1f} s"
    whole = round(value)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def plural(count: int, one: str, many: str = "") -> str:
    """``1 flow``, ``2,400 flows``."""
    return f"{count:,} {one if count == 1 else many or f'{one}s'}"


def entry_name(name: str) -> str:
    """An entry's name for people: ``Loyalty ${row.country.code}`` becomes ``Loyalty *``."""
    import re

    return re.sub(r"\$\{[^}]*\}", "*", name)
