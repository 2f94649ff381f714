"""What is drawn of a plan: every job where they are few, equal ones as one where they are many."""

from __future__ import annotations

import random

import pytest

from headgate.planning.edges import edges_of, packed, unpacked
from headgate.planning.graph import Shown, draw
from headgate.planning.model import Job, Plan
from headgate.planning.outline import Outline


def chains(items, *, state=lambda _: "", entry=lambda _: "Stores ${row}"):
    """A base connection, and for each item a target on it and a flow on that; then one ad-hoc job after all."""
    jobs = [Shown("list:flows", "list", "listed", "", "flows", ""), Shown("base:s3:x", "create", "base", "", "x", "")]
    edges = [([], []), ([0], [])]
    for n in range(items):
        jobs.append(Shown(f"target:{n}", "create", "target", entry(n), f"Store {n}", state(n)))
        edges.append(([1, 0], []))
        jobs.append(Shown(f"flow:{n}", "create", "flow", entry(n), f"Store {n}", state(n)))
        edges.append(([len(jobs) - 2], []))
    jobs.append(Shown("adhoc:now:1", "adhoc", "adhoc", "now", "now:1", ""))
    edges.append(([], [index for index, job in enumerate(jobs) if job.role == "flow"]))
    return jobs, edges


def test_few_jobs_are_drawn_each_and_listings_left_out():
    graph = draw("t", *chains(2), limit=60)
    assert (graph.view, graph.jobs, graph.hidden, len(graph.nodes)) == ("every job", 7, 1, 6)
    assert {node.name for node in graph.nodes} == {"x", "Store 0", "Store 1", "now:1"}
    assert sum(edge.firm for edge in graph.edges) == 4
    assert len(draw("t", *chains(2), limit=60, listings=True).nodes) == 7


def test_equal_chains_are_one_with_a_count():
    graph = draw("t", *chains(1000), limit=60)
    assert graph.view == "equal chains as one"
    assert [(node.role, node.count, node.name) for node in graph.nodes] == [
        ("base", 1, "x"), ("target", 1000, ""), ("flow", 1000, ""), ("adhoc", 1, "now:1"),
    ]  # fmt: skip
    assert [(edge.source, edge.target, edge.firm, edge.count) for edge in graph.edges] == [
        (0, 1, True, 1000), (1, 2, True, 1000), (2, 3, False, 1000),
    ]  # fmt: skip


def test_chains_in_other_states_stay_apart():
    graph = draw("t", *chains(100, state=lambda n: "failed" if n % 10 == 0 else "succeeded"), limit=60)
    flows = {node.count: dict(node.states) for node in graph.nodes if node.role == "flow"}
    assert flows == {10: {"failed": 10}, 90: {"succeeded": 90}}


def test_what_differs_only_by_its_neighbours_is_told_apart_where_there_is_room():
    jobs, edges = chains(100)
    edges[-1] = ([], [index for index in edges[-1][1] if index % 4 == 1])  # half of the flows are waited for
    assert [node.count for node in draw("t", jobs, edges).nodes if node.role == "flow"] == [50, 50]
    coarse = draw("t", jobs, edges, limit=5)
    assert coarse.view == "jobs of one entry in one state as one"
    assert [node.count for node in coarse.nodes if node.role == "flow"] == [100]


def test_many_states_are_counted_in_one_node_and_many_entries_in_one():
    jobs, edges = chains(60, state=lambda n: f"state {n}", entry=lambda n: f"entry {n % 10}")
    graph = draw("t", jobs, edges, limit=30)
    assert graph.view == "jobs of one entry as one"
    assert len(graph.nodes) == 22
    assert len(next(node for node in graph.nodes if node.role == "flow").states) == 6
    coarsest = draw("t", jobs, edges, limit=1)
    assert coarsest.view == "jobs that do the same as one"
    assert [node.count for node in coarsest.nodes] == [1, 60, 60, 1]
    assert coarsest.nodes[1].entry == ""


@pytest.mark.parametrize("seed", range(60))
def test_every_job_is_drawn_once_within_the_limit(seed):
    chance = random.Random(seed)
    count, limit = chance.randrange(60), chance.randrange(1, 61)
    jobs = [Shown(f"k{n}", "create", f"r{chance.randrange(4)}", f"e{n % 3}", "n", "") for n in range(count)]
    edges = [([chance.randrange(n) for _ in range(chance.randrange(4)) if n], []) for n in range(count)]
    graph = draw("t", jobs, edges, limit=limit)
    assert sum(node.count for node in graph.nodes) == len(jobs)
    assert len(graph.nodes) <= max(limit, 4), "there are four roles"
    ids = {node.id for node in graph.nodes}
    assert all({edge.source, edge.target} <= ids and edge.source != edge.target for edge in graph.edges)


def job(key, item, needs=(), after=()):
    return Job(key, "create", "flow", None, item, {str(n): end for n, end in enumerate(needs)},
               {f"a{n}": end for n, end in enumerate(after)})  # fmt: skip


def test_an_outline_keeps_the_edges_and_equal_chains_pack_to_nothing():
    jobs = [job("base", -1), job("other", -1, [0])]
    for item in range(2_000):
        jobs.append(job(f"t{item}", item, [0]))
        jobs.append(job(f"f{item}", item, [len(jobs) - 1, 1], [0]))
    jobs.append(job("adhoc", -1, [], range(3, 103)))
    assert unpacked(packed(jobs)) == edges_of(jobs)
    outline = Outline.of(Plan("m", "dev", jobs, [], [], (), "f"))
    again = Outline.unpacked(outline.packed())
    assert unpacked(again.edges) == edges_of(jobs)
    bare = Outline("m", "dev", outline.jobs, [], []).packed()
    assert len(outline.packed()) - len(bare) < 600, "of 4,000 jobs"
    assert Outline.unpacked(bare).edges is None
