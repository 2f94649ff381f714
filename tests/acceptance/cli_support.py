"""The command as a subprocess, a small manifest, and a platform served by another process."""

import json
import os
import signal
import time
from contextlib import contextmanager
from dataclasses import dataclass

from tests.forked import Forked, run

MANIFEST = """\
headgate: 1
name: small
sandbox: dev
vars:
  bucket: acme-exports
  daily: {frequency: DAILY, triggerType: SCHEDULED, startDate: "2026-01-01", startTime: "17:00", endDate: "2035-12-31"}
connections:
  crm-s3:
    destination: amazon_s3
    auth: {specName: Access Key, params: {s3AccessKey: AKIAFAKEFAKEFAKEFAKE, s3SecretKey: "${env:S3_SECRET}"}}
entries:
  - kind: audience-export
    name: "Flow ${row.n}"
    tags: [flows]
    foreach: {rows: [ROWS]}
    connection: crm-s3
    target: {bucketName: "${vars.bucket}", path: "exports/${row.n}", fileType: CSV, compression: GZIP}
    audiences: [{id: "${row.id}", exportMode: DAILY_FULL_EXPORT, schedule: "${vars.daily}"}]
    attributes: [personalEmail.address]
"""
ACTIVATION = """\
  - kind: activation
    name: now
    destinations:
DESTINATIONS
"""
S3_SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYfakesecret"
AUDIENCE = "9f7d37fd-7039-4454-94ef-2b0cd6c3{:04x}"


def write_manifest(folder, flows=3, activation=False, name="small.yaml"):
    rows = ", ".join(f'{{n: "{n}", id: {AUDIENCE.format(n)}}}' for n in range(flows))
    text = MANIFEST.replace("ROWS", rows)
    if activation:
        pairs = "\n".join(f"      Flow {n}: [{AUDIENCE.format(n)}]" for n in range(flows))
        text += ACTIVATION.replace("DESTINATIONS", pairs)
    # A name of its own: tests share a platform, and what bears the same marker is the same object.
    text = text.replace("name: small", f"name: small-{folder.name.replace('_', '-')}")
    path = folder / name
    path.write_text(text)
    return path


@dataclass
class Done:
    code: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out)


def environment(extra=None):
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("HEADGATE_", "AEP_"))}
    return {**kept, "S3_SECRET": S3_SECRET, "COLUMNS": "100", **(extra or {})}


def headgate(*args, cwd, env=None, stdin="", timeout=60):
    """Run the command; no traceback may ever be seen."""
    done = run(map(str, args), cwd=cwd, env=environment(env), stdin=stdin, timeout=timeout)
    assert "Traceback" not in done.stderr + done.stdout, done.stderr
    return Done(done.returncode, done.stdout, done.stderr)


def start(*args, cwd, env=None):
    return Forked(map(str, args), cwd=cwd, env=environment(env))


def finish(process):
    out, err = process.communicate(timeout=60)
    assert "Traceback" not in err, err
    return Done(process.returncode, out, err)


@contextmanager
def platform(cwd, *args):
    """``headgate simulate`` in another process; gives the environment that leads to it."""
    process = start("simulate", "--json", *args, cwd=cwd)
    try:
        yield json.loads(process.stdout.readline())["environment"]
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)


def until(check, seconds=20.0):
    """Wait for ``check()`` to be true."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = check()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError("it did not come to pass")
