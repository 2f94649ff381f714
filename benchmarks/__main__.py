"""``python -m benchmarks [--only NAME] [--rounds N] [--scale F] [--loop NAME] [--json] [--room DIR]
[--plots DIR]``.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.bench import Bench
from benchmarks.facts import facts
from benchmarks.plots import ABSENT, draw, drawable
from benchmarks.scenarios import SCENARIOS
from benchmarks.view import as_json, table
from headgate.cli.drive import loop_factory

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.measure import Figure


#: What makes each loop; ``None`` is asyncio's own way. The first is the one that the command would take.
LOOPS: dict[str, Callable[[], asyncio.AbstractEventLoop] | None] = {"asyncio": None}
if fast := loop_factory():
    LOOPS = {"uvloop": fast, **LOOPS}


def main(argv: list[str] | None = None) -> None:
    """Measure, then print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Ratios, each measured in one run.")
    parser.add_argument(
        "--only",
        action="append",
        choices=list(SCENARIOS),
        metavar="NAME",
        default=[],
        help=f"one of {', '.join(SCENARIOS)}; may be repeated",
    )
    parser.add_argument("--rounds", type=int, help="rounds of each figure (default: each scenario's own)")
    parser.add_argument("--scale", type=float, default=1.0, help="share of the usual work, for trying things out")
    parser.add_argument(
        "--loop",
        choices=list(LOOPS),
        default=next(iter(LOOPS)),
        help="the event loop of both sides (default: the one that the command takes, uvloop where it is installed)",
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--room", type=Path, help="a folder on the disk to journal to (default: the temporary one)")
    parser.add_argument(
        "--plots",
        type=Path,
        metavar="DIR",
        help="a folder for PNG files of what hidden, halves, memory and slots have seen (those that are measured)",
    )
    asked = parser.parse_args(argv)
    if asked.plots and not drawable():
        parser.error(ABSENT)
    with tempfile.TemporaryDirectory(dir=asked.room) as room:
        bench = Bench(Path(room), asked.rounds, asked.scale)
        found = facts(bench.room) | {"loop": asked.loop}
        with asyncio.Runner(loop_factory=LOOPS[asked.loop]) as runner:
            figures = runner.run(_measure(bench, asked.only or list(SCENARIOS)))
        if hasattr(os, "getloadavg"):
            found["load"] += f" before, {os.getloadavg()[0]:.2f} after"
    if asked.plots:
        for file in draw(bench.sheets, asked.plots):
            bench.say(f"drawn: {file}")
        if not bench.sheets:
            bench.say("nothing to draw: none of what was measured has a picture")
    print((as_json if asked.json else table)(figures, found))


async def _measure(bench: Bench, names: list[str]) -> list[Figure]:
    return [figure for name in names for figure in await SCENARIOS[name](bench)]


if __name__ == "__main__":
    main()
