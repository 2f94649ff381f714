"""Waits take no time here: gate and runner go by a loop whose time passes when nothing can be done."""

from tests.virtual import loops as pytest_asyncio_loop_factories
from tests.virtual import virtual_time

__all__ = ["pytest_asyncio_loop_factories", "virtual_time"]
