"""Packed plans are the plans: whatever is asked of them, in few bytes, and without secrets."""

from __future__ import annotations

import gc
import tracemalloc
from collections import Counter
from dataclasses import dataclass, fields, replace
from pathlib import Path

import pytest

import headgate
from benchmarks.plans import compiled, grove
from headgate.planning import builder as building
from headgate.planning.builder import Builder
from headgate.planning.bundles import Bundles, released
from headgate.planning.grown import edges_of, grown, items_of, needs_of, with_secrets
from headgate.planning.kept import Kept
from headgate.planning.kept import packed as for_the_store
from headgate.planning.lines import CHUNK
from headgate.planning.model import ItemRow, Job
from headgate.planning.outline import Outline
from headgate.planning.packed import PackedJob, PackedJobs
from headgate.planning.rows import PackedRows
from headgate.secret import Secret

MANIFESTS = Path(__file__).parents[3] / "configs" / "manifests"
PASSWORD = "a-password-that-nobody-may-see"


@dataclass(frozen=True, slots=True)
class Spec:
    """As the jobs of a real plan have it."""

    marker: str
    parts: tuple[str, ...] = ()
    auth: object = None


def job(number: int, **more) -> Job:
    needs = {"before": number - 1} if number else {}
    return Job(f"job {number}", "create", "flow", Spec(f"m{number}", ("a", str(number))), number // 3, needs, **more)


def packed(jobs) -> PackedJobs:
    return PackedJobs(jobs).close()


@pytest.fixture
def both(monkeypatch):
    """A manifest's plan as it is when there are few jobs, and as it is when there are many."""

    def plans(name):
        manifest = headgate.load(MANIFESTS / name)
        plain = headgate.plan(manifest, sandbox="dev")
        monkeypatch.setattr(building, "PLENTY", 1)
        return plain, headgate.plan(manifest, sandbox="dev")

    return plans


@pytest.mark.parametrize("name", sorted({path.name for path in MANIFESTS.glob("*.yaml")} - {"bad-night.yaml"}))
def test_every_manifest_of_the_repository(both, name):
    plain, many = both(name)
    assert isinstance(many.jobs, PackedJobs)
    assert isinstance(many.items, PackedRows)
    assert many == plain
    assert list(many.jobs) == list(plain.jobs)
    assert [many.jobs[index] for index in range(len(plain.jobs))] == list(plain.jobs)
    assert list(map(many.jobs.whole, range(len(plain.jobs)))) == list(plain.jobs)
    for mine, theirs in zip(many.jobs, plain.jobs, strict=True):
        assert type(mine.spec) is type(theirs.spec)
        assert (list(mine.needs), list(mine.after)) == (list(theirs.needs), list(theirs.after))
    for asked in (edges_of, needs_of):
        assert [list(asked(many.jobs)(n)) for n in range(len(many.jobs))] == [
            list(asked(plain.jobs)(n)) for n in range(len(many.jobs))
        ]
    assert list(items_of(many.jobs)) == items_of(plain.jobs)
    assert Outline.of(many).as_json() == Outline.of(plain).as_json()
    assert for_the_store(many) == for_the_store(plain)


def test_what_is_made_from_a_secret_stays_in_memory():
    secret = replace(job(1), spec=Spec("m1", auth={"password": Secret(PASSWORD)}))
    found = packed([job(0), secret, job(2)])
    assert found[1] is secret
    assert list(with_secrets(found)) == [secret]
    sections = found.sections()
    assert sections.hidden == [1]
    assert not any(PASSWORD.encode() in released(chunk) for chunk in sections.bundles.chunks)


def test_what_json_cannot_say_stays_as_it_is_and_keeps_the_plan_out_of_the_store():
    odd = replace(job(1), spec={"a": {1, 2}})
    found = packed([job(0), odd])
    assert found[1] is odd
    assert found.sections() is None
    plan = replace(grove(1), jobs=found, inputs={})
    assert for_the_store(plan) == b""


def test_a_secret_that_stands_openly_elsewhere_keeps_the_plan_out_of_the_store():
    jobs = [replace(job(0), spec=Spec("m", auth=Secret(PASSWORD))), replace(job(1), spec=Spec(f"by {PASSWORD}"))]
    plan = replace(grove(1), jobs=packed(jobs), inputs={})
    assert for_the_store(plan) == b""
    assert for_the_store(replace(plan, jobs=packed([jobs[0], job(1)])))


def test_indexes_and_slices():
    jobs = [job(number) for number in range(2 * CHUNK + 5)]
    for found in (PackedJobs(jobs), packed(jobs), grown(packed(jobs))):
        assert len(found) == len(jobs)
        assert found[-1] == jobs[-1]
        assert found[CHUNK - 2 : CHUNK + 2] == jobs[CHUNK - 2 : CHUNK + 2]
        assert list(found) == jobs
        for beyond in (len(jobs), -len(jobs) - 1):
            with pytest.raises(IndexError):
                found[beyond]
    assert packed(jobs) != packed(jobs[1:])


def test_more_jobs_stand_behind_the_packed_ones():
    found = grown(packed([job(0), job(1)]))
    child = job(1)
    found.append(child)
    assert (len(found), found[2], list(found)) == (3, child, [job(0), job(1), child])
    assert [list(edges_of(found)(index)) for index in range(3)] == [[], [0], [0]]
    assert [list(needs_of(found)(index)) for index in range(3)] == [[], [0], [0]]
    assert grown([job(0)]) == [job(0)]


def test_a_packed_job_is_a_job():
    found = packed([job(0), job(1)])[1]
    assert isinstance(found, PackedJob)
    assert found == job(1)
    assert job(1) == found
    assert found != job(2)
    assert replace(found, item=7) == replace(job(1), item=7)
    assert {field.name for field in fields(found)} == {field.name for field in fields(Job)}
    with pytest.raises(AttributeError):
        _ = found.nothing


def test_a_job_is_amended_wherever_it_is(monkeypatch):
    monkeypatch.setattr("headgate.planning.packed._CHANGED", 2)
    plans = []
    for plenty in (1 << 40, 1):
        builder = Builder("m", "dev", plenty=plenty)
        for number in range(2 * CHUNK + 5):
            builder.add(job(number))
            assert builder.jobs[number].spec.parts == ("a", str(number))
        for number in (0, 1, CHUNK + 1, 2 * CHUNK + 1, 2):
            builder.amend(number, Spec("amended", (str(number),)))
            assert builder.jobs[number].spec == Spec("amended", (str(number),))
            builder.amend(number, replace(builder.jobs[number].spec, marker="twice"))
        jobs, _, fingerprint = builder.closed()
        plans.append((list(jobs), str(fingerprint), fingerprint.secret))
    assert plans[0] == plans[1]
    assert plans[0][0][2].spec == Spec("twice", ("2",))


def test_rows_come_back_as_they_were():
    rows = [
        ItemRow("e", "one", "audience-export", "dir/f.csv:12", {"flow": 3, "check": 9}),
        ItemRow("e", "two\nlines", "audience-export", "no line", {"flow": 4}, {"baseConnection": "id"}),
        ItemRow("f", "three", "watch", "odd:007", {}),
        *(ItemRow("e", f"item {number}", "k", f"f:{number}", {"flow": number}) for number in range(2 * CHUNK)),
    ]
    found = PackedRows(rows)
    assert list(found) == rows
    assert found == rows
    assert (found[1], found[-1], found[1:3]) == (rows[1], rows[-1], rows[1:3])
    assert list(found.names()) == [row.item for row in rows]
    assert found.entries() == [row.entry for row in rows]
    with pytest.raises(IndexError):
        found[len(rows)]


def test_items_are_found_by_name_when_there_are_many():
    builder = Builder("m", "dev", plenty=1)
    builder.add(job(0))
    for number in range(CHUNK + 1):
        builder.row(ItemRow("e", f"item {number}", "k", "f:1", {"flow": number}))
    assert builder.find_item(f"item {CHUNK}").jobs == {"flow": CHUNK}
    assert builder.find_item("nothing") is None


def test_a_kept_plan_that_was_packed_comes_back(both):
    plain, many = both("load.yaml")
    found = Kept(for_the_store(many))
    assert found.fingerprint == plain.fingerprint
    assert found.hidden == Kept(for_the_store(plain)).hidden


def test_a_job_of_many_weighs_little(monkeypatch):
    monkeypatch.setattr(building, "PLENTY", 1)
    compiled(10)
    gc.collect()
    tracemalloc.start()
    try:
        plan = compiled(1000)
        gc.collect()
        size = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert size / len(plan.jobs) < 250, "as it is, it is near 2,000 bytes"


def test_a_run_unpacks_each_chunk_once_however_many_sorts_of_jobs_there_are(monkeypatch):
    unpacked = Counter()
    lines = Bundles.lines
    monkeypatch.setattr(Bundles, "lines", lambda self, number: unpacked.update([number]) or lines(self, number))
    sorts = ["baseConnection", "sourceConnection", "targetConnection", "flow"]
    jobs = [replace(job(number), role=sorts[number % 4]) for number in range(20 * CHUNK)]
    found = grown(packed(jobs))
    unpacked.clear()
    in_order = sorted(range(len(jobs)), key=lambda index: sorts.index(jobs[index].role))
    assert [found[index] for index in in_order] == [jobs[index] for index in in_order]
    assert unpacked == dict.fromkeys(range(21), 1)  # the first one needs nothing: that is a sort of its own


def test_more_sorts_than_are_packed_by_themselves():
    jobs = [replace(job(number), role=f"role {number % 150}") for number in range(5 * CHUNK)]
    found = packed(jobs)
    assert list(found) == jobs
    assert list(map(found.whole, range(len(jobs)))) == jobs
    plan = replace(grove(1), jobs=found, inputs={})
    assert for_the_store(plan) == for_the_store(replace(plan, jobs=tuple(jobs)))
