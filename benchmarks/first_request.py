"""How long the installed command takes from its start to its first request, as a server sees it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.journaled import ENV, ORG

#: For how long to wait for a request, in seconds.
PATIENCE_S = 120.0


@dataclass(frozen=True, slots=True)
class First:
    """Seconds from the command to its first request, and CPU seconds of the process until then."""

    wall_s: float
    cpu_s: float


def first_request(folder: Path, where: str) -> First:
    """Resume the run in the store at ``where``; the process is killed the moment its first request is there.

    Raises:
        RuntimeError: it ended without one.
    """
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(PATIENCE_S)
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        began = time.monotonic()
        process = subprocess.Popen(  # noqa: S603 -- ourselves
            [*_command(), "resume", "--no-progress"],
            cwd=folder,
            env={**os.environ, **_environment(url, where)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        try:
            connection, _ = server.accept()
            with connection:
                asked = connection.recv(64)
                wall_s = time.monotonic() - began
        except TimeoutError:
            process.kill()
            said = process.communicate()[0].decode(errors="replace")
            raise RuntimeError(f"no request came: {said}") from None
        process.kill()
        _, _, used = os.wait4(process.pid, 0)
        process.returncode = -9
        process.communicate()
    if b" /data/" not in asked:
        raise RuntimeError(f"not a request of ours: {asked!r}")
    return First(wall_s, used.ru_utime + used.ru_stime)


def _command() -> list[str]:
    installed = Path(sys.executable).with_name("headgate")
    return [str(installed)] if installed.exists() else [sys.executable, "-m", "headgate"]


def _environment(url: str, where: str) -> dict[str, str]:
    return {
        **ENV,
        "HEADGATE_PLATFORM_URL": url,
        "HEADGATE_IMS_URL": url,
        "HEADGATE_ORG_ID": ORG,
        "HEADGATE_CLIENT_ID": "benchmark",
        "HEADGATE_CLIENT_SECRET": "benchmark",
        "HEADGATE_ACCESS_TOKEN": "benchmark",
        "HEADGATE_STATE": where,
        "HEADGATE_SANDBOX": "dev",
    }
