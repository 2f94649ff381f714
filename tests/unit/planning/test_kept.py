"""A plan that was kept is the plan: whatever the manifest, and without its secrets."""

from __future__ import annotations

import zlib
from dataclasses import replace
from pathlib import Path

import orjson
import pytest

import headgate
from headgate.planning import kept
from headgate.planning.bundles import released
from headgate.planning.fingerprint import fingerprint
from headgate.planning.kept import Kept, packed
from headgate.planning.model import Job, Plan
from headgate.planning.outline import Outline
from headgate.secret import Secret
from headgate.workflows.compile import COMPILERS
from headgate.workflows.specs import SPECS, types

MANIFESTS = Path(__file__).parents[3] / "configs" / "manifests"
PASSWORD = "a-password-that-nobody-may-see"


def plan_of(manifest):
    return headgate.plan(manifest, sandbox="dev")


def there_and_back(plan: Plan) -> Plan:
    return Kept(packed(plan)).plan(Outline.of(plan).packed(), types())


def assert_same(found: Plan, plan: Plan, hidden=frozenset()) -> None:
    assert (found.manifest, found.sandbox, found.fingerprint) == (plan.manifest, plan.sandbox, plan.fingerprint)
    assert found.options == plan.options
    assert found.source == plan.source
    assert list(found.items) == list(plan.items)
    assert list(found.pairs) == list(plan.pairs)
    assert list(found.selections) == list(plan.selections)
    assert len(found.jobs) == len(plan.jobs)
    for index, (job, was) in enumerate(zip(found.jobs, plan.jobs, strict=True)):
        names = ("key", "kind", "role", "item", "needs", "after", "collection", "digest")
        assert [getattr(job, name) for name in names] == [getattr(was, name) for name in names]
        assert list(job.needs) == list(was.needs)
        if index not in hidden:
            assert job.spec == was.spec
            assert type(job.spec) is type(was.spec)


@pytest.mark.parametrize("name", sorted(path.name for path in MANIFESTS.glob("*.yaml")))
def test_every_manifest_of_the_repository(name):
    plan = plan_of(headgate.load(MANIFESTS / name))
    blob = packed(plan)
    found = Kept(blob)
    assert_same(there_and_back(plan), plan, found.hidden)
    secret = {index for index, job in enumerate(plan.jobs) if "***" in str(job.spec) or "${" in str(job.spec)}
    assert found.hidden == secret
    assert set(plan.secret or ()) == secret


def test_all_kinds_are_among_them():
    kinds, specs = set(), set()
    for path in MANIFESTS.glob("*.yaml"):
        manifest = headgate.load(path)
        kinds |= {entry.kind for entry in manifest.entries}
        specs |= {type(job.spec) for job in plan_of(manifest).jobs}
    assert kinds == set(COMPILERS)
    assert specs <= {*SPECS, dict}
    assert not {of.__name__ for of in SPECS} - {of.__name__ for of in specs} - {"FindSpec"}


def test_the_fingerprint_can_be_made_of_what_was_kept():
    plan = plan_of(headgate.load(MANIFESTS / "load.yaml"))
    found = there_and_back(plan)
    hidden = Kept(packed(plan)).hidden
    jobs = [plan.jobs[index] if index in hidden else job for index, job in enumerate(found.jobs)]
    assert str(fingerprint(found.manifest, found.sandbox, jobs)) == plan.fingerprint


def test_what_comes_back_may_be_kept_again():
    plan = plan_of(headgate.load(MANIFESTS / "dataset-export.yaml"))
    once = there_and_back(plan)
    if not Kept(packed(plan)).hidden:
        assert packed(once) == packed(plan)


def a_plan(*specs, **more) -> Plan:
    jobs = tuple(Job(f"job {index}", "watch", "flow", spec, -1) for index, spec in enumerate(specs))
    return replace(Plan("m", "dev", jobs, (), (), (), "f", inputs={"manifest": "x"}), **more)


