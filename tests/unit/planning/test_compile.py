"""From a manifest to a plan: sharing, edges, fingerprints, and nothing secret in anything that is kept."""

from __future__ import annotations

from collections import Counter
from textwrap import dedent

import orjson
import pytest

from headgate.errors import ManifestError
from headgate.manifest.kinds import GRAMMARS
from headgate.manifest.load import load
from headgate.planning.outline import Outline
from headgate.secret import masked
from headgate.workflows.adhoc_request import EXPORT_JOB
from headgate.workflows.compile import compile_plan

FLOW = "8256cfb4-17e6-432c-a469-6aedafb16cd5"
AUDIENCES = ["9f7d37fd-7039-4454-94ef-2b0cd6c3206a", "1ed86558-59b5-42f7-9865-5859b552f7f4"]
TEXT = """
headgate: 1
name: spring
connections:
  s3: {destination: amazon_s3, auth: {specName: Access Key, params: {s3AccessKey: "AKIAIOSFODNN7EXAMPLE", s3SecretKey: "${env:S3}"}}}
entries:
  - kind: audience-export
    name: "Loyalty ${row}"
    foreach: {range: [1, 3]}
    connection: s3
    target: {bucketName: acme, path: "x/${row}", fileType: CSV, compression: GZIP}
    audiences:
      - {id: 9f7d37fd-7039-4454-94ef-2b0cd6c3206a, exportMode: DAILY_FULL_EXPORT,
         schedule: {frequency: DAILY, triggerType: SCHEDULED, startDate: "2026-12-20", startTime: "17:00", endDate: "2030-01-01"}}
    attributes: [personalEmail.address]
    mandatoryFields: [personalEmail.address]
  - kind: activation
    name: now
    pairs: {rows: [
      {destinationId: "Loyalty 2", segmentId: 9f7d37fd-7039-4454-94ef-2b0cd6c3206a},
      {destinationId: 8256cfb4-17e6-432c-a469-6aedafb16cd5, segmentId: 1ed86558-59b5-42f7-9865-5859b552f7f4},
      {destinationId: "Loyalty 1", segmentId: 9f7d37fd-7039-4454-94ef-2b0cd6c3206a}]}
"""


@pytest.fixture
def make(tmp_path):
    def compiled(text=TEXT, sandbox="dev", secret="WJALRXUTNFEMIK7MDENGBPXRFICYEXAMPLEKEYXX"):
        path = tmp_path / "m.yaml"
        path.write_text(dedent(text))
        return compile_plan(load(path, grammars=GRAMMARS, env={"S3": secret}), sandbox)

    return compiled


def keys(plan):
    return [job.key for job in plan.jobs]


def by_key(plan):
    return {job.key: job for job in plan.jobs}


def test_what_is_shared_is_planned_once(make):
    count = Counter(key.partition(":")[0] for key in keys(make()))
    assert count == {"base": 2, "source": 3, "target": 3, "flow": 3, "selectors": 3, "check": 4, "adhoc": 1, "list": 4}


def test_edges_point_backwards_and_say_who_needs_what(make):
    plan = make()
    jobs = by_key(plan)
    for index, job in enumerate(plan.jobs):
        assert all(edge < index for edge in (*job.needs.values(), *job.after.values()))
    needs = {role: plan.jobs[edge].key for role, edge in jobs["flow:Loyalty 2"].needs.items()}
    assert needs == {"source": "source:Loyalty 2", "target": "target:Loyalty 2", "listed": "list:flows"}
    assert plan.jobs[jobs["source:Loyalty 2"].needs["base"]].key == "base:profile-store"
    assert {plan.jobs[edge].key for edge in jobs["adhoc:now:1"].after.values()} == {
        "check:Loyalty 1",
        "check:Loyalty 2",
        f"check:{FLOW}",
    }
    assert not jobs["adhoc:now:1"].needs


def test_pairs_keep_the_order_of_the_manifest(make):
    plan = make()
    assert [(pair.destination, pair.audience) for pair in plan.pairs] == [
        ("Loyalty 2", AUDIENCES[0]),
        (FLOW, AUDIENCES[1]),
        ("Loyalty 1", AUDIENCES[0]),
    ]
    spec = by_key(plan)["adhoc:now:1"].spec
    assert sorted(spec["pairs"]) == [[index, pair.destination, pair.audience] for index, pair in enumerate(plan.pairs)]
    for pair in plan.pairs:
        assert plan.jobs[pair.flow].kind == "check"
        assert plan.jobs[pair.flow].spec.facts, "an activation needs the schedules"
        assert plan.jobs[pair.job].kind == "adhoc"


def test_a_check_keeps_schedules_only_where_an_activation_wants_them(make):
    plan = make()
    assert not by_key(plan)["check:Loyalty 3"].spec.facts
    assert by_key(plan)["check:Loyalty 2"].spec.wanted, "it still compares what was asked for"


def test_every_created_object_bears_a_marker_of_its_own(make):
    plan = make()
    marks = [job.spec.marker for job in plan.jobs if job.collection]
    assert len(set(marks)) == len(marks)
    for job in plan.jobs:
        if job.collection:
            assert job.spec.body["description"].endswith(job.spec.marker)


