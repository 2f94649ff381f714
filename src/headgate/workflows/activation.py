"""``activation``: fire (destination, audience) pairs in ad-hoc jobs of at most 80 (seed 003; facts 4).

Jobs of an entry: one check per flow (the validation GET, kept with its schedules), then the packed ad-hoc jobs, which
wait for the checks of their flows but are only skipped pair by pair when one fails.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headgate.planning.model import AdhocNote, Job, PairRow
from headgate.workflows.adhoc_request import EXPORT_JOB
from headgate.workflows.check import CheckSpec
from headgate.workflows.find import FindSpec
from headgate.workflows.packing import pack

if TYPE_CHECKING:
    from headgate.manifest.model import Item
    from headgate.planning.builder import Builder


def compile_item(item: Item, entry: str, plan: Builder) -> None:
    """Add the jobs and rows of one activation."""
    pairs = [(str(pair[0]), str(pair[1])) for pair in item.body["pairs"]]
    version = int(item.body.get("apiVersion", 2))
    wait = bool(item.body.get("wait", True))
    first = len(plan.pairs)
    flows = {destination: _flow(plan, destination) for destination, _ in pairs}
    packing = pack([audience for _, audience in pairs], plan.pairs_per_job)
    needs: dict[str, int] = {}
    export_ids = item.body.get("exportIds")
    if version == 1 and not isinstance(export_ids, (list, tuple)):
        needs[EXPORT_JOB] = plan.add(
            Job("export-job", "find", "exportJob", FindSpec("export-job"), requests=("GET /export/jobs",)),
        )
    of_pair: dict[int, int] = {}
    for number, indexes in enumerate(packing.jobs, 1):
        roles = {pairs[index][0] for index in indexes}
        spec = {
            "pairs": [[first + index, *pairs[index]] for index in indexes],
            "version": version,
            "wait": wait,
        }
        if version == 1 and EXPORT_JOB not in needs:
            spec["exportIds"] = [str(one) for one in export_ids or ()]
        key = f"adhoc:{item.name}:{number}"
        job = plan.add(
            Job(
                key,
                "adhoc",
                "adhoc",
                spec,
                needs=dict(needs),
                after={role: flows[role] for role in sorted(roles)},
                requests=("GET /runs", "POST /adhocrun", "GET /runs"),
            ),
        )
        of_pair.update(dict.fromkeys(indexes, job))
    plan.pairs.extend(
        PairRow(entry, destination, audience, flows[destination], of_pair[index])
        for index, (destination, audience) in enumerate(pairs)
    )
    plan.adhoc.append(
        AdhocNote(
            entry,
            len(pairs),
            len({audience for _, audience in pairs}),
            len(packing.jobs),
            packing.minimal,
            packing.why,
            new_flows=any(plan.find_item(destination) for destination in flows),
        )
    )


def _flow(plan: Builder, destination: str) -> int:
    """The job that reads ``destination``'s flow: an item's own check, or a check of an existing flow."""
    row = plan.find_item(destination)
    if row is None:
        key = f"check:{destination}"
        return plan.add(
            Job(key, "check", "check", CheckSpec(facts=True, flow=destination), requests=("GET /flows/{id}",)),
        )
    check = plan.jobs[row.jobs["check"]]
    if not check.spec.facts:
        plan.amend(row.jobs["check"], CheckSpec(check.spec.wanted, facts=True))
    return row.jobs["check"]
