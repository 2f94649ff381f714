"""Figures for people and for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchmarks.measure import Figure

_HEADINGS = ("scenario", "ratio", "median", "range", "rounds", "goal", "absolute values beside it")


def table(figures: Sequence[Figure], facts: Mapping[str, str]) -> str:
    """A plain table under the facts."""
    rows = [_HEADINGS, *(_row(figure) for figure in figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADINGS) - 1)]
    lines = [
        "  ".join(f"{cell:<{width}}" for cell, width in zip(row, [*widths, 0], strict=True)).rstrip() for row in rows
    ]
    lines.insert(1, "  ".join("-" * width for width in [*widths, len(_HEADINGS[-1])]))
    return "\n".join([" | ".join(f"{key} {value}" for key, value in facts.items()), "", *lines])


def as_json(figures: Sequence[Figure], facts: Mapping[str, str]) -> str:
    """One JSON object."""
    data = {
        "facts": dict(facts),
        "figures": [
            {
                "scenario": figure.scenario,
                "name": figure.name,
                "median": figure.median,
                "low": figure.low,
                "high": figure.high,
                "ratios": list(figure.ratios),
                "goal": figure.goal or None,
                "reached": figure.reached,
                "beside": figure.beside,
            }
            for figure in figures
        ],
    }
    return orjson.dumps(data, option=orjson.OPT_INDENT_2).decode()


def _row(figure: Figure) -> tuple[str, ...]:
    goal = f"{figure.goal} {'yes' if figure.reached else 'no'}" if figure.goal else ""
    spread = f"{figure.low:.3g} .. {figure.high:.3g}" if len(figure.ratios) > 1 else ""
    beside = ", ".join(f"{value:,.6g} {unit}" for unit, value in figure.beside.items())
    return (
        figure.scenario,
        figure.name,
        f"{figure.median:.3g}",
        spread,
        str(len(figure.ratios)),
        goal,
        beside,
    )
