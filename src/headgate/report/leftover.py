"""Which rows of a run are to be done again: those that failed, were skipped or held. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from headgate.manifest.narrow import Rows
from headgate.report.build import View

if TYPE_CHECKING:
    from headgate.engine.record import Past
    from headgate.planning.outline import Outline

#: Statuses of items and outcomes of pairs that leave something to do.
LEFT: Final = frozenset({"failed", "skipped", "held"})


def leftover(outline: Outline, past: Past, statuses: frozenset[str] = LEFT) -> Rows:
    """The rows of a run with one of ``statuses``, in the words of its manifest."""
    view = View(outline, past)
    items: set[str] = set()
    made: dict[str, str] = {}
    for row, line in enumerate(outline.items):
        result = view.item(row)
        if result.status in statuses:
            items.add(line.item)
        elif "flow" in result.ids:
            made[line.item] = result.ids["flow"]
    pairs: dict[str, list[tuple[str, str]]] = {}
    for pair, outcome in zip(outline.pairs, view.pairs(), strict=True):
        if outcome.outcome in statuses:
            pairs.setdefault(_activation(outline.jobs[pair.job].key), []).append((pair.destination, pair.audience))
    flows: dict[str, list[str]] = {}
    for selection in outline.selections:
        found = view.chosen_by(selection)
        left = [result for result in found if result.status in statuses]
        if left and view.has_chosen(selection):
            flows[selection.item] = [result.ids.get("flow") or result.item for result in left]
        elif left:
            flows[selection.item] = []
    return Rows(frozenset(items), pairs, flows, made)


def _activation(key: str) -> str:
    """The item of an ad-hoc job: its key is ``adhoc:<item>:<number>``."""
    return key.partition(":")[2].rpartition(":")[0]
