"""Make the pictures of README.md anew: ``pip install '.[report,pictures,browser]' && python .readme/pictures.py``.

They are of a real run: 5,000 dataflows on the embedded platform, 150 of which fail (configs/manifests/bad-night.yaml).
It takes two minutes, and Chromium with its chromedriver for the pictures of pages.
"""

from __future__ import annotations

import base64
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from selenium import webdriver
from terminal import Terminal

HERE = Path(__file__).resolve().parent
CONFIGS = HERE.parent / "configs"
HEADGATE = [sys.executable, "-m", "headgate"]
#: What a picture may weigh at most, in bytes.
MOST = 200_000
COLUMNS, LINES = 80, 24
#: Columns, lines and pixels to each: of a desktop, and of a phone.
DESKTOP, LIVE, PHONE = (1000, 870, 1.0), (1000, 1100, 1.0), (390, 844, 1.5)
#: The live page is pictured when the first cause has shown, the terminal when the third has.
FIRST, THIRD = "2118-403", "1101-404"
_FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars")
_CHARTS = "return document.documentElement.dataset.ready === 'charts'"


@contextmanager
def platform(folder: Path) -> Iterator[dict[str, str]]:
    """The embedded platform on its bad night, and the environment that leads to it."""
    faults = ["--faults", str(CONFIGS / "faults/four-causes.yaml")]
    command = [*HEADGATE, "simulate", *faults, "--time-scale", "600"]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as served:
        env = {}
        for line in served.stdout or ():
            if line.startswith("export "):
                key, _, value = shlex.split(line)[1].partition("=")
                env[key] = value
            if "HEADGATE_TIME_SCALE" in env:
                break
        try:
            yield env
        finally:
            served.send_signal(signal.SIGINT)


@contextmanager
def serving(env: dict[str, str]) -> Iterator[str]:
    """The live page of every run in the folder, and its address."""
    with subprocess.Popen([*HEADGATE, "serve"], env={**os.environ, **env}, stderr=subprocess.PIPE, text=True) as served:
        try:
            yield next(found[0] for line in served.stderr or () if (found := re.search(r"http://\S+", line)))
        finally:
            served.terminate()


@contextmanager
def browser(home: Path) -> Iterator[Any]:
    """A Chromium without a window."""
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if chromium is None or driver is None:
        sys.exit("no Chromium with its chromedriver: the pictures stay as they were")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in (*_FLAGS, f"--user-data-dir={home}"):
        options.add_argument(flag)
    found = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    try:
        yield found
    finally:
        found.quit()


def seen_on(page: Any, screen: tuple[int, int, float], scheme: str = "light") -> None:
    """From now on as on a ``screen``, by day or by night."""
    width, height, scale = screen
    theme = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", theme)
    size = {"width": width, "height": height, "deviceScaleFactor": scale, "mobile": scale > 1}
    page.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)


def pictured(page: Any, name: str) -> None:
    """What the browser shows."""
    time.sleep(1.0)  # what was changed last is drawn
    shot = page.execute_cdp_cmd("Page.captureScreenshot", {"format": "png", "optimizeForSpeed": False})
    (HERE / name).write_bytes(base64.b64decode(shot["data"]))


def until(check: Callable[[], object], seconds: float = 60.0) -> None:
    """Wait for what is to come."""
    end = time.monotonic() + seconds
    while not check():
        if time.monotonic() > end:
            sys.exit("it did not come to pass: the run was over before it could be pictured")
        time.sleep(0.1)


def live(page: Any, address: str) -> None:
    """The live page in the middle of things: at a desk, and at night on a phone."""
    seen_on(page, LIVE)
    page.get(address)
    until(lambda: page.execute_script("return document.querySelector('#runs a')"))
    page.execute_script("document.querySelector('#runs a').click()")
    until(lambda: page.execute_script(_CHARTS))
    until(lambda: FIRST in page.execute_script("return document.querySelector('#causes').textContent"))
    pictured(page, "live.png")
    seen_on(page, PHONE, "dark")
    pictured(page, "phone.png")


def report(page: Any, place: Path) -> None:
    """The beginning of the report page."""
    seen_on(page, DESKTOP)
    page.get(place.as_uri())
    until(lambda: page.execute_script(_CHARTS))
    pictured(page, "page.png")


def main() -> None:
    """All of them."""
    manifest = "configs/manifests/bad-night.yaml"
    with TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copytree(CONFIGS, folder / "configs")
        place = folder / "report.html"
        os.chdir(folder)
        with platform(folder) as env, browser(folder / "chromium") as page, ThreadPoolExecutor(1) as aside:
            wanted = {**env, "TERM": "xterm-256color", "COLORTERM": "truecolor"}
            screen = Terminal([*HEADGATE, "run", manifest, "--report", place.name], COLUMNS, LINES, wanted)
            with serving(env) as address:
                going = aside.submit(screen.run, lambda text, _: THIRD in text and " left" in text)
                live(page, address)
                if not going.result():
                    sys.exit("the run was over before it could be pictured:\n" + "\n".join(screen.text()))
                (HERE / "run.svg").write_text(screen.svg(f"headgate run {manifest} --report {place.name}"))
                screen.run()
            (HERE / "end.svg").write_text(screen.svg())
            report(page, place)
    for picture in ("run.svg", "end.svg", "page.png", "live.png", "phone.png"):
        size = (HERE / picture).stat().st_size
        print(f"{picture}: {size:,} bytes{'' if size <= MOST else ': TOO BIG'}")


if __name__ == "__main__":
    main()
