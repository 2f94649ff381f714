"""A plan: the frozen list of jobs with their edges, and the rows a person asked for. Pure data."""

from __future__ import annotations

from collections import Counter
from dataclasses import field
from typing import TYPE_CHECKING, Any

from headgate.classes import frozen, mutable

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

#: The kind of jobs that list a collection for the creations that need them.
LISTING = "list"
#: The kind, and the role, of the job that lists a sandbox's datasets for the exports that choose theirs by name.
DATASETS = "datasets"


@mutable
class Job:
    """One intended effect.

    ``key`` names it for ever (a journal refers to it); ``role`` says what it makes for its item (``flow``,
    ``targetConnection`` …); ``needs`` are jobs whose output it takes and whose failure skips it, by role;
    ``after`` are jobs it waits for and whose failure it only hears of. Both hold indexes into the plan's jobs.
    ``item`` is -1 for what several items share. ``collection`` is set for jobs that create an object there, and
    ``digest`` is that of its content without secrets. ``requests`` are the endpoints it asks when all goes well.
    """

    key: str
    kind: str
    role: str
    spec: Any
    item: int = -1
    needs: dict[str, int] = field(default_factory=dict)
    after: dict[str, int] = field(default_factory=dict)
    collection: str = ""
    digest: str = ""
    requests: tuple[str, ...] = ()


@frozen
class ItemRow:
    """One row of the report's ``items``: an item of a resource entry and the jobs that make it, by role."""

    entry: str
    item: str
    kind: str
    place: str
    jobs: Mapping[str, int]
    known: Mapping[str, str] = field(default_factory=dict)


@frozen
class PairRow:
    """One row of the report's ``activations``: a requested pair. ``flow`` is the job that knows its flow."""

    entry: str
    destination: str
    audience: str
    flow: int
    job: int


@frozen
class SelectionRow:
    """An item that chooses flows while running: its rows of the report are those flows. ``job`` does the choosing."""

    entry: str
    item: str
    kind: str
    place: str
    job: int


@frozen
class AdhocNote:
    """How one activation entry was packed."""

    entry: str
    pairs: int
    audiences: int
    jobs: int
    minimal: bool
    why: str
    new_flows: bool


@frozen
class Plan:
    """What will be done. ``fingerprint`` is the same for the same manifest and nothing but the same."""

    manifest: str
    sandbox: str
    jobs: Sequence[Job]
    items: Sequence[ItemRow]
    pairs: Sequence[PairRow]
    adhoc: Sequence[AdhocNote]
    fingerprint: str
    options: Mapping[str, Any] = field(default_factory=dict)
    #: Where it came from, so that it can be made again: ``path``, ``set``, ``select``, ``tags`` (JSON, no secrets).
    source: Mapping[str, Any] = field(default_factory=dict)
    #: What chooses flows while running.
    selections: Sequence[SelectionRow] = ()
    #: What it can be made from again where there is no manifest to make it from; kept in its outline (JSON).
    again: Mapping[str, Any] = field(default_factory=dict)
    #: Objects that are made anew although they exist, by job: the id of the one whose place is taken.
    replaces: Mapping[int, str] = field(default_factory=dict)
    #: What tells whether the same plan would be made again, without making it (JSON, nothing of secrets); ``None``
    #: where nothing can tell.
    inputs: Mapping[str, Any] | None = None
    #: Entries whose jobs go before others, or after, by name; the others have 0.
    priorities: Mapping[str, int] = field(default_factory=dict)
    #: The jobs that were made from secrets, by index; ``None`` where nobody has looked.
    secret: Sequence[int] | None = None

    @property
    def requests(self) -> Counter[str]:
        """Requests by endpoint if nothing goes wrong; polls are counted once for each job that polls."""
        count: Counter[str] = Counter()
        for job in self.jobs:
            count.update(job.requests)
        return count


def needless(jobs: Sequence[Job], existing: Collection[int], among: Iterable[int] | None = None) -> set[int]:
    """Listings that nothing will ask: all creations that need them are ``existing`` already.

    ``among`` are the jobs to look at, where the others are over.
    """
    looked = range(len(jobs)) if among is None else list(among)
    lists = {index for index in looked if jobs[index].kind in (LISTING, DATASETS)}
    if not lists:
        return lists
    asked = {edge for index in looked if index not in existing for edge in jobs[index].needs.values() if edge in lists}
    return lists - asked
