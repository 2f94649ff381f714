"""List a collection once before anything is created in it, and find what bears this manifest's marks.

Objects may exist that the state store knows nothing of: it was lost, or another machine made them. One listing of a
collection tells, at a request for each hundred objects, where a look-up by name would be one for each object.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from headgate.exchange import Answer, Call, Verdict
from headgate.planning.marker import scope_prefix
from headgate.planning.model import LISTING, Job
from headgate.workflows.contract import Ask, Context, Ending, Phase, Settle, Signal, Step, failed
from headgate.workflows.reading import rows, text
from headgate.workflows.runs import items_of

if TYPE_CHECKING:
    from headgate.planning.builder import Builder

#: The role by which a creation finds its collection's listing.
LISTED: Final = "listed"
#: Above this a listing is taken for endless: a million objects at 100 a page.
PAGES: Final = 10_000
_MARK = re.compile(r"\[headgate:[0-9a-f]{24}\]")


@dataclass(frozen=True, slots=True)
class ListSpec:
    """Which collection, and the beginnings of the marks that are of interest."""

    collection: str
    prefixes: tuple[str, ...]


def listing(plan: Builder, collection: str) -> int:
    """The job that lists ``collection`` for this plan."""
    prefixes = (scope_prefix(plan.sandbox, plan.manifest), scope_prefix(plan.sandbox, ""))
    return plan.add(
        Job(
            f"list:{collection}",
            LISTING,
            LISTED,
            ListSpec(collection, prefixes),
            requests=(f"GET /{collection}",),
        ),
    )


def advance(ctx: Context, phase: Phase, signal: Signal | Answer) -> Step:
    """The procedure of a listing. Its output is ``{"objects": {mark: [id, …]}}``, the oldest of each mark first."""
    if not isinstance(signal, Answer):
        return _page(ctx.spec, {"tokens": [], "found": []})
    if signal.verdict is not Verdict.OK:
        return failed(signal.problem)
    spec: ListSpec = ctx.spec
    if not isinstance(signal.body, dict) or not isinstance(signal.body.get("items"), list):
        # Never an empty list: "there is no such object" is what makes somebody create it again.
        return failed(None, f"the list of {spec.collection} has no items", code="headgate-list")
    found = [
        *phase["found"],
        *(
            [mark, str(item.get("createdAt")), text(item.get("id"))]
            for item in rows(signal.body, "items")
            for mark in _MARK.findall(text(item.get("description")))
            if mark.startswith(spec.prefixes) and text(item.get("id"))
        ),
    ]
    token = items_of(signal.body)[1]
    if token in phase["tokens"] or len(phase["tokens"]) >= PAGES:
        return failed(None, f"the list of {spec.collection} does not end", code="headgate-list")
    if token:
        return _page(spec, {"tokens": [*phase["tokens"], token], "found": found})
    objects: dict[str, list[str]] = {}
    for mark, _, remote in sorted(found):
        if remote not in objects.setdefault(mark, []):
            objects[mark].append(remote)
    return Settle(Ending.SUCCEEDED, {"objects": objects} if objects else {})


def _page(spec: ListSpec, phase: Phase) -> Ask:
    query: list[tuple[str, str]] = [("limit", "100")]
    if phase["tokens"]:
        query.append(("continuationToken", phase["tokens"][-1]))
    path = f"/{spec.collection}"
    return Ask(Call("GET", "flow", path, f"GET {path}", "lookup", query=tuple(query)), phase)


def listed(inputs: Any, mark: str) -> list[str]:
    """The ids of the objects that bear ``mark``, by a creation's inputs; the oldest first."""
    found = inputs.get(LISTED, {}).get("objects", {}).get(mark, ())
    return [str(remote) for remote in found]
