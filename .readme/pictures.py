"""Make the pictures of README.md anew: ``pip install '.[report,pictures]' && python .readme/pictures.py``.

They are of a real run: 5,000 dataflows on the embedded platform, 150 of which fail (configs/manifests/bad-night.yaml).
It takes two minutes, and Chromium for the picture of the page.
"""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from terminal import Terminal

HERE = Path(__file__).resolve().parent
CONFIGS = HERE.parent / "configs"
HEADGATE = [sys.executable, "-m", "headgate"]
#: What a picture may weigh at most, in bytes.
MOST = 150_000
COLUMNS, LINES = 80, 24
PAGE = (1000, 870)
#: The run is in the middle of things when this cause has shown, its third.
THIRD = "1101-404"


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


def page(place: Path, out: Path) -> None:
    """The beginning of the page as a browser shows it."""
    browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if browser is None:
        sys.exit("no Chromium: the picture of the page stays as it was")
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--virtual-time-budget=5000"]
    size = f"--window-size={PAGE[0]},{PAGE[1]}"
    subprocess.run([browser, *flags, size, f"--screenshot={out}", place.as_uri()], check=True, capture_output=True)


def main() -> None:
    """All of them."""
    manifest = "configs/manifests/bad-night.yaml"
    with TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copytree(CONFIGS, folder / "configs")
        report = folder / "report.html"
        os.chdir(folder)
        with platform(folder) as env:
            wanted = {**env, "TERM": "xterm-256color", "COLORTERM": "truecolor"}
            screen = Terminal([*HEADGATE, "run", manifest, "--report", report.name], COLUMNS, LINES, wanted)
            if not screen.run(lambda text, _: THIRD in text and " left" in text):
                sys.exit("the run was over before it could be pictured:\n" + "\n".join(screen.text()))
            (HERE / "run.svg").write_text(screen.svg(f"headgate run {manifest} --report {report.name}"))
            screen.run()
            (HERE / "end.svg").write_text(screen.svg())
        page(report, HERE / "page.png")
    for picture in (HERE / "run.svg", HERE / "end.svg", HERE / "page.png"):
        size = picture.stat().st_size
        print(f"{picture.name}: {size:,} bytes{'' if size <= MOST else ': TOO BIG'}")


if __name__ == "__main__":
    main()
