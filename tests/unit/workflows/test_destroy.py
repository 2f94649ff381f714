"""Plans of deletions: what refers to something goes before it, and what is still referred to stays."""

from __future__ import annotations

from headgate.planning.marker import marker
from headgate.planning.model import ItemRow
from headgate.planning.outline import JobLine, Outline
from headgate.workflows.destroy import Relations, Target, compile_destroy, rebuilt, relations
from tests.growth import grows

ROLES = {
    "flow": "flows",
    "sourceConnection": "sourceConnections",
    "targetConnection": "targetConnections",
    "baseConnection": "connections",
}


def mark(key, scope="m"):
    return marker("dev", scope, key)


def outline(*names, base="base:s3"):
    """What a run of these items leaves: the profile store, one shared account, three objects an item."""
    jobs = [JobLine("base:profile-store", "create", "profileStore", -1), JobLine(base, "create", "baseConnection", -1)]
    rows = []
    for number, name in enumerate(names):
        own = {"baseConnection": 1}
        for role in ("sourceConnection", "targetConnection", "flow"):
            own[role] = len(jobs)
            jobs.append(JobLine(f"{role}:{name}", "create", role, number))
        rows.append(ItemRow("e", name, "audience-export", "m:1", own))
    return Outline("m", "dev", jobs, rows, [])


def known(*names, base="base:s3"):
    found = {mark("base:profile-store", ""): "connections", mark(base): "connections"}
    return found | {
        mark(f"{role}:{name}"): ROLES[role]
        for name in names
        for role in ("sourceConnection", "targetConnection", "flow")
    }


def targets(collections):
    return [
        Target(one, collection, f"id-{number}", f"name {number}", one, one == mark("base:profile-store", ""))
        for number, (one, collection) in enumerate(collections.items())
    ]


def order(plan):
    """(job, all that must be over before it) by marker."""
    return {
        job.spec.marker: {plan.jobs[edge].spec.marker for edge in (*job.needs.values(), *job.after.values())}
        for job in plan.jobs
    }


def test_every_object_goes_after_what_refers_to_it():
    collections = known("a", "b")
    plan = compile_destroy("m", "dev", targets(collections), relations([outline("a", "b")], collections))
    before = order(plan)
    for name in "ab":
        assert before[mark(f"flow:{name}")] == set()
        for role in ("sourceConnection", "targetConnection"):
            assert before[mark(f"{role}:{name}")] == {mark(f"flow:{name}")}, "and not after the other item's"
    connections = {mark(f"{role}:{name}") for role in ("sourceConnection", "targetConnection") for name in "ab"}
    assert before[mark("base:s3")] == connections
    assert before[mark("base:profile-store", "")] >= connections
    for index, job in enumerate(plan.jobs):
        assert all(edge < index for edge in (*job.needs.values(), *job.after.values())), "edges point backwards"


def test_what_a_sandbox_has_once_is_not_skipped_when_something_before_it_fails():
    """It looks who uses it, and stays if somebody does."""
    collections = known("a")
    plan = compile_destroy("m", "dev", targets(collections), relations([outline("a")], collections))
    store = next(job for job in plan.jobs if job.spec.shared)
    assert not store.needs
    assert store.after


def test_items_are_rows_and_so_is_what_several_share():
    collections = known("a", "b")
    plan = compile_destroy("m", "dev", targets(collections), relations([outline("a", "b")], collections))
    assert [(row.entry, row.item, len(row.jobs)) for row in plan.items] == [
        ("e", "a", 3),
        ("e", "b", 3),
        ("base connections", "name 0", 1),
        ("base connections", "name 1", 1),
    ]
    for number, row in enumerate(plan.items):
        assert {plan.jobs[job].item for job in row.jobs.values()} == {number}


def test_what_something_that_stays_refers_to_stays_and_what_that_refers_to_as_well():
    """Two runs: the first made the account and item a, the second item b with the same account."""
    collections = known("a", "b")
    first = [one for one in targets(collections) if ":b" not in one.name and one.key in known("a")]
    plan = compile_destroy("m", "dev", first, relations([outline("a", "b"), outline("a")], collections))
    gone = {job.spec.marker for job in plan.jobs}
    assert mark("flow:a") in gone
    assert mark("base:s3") not in gone
    kept = [row for row in plan.items if not row.jobs]
    assert [list(row.known) for row in kept] == [["baseConnection"]]
    # Only the target is to go, while its flow stays.
    only = [one for one in targets(collections) if one.key in (mark("targetConnection:a"), mark("base:s3"))]
    assert not compile_destroy("m", "dev", only, relations([outline("a", "b")], collections)).jobs


def test_an_account_without_its_connections_waits_for_the_flow():
    """The target and the source are gone already, by an earlier try."""
    collections = {
        key: where for key, where in known("a").items() if where not in ("targetConnections", "sourceConnections")
    }
    plan = compile_destroy("m", "dev", targets(collections), relations([outline("a")], collections))
    assert order(plan)[mark("base:s3")] == {mark("flow:a")}


def test_what_no_outline_tells_of_waits_for_all_that_may_refer_to_it():
    collections = known("a")
    plan = compile_destroy("m", "dev", targets(collections), Relations())
    before = order(plan)
    assert before[mark("targetConnection:a")] == {mark("flow:a")}
    assert before[mark("base:s3")] == {mark(f"{role}:a") for role in ("flow", "sourceConnection", "targetConnection")}


def test_what_cannot_be_deleted_here_is_no_job():
    one = Target("k", "somewhere", "id", "name")
    assert not compile_destroy("m", "dev", [one], Relations()).jobs


def test_a_plan_comes_back_from_its_outline():
    collections = known("a", "b")
    plan = compile_destroy("m", "dev", targets(collections), relations([outline("a", "b")], collections))
    again = rebuilt(Outline.unpacked(Outline.of(plan).packed()))
    assert (again.fingerprint, list(again.jobs), list(again.items)) == (
        plan.fingerprint,
        list(plan.jobs),
        list(plan.items),
    )
    assert len({job.key for job in plan.jobs}) == len(plan.jobs)


def test_names_that_occur_twice_are_told_apart():
    several = [Target(f"k{number}", "flows", f"id-{number}", "same") for number in range(3)]
    keys = [job.key for job in compile_destroy("m", "dev", several, Relations()).jobs]
    assert len(set(keys)) == 3


def test_four_times_the_items_are_four_times_the_work():
    def destroyed(size):
        names = [str(number) for number in range(size)]
        collections = known(*names)
        return lambda: compile_destroy("m", "dev", targets(collections), relations([outline(*names)], collections))

    assert len(destroyed(10_000)().jobs) == 30_002
    assert grows(destroyed, 200) < 1.2
