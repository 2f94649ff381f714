"""Runs of client and platform on one loop take the time that they wait, not the time that this machine needs."""

from tests.virtual import loops as pytest_asyncio_loop_factories
from tests.virtual import virtual_time

__all__ = ["pytest_asyncio_loop_factories", "virtual_time"]
