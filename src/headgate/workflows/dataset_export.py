"""``dataset-export``: one dataflow from the data lake to a cloud storage destination (seed 001; facts 7).

Jobs of an item::

    [list of datasets (one a run)] ─────── source connection ─┐
    destination base connection (shared) ─ target connection ─┴─ flow ─ check

The source connection names no base connection: the data lake's is the platform's own (facts 2.2).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headgate.catalogue.dataset_export import DatasetDestination, data_lake_spec, dataset_destination
from headgate.planning.model import DATASETS, ItemRow, Job
from headgate.workflows.create import CreateSpec
from headgate.workflows.dataset_check import DatasetCheckSpec
from headgate.workflows.dataset_source import SelectedSource
from headgate.workflows.datasets import dataset_listing
from headgate.workflows.objects import creation, target_connection, whole

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headgate.manifest.model import Item
    from headgate.planning.builder import Builder
    from headgate.planning.model import Plan

KIND = "dataset-export"


def compile_item(item: Item, entry: str, plan: Builder) -> None:
    """Add the jobs and the row of one item."""
    connection = item.connection
    if connection is None or connection.destination is None:
        raise ValueError(f"{item.name}: a dataset export without a destination passed the checks")
    destination = dataset_destination(connection.destination)
    if destination is None:
        raise ValueError(f"{item.name}: {connection.destination!r} cannot export datasets and passed the checks")
    index = len(plan.items)
    jobs = {"sourceConnection": _source(plan, item, index)}
    content = {"params": destination.target_params(item.body["target"])}
    target, known = target_connection(plan, item, index, destination.account, content)
    jobs |= target
    schedule = dict(item.body["scheduleParams"])
    needs = {"source": jobs["sourceConnection"], "target": jobs["targetConnection"]}
    jobs["flow"] = _flow(plan, item, index, destination, schedule, needs)
    jobs["check"] = plan.add(
        Job(
            f"check:{item.name}",
            "dataset-check",
            "check",
            DatasetCheckSpec(destination.flow_spec_id, schedule),
            index,
            needs={"flow": jobs["flow"], **needs},
            requests=("GET /flows/{id}",),
        ),
    )
    plan.row(ItemRow(entry, item.name, item.kind, item.place, jobs, known))


def _text(item: Item) -> str:
    return str(item.body.get("description") or "")


def _source(plan: Builder, item: Item, index: int) -> int:
    key, rows = f"source:{item.name}", item.body["datasets"]
    body = whole({"name": item.name, "connectionSpec": data_lake_spec()}, _text(item), plan, key)
    fixed = [{"dataSetId": row["dataSetId"], "name": row["name"]} for row in rows if "select" not in row]
    patterns = tuple(dict.fromkeys(str(row["select"]) for row in rows if "select" in row))
    if not patterns:
        made = CreateSpec("sourceConnections", {**body, "params": {"datasets": fixed}}, plan.mark(key))
        return creation(plan, key, "sourceConnection", made, index, {})
    chosen = SelectedSource(CreateSpec("sourceConnections", body, plan.mark(key)), tuple(fixed), patterns)
    needs = {DATASETS: dataset_listing(plan, patterns)}
    return creation(plan, key, "sourceConnection", chosen, index, needs, kind="dataset-source")


def _flow(
    plan: Builder,
    item: Item,
    index: int,
    destination: DatasetDestination,
    schedule: Mapping[str, Any],
    needs: Mapping[str, int],
) -> int:
    key = f"flow:{item.name}"
    body = whole(
        {
            "name": item.name,
            "flowSpec": {"id": destination.flow_spec_id, "version": destination.account.version},
            # Said although empty: the specification wants it (trap 29).
            "transformations": [],
            "scheduleParams": schedule,
        },
        _text(item),
        plan,
        key,
    )
    refs = (("sourceConnectionIds[]", "source"), ("targetConnectionIds[]", "target"))
    made = CreateSpec("flows", body, plan.mark(key), refs)
    # Other datasets are another source connection, which the flow is led to (facts 7.2).
    return creation(plan, key, "flow", made, index, needs, led=("source",))


def named_datasets(plan: Plan) -> dict[str, str]:
    """The datasets that ``plan`` names by id, and their names: what a platform that stands in for theirs must have."""
    found: dict[str, str] = {}
    for row in plan.items:
        if row.kind == KIND:
            spec = plan.jobs[row.jobs["sourceConnection"]].spec
            fixed = spec.fixed if isinstance(spec, SelectedSource) else spec.body["params"]["datasets"]
            found.update({dataset["dataSetId"]: dataset["name"] for dataset in fixed})
    return found
