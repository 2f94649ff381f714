"""``flow-update``, ``flow-action`` and ``watch``: one job that selects, and what it starts for what it finds."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from headgate.planning.model import Job, SelectionRow

if TYPE_CHECKING:
    from headgate.manifest.model import Item
    from headgate.planning.builder import Builder

FLOW_ID: Final = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
#: The kind of the job between two actions, which the second waits for.
ORDER: Final = "order"


def compile_update(item: Item, entry: str, plan: Builder) -> None:
    """Add the job and the row of one ``flow-update``."""
    body = item.body
    change = {"set": [list(pair) for pair in body["set"].items()]} if body.get("set") else {"patch": body["patch"]}
    _add(item, entry, plan, "flow-change", {"change": change})


def compile_action(item: Item, entry: str, plan: Builder) -> None:
    """Add the job and the row of one ``flow-action``."""
    action = str(item.body["action"])
    if action == "retry":
        _add(item, entry, plan, "flow-retry", {})
    else:
        _add(item, entry, plan, "flow-switch", {"action": action})


def compile_watch(item: Item, entry: str, plan: Builder) -> None:
    """Add the job and the row of one ``watch``."""
    _add(item, entry, plan, "watch", {"within": item.body["within"]})


def _add(item: Item, entry: str, plan: Builder, then: str, told: dict[str, Any]) -> None:
    body = item.body
    select = body.get("select", {})
    after: dict[str, int] = {}
    flows: list[list[str]] = []
    for written in body.get("flows", ()):
        row = None if FLOW_ID.fullmatch(written) else plan.find_item(written)
        role = ""
        if row is not None and "flow" in row.jobs:
            role = f"flow:{written}"
            after[role] = row.jobs["flow"]
        flows.append([written, role])
    spec = {
        "property": list(select.get("property", ())),
        "where": select.get("where"),
        "flows": flows,
        "then": then,
        "with": told,
    }
    key = f"{item.kind}:{item.name}"
    job = plan.add(Job(key, "select", "select", spec, after=after, requests=("GET /flows",)))
    plan.selections.append(SelectionRow(entry, item.name, item.kind, item.place, job))


def behind(plan: Builder, since: int) -> int | None:
    """The job that is over when everything from index ``since`` on is, children included; ``None`` if there is nothing.

    Where that is more than one job, another is put between, so that a thousand jobs waiting for a thousand others
    are two thousand edges and not a million.
    """
    jobs = plan.jobs[since:]
    awaited = {edge for job in jobs for edge in (*job.needs.values(), *job.after.values())}
    tail = [index for index in range(since, since + len(jobs)) if index not in awaited]
    if len(tail) < 2:
        return tail[0] if tail else None
    after = {f"{ORDER}:{index}": index for index in tail}
    return plan.add(Job(f"{ORDER}:{len(plan.jobs)}", ORDER, ORDER, {}, after=after))
