"""What loopback and server could do at most: the same POSTs by a client in C, Rust or Go, if one is installed."""

from __future__ import annotations

import re
import shutil
import subprocess
from typing import TYPE_CHECKING

import orjson

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from typing import Any

SECONDS = 3
#: As all of them print it.
_PRINTED = re.compile(r"Requests/sec:\s*([\d.]+)")
#: Tried in this order.
CLIENTS = ("wrk", "oha", "hey")


def ceiling(url: str, body: Mapping[str, Any], slots: int, room: Path) -> tuple[str, float] | None:
    """The client that was found, and its requests per second by ``slots`` connections; ``None`` without one.

    Raises:
        RuntimeError: it did not say how many.
    """
    client = next(filter(shutil.which, CLIENTS), None)
    if client is None:
        return None
    target, sent, script = f"{url}/data/foundation/flowservice/flows", room / "body.json", room / "post.lua"
    sent.write_bytes(orjson.dumps(body))
    script.write_text(f'wrk.method = "POST"\nwrk.body = io.open("{sent}"):read("*a")\n')
    post = ["-m", "POST", "-z", f"{SECONDS}s", "-c", str(slots)]
    command = {
        "wrk": ["-t1", f"-c{slots}", f"-d{SECONDS}s", "-s", str(script), target],
        "oha": [*post, "--no-tui", "-D", str(sent), target],
        "hey": [*post, "-D", str(sent), target],
    }[client]
    try:
        answer = subprocess.run(  # noqa: S603 -- what was found, with arguments of our own
            [client, *command], capture_output=True, text=True, check=False
        )
    finally:
        sent.unlink()
        script.unlink()
    return client, per_second(answer.stdout + answer.stderr)


def per_second(printed: str) -> float:
    """Requests per second as a client printed them.

    Raises:
        RuntimeError: it did not.
    """
    found = _PRINTED.search(printed)
    if found is None:
        raise RuntimeError(f"the client did not say how many requests a second: {printed!r}")
    return float(found[1])
