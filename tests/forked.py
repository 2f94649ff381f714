"""The command as processes of its own, without the price of starting an interpreter for each.

A server has imported headgate once, and forks. Each child is a real process, with a pid, a death and files of its own;
only the imports are shared. What is given back is used as one of ``subprocess.Popen`` is.
"""

import atexit
import gc
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from functools import cache
from importlib import import_module
from pathlib import Path

REPOSITORY = Path(__file__).parents[1]
LONGEST = 1 << 18
MODULES = (
    "api", "bulletin", "changes", "embedded", "launch", "looking", "strays", "teardown",
    "cli.drive", "cli.live", "cli.progress", "cli.show", "cli.wiring", "manifest.kinds", "manifest.load", "planning.file",
    "platform.transport", "report.render", "report.render_text", "settings", "simulator", "store.sqlite",
    "workflows.compile", "workflows.dataset_export",
)  # fmt: skip
OTHERS = ("encodings.idna", "jmespath", "structlog", "uvloop", "aiohttp.web")


class Forked:
    """``headgate args`` in ``cwd``. ``stdin``, ``stdout`` and ``stderr`` are descriptors, or ``PIPE`` for the last two."""

    def __init__(self, args, *, cwd, env, stdin=None, stdout=subprocess.PIPE, stderr=subprocess.PIPE):
        self.args, self.returncode = list(args), None
        self.stdout = self.stderr = None
        ends = [os.open(os.devnull, os.O_RDONLY) if stdin is None else os.dup(stdin)]
        for name, given in (("stdout", stdout), ("stderr", stderr)):
            if given == subprocess.PIPE:
                ours, theirs = os.pipe()
                setattr(self, name, open(ours, encoding="utf-8", errors="replace"))
            else:
                theirs = os.open(os.devnull, os.O_WRONLY) if given == subprocess.DEVNULL else os.dup(given)
            ends.append(theirs)
        order = {"args": self.args, "cwd": str(cwd), "env": dict(env)}
        self._told, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            _server().send(order, [theirs.fileno(), *ends])
        finally:
            theirs.close()
            for end in ends:
                os.close(end)
        self.pid = int(self._told.recv(64))

    def poll(self):
        with suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def wait(self, timeout=None):
        if self.returncode is None:
            self._told.settimeout(timeout)
            try:
                self.returncode = int(self._told.recv(64))
            except (TimeoutError, BlockingIOError):
                raise subprocess.TimeoutExpired(self.args, timeout) from None
            self._told.close()
        return self.returncode

    def communicate(self, timeout=None):
        """What is still to come of both, once it has ended."""
        if not hasattr(self, "_heard"):
            self._heard = ["", ""]
            self._readers = [
                threading.Thread(target=self._read, args=(place, file), daemon=True)
                for place, file in enumerate((self.stdout, self.stderr))
                if file is not None and not file.closed
            ]
            for reader in self._readers:
                reader.start()
        until = None if timeout is None else time.monotonic() + timeout
        self.wait(timeout)
        for reader in self._readers:
            reader.join(None if until is None else max(0.1, until - time.monotonic()))
        return tuple(self._heard)

    def _read(self, place, file):
        with file:
            self._heard[place] = file.read()

    def send_signal(self, number):
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self):
        self.send_signal(signal.SIGKILL)

    def terminate(self):
        self.send_signal(signal.SIGTERM)


def run(args, *, cwd, env, stdin="", timeout=90.0):
    """As ``subprocess.run`` with its output captured; ``stdin`` is what it may read."""
    reads, writes = os.pipe()
    os.write(writes, stdin.encode())
    os.close(writes)
    process = Forked(args, cwd=cwd, env=env, stdin=reads)
    os.close(reads)
    try:
        out, err = process.communicate(timeout)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


class _Server:
    """The parent's side of the one that forks."""

    def __init__(self):
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        for option in (socket.SO_SNDBUF, socket.SO_RCVBUF):
            self._socket.setsockopt(socket.SOL_SOCKET, option, LONGEST)
            theirs.setsockopt(socket.SOL_SOCKET, option, LONGEST)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.forked", str(theirs.fileno())], cwd=REPOSITORY,
            pass_fds=[theirs.fileno()], env={**os.environ, "PYTHONUTF8": "1"},
        )  # fmt: skip
        theirs.close()
        atexit.register(self.close)
        self._turn = threading.Lock()

    def send(self, order, descriptors):
        with self._turn:
            socket.send_fds(self._socket, [json.dumps(order).encode()], descriptors)

    def close(self):
        self._socket.close()
        self._process.wait(timeout=30)


@cache
def _server():
    return _Server()


def _child(order):
    from headgate import __main__ as program, faultpoint
    from headgate.cli.app import main

    code = 70
    try:
        os.chdir(order["cwd"])
        os.environ.clear()
        os.environ.update(order["env"])
        time.tzset()
        for number, name in ((1, "stdout"), (2, "stderr")):
            setattr(
                sys, name, open(number, "w", buffering=1 if os.isatty(number) or number == 2 else -1, closefd=False)
            )  # noqa: SIM115
        sys.stdin = open(0, closefd=False)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        faultpoint.arm(os.environ.get(faultpoint.VARIABLE, ""))  # the module was imported without it
        program.begin()
        code = main(order["args"])
        program.end()
        sys.stdout.flush()
        sys.stderr.flush()
    except KeyboardInterrupt:
        code = 130  # so early that nobody was listening yet
    except SystemExit as left:
        code = left.code if isinstance(left.code, int) else 1
    finally:
        os._exit(code)


def _warm():
    """Everything imported, and a manifest loaded once: what is read from the package's data stays read."""
    from headgate.cli.app import COMMANDS

    for command in COMMANDS:
        import_module(f"headgate.cli.commands.{command}")
    for name in MODULES:
        import_module(f"headgate.{name}")
    for name in OTHERS:
        with suppress(ImportError):
            import_module(name)
    from headgate.api import load, plan
    from headgate.manifest.kinds import GRAMMARS
    from headgate.workflows import PROCEDURES

    assert all((*GRAMMARS.values(), *PROCEDURES.values()))  # loaded, each
    plan(load(REPOSITORY / "configs" / "manifests" / "audience-export.yaml"), sandbox="dev")


def _serve(orders):
    _warm()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the caller's to hear
    gc.collect()
    gc.freeze()
    watched = selectors.DefaultSelector()
    watched.register(orders, selectors.EVENT_READ)
    while True:
        for key, _ in watched.select():
            if key.fileobj is orders:
                said, descriptors, _, _ = socket.recv_fds(orders, LONGEST, 4)
                if not said:
                    return
                tells, *ends = descriptors
                pid = os.fork()
                if pid == 0:
                    for number, end in enumerate(ends):
                        os.dup2(end, number)
                    os.closerange(3, 1024)
                    _child(json.loads(said))
                for end in ends:
                    os.close(end)
                told = socket.socket(fileno=tells)
                told.send(str(pid).encode())
                watched.register(os.pidfd_open(pid), selectors.EVENT_READ, (pid, told))
            else:
                pid, told = key.data
                _, status = os.waitpid(pid, 0)
                with told, suppress(OSError):  # nobody may listen any more
                    told.send(str(os.waitstatus_to_exitcode(status)).encode())
                watched.unregister(key.fileobj)
                os.close(key.fileobj)


if __name__ == "__main__":
    _serve(socket.socket(fileno=int(sys.argv[1])))
