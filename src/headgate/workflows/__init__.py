"""Workflows: what each entry kind becomes (jobs and edges), and what an answer means to a job.

Owns the entry kinds, the procedures their jobs follow, and the packing of ad-hoc pairs. Refuses retries, pacing, the
network, stores and clocks: it is told what time it is and what was answered, and says what to do next.

A new entry kind is a grammar (``headgate.manifest.kinds``) and a module here with ``compile_item``, with a line in
``compile.COMPILERS``; a new kind of job is a module with a ``Procedure`` and a line in :data:`PROCEDURES`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from headgate.late import Late
from headgate.planning.model import DATASETS
from headgate.workflows.contract import Procedure

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headgate.workflows.contract import Advance


def _procedure(found: Procedure | Advance) -> Procedure:
    return found if isinstance(found, Procedure) else Procedure(found)


PROCEDURES: Final[Mapping[str, Procedure]] = Late(
    __name__,
    {
        "create": "create:PROCEDURE",
        "list": "listing:advance",
        DATASETS: "datasets:advance",
        "dataset-source": "dataset_source:advance",
        "dataset-check": "dataset_check:advance",
        "find": "find:advance",
        "selectors": "selectors:advance",
        "check": "check:advance",
        "adhoc": "adhoc:PROCEDURE",
        "order": "verdict:in_order",
        "select": "select:advance",
        "flow-change": "flow_change:advance",
        "flow-switch": "flow_switch:advance",
        "flow-retry": "flow_retry:advance",
        "watch": "watch:advance",
        "verdict": "verdict:advance",
        "delete": "delete:PROCEDURE",
    },
    _procedure,
)
