"""The installed command against an embedded platform in a process of its own, so that killing one spares the other."""

import json
import os
import signal
import sqlite3
import subprocess
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path

from tests.forked import Forked, run

REPOSITORY = Path(__file__).parents[2]

AUDIENCES = [f"{number:08x}-0000-4000-8000-000000000000" for number in range(1, 7)]
SECRET = "Very/Secret+Key/that/nobody/may/see/00000"[:40]

MANIFEST = """\
headgate: 1
name: {name}
connections:
  bucket:
    destination: amazon_s3
    auth: {{specName: Access Key, params: {{s3AccessKey: AKIAABCDEFGHIJKLMNOP, s3SecretKey: "${{env:S3_SECRET}}"}}}}
  mail:
    destination: oracle_eloqua
    auth: {{specName: SFTP with Password, params: {{domain: d.example.com, host: h.example.com, username: u, password: hush-hush-hush}}}}
entries:
{entries}
"""
SCHEDULE = (
    '{frequency: DAILY, triggerType: SCHEDULED, startDate: "2026-01-01", startTime: "17:00", endDate: "2035-12-31"}'
)
EXPORTS = """\
  - kind: audience-export
    name: "{name} ${{row}}"
    foreach: {{range: [1, {count}]}}
    connection: {connection}
    target: {{{target}}}
    audiences:
{audiences}
    attributes: [person.name.firstName]
"""


def write_manifest(folder: Path, name: str = "small", count: int = 6) -> tuple[Path, int, int]:
    """A manifest of ``2 * count`` flows on two destinations and an activation of all their pairs: path, items, pairs."""
    audiences = "\n".join(
        f"      - {{id: {one}, exportMode: DAILY_FULL_EXPORT, schedule: {SCHEDULE}}}" for one in AUDIENCES[:3]
    )
    kinds = [
        ("Bucket", "bucket", 'bucketName: acme, path: "a/${row}"'),
        ("Mail", "mail", 'mode: FTP, remotePath: "/m/${row}"'),
    ]
    entries = "".join(
        EXPORTS.format(name=kind, connection=connection, target=target, count=count, audiences=audiences)
        for kind, connection, target in kinds
    )
    entries += "  - kind: activation\n    name: now\n    pairs: {csv: pairs.csv}\n"
    rows = [f"{kind} {n},{one}" for kind, _, _ in kinds for n in range(1, count + 1) for one in AUDIENCES[:3]]
    (folder / "pairs.csv").write_text("destinationId,segmentId\n" + "\n".join(rows) + "\n")
    path = folder / "manifest.yaml"
    path.write_text(MANIFEST.format(name=name, entries=entries))
    return path, 2 * count, len(rows)


class World:
    """A served embedded platform and a folder to run the command in."""

    def __init__(self, folder: Path, said: dict) -> None:
        self.folder, self.url = folder, said["url"]
        self.env = {**os.environ, **said["environment"], "S3_SECRET": SECRET, "NO_COLOR": "1"}
        self.env.pop("HEADGATE_STATE", None)
        self.started: list[Forked] = []

    def start(self, *arguments: str) -> Forked:
        process = Forked(arguments, cwd=self.folder, env=self.env)
        self.started.append(process)
        return process

    def run(self, *arguments: str, timeout: float = 90) -> subprocess.CompletedProcess:
        done = run(arguments, cwd=self.folder, env=self.env, timeout=timeout)
        assert "Traceback" not in done.stderr + done.stdout
        return done

    def ledger(self) -> dict:
        with urllib.request.urlopen(f"{self.url}/__ledger__", timeout=10) as answer:
            return json.load(answer)

    def faults(self, rows: list) -> None:
        body = json.dumps({"faults": rows}).encode()
        request = urllib.request.Request(f"{self.url}/__faults__", body, {"Content-Type": "application/json"})
        urllib.request.urlopen(request, timeout=10).close()

    def await_requests(self, process: Forked, count: int) -> bool:
        """Wait until the platform has seen ``count`` requests, or the process has ended (then false)."""
        return self.await_ledger(process, lambda ledger: ledger["requests"]["total"] >= count)

    def await_ledger(self, process: Forked, wanted, limit_s: float = 60) -> bool:
        """Wait until the platform's book is as ``wanted``, or the process has ended (then false)."""
        until = time.monotonic() + limit_s
        while time.monotonic() < until:
            if process.poll() is not None:
                return False
            if wanted(self.ledger()):
                return True
            time.sleep(0.01)
        raise AssertionError(f"the platform did not come that far within {limit_s} s: {self.ledger()['requests']}")

    def end(self) -> None:
        """Kill what a failed test left behind."""
        for process in self.started:
            if process.poll() is None:
                process.kill()
            process.communicate()


@contextmanager
def served(folder: Path, *options: str):
    """``headgate simulate`` with its clock running fast, ended with the block."""
    arguments = ["simulate", "--json", "--time-scale", "1800", *options]
    process = Forked(arguments, cwd=folder, env=os.environ, stderr=subprocess.DEVNULL)
    world = World(folder, json.loads(process.stdout.readline()))
    try:
        yield world
    finally:
        world.end()
        process.send_signal(signal.SIGINT)
        process.wait(timeout=10)
        process.stdout.close()


def assert_clean(ledger: dict, *, items: int, pairs: int, connections: int) -> None:
    """Each wanted object once, each wanted pair once, no rule broken: in the witness's own book."""
    assert ledger["duplicates"] == []
    assert ledger["violations"] == []
    assert ledger["objects"] == {
        "connections": connections, "sourceConnections": items, "targetConnections": items, "flows": items,
    }  # fmt: skip
    assert ledger["created"] == ledger["objects"]
    activated = ledger["activations"]["pairs"]
    assert len(activated) == pairs
    assert set(activated.values()) <= {1}
    assert ledger["activations"]["maxConcurrentPerAudience"] <= 1
    assert ledger["activations"]["overlaps"] == []


def freeze(world, process):
    """Stop ``process``, but not in the middle of a commit: there it would lock the file for everybody."""
    for _ in range(100):
        os.kill(process.pid, signal.SIGSTOP)
        db = sqlite3.connect(world.folder / ".headgate" / "state.db", timeout=0.05, isolation_level=None)
        try:
            db.execute("BEGIN IMMEDIATE")
            db.execute("ROLLBACK")
        except sqlite3.OperationalError:
            os.kill(process.pid, signal.SIGCONT)
            time.sleep(0.01)
        else:
            return
        finally:
            db.close()
    raise AssertionError("it is always in the middle of a commit")
