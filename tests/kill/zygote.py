"""Processes of the command without the price of starting an interpreter: one that has imported headgate, and forks.

Each child is a real process, with a pid of its own and a death of its own; only the imports are shared. One zygote
has one child at a time: say what to run, hear its pid, do to it what you like, hear how it ended.
"""

import gc
import json
import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
#: Seconds after which a command hangs, and what is then said of its end.
LIMIT_S = 90.0
HUNG = -1000


@dataclass
class Ended:
    """How a process ended: its exit code, or minus the signal; and what it said."""

    code: int
    out: str
    err: str

    @property
    def talk(self):
        return self.out + self.err


class Zygote:
    """The parent's side."""

    def __init__(self):
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.kill.zygote"], cwd=REPOSITORY, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**os.environ, "PYTHONUTF8": "1"},
        )  # fmt: skip
        self._talk = None
        self._spoken = self._pid = 0

    def start(self, args, *, cwd, env, mark=""):
        """Begin ``headgate args`` in ``cwd``; its pid."""
        self._spoken += 1
        self._talk = (cwd / f".{self._spoken}{mark}.out", cwd / f".{self._spoken}{mark}.err")
        for file in self._talk:
            file.write_bytes(b"")
        order = {"args": list(args), "cwd": str(cwd), "env": env, "talk": [str(file) for file in self._talk]}
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        self._pid = int(self._process.stdout.readline())
        return self._pid

    def wait(self):
        """Wait for the child's end, and end it where it does not by itself: :data:`HUNG`."""
        hung = threading.Event()

        def end():
            hung.set()
            os.kill(self._pid, signal.SIGKILL)

        watchdog = threading.Timer(LIMIT_S, end)
        watchdog.start()
        code = int(self._process.stdout.readline())
        watchdog.cancel()
        code = HUNG if hung.is_set() else code
        out, err = (file.read_text(errors="replace") for file in self._talk)
        return Ended(code, out, err)

    def close(self):
        self._process.stdin.close()
        self._process.wait(timeout=30)
        self._process.stdout.close()


def _child(order):
    from headgate import __main__ as program, faultpoint
    from headgate.cli.app import main

    code = 70
    try:
        os.chdir(order["cwd"])
        os.environ.clear()
        os.environ.update(order["env"])
        for number, file in enumerate(order["talk"], 1):
            os.dup2(os.open(file, os.O_WRONLY | os.O_APPEND), number)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        faultpoint.arm(os.environ.get(faultpoint.VARIABLE, ""))  # the module was imported without it
        program.begin()
        code = main(order["args"])
        program.end()
        sys.stdout.flush()
        sys.stderr.flush()
    except KeyboardInterrupt:
        code = 130  # so early that nobody was listening yet
    finally:
        os._exit(code)


def _warm():
    """Load a manifest and a profile once: what is read from the package's data stays read."""
    from headgate.api import load, plan

    manifest = load(REPOSITORY / "configs" / "manifests" / "audience-export.yaml")
    plan(manifest, sandbox="dev")


def _serve():
    from importlib import import_module

    from headgate.cli.app import COMMANDS

    for command in COMMANDS:
        import_module(f"headgate.cli.commands.{command}")
    for name in ("api", "bulletin", "launch", "teardown", "strays", "cli.drive", "cli.wiring", "cli.show", "cli.live",
                 "platform.transport", "report.render", "report.render_text", "store.sqlite", "planning.file",
                 "settings", "workflows.compile", "manifest.load", "manifest.kinds", "workflows.dataset_export"):  # fmt: skip
        import_module(f"headgate.{name}")
    for name in ("anyio._backends._asyncio", "encodings.idna", "jmespath", "structlog", "uvloop"):
        with suppress(ImportError):
            import_module(name)
    _warm()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the caller's to hear
    gc.collect()
    gc.freeze()
    for line in sys.stdin:
        order = json.loads(line)
        pid = os.fork()
        if pid == 0:
            _child(order)
        print(pid, flush=True)
        _, status = os.waitpid(pid, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    _serve()
