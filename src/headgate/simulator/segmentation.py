"""Segmentation's export jobs: a list in its own shape, with numeric ids (facts 5.1).

The jobs follow from the seed: the newest is not of profiles, one that succeeded holds errors, one is still
going on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headgate.simulator.reply import Ask, Reply, generic

if TYPE_CHECKING:
    from headgate.simulator.world import World

BASE = "/data/core/ups"
_PROFILE = "_xdm.context.profile"


def export_jobs(world: World) -> list[dict[str, Any]]:
    """Every export job, newest first. Times are milliseconds, whatever the documents call them."""
    born_ms = int((world.born_at or 0.0) * 1000)
    rows = [
        ("_xdm.context.experienceevent", "SUCCEEDED", 1, False),
        (_PROFILE, "PROCESSING", 1, False),
        (_PROFILE, "SUCCEEDED", 2, True),
        (_PROFILE, "FAILED", 26, True),
        (_PROFILE, "SUCCEEDED", 50, False),
    ]
    jobs = []
    for index, (schema, status, hours_ago, errors) in enumerate(rows):
        at = born_ms - hours_ago * 3_600_000
        errs = [{"code": "0100000003", "msg": "Error in Export Job", "callStack": "..."}] if errors else []
        jobs.append(
            {
                "id": 100_000 + world.options.seed % 1000 * 10 + len(rows) - index,
                "jobType": "BATCH",
                "destination": {
                    "datasetId": "5b7c86968f7b6501e21ba9df",
                    "segmentPerBatch": False,
                    "batchId": "da5cfb4d",
                },
                "fields": "identities.id,personalEmail.address",
                "schema": {"name": schema},
                "imsOrgId": world.credentials.org_id,
                "status": status,
                "filter": {"segments": []},
                "mergePolicy": {"id": "timestampOrdered-none-mp", "version": 1},
                "profileInstanceId": "ups",
                "errors": errs,
                "metrics": {},
                "computeGatewayJobId": {"exportJob": ""},
                "creationTime": at,
                "updateTime": at + 600_000,
                "requestId": f"req-{index}",
            }
        )
    return jobs


def profile_export_ids(world: World) -> set[str]:
    """Ids, as strings, that ad-hoc v1 takes: profile jobs that succeeded."""
    return {
        str(job["id"])
        for job in export_jobs(world)
        if job["schema"]["name"] == _PROFILE and job["status"] == "SUCCEEDED"
    }


def handle(world: World, ask: Ask) -> Reply:
    """Answer a request under ``BASE``."""
    match [ask.method, *ask.path.split("/")]:
        case ["GET", "export", "jobs"]:
            return _list(world, dict(ask.query))
        case ["GET", "export", "jobs", job_id]:
            for job in export_jobs(world):
                if str(job["id"]) == job_id:
                    return Reply(200, job)
            raise generic(404, "NotFoundError", "Export job not found.")
        case _:
            raise generic(404, "NotFoundError", "Resource not found.", violation="path")


def _list(world: World, query: dict[str, str]) -> Reply:
    jobs = export_jobs(world)
    status = query.get("status")
    if status is not None:
        if status not in ("NEW", "SUCCEEDED", "FAILED"):
            raise generic(400, "BadRequestError", "status must be NEW, SUCCEEDED or FAILED", violation="query")
        jobs = [job for job in jobs if job["status"] == status]
    limit = query.get("limit", "10")  # no document gives it an upper bound
    if not limit.isdigit() or int(limit) < 1:
        raise generic(400, "BadRequestError", "limit must be a positive integer", violation="query")
    size = int(limit)
    offset = query.get("offset")  # opaque: creation time and id of the last record of the page before
    if offset is not None:
        marks = [_mark(job) for job in jobs]
        if offset not in marks:
            raise generic(400, "BadRequestError", "offset is not valid", violation="query")
        jobs = jobs[marks.index(offset) + 1 :]
    shown, more = jobs[:size], len(jobs) > size
    last = _mark(shown[-1]) if shown else ""
    next_link = f"/export/jobs?limit={size}&offset={last}" if more else ""
    return Reply(
        200,
        {
            "records": shown,
            "page": {"sortField": "createdTime", "sort": "desc", "pageOffset": last, "pageSize": size},
            "link": {"next": next_link},
        },
    )


def _mark(job: dict[str, Any]) -> str:
    return f"{job['creationTime']}_{job['id']}"
