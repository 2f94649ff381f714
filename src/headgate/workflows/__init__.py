"""Workflows: what each entry kind becomes (jobs and edges), and what an answer means to a job.

Owns the entry kinds, the procedures their jobs follow, and the packing of ad-hoc pairs. Refuses retries, pacing, the
network, stores and clocks: it is told what time it is and what was answered, and says what to do next.

A new entry kind is one module with ``compile_item`` and a line in :data:`KINDS`; a new kind of job is one module with
a ``Procedure`` and a line in :data:`PROCEDURES`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from headgate.workflows import adhoc, check, create, find, selectors
from headgate.workflows.contract import Procedure

PROCEDURES: Final[Mapping[str, Procedure]] = {
    "create": Procedure(create.advance),
    "find": Procedure(find.advance),
    "selectors": Procedure(selectors.advance),
    "check": Procedure(check.advance),
    "adhoc": adhoc.PROCEDURE,
}
