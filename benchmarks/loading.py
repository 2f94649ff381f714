"""A manifest of so many rows of a CSV file, weighed at load and compile: ``python -m benchmarks.loading ROWS``.

In a process of its own. Prints JSON: resident memory for each row, and what the CPU did for it.
"""

from __future__ import annotations

import gc
import os
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import orjson

import headgate
from benchmarks.journaled import ENV, JOBS_OF_ROW, written
from benchmarks.weighing import resident

#: Rows of the manifest before the one that counts, which imports what is there once.
_WARM = 50


@dataclass(frozen=True, slots=True)
class Loaded:
    """Bytes are resident memory (Linux) for each row, beyond what was there before; ``…_us`` is CPU.

    ``loading``: the most there ever was until the manifest was loaded. ``loaded``: manifest and nothing else.
    ``planning``: the most there ever was until it was planned, without the plan. ``planned``: the plan alone.
    """

    rows: int
    jobs: int
    loading: float
    loaded: float
    planning: float
    planned: float
    load_us: float
    plan_us: float


def loaded(rows: int) -> Loaded:
    """Weigh in another process.

    Raises:
        RuntimeError: it failed.
    """
    found = subprocess.run(  # noqa: S603 -- ourselves
        [sys.executable, "-m", "benchmarks.loading", str(rows)],
        stdout=subprocess.PIPE,
        check=False,
        cwd=Path(__file__).parents[1],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    if found.returncode:
        raise RuntimeError(f"loading {rows} rows failed")
    return Loaded(**orjson.loads(found.stdout))


def _weigh(folder: Path, rows: int) -> Loaded:
    headgate.plan(headgate.load(written(folder, _WARM * JOBS_OF_ROW), env=ENV))
    path = written(folder, rows * JOBS_OF_ROW)
    gc.collect()
    empty, began = resident(), time.process_time()
    manifest = headgate.load(path, env=ENV)
    load_s = time.process_time() - began
    loading, loaded = _most(), resident()
    began = time.process_time()
    plan = headgate.plan(manifest)
    plan_s = time.process_time() - began
    del manifest
    planning, planned = _most(), resident()
    return Loaded(
        rows,
        len(plan.jobs),
        (loading - empty) / rows,
        (loaded - empty) / rows,
        (planning - planned) / rows,
        (planned - empty) / rows,
        load_s / rows * 1e6,
        plan_s / rows * 1e6,
    )


def _most() -> int:
    """The most bytes of this process that were ever in memory."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as room:
        sys.stdout.buffer.write(orjson.dumps(asdict(_weigh(Path(room), int(sys.argv[1])))))
