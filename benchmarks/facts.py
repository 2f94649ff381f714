"""What the figures were measured on."""

from __future__ import annotations

import os
import platform
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median

LIBRARIES = ("aiohttp", "orjson", "uvloop")


def facts(room: Path) -> dict[str, str]:
    """Machine, versions and commit; ``room`` is where stores are made, and its disk counts."""
    found = {
        "commit": _commit(),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "system": f"{platform.system()} {platform.machine()}",
        "cpus": str(os.cpu_count()),
        "load": " ".join(f"{load:.2f}" for load in os.getloadavg()) if hasattr(os, "getloadavg") else "unknown",
        "fsync": f"{_fsync_us(room):.0f} µs",
        "sqlite": sqlite3.sqlite_version,
    }
    for library in LIBRARIES:
        try:
            found[library] = version(library)
        except PackageNotFoundError:
            found[library] = "absent"
    return found


def _commit() -> str:
    git = shutil.which("git")
    if git is None:
        return "unknown"
    answer = subprocess.run(  # noqa: S603 -- git itself, nothing of others
        [git, "describe", "--always", "--dirty"],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parent,
    )
    return answer.stdout.strip() or "unknown"


def _fsync_us(room: Path) -> float:
    """Microseconds to make one page durable; next to nothing on a RAM disk, whose figures say little."""
    laps = []
    with tempfile.TemporaryFile(dir=room) as file:
        for _ in range(20):
            file.write(bytes(4096))
            file.flush()
            began = time.perf_counter()
            os.fsync(file.fileno())
            laps.append(time.perf_counter() - began)
    return median(laps) * 1e6


if __name__ == "__main__":
    sys.stdout.write("".join(f"{key}: {value}\n" for key, value in facts(Path()).items()))
