"""A plan as a graph to look at: jobs and what they wait for; where there are many, equal ones as one node with a count.

Five views, from fine to coarse; the finest with no more nodes than asked for is taken:

0. every job by itself;
1. equal chains as one: jobs of one entry that do the same, in the same state, between the same neighbours;
2. jobs of one entry that do the same, in the same state;
3. the same, whatever their states, which are counted;
4. jobs that do the same, whatever their entry.

Pure; cost O(jobs + edges) a round, and a handful of rounds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import field
from typing import TYPE_CHECKING, Any, Final

from headgate.classes import frozen
from headgate.planning.model import LISTING

if TYPE_CHECKING:
    from headgate.planning.edges import Edges

#: Nodes that fit on a page.
LIMIT: Final = 60
#: Rounds in which equal chains are told apart; a chain is hardly longer.
_ROUNDS: Final = 40
_VIEWS: Final = (
    "every job",
    "equal chains as one",
    "jobs of one entry in one state as one",
    "jobs of one entry as one",
    "jobs that do the same as one",
)


@frozen
class Shown:
    """One job as a graph sees it. ``entry`` is empty for what several share, ``name`` is its item's or its own."""

    key: str
    kind: str
    role: str
    entry: str
    name: str
    state: str


@frozen
class Node:
    """Jobs that are shown as one. ``name`` is empty where they are several; ``example`` is the first one's key."""

    id: int
    role: str
    kind: str
    entry: str
    name: str
    count: int
    example: str
    states: Mapping[str, int]


@frozen
class Edge:
    """``target`` waits for ``source``; ``firm`` when it needs what that made, and is skipped when it fails."""

    source: int
    target: int
    firm: bool
    count: int


@frozen
class Graph:
    """What is drawn. ``view`` says in words what was put together; ``hidden`` counts listings, which are left out."""

    title: str
    nodes: Sequence[Node]
    edges: Sequence[Edge]
    view: str
    jobs: int
    hidden: int = 0
    states: Mapping[str, int] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """``headgate.graph/1``."""
        return {
            "schema": "headgate.graph/1",
            "title": self.title,
            "view": self.view,
            "jobs": self.jobs,
            "hidden": self.hidden,
            "states": dict(self.states),
            "nodes": [
                {
                    "id": node.id,
                    "kind": node.kind,
                    "role": node.role,
                    "entry": node.entry or None,
                    "name": node.name or None,
                    "count": node.count,
                    "example": node.example,
                    "states": dict(node.states),
                }
                for node in self.nodes
            ],
            "edges": [
                {"from": edge.source, "to": edge.target, "needs": edge.firm, "count": edge.count} for edge in self.edges
            ],
        }


def draw(title: str, jobs: Sequence[Shown], edges: Edges, *, limit: int = LIMIT, listings: bool = False) -> Graph:
    """The finest graph of at most ``limit`` nodes (or the coarsest there is).

    Args:
        title: What it shows.
        jobs: All of them, in plan order.
        edges: Of each job, what it needs and what it waits for.
        limit: The most nodes.
        listings: Whether the jobs that look for what exists are shown; every creation waits for one of them.
    """
    shown = [index for index, job in enumerate(jobs) if listings or job.kind != LISTING]
    groups, view = _grouped(jobs, edges, shown, limit)
    return _drawn(title, jobs, edges, groups, _VIEWS[view], len(jobs) - len(shown))


def _grouped(jobs: Sequence[Shown], edges: Edges, shown: Sequence[int], limit: int) -> tuple[dict[int, Hashable], int]:
    """The group of each job that is shown, and the number of the view."""
    if len(shown) <= limit:
        return {index: index for index in shown}, 0
    ways: tuple[Callable[[Shown], Hashable], ...] = (
        lambda job: (job.entry, job.kind, job.role, job.state, "" if job.entry else job.key),
        lambda job: (job.entry, job.kind, job.role, "", "" if job.entry else job.kind),
        lambda job: ("", job.kind, job.role),
    )
    by_state = {index: ways[0](jobs[index]) for index in shown}
    if len(set(by_state.values())) <= limit:
        fine = _refined(by_state, edges, limit)
        return (fine, 1) if fine is not None else (by_state, 2)
    by_entry = {index: ways[1](jobs[index]) for index in shown}
    if len(set(by_entry.values())) <= limit:
        return by_entry, 3
    return {index: ways[2](jobs[index]) for index in shown}, 4


def _refined(groups: Mapping[int, Hashable], edges: Edges, limit: int) -> dict[int, Hashable] | None:
    """``groups`` told apart by their neighbours, until nothing changes; ``None`` where those are too many."""
    numbers = {group: number for number, group in enumerate(dict.fromkeys(groups.values()))}
    now = {index: numbers[group] for index, group in groups.items()}
    count = len(numbers)
    for _ in range(_ROUNDS):
        later: dict[int, set[int]] = {index: set() for index in now}
        signs: dict[int, Hashable] = {}
        for index, own in now.items():
            for edge in (*edges[index][0], *edges[index][1]):
                if edge in later:
                    later[edge].add(own)
        for index, own in now.items():
            needs, after = edges[index]
            signs[index] = (
                own,
                frozenset(now[edge] for edge in needs if edge in now),
                frozenset(now[edge] for edge in after if edge in now),
                frozenset(later[index]),
            )
        known = {sign: number for number, sign in enumerate(dict.fromkeys(signs.values()))}
        now = {index: known[sign] for index, sign in signs.items()}
        if len(known) > limit:
            return None
        if len(known) == count:
            return dict(now)
        count = len(known)
    return dict(now)


def _drawn(
    title: str, jobs: Sequence[Shown], edges: Edges, groups: Mapping[int, Hashable], view: str, hidden: int
) -> Graph:
    ids: dict[Hashable, int] = {}
    members: list[list[int]] = []
    for index, group in groups.items():
        number = ids.setdefault(group, len(ids))
        if number == len(members):
            members.append([])
        members[number].append(index)
    nodes = []
    for number, found in enumerate(members):
        first = jobs[found[0]]
        one = len(found) == 1
        entries = {jobs[index].entry for index in found}
        states = Counter(jobs[index].state for index in found if jobs[index].state)
        entry = first.entry if len(entries) == 1 else ""
        name = first.name if one else ""
        nodes.append(Node(number, first.role, first.kind, entry, name, len(found), first.key, states))
    counted: Counter[tuple[int, int, bool]] = Counter()
    for index, group in groups.items():
        target = ids[group]
        for firm, ends in ((True, edges[index][0]), (False, edges[index][1])):
            for end in ends:
                if end in groups and (source := ids[groups[end]]) != target:
                    counted[source, target, firm] += 1
    drawn = [Edge(*key, count) for key, count in sorted(counted.items())]
    all_states = Counter(job.state for job in jobs if job.state)
    return Graph(title, nodes, drawn, view, len(jobs), hidden, all_states)