def test_the_same_manifest_is_the_same_plan(make):
    assert make() == make()
    assert make().fingerprint == make().fingerprint


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("bucketName: acme", "bucketName: other"),
        ("range: [1, 3]", "range: [1, 4]"),
        ("name: spring", "name: summer"),
        ("attributes: [personalEmail.address]", "attributes: [person.name.firstName]"),
        ("17:00", "18:00"),
        ("name: now", "name: later"),
        ("kind: activation", "kind: activation\n    wait: false"),
        ("s3: {destination", "s3: {name: other, destination"),
        ("mandatoryFields: [personalEmail.address]", "mandatoryFields: []"),
        ("${env:S3}", "${env:S4}"),
    ],
)
def test_another_manifest_is_another_fingerprint(make, tmp_path, old, new):
    assert old in TEXT
    text = TEXT.replace(old, new)
    path = tmp_path / "other.yaml"
    path.write_text(text)
    env = {name: "WJALRXUTNFEMIK7MDENGBPXRFICYEXAMPLEKEYXX" for name in ("S3", "S4")}
    assert compile_plan(load(path, grammars=GRAMMARS, env=env), "dev").fingerprint != make().fingerprint


def test_another_sandbox_is_another_plan_with_other_marks(make):
    one, two = make(), make(sandbox="prod")
    assert one.fingerprint != two.fingerprint
    assert not {job.spec.marker for job in one.jobs if job.collection} & {
        job.spec.marker for job in two.jobs if job.collection
    }


def test_the_value_of_a_secret_counts_nowhere(make):
    """Neither in the fingerprint nor in a digest: a digest of a short password can be guessed back."""
    one, two = make(secret="A" * 40), make(secret="B" * 40)
    assert one.fingerprint == two.fingerprint
    assert [job.digest for job in one.jobs] == [job.digest for job in two.jobs]
    assert [job.key for job in one.jobs] == [job.key for job in two.jobs]


def test_nothing_secret_is_in_what_is_kept_or_shown(make):
    secret = "C" * 40
    plan = make(secret=secret)
    import zlib

    kept = zlib.decompress(Outline.of(plan).packed()) + repr(plan).encode()
    kept += orjson.dumps(
        [
            masked({name: getattr(job.spec, name) for name in job.spec.__slots__})
            for job in plan.jobs
            if not isinstance(job.spec, dict)
        ]
    )
    assert secret.encode() not in kept
    assert b"${env:S3}" in kept


def test_equal_inline_connections_are_one_and_other_credentials_need_another_name(make):
    entry = TEXT[TEXT.index("  - kind: audience-export") : TEXT.index("  - kind: activation")].replace(
        "connection: s3",
        """connection:
      {destination: amazon_s3, name: inline, auth: {specName: Access Key, params: {s3AccessKey: "AKIAIOSFODNN7EXAMPLE", s3SecretKey: "${env:S3}"}}}""",
    )
    head = TEXT[: TEXT.index("connections:")] + "entries:\n"
    other = entry.replace("Loyalty", "Other")
    assert [key for key in keys(make(head + entry + other)) if key.startswith("base:amazon")] == [
        "base:amazon_s3:inline"
    ]
    other = other.replace("${env:S3}", "WJALRXUTNFEMIK7MDENGBPXRFICYEXAMPLEKEYYY")
    with pytest.raises(ManifestError) as caught:
        make(head + entry + other)
    (problem,) = caught.value.problems
    assert "by their secrets alone" in problem.message
    assert problem.line == head.count("\n") + entry.count("\n") + 3  # its foreach
    assert [
        key for key in keys(make(head + entry + other.replace("inline", "2nd"))) if key.startswith("base:amazon")
    ] == [
        "base:amazon_s3:inline",
        "base:amazon_s3:2nd",
    ]


def test_an_inline_connection_without_a_name_is_called_by_what_it_says(make):
    entry = TEXT[TEXT.index("  - kind: audience-export") : TEXT.index("  - kind: activation")].replace(
        "connection: s3",
        """connection:
      {destination: amazon_s3, auth: {specName: Access Key, params: {s3AccessKey: "AKIAIOSFODNN7EXAMPLE", s3SecretKey: "${env:S3}"}}}""",
    )
    head = TEXT[: TEXT.index("connections:")] + "entries:\n"
    first = make(head + entry + entry.replace("Loyalty", "Other"))
    second = make(head + entry.replace("Loyalty", "Other") + entry)
    (one,), (two,) = ([key for key in keys(plan) if key.startswith("base:amazon")] for plan in (first, second))
    assert one == two


def test_version_1_looks_the_export_job_up_once_or_takes_what_it_is_given(make):
    plan = make(TEXT.replace("kind: activation", "kind: activation\n    apiVersion: 1"))
    job = by_key(plan)["adhoc:now:1"]
    assert plan.jobs[job.needs[EXPORT_JOB]].kind == "find"
    assert "exportIds" not in job.spec
    plan = make(TEXT.replace("kind: activation", 'kind: activation\n    apiVersion: 1\n    exportIds: ["42"]'))
    job = by_key(plan)["adhoc:now:1"]
    assert not job.needs
    assert job.spec["exportIds"] == ["42"]


def test_pairs_per_job_can_be_fewer(make):
    plan = make(TEXT + "options: {audiencesPerJob: 1}\n")
    assert [key for key in keys(plan) if key.startswith("adhoc")] == ["adhoc:now:1", "adhoc:now:2", "adhoc:now:3"]
    assert plan.adhoc[0].jobs == 3
    assert plan.adhoc[0].minimal


def test_the_forecast_of_requests_counts_every_job(make):
    requests = make().requests
    assert requests["POST /flows"] == requests["PATCH /flows/{id}"] == 3
    assert requests["POST /connections"] == 2
    assert requests["POST /adhocrun"] == 1
    assert requests["GET /flows/{id}"] == 4
