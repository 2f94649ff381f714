"""Plans to drive, with real sizes: groves of ``base -> source, target -> flow``, twenty to a base, and plain chains."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from headgate.planning.builder import Builder
from headgate.planning.marker import described, marker
from headgate.planning.model import ItemRow, Job, Plan
from headgate.workflows.create import CreateSpec

if TYPE_CHECKING:
    from collections.abc import Callable

#: About what a POST to Flow Service carries; ids that are filled in come on top.
BODY_BYTES = 600
ITEMS_PER_BASE = 20
MANIFEST = "benchmark"
SANDBOX = "dev"
_SOME_ID = "00000000-0000-4000-8000-000000000000"
_COLLECTIONS = {
    "baseConnection": "connections",
    "sourceConnection": "sourceConnections",
    "targetConnection": "targetConnections",
    "flow": "flows",
}
#: What the links of a chain are, over and over.
_OF_CHAIN = tuple(_COLLECTIONS)
#: Where the id of what a job needs goes in its body.
_REFS = {"base": "baseConnectionId", "source": "sourceConnectionIds[]", "target": "targetConnectionIds[]"}


def items_for(jobs: int) -> int:
    """How many items make about ``jobs`` jobs: three each, and a base for every twenty."""
    return max(1, round(jobs / (3 + 1 / ITEMS_PER_BASE)))


def grove(items: int) -> Plan:
    """The plan of ``items`` items, its jobs as they are."""
    jobs: list[Job] = []
    rows: list[ItemRow] = []
    _grow(items, _into(jobs), rows.append)
    return Plan(MANIFEST, SANDBOX, tuple(jobs), tuple(rows), (), (), f"{items:032x}")


def compiled(items: int) -> Plan:
    """The same plan, put together as a manifest's is: packed, where it is large."""
    builder = Builder(MANIFEST, SANDBOX)
    _grow(items, builder.add, builder.row)
    jobs, rows, fingerprint = builder.closed()
    return Plan(MANIFEST, SANDBOX, jobs, rows, (), (), str(fingerprint))


def _into(jobs: list[Job]) -> Callable[[Job], int]:
    """What puts a job at the end of ``jobs``, and gives its index."""

    def add(job: Job) -> int:
        jobs.append(job)
        return len(jobs) - 1

    return add


def _grow(items: int, add: Callable[[Job], int], row: Callable[[ItemRow], None]) -> None:
    base = -1
    for index in range(items):
        if index % ITEMS_PER_BASE == 0:
            base = _create(add, "baseConnection", f"base:{index // ITEMS_PER_BASE}", -1)
        name = f"item {index:06d}"
        source = _create(add, "sourceConnection", f"source:{name}", index, base=base)
        target = _create(add, "targetConnection", f"target:{name}", index, base=base)
        flow = _create(add, "flow", f"flow:{name}", index, source=source, target=target)
        roles = {"baseConnection": base, "sourceConnection": source, "targetConnection": target, "flow": flow}
        row(ItemRow("exports", name, "audience-export", f"benchmark.csv:{index + 2}", roles))


def chains(count: int, length: int, before: Plan | None = None) -> Plan:
    """The plan of ``count`` chains in which each of ``length`` objects needs the one before it.

    They stand behind all that ``before`` plans, where there is any.
    """
    jobs = list(before.jobs) if before else []
    rows = list(before.items) if before else []
    add = _into(jobs)
    for number in range(count):
        name, item, made = f"chain {number:04d}", len(rows), -1
        for step in range(length):
            role = _OF_CHAIN[step % len(_OF_CHAIN)]
            made = _create(add, role, f"{name} link {step:03d}", item, **({"base": made} if step else {}))
        rows.append(ItemRow("chains", name, "audience-export", "benchmark:2", {"flow": made}))
    return Plan(MANIFEST, SANDBOX, tuple(jobs), tuple(rows), (), (), f"{count * length:032x}")


def bodies(plan: Plan) -> list[dict[str, Any]]:
    """What the plan's jobs post, in order, with ids filled in: for those who post without a plan."""
    found = []
    for job in plan.jobs:
        body = dict(job.spec.body)
        for path, _ in job.spec.refs:
            body[path.removesuffix("[]")] = [_SOME_ID] if path.endswith("[]") else _SOME_ID
        found.append(body)
    return found


def _create(add: Callable[[Job], int], role: str, key: str, item: int, **needs: int) -> int:
    collection, mark = _COLLECTIONS[role], marker(SANDBOX, MANIFEST, key)
    spec = CreateSpec(collection, _body(key, mark, role), mark, tuple((_REFS[need], need) for need in needs))
    return add(Job(
        key, "create", role, spec, item, needs=needs, collection=collection, digest=mark[10:-1],
        requests=(f"POST /{collection}",),
    ))  # fmt: skip


def _body(name: str, mark: str, role: str) -> dict[str, Any]:
    body: dict[str, Any] = {
        "name": name,
        "connectionSpec": {"id": "4fce964d-3f37-408f-9778-e597338a21ee", "version": "1.0"},
        "params": {
            "mode": "Server-to-server",
            "bucketName": "benchmark",
            "path": f"exports/{name}",
            "compression": "NONE",
            "fileType": "CSV",
        },
        "description": "",
    }
    if role == "flow":  # what clients insist on
        del body["connectionSpec"]
        body["flowSpec"] = {"id": "1a0514a6-33d4-4c7f-aff8-594799c47549", "version": "1.0"}
        body |= {"sourceConnectionIds": [_SOME_ID], "targetConnectionIds": [_SOME_ID]}
    missing = BODY_BYTES - len(orjson.dumps(body)) - len(mark) - 1
    body["description"] = described("x" * missing, mark)
    return body
