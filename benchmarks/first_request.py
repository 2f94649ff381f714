"""How long the installed command takes from its start to its first request, as a server sees it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchmarks.journaled import ENV, ORG

if TYPE_CHECKING:
    from collections.abc import Mapping

#: One POST, as short as it can be written.
_BARE: Final = """
import asyncio, sys, aiohttp
async def main():
    async with aiohttp.ClientSession() as session, session.post(sys.argv[1], json={}) as response:
        await response.read()
asyncio.run(main())
"""
#: What the command is built on, of which a model is made: nothing of ours can be quicker than that.
_BUILT_ON: Final = """
import asyncio, sqlite3, sys, aiohttp, click, orjson, pydantic, yaml
class Model(pydantic.BaseModel):
    name: str
"""
#: For how long to wait for a request, in seconds.
PATIENCE_S = 120.0


@dataclass(frozen=True, slots=True)
class First:
    """Seconds from the command to its first request, and CPU seconds of the process until then."""

    wall_s: float
    cpu_s: float


def first_request(folder: Path, where: str, *command: str) -> First:
    """``headgate command`` (or ``resume``) on the store at ``where``, killed when its first request is there.

    Raises:
        RuntimeError: it ended without one.
    """
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        asked = [*_command(), *(command or ("resume",)), "--no-progress"]
        first, line = _until_asked(server, asked, folder, _environment(url, where))
    if b" /data/" not in line:
        raise RuntimeError(f"not a request of ours: {line!r}")
    return first


def first_post(*, built_on: bool = False) -> First:
    """The same of one POST by bare aiohttp, cold start and all; ``built_on``: with all that the command is built on."""
    program = _BUILT_ON + _BARE if built_on else _BARE
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}/"
        first, _ = _until_asked(server, [sys.executable, "-c", program, url], Path.cwd(), {})
    return first


def _until_asked(
    server: socket.socket, command: list[str], folder: Path, env: Mapping[str, str]
) -> tuple[First, bytes]:
    server.settimeout(PATIENCE_S)
    env = {**os.environ, **env}
    env.pop("PYTHONDONTWRITEBYTECODE", None)  # an installed package is compiled once, and so is this one
    began = time.monotonic()
    process = subprocess.Popen(  # noqa: S603 -- ourselves
        command, cwd=folder, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    try:
        connection, _ = server.accept()
        with connection:
            line = connection.recv(64)
            wall_s = time.monotonic() - began
    except TimeoutError:
        process.kill()
        said = process.communicate()[0].decode(errors="replace")
        raise RuntimeError(f"no request came: {said}") from None
    process.kill()
    _, _, used = os.wait4(process.pid, 0)
    process.returncode = -9
    process.communicate()
    return First(wall_s, used.ru_utime + used.ru_stime), line


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
