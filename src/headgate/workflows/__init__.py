"""Workflows: what each entry kind becomes (jobs and edges), and what an answer means to a job.

Owns the entry kinds, the procedures their jobs follow, and the packing of ad-hoc pairs. Refuses retries, pacing, the
network, stores and clocks: it is told what time it is and what was answered, and says what to do next.

A new entry kind is a grammar (``headgate.manifest.kinds``) and a module here with ``compile_item``, with a line in
``compile.COMPILERS``; a new kind of job is a module with a ``Procedure`` and a line in :data:`PROCEDURES`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from headgate.planning.model import DATASETS
from headgate.workflows import (
    adhoc,
    check,
    create,
    dataset_check,
    dataset_source,
    datasets,
    delete,
    find,
    flow_change,
    flow_retry,
    flow_switch,
    listing,
    select,
    selectors,
    verdict,
    watch,
)
from headgate.workflows.contract import Procedure

if TYPE_CHECKING:
    from collections.abc import Mapping

PROCEDURES: Final[Mapping[str, Procedure]] = {
    "create": create.PROCEDURE,
    "list": Procedure(listing.advance),
    DATASETS: Procedure(datasets.advance),
    "dataset-source": Procedure(dataset_source.advance),
    "dataset-check": Procedure(dataset_check.advance),
    "find": Procedure(find.advance),
    "selectors": Procedure(selectors.advance),
    "check": Procedure(check.advance),
    "adhoc": adhoc.PROCEDURE,
    "order": Procedure(verdict.in_order),
    "select": Procedure(select.advance),
    "flow-change": Procedure(flow_change.advance),
    "flow-switch": Procedure(flow_switch.advance),
    "flow-retry": Procedure(flow_retry.advance),
    "watch": Procedure(watch.advance),
    "verdict": Procedure(verdict.advance),
    "delete": delete.PROCEDURE,
}
