"""List a whole collection: what bears headgate's mark, and who uses what, whoever made it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from headgate.exchange import Answer, Call, Verdict
from headgate.workflows.collections import COLLECTIONS
from headgate.workflows.contract import Ask, Context, Ending, Phase, Settle, Signal, Step, failed
from headgate.workflows.listing import PAGES, repeats, signature
from headgate.workflows.reading import part, rows, text
from headgate.workflows.runs import LATEST_MS, items_of

#: The collections that are swept: of Flow Service, where descriptions bear the mark.
SWEPT: Final = tuple(name for name, where in COLLECTIONS.items() if where.marked and where.service == "flow")
_MARK = re.compile(r"\[headgate:[0-9a-f]{24}\]")


@dataclass(frozen=True, slots=True)
class SweepSpec:
    """Which collection."""

    collection: str


def advance(ctx: Context, phase: Phase, signal: Signal | Answer) -> Step:
    """The procedure of a sweep. Its output is ``{"objects": [[id, name, createdAt, mark, [used id, …]], …]}``.

    ``createdAt`` is in milliseconds, 0 when absent; ``mark`` is empty for what is not headgate's.
    """
    spec: SweepSpec = ctx.spec
    if not isinstance(signal, Answer):
        return _page(spec, {"tokens": [], "found": []})
    if signal.verdict is not Verdict.OK:
        return failed(signal.problem)
    if not isinstance(part(signal.body).get("items"), list):
        return failed(None, f"the list of {spec.collection} has no items", code="headgate-list")
    found = [*phase["found"], *(_seen(item) for item in rows(signal.body, "items") if text(item.get("id")))]
    token = items_of(signal.body)[1]
    page = signature([row[0] for row in found[len(phase["found"]) :]])
    if token in phase["tokens"] or len(phase["tokens"]) >= PAGES or repeats(phase, page, token):
        return failed(None, f"the list of {spec.collection} does not end", code="headgate-list")
    if token:
        return _page(spec, {"tokens": [*phase["tokens"], token], "found": found, "page": page})
    once = {str(row[0]): row for row in found}  # a list that changes while it is read may show an object twice
    return Settle(Ending.SUCCEEDED, {"objects": list(once.values())})


def _page(spec: SweepSpec, phase: Phase) -> Ask:
    where = COLLECTIONS[spec.collection]
    query: list[tuple[str, str]] = [("limit", "100")]
    if phase["tokens"]:
        query.append(("continuationToken", phase["tokens"][-1]))
    return Ask(
        Call("GET", where.service, where.path, f"GET {where.path}", "lookup", query=tuple(query)),
        phase,
    )


def _seen(item: Mapping[str, Any]) -> list[Any]:
    marks = _MARK.findall(text(item.get("description")))
    created = item.get("createdAt")
    at_ms = int(created) if isinstance(created, (int, float)) and 0 <= created < LATEST_MS else 0
    return [item["id"], text(item.get("name")), at_ms, marks[-1] if marks else "", sorted(_used(item))]


def _used(item: Mapping[str, Any]) -> set[str]:
    """The ids of what an object refers to."""
    inherited = part(item, "inheritedAttributes")
    found = {text(item.get("baseConnectionId")), text(part(inherited, "baseConnection").get("id"))}
    for key in ("sourceConnectionIds", "targetConnectionIds"):
        ids = item.get(key)
        found |= {text(one) for one in ids} if isinstance(ids, list) else set()
    for key in ("sourceConnections", "targetConnections"):
        found |= {text(part(row, "baseConnection").get("id")) for row in rows(inherited, key)}
    return found - {""}
