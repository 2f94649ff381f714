"""What a destroy would delete, by what the store knows: created, not used; of a run, or of a whole manifest."""

from __future__ import annotations

import pytest

from headgate.engine.record import Made, Record
from headgate.planning.marker import marker
from headgate.planning.model import ItemRow
from headgate.planning.outline import JobLine, Outline
from headgate.store import RunRow, open_store
from headgate.teardown import Scope, teardown


@pytest.fixture
def store(tmp_path):
    store = open_store(tmp_path / "state.db")
    yield store
    store.close()


def outline(*names, manifest="m"):
    jobs = [JobLine("base:profile-store", "create", "profileStore", -1)]
    rows = []
    for number, name in enumerate(names):
        jobs += [
            JobLine(f"target:{name}", "create", "targetConnection", number),
            JobLine(f"flow:{name}", "create", "flow", number),
        ]
        rows.append(
            ItemRow("e", name, "audience-export", "", {"targetConnection": len(jobs) - 2, "flow": len(jobs) - 1})
        )
    return Outline(manifest, "dev", jobs, rows, [])


async def ran(store, run, objects, *names, manifest="m", at=1.0, status="succeeded", open_jobs=0):
    """A run that left ``objects``: (key, collection, id, found); a key that begins with ! is the sandbox's own."""
    store.begin(
        RunRow(run, manifest, "/m.yaml", "dev", "f", "running", at), outline(*names, manifest=manifest).packed()
    )
    journal = store.journal(run)
    for number, (key, collection, remote, found) in enumerate(objects):
        mark = marker("dev", "", key[1:]) if key.startswith("!") else marker("dev", manifest, key)
        made = Made(mark, collection, remote, key, "d", found)
        journal.append(
            Record("settled" if remote else "intent", number, {"ending": "succeeded"} if remote else {}, made)
        )
    await journal.flush()
    journal.close()
    store.finish(run, status, at + 1, open_jobs, {})


FIRST = [
    ("!base:profile-store", "connections", "p", ""),
    ("target:a", "targetConnections", "ta", ""),
    ("flow:a", "flows", "fa", ""),
]
MANIFEST = Scope("m", "dev", None, "/m.yaml", "m.yaml")


def ids(found):
    return sorted(job.spec.id for job in found.plan.jobs)


async def test_of_a_manifest_all_that_any_of_its_runs_created(store):
    await ran(store, "r1", FIRST, "a")
    await ran(store, "r2", [("flow:b", "flows", "fb", "after")], "a", "b", at=2.0)
    await ran(store, "other", [("flow:a", "flows", "theirs", "")], "a", manifest="n", at=3.0)
    found = teardown(store, MANIFEST)
    assert ids(found) == ["fa", "fb", "p", "ta"]
    assert found.going == {"flows": 2, "targetConnections": 1, "connections": 1}
    assert found.plan.source["command"] == "destroy"


async def test_of_a_run_only_what_it_created_itself(store):
    await ran(store, "r1", FIRST, "a")
    await ran(store, "r2", [("flow:b", "flows", "fb", ""), ("flow:c", "flows", "fc", "before")], "a", "b", "c", at=2.0)
    found = teardown(store, Scope("m", "dev", "r2"))
    assert ids(found) == ["fb"]
    assert found.kept == ["1 flow: used by this run, not created by it"]


async def test_what_was_found_by_its_mark_is_the_manifests_but_what_was_found_otherwise_is_not(store):
    marked = [
        ("flow:a", "flows", "fa", "before"),
        ("flow:b", "flows", "fb", "sweep"),
        ("flow:c", "flows", "fc", "by-title"),
    ]
    await ran(store, "r1", marked, "a", "b", "c")
    assert ids(teardown(store, MANIFEST)) == ["fa", "fb"]


async def test_the_profile_store_stays_when_the_manifest_only_found_it(store):
    await ran(store, "r1", [("!base:profile-store", "connections", "p", "before"), FIRST[1]], "a")
    found = teardown(store, MANIFEST)
    assert ids(found) == ["ta"]
    assert found.kept == ["1 base connection (!base:profile-store): not created by this manifest"]


async def test_the_profile_store_stays_while_another_run_of_the_sandbox_is_unfinished(store):
    await ran(store, "r1", FIRST, "a")
    await ran(store, "other", [], manifest="n", at=2.0, status="interrupted", open_jobs=3)
    found = teardown(store, MANIFEST)
    assert ids(found) == ["fa", "ta"]
    assert "unfinished" in found.kept[0]


async def test_what_is_in_doubt_is_looked_for_too_and_the_unfinished_run_is_named(store):
    await ran(store, "r1", [*FIRST, ("flow:b", "flows", "", "")], "a", "b", status="interrupted", open_jobs=2)
    found = teardown(store, MANIFEST)
    assert found.doubtful == 1
    assert [run.id for run in found.ends] == ["r1"]
    assert found.continues is None


async def test_a_run_whose_objects_a_later_run_uses_keeps_them(store):
    await ran(store, "r1", FIRST, "a")
    await ran(store, "r2", [("flow:a", "flows", "fa2", "")], "a", at=2.0)  # r1's flow was lost, and made again
    found = teardown(store, Scope("m", "dev", "r1"))
    assert ids(found) == ["p"]
    assert found.kept == ["1 target connection: used by what stays"]


async def test_nothing_known_is_nothing_to_do(store):
    found = teardown(store, MANIFEST)
    assert not found.plan.jobs
    assert not found.going
