"""Runs of client and platform on one loop take the time that they wait, not the time that this machine needs."""

from __future__ import annotations

import asyncio

from tests.virtual import VirtualLoop, virtual_time

__all__ = ["virtual_time"]

#: They share their time with a server of another process.
REAL = ("test_run_postgres",)


def pytest_asyncio_loop_factories(config, item):
    """Which loop a test is run on."""
    return {"real": asyncio.new_event_loop} if item.module.__name__.endswith(REAL) else {"virtual": VirtualLoop}
