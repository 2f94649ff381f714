"""List the sandbox's datasets once a run, for the exports that choose theirs by name (facts 7.1).

The service pages by ``start``, and a page may hold fewer than were asked for: the next one begins after what came,
not after what was asked.
"""

from __future__ import annotations

import re
from fnmatch import translate
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from headgate.classes import frozen
from headgate.exchange import Answer, Call, Verdict
from headgate.planning.model import DATASETS, Job
from headgate.workflows.contract import Ask, Context, Ending, Phase, Settle, Signal, Step, failed
from headgate.workflows.listing import PAGES, repeats, signature
from headgate.workflows.reading import part, rows, text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from headgate.planning.builder import Builder

#: The most the service gives at once.
LIMIT: Final = 100
#: Patterns that nothing fits for which a name is guessed: a guess compares with every name there is.
GUESSES: Final = 3
_ENDPOINT: Final = "GET /connectionSpecs/{id}/configs"


@frozen
class DatasetListSpec:
    """``patterns`` are all the name patterns of the plan: what fits none of them is not kept."""

    patterns: tuple[str, ...]


def dataset_listing(plan: Builder, patterns: Iterable[str]) -> int:
    """The plan's one listing of datasets, which from now on keeps what fits ``patterns`` too."""
    index = plan.add(Job("list:datasets", DATASETS, DATASETS, DatasetListSpec(()), requests=(_ENDPOINT,)))
    plan.amend(index, DatasetListSpec(tuple(dict.fromkeys((*plan.jobs[index].spec.patterns, *patterns)))))
    return index


@lru_cache(maxsize=64)
def fitting(patterns: tuple[str, ...]) -> Callable[[str], object]:
    """What tells whether a name fits one of the patterns (``*``, ``?``, ``[…]``; case counts): truthy, or ``None``.

    One expression for all of them: a plan may have a pattern for each item, and a sandbox thousands of datasets.
    """
    if not patterns:
        return lambda _name: None
    return re.compile("|".join(map(translate, patterns))).match


def advance(ctx: Context, phase: Phase, signal: Signal | Answer) -> Step:
    """The procedure.

    Its output is ``{"datasets": [[id, name], …], "of": number of all, "near": {pattern: name}}``: by id what fits, and
    for a pattern that nothing fits a name that was perhaps meant.
    """
    if not isinstance(signal, Answer):
        return _page({"start": 0, "pages": 0, "found": {}, "others": []})
    if signal.verdict is not Verdict.OK:
        return failed(signal.problem)
    if not isinstance(signal.body, dict) or not isinstance(signal.body.get("items"), list):
        return failed(None, "the list of datasets has no items", code="headgate-list")
    came = rows(signal.body, "items")
    spec: DatasetListSpec = ctx.spec
    found: dict[str, str] = dict(phase["found"])
    others: list[str] = list(phase["others"])
    fits = fitting(spec.patterns)
    for remote, name in ((text(item.get("id")), text(item.get("name"))) for item in came):
        if not fits(name):
            others.append(name)
        elif remote:
            found[remote] = name
    start, pages = int(phase["start"]) + len(came), int(phase["pages"]) + 1
    if _has_next(part(signal.body, "pageInfo"), start):
        page = signature([text(item.get("id")) for item in came])
        if not came or pages >= PAGES or repeats(phase, page, "more"):
            return failed(None, "the list of datasets does not end", code="headgate-list")
        return _page({"start": start, "pages": pages, "found": found, "others": others, "page": page})
    output = {"datasets": [list(row) for row in sorted(found.items())], "of": start}
    lost = (pattern for pattern in spec.patterns if not any(map(fitting((pattern,)), found.values())))
    near = {pattern: _near(pattern, others) for pattern in islice(lost, GUESSES)}
    return Settle(Ending.SUCCEEDED, {**output, "near": near} if near else output)


def _near(pattern: str, names: Sequence[str]) -> str:
    """A name that ``pattern`` was perhaps meant for: one that differs by its case, or a similar one; else ``""``."""
    from headgate.catalogue.words import nearest

    fits = fitting((pattern.casefold(),))
    return next((name for name in names if fits(name.casefold())), None) or nearest(pattern, names) or ""


def _has_next(page: Mapping[str, Any], start: int) -> bool:
    more, total = page.get("hasNext"), page.get("total")
    if isinstance(more, bool):
        return more
    return isinstance(total, int) and start < total


def _page(phase: Phase) -> Ask:
    query = (
        ("outputType", "activationDatasets"),
        ("outputField", "datasets"),
        ("start", str(phase["start"])),
        ("limit", str(LIMIT)),
        ("properties", "name,state"),
    )
    from headgate.catalogue.dataset_export import data_lake_spec  # the catalogue is read where it is asked

    path = f"/connectionSpecs/{data_lake_spec()['id']}/configs"
    return Ask(Call("GET", "flow", path, _ENDPOINT, "lookup", query=query), phase)
