"""A headless Chromium to measure pages in, where there is one."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_FLAGS = (
    "--headless", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--window-size=1280,900",
)  # fmt: skip


def missing() -> str:
    """What is not there of what is needed, in words; empty where there is all."""
    there = find_spec("selenium") is not None and shutil.which("chromium") and shutil.which("chromedriver")
    return "" if there else "selenium, chromium and chromedriver are needed"


@contextmanager
def chromium(home: Path) -> Iterator[Any]:
    """A new browser whose profile is in ``home``, with its processor time counted."""
    webdriver: Any = import_module("selenium.webdriver")
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium")
    for flag in (*_FLAGS, f"--user-data-dir={home}"):
        options.add_argument(flag)
    browser = webdriver.Chrome(options=options, service=webdriver.ChromeService(shutil.which("chromedriver")))
    try:
        browser.execute_cdp_cmd("Performance.enable", {"timeDomain": "threadTicks"})
        yield browser
    finally:
        browser.quit()


def busy_s(browser: Any) -> float:
    """Processor seconds of the page's main thread so far."""
    found = browser.execute_cdp_cmd("Performance.getMetrics", {})["metrics"]
    return next(float(one["value"]) for one in found if one["name"] == "TaskDuration")
