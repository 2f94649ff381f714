"""Old ids beside new ones: what a migration needs so that later manifests can speak of the new objects."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from headgate.report.model import Report


def ids_text(report: Report, exported: Iterable[Mapping[str, str]]) -> str:
    """CSV ``item,role,old,new``: a row for every id of ``exported`` (rows of ``headgate export --ids``).

    ``new`` is empty for what the run has not made. ``foreach: {csv: …}`` and ``pairs: {csv: …}`` read it.
    """
    made = {row.item: row.ids for row in report.items}
    file = io.StringIO()
    rows = csv.writer(file, lineterminator="\n")
    rows.writerow(["item", "role", "old", "new"])
    for row in exported:
        new = made.get(row["item"], {})
        old = {role: remote for role, remote in row.items() if role != "item" and remote}
        rows.writerows([row["item"], role, remote, new.get(role, "")] for role, remote in old.items())
    return file.getvalue()
