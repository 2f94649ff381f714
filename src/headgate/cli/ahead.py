"""What a run needs when its plan stands, loaded while the manifest is read."""

from __future__ import annotations

from contextlib import suppress
from threading import Thread


def load_ahead() -> None:
    """Begin to load the HTTP client; whoever imports it waits for no more than what is left of that.

    It reads the system's certificates while it is imported, which takes as long as all else of it, and leaves Python
    to others meanwhile. The thread is waited for at the end of the process: OpenSSL must not be torn down under it.
    """
    Thread(target=_load, name="load-ahead").start()


def _load() -> None:
    with suppress(Exception):  # who needs it will meet it again, and say so
        import aiohttp  # noqa: F401
