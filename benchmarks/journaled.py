"""A run that has come far, in a store, as it is when its process was killed: nearly every job journaled and settled."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import headgate
from headgate.engine.record import Made, Record, settled_data
from headgate.planning import kept
from headgate.planning.outline import Outline
from headgate.store import RunRow, open_store
from headgate.workflows.contract import Ending

if TYPE_CHECKING:
    from pathlib import Path

    from headgate.planning.model import Job, Plan

ORG = "benchmark@AdobeOrg"
KEY = "Benchmark/Secret+Key/that/means/nothing0"
#: Jobs that one row of the manifest makes.
JOBS_OF_ROW = 5
#: What is left to do, of all jobs.
LEFT = 0.001
#: Records between two waits for the disk.
_GROUP = 10_000
_MANIFEST = """\
headgate: 1
name: benchmark
sandbox: dev
connections:
  bucket:
    destination: amazon_s3
    auth: {specName: Access Key, params: {s3AccessKey: "${env:S3_ACCESS}", s3SecretKey: "${env:S3_SECRET}"}}
entries:
  - kind: audience-export
    name: "Export ${row.name}"
    foreach: {csv: rows.csv}
    connection: bucket
    target: {bucketName: "${row.bucket}", path: "a/${row.id}"}
    audiences:
      - id: "${row.id}"
        exportMode: DAILY_FULL_EXPORT
        schedule:
          {frequency: DAILY, triggerType: SCHEDULED, startDate: "2026-01-01", startTime: "17:00", endDate: "2035-12-31"}
    attributes: [person.name.firstName, person.name.lastName]
    mandatoryFields: [person.name.firstName]
"""
ENV = {"S3_ACCESS": "AKIAABCDEFGHIJKLMNOP", "S3_SECRET": KEY}


def planned(folder: Path, jobs: int) -> Plan:
    """The plan of a manifest in ``folder`` that makes about so many jobs."""
    return headgate.plan(headgate.load(written(folder, jobs), env=ENV))


def written(folder: Path, jobs: int) -> Path:
    """A manifest in ``folder`` that makes about so many jobs, and the file of its rows."""
    with (folder / "rows.csv").open("w") as file:
        file.write("id,name,bucket\n")
        file.writelines(
            f"{number:08x}-0000-4000-8000-000000000000,Audience {number},bucket-{number % 40}\n"
            for number in range(1, max(2, jobs // JOBS_OF_ROW) + 1)
        )
    path = folder.absolute() / "manifest.yaml"
    path.write_text(_MANIFEST)
    return path


async def journaled(plan: Plan, where: str) -> int:
    """A run of ``plan`` in the store at ``where``, all but :data:`LEFT` of it done; how many records it has."""
    store = open_store(where, org=ORG)
    try:
        path = str(plan.source["path"])
        args = {**plan.source, "path": path, "simulate": False, "platform": "local"}
        run = RunRow(
            "benchmark", plan.manifest, path, plan.sandbox, plan.fingerprint, "running", time.time(), args=args
        )
        store.begin(run, Outline.of(plan).packed(), kept.packed(plan))
        journal = store.journal(run.id)
        records = 0
        left = max(2, int(len(plan.jobs) * LEFT))
        for index, job in enumerate(plan.jobs[:-left]):
            for record in records_of(index, job):
                journal.append(record)
                records += 1
            if index % _GROUP == 0:
                await journal.flush()
        await journal.flush()
        journal.close()
        store.finish(run.id, "interrupted", time.time(), left, {})
    finally:
        store.close()
    return records


def records_of(index: int, job: Job) -> list[Record]:
    """An intent, where the job changes something, and its end."""
    remote = f"{index:08x}-0000-4000-8000-000000000000"
    output = {"id": remote, "etag": f'"{index:08x}-0"'} if job.collection else {}
    intent = Record("intent", index, {"at": "post", "posts": 1}, _made(job, ""))
    settled = Record("settled", index, settled_data(Ending.SUCCEEDED, output, None, (), None), _made(job, remote))
    return [intent, settled] if job.kind in ("create", "selectors") else [settled]


def _made(job: Job, remote: str) -> Made | None:
    if not job.collection:
        return None
    return Made(job.spec.marker, job.collection, remote, job.spec.name, job.digest)
