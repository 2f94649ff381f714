"""The server process, started and ended."""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


@contextmanager
def served(latency_ms: float = 0.0, limit: Sequence[str] = ()) -> Iterator[str]:
    """A fast server in another process that waits ``latency_ms`` before each answer; gives its base URL.

    ``limit`` are the server's further arguments: those of its rate limit.

    Raises:
        RuntimeError: it did not start.
    """
    command = [
        sys.executable,
        "-u",
        str(Path(__file__).with_name("server.py")),
        "--latency-ms",
        str(latency_ms),
        *limit,
    ]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:  # noqa: S603 -- ourselves
        try:
            port = process.stdout.readline().strip() if process.stdout else b""
            if not port:
                raise RuntimeError("the benchmark server did not start")
            yield f"http://127.0.0.1:{int(port)}"
        finally:
            if process.stdin is not None:
                process.stdin.close()  # the server's sign to end
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