def test_a_secret_is_not_kept_and_its_job_says_so():
    plan = a_plan({"flows": ["a"]}, {"auth": {"password": Secret(PASSWORD, "${env:P}")}})
    blob = packed(plan)
    found = Kept(blob)
    assert found.hidden == {1}
    jobs = found.plan(Outline.of(plan).packed(), types()).jobs
    assert jobs[0].spec == {"flows": ["a"]}
    assert (jobs[1].key, jobs[1].collection, jobs[1].needs) == ("job 1", "", {})
    with pytest.raises(LookupError, match="secret"):
        _ = jobs[1].spec
    columns, chunks = found.sections[:5], found.sections[5:]
    assert PASSWORD.encode() not in b"".join((*map(zlib.decompress, columns), *map(released, chunks)))


def test_a_damaged_job_is_noticed():
    plan = a_plan({"flows": ["a"]}, {"flows": ["b"]})
    blob = bytearray(packed(plan))
    blob[-2] ^= 1
    jobs = Kept(bytes(blob)).plan(Outline.of(plan).packed(), types()).jobs
    with pytest.raises(ValueError, match="damaged"):
        _ = jobs[0].spec


@pytest.mark.parametrize(
    "plan",
    [
        a_plan({"auth": Secret(PASSWORD)}, {"flows": [f"Bearer {PASSWORD}"]}),
        a_plan({"auth": Secret(PASSWORD)}, options={"rate": PASSWORD}),
        a_plan(*({"auth": Secret(f"{PASSWORD} {number}")} for number in range(100))),
        a_plan({"flows": []}, inputs=None),
        a_plan({"odd": object()}),
        a_plan({1: "not JSON"}),
    ],
    ids=["a secret in the open", "in the options", "too many to look for", "no inputs", "an object", "a number as key"],
)
def test_what_cannot_be_kept_is_not(plan):
    assert packed(plan) == b""


@pytest.mark.parametrize(("secret", "said"), [(0, 300), (300, 0), (300, 299), (199, 64)])
def test_a_secret_that_stands_openly_is_found_however_far_away(secret, said):
    specs: list[dict[str, object]] = [{"flows": [str(number)]} for number in range(301)]
    specs[secret] = {"auth": Secret(PASSWORD)}
    assert packed(a_plan(*specs))
    specs[said] = {"flows": [PASSWORD]}
    assert packed(a_plan(*specs)) == b""


def test_short_values_that_happen_to_be_everywhere_are_no_reason():
    assert packed(a_plan({"auth": Secret("dev")}, {"flows": ["dev"]}))


@pytest.mark.parametrize("blob", [b"", b"xyz", b"\x01\x00\x00\x00\xff\x00\x00\x00nonsense" * 9])
def test_anything_else_is_no_kept_plan(blob):
    with pytest.raises(ValueError):  # noqa: PT011 -- which of them does not matter
        Kept(blob)


@pytest.mark.parametrize(("name", "value"), [("SCHEMA", kept.SCHEMA + 1), ("__version__", "0.2.0")])
def test_one_of_another_program_is_no_kept_plan(name, value, monkeypatch):
    blob = packed(a_plan({"flows": []}))
    monkeypatch.setattr(kept, name, value)
    with pytest.raises(ValueError, match="another program"):
        Kept(blob)


def test_edges_and_many_chunks():
    jobs = [
        Job(f"j{n}", "watch", "flow", {"n": n, "text": "line\nbreak"}, n % 7, {"a": n - 1} if n else {}, {"b": 0, "c": n // 2} if n > 2 else {})
        for n in range(1000)
    ]  # fmt: skip
    plan = Plan("m", "dev", tuple(jobs), (), (), (), "f", inputs={})
    found = there_and_back(plan)
    assert_same(found, plan)
    for number in (999, 0, 500, 999):
        assert found.jobs[number].spec["n"] == number


def test_an_outline_of_an_older_program_is_read():
    from headgate.planning.outline import JobLine

    data = {
        "manifest": "m", "sandbox": "dev", "jobs": [["k", "create", "flow", 0]],
        "items": [["e", "i", "audience-export", "m:1", {"flow": 0}, {"base": "x"}]], "pairs": [],
    }  # fmt: skip
    found = Outline.unpacked(zlib.compress(orjson.dumps(data)))
    assert found.jobs == [JobLine("k", "create", "flow", 0)]
    assert found.items[0].jobs == {"flow": 0}
    assert Outline.unpacked(found.packed()) == found
