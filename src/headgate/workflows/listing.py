"""List a collection once before anything is created in it, and find what bears this manifest's marks.

Objects may exist that the state store knows nothing of: it was lost, or another machine made them. One listing of a
collection tells, at a request for each hundred objects, where a look-up by name would be one for each object.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from headgate.classes import frozen
from headgate.exchange import Answer, Call, Verdict
from headgate.planning.marker import scope_prefix
from headgate.planning.model import LISTING, Job
from headgate.workflows.contract import Ask, Context, Ending, Phase, Settle, Signal, Step, failed
from headgate.workflows.dialects import DIALECTS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headgate.planning.builder import Builder

#: The role by which a creation finds its collection's listing.
LISTED: Final = "listed"
#: Above this a listing is taken for endless: a million objects at 100 a page.
PAGES: Final = 10_000
_MARK = re.compile(r"\[headgate:[0-9a-f]{24}\]")


@frozen
class ListSpec:
    """Which collection, and the beginnings of the marks that are of interest."""

    collection: str
    prefixes: tuple[str, ...]


def listing(plan: Builder, collection: str) -> int:
    """The job that lists ``collection`` for this plan."""
    if (made := plan.find(f"list:{collection}")) is not None:
        return made
    prefixes = (scope_prefix(plan.sandbox, plan.manifest), scope_prefix(plan.sandbox, ""))
    return plan.add(
        Job(
            f"list:{collection}",
            LISTING,
            LISTED,
            ListSpec(collection, prefixes),
            requests=(f"GET {DIALECTS[collection].path}",),
        ),
    )


def advance(ctx: Context, phase: Phase, signal: Signal | Answer) -> Step:
    """The procedure of a listing. Its output is ``{"objects": {mark: [id, …]}}``, the oldest of each mark first."""
    if not isinstance(signal, Answer):
        return _page(ctx.spec, {"tokens": [], "found": []})
    if signal.verdict is not Verdict.OK:
        return failed(signal.problem)
    spec: ListSpec = ctx.spec
    collection = DIALECTS[spec.collection]
    seen = collection.seen(signal.body)
    if seen is None:
        # Never an empty list: "there is no such object" is what makes somebody create it again.
        return failed(None, f"the list of {spec.collection} cannot be read", code="headgate-list")
    found = [
        *phase["found"],
        *(
            [mark, one.created, one.id]
            for one in seen
            for mark in _MARK.findall(one.marked)
            if mark.startswith(spec.prefixes)
        ),
    ]
    token = collection.after(signal.body, phase["tokens"][-1] if phase["tokens"] else "")
    page = signature([one.id for one in seen])
    if token in phase["tokens"] or len(phase["tokens"]) >= PAGES or repeats(phase, page, token):
        return failed(None, f"the list of {spec.collection} does not end", code="headgate-list")
    if token:
        return _page(spec, {"tokens": [*phase["tokens"], token], "found": found, "page": page})
    objects: dict[str, list[str]] = {}
    for mark, _, remote in sorted(found):
        if remote not in objects.setdefault(mark, []):
            objects[mark].append(remote)
    return Settle(Ending.SUCCEEDED, {"objects": objects} if objects else {})


def signature(ids: Sequence[str]) -> list[Any]:
    """What a page is known by: the same twice in a row means that a list gives one page for ever."""
    return [len(ids), ids[0], ids[-1]] if ids else []


def repeats(phase: Phase, page: list[Any], following: str) -> bool:
    """Whether ``page`` is the one before it once more (``page`` in ``phase``), and says that another follows."""
    return bool(following and page and page == phase.get("page"))


def _page(spec: ListSpec, phase: Phase) -> Ask:
    of = DIALECTS[spec.collection]
    query = of.page(phase["tokens"][-1] if phase["tokens"] else "")
    call = Call("GET", of.service, of.path, f"GET {of.path}", "lookup", query=query, headers=of.listed_with)
    return Ask(call, phase)


def listed(inputs: Any, mark: str) -> list[str]:
    """The ids of the objects that bear ``mark``, by a creation's inputs; the oldest first."""
    of = inputs.get(LISTED)
    return [str(remote) for remote in of.get("objects", {}).get(mark, ())] if of else []
