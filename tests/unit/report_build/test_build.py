"""From an outline and a journal to a report: every status, every outcome, totals that add up."""

from __future__ import annotations

import pytest

from headgate.engine.record import JobPast, Past, Record, fold
from headgate.planning.model import ItemRow, PairRow
from headgate.planning.outline import JobLine, Outline
from headgate.report import build
from headgate.store import RunRow

ROLES = {"sourceConnection": 1, "baseConnection": 2, "targetConnection": 3, "flow": 4, "selectors": 5, "check": 6}
JOBS = [
    JobLine("base:profile-store", "create", "profileStore", -1),
    *[
        JobLine(f"{role}:A", "check" if role == "check" else "create", role, 0 if role != "baseConnection" else -1)
        for role in ROLES
    ],
]
PROBLEM = [422, "1418-422", "bad params", "req-1", "mend them"]


def run(**changes):
    return RunRow(
        **{
            "id": "r1",
            "manifest": "m",
            "path": "p",
            "sandbox": "dev",
            "fingerprint": "f",
            "status": "running",
            "started_at": 10.0,
            **changes,
        }
    )


def done(job, found=None, **output):
    output = {"id": f"id-{job}", **output}
    if found:
        output["found"] = found
    return Record("settled", job, {"ending": "succeeded", "output": output})


def failed(job, problem=PROBLEM):
    return Record("settled", job, {"ending": "failed", **({"problem": problem} if problem else {})})


def skipped(job, cause):
    return Record("settled", job, {"ending": "skipped", "cause": cause})


def report(*records, jobs=JOBS, pairs=(), items=None, **changes):
    items = [ItemRow("entry A", "A", "audience-export", "f:1", ROLES)] if items is None else items
    return build(run(**changes), Outline("m", "dev", jobs, items, pairs), fold(records))


def row(found):
    (one,) = found.items
    return one


# -- items


def test_made_is_created_with_all_its_ids():
    found = report(*[done(job) for job in range(7)])
    assert row(found).status == "created"
    assert row(found).ids == {
        "baseConnection": "id-2",
        "sourceConnection": "id-1",
        "targetConnection": "id-3",
        "flow": "id-4",
    }
    assert row(found).error is None
    assert found.totals == {"items": 1, "jobs": 7, "succeeded": 7, "failed": 0, "skipped": 0, "reused": 0, "held": 0}


def test_known_before_is_reused_also_when_a_shared_connection_is_new():
    found = report(done(0), done(1, "store"), done(2), done(3, "store"), done(4, "store"), done(5), done(6))
    assert row(found).status == "reused"
    assert found.totals["reused"] == 3


def test_partly_known_is_created():
    assert (
        row(report(done(0), done(1, "store"), done(2), done(3, "store"), done(4), done(5), done(6))).status == "created"
    )


def test_found_after_a_lost_answer_is_created_and_not_reused():
    found = report(*[done(job, "after") for job in range(7)])
    assert row(found).status == "created"
    assert found.totals["reused"] == 0


def test_a_failed_job_fails_its_item_and_says_why():
    found = report(
        done(0),
        done(1),
        done(2),
        failed(3),
        skipped(4, "targetConnection:A"),
        skipped(5, "targetConnection:A"),
        skipped(6, "targetConnection:A"),
    )
    assert row(found).status == "failed"
    assert row(found).error == {
        "job": "targetConnection:A",
        "status": 422,
        "code": "1418-422",
        "message": "bad params",
        "requestId": "req-1",
        "advice": "mend them",
    }
    assert row(found).ids == {"baseConnection": "id-2", "sourceConnection": "id-1"}
    (failure,) = found.failures
    assert (failure.item, failure.job, failure.status) == ("A", "targetConnection:A", 422)
    assert found.totals["failed"] == 1
    assert found.totals["skipped"] == 3


def test_a_failure_without_a_problem_is_a_failure_all_the_same():
    assert row(report(failed(3, None))).status == "failed"
    assert report(failed(3, None)).failures[0].message == "failed"


def test_skipped_because_of_what_is_shared_names_it():
    found = report(failed(0), *[skipped(job, "base:profile-store") for job in (1, 4, 5, 6)], done(2), done(3))
    assert row(found).status == "skipped"
    assert row(found).error["cause"] == "base:profile-store"
    assert row(found).error["message"] == "bad params"
    assert found.failures[0].item == ""


@pytest.mark.parametrize(
    "records", [[], [done(0)], [done(job) for job in range(6)], [Record("intent", 4, {"at": "post"})]]
)
def test_what_is_not_over_is_held(records):
    found = report(*records)
    assert row(found).status == "held"
    assert found.totals["held"] == 7 - sum(1 for record in records if record.kind == "settled")


def test_a_failed_shared_base_is_the_failure_of_its_items():
    found = report(done(0), done(1), failed(2), skipped(3, "baseConnection:A"))
    assert row(found).status == "failed"


def test_ids_given_in_the_manifest_are_shown():
    items = [ItemRow("e", "A", "audience-export", "f:1", {}, {"baseConnection": "given"})]
    assert report(items=items).items[0].ids == {"baseConnection": "given"}


def test_items_stand_in_the_order_of_the_manifest_whatever_settled_first():
    items = [ItemRow("e", name, "audience-export", "f", {"flow": index}) for index, name in enumerate("CAB")]
    jobs = [JobLine(f"flow:{name}", "create", "flow", index) for index, name in enumerate("CAB")]
    found = report(done(2), done(0), done(1), jobs=jobs, items=items)
    assert [one.item for one in found.items] == ["C", "A", "B"]


# -- pairs


AD = [
    JobLine("check:f", "check", "check", -1),
    JobLine("adhoc:x:1", "adhoc", "adhoc", -1),
    JobLine("adhoc:x:2", "adhoc", "adhoc", -1),
]
PAIRS = [PairRow("x", "item A", "a", 0, 1), PairRow("x", "item A", "b", 0, 2), PairRow("x", "item A", "c", 0, 1)]
CHECKED = done(0, id="flow-1", segments={})


def settled(job, rows, children=(), ending="succeeded"):
    return Record(
        "settled",
        job,
        {
            "ending": ending,
            "output": {"pairs": rows, "runs": []},
            **({"children": [list(child) for child in children]} if children else {}),
        },
    )


def activations(*records, pairs=PAIRS):
    return report(*records, jobs=AD, items=[], pairs=pairs).activations


def test_pairs_stand_in_the_order_of_the_manifest_with_their_flow_and_job():
    found = activations(
        CHECKED,
        settled(2, [[1, "activated", "r1", "success", 1, None]]),
        settled(
            1, [[2, "activated", "r2", "partial", 1, "some"], [0, "failed", "r0", "failed", 2, "why"]], ending="failed"
        ),
    )
    assert [
        (one.segmentId, one.outcome, one.adhocJob, one.runId, one.runState, one.attempts, one.reason) for one in found
    ] == [
        ("a", "failed", 1, "r0", "failed", 2, "why"),
        ("b", "activated", 2, "r1", "success", 1, None),
        ("c", "activated", 1, "r2", "partial", 1, "some"),
    ]
    assert {one.destinationId for one in found} == {"flow-1"}
    assert {one.entry for one in found} == {"x"}


@pytest.mark.parametrize("outcome", ["held", "unmapped", "out-of-schedule", "skipped"])
def test_pairs_that_were_not_sent_have_no_job_number(outcome):
    (found,) = activations(CHECKED, settled(1, [[0, outcome, None, None, 0, "why"]]), pairs=PAIRS[:1])
    assert (found.outcome, found.adhocJob, found.reason) == (outcome, None, "why")


def test_a_pair_refused_after_a_request_has_no_job_either_but_its_attempts():
    (found,) = activations(CHECKED, settled(1, [[0, "out-of-schedule", None, None, 1, "why"]]), pairs=PAIRS[:1])
    assert (found.adhocJob, found.attempts) == (None, 1)


def test_without_a_flow_the_pair_names_what_was_asked_for():
    (found,) = activations(failed(0), settled(1, [[0, "skipped", None, None, 0, "why"]]), pairs=PAIRS[:1])
    assert found.destinationId == "item A"


def test_children_have_the_last_word_and_numbers_of_their_own():
    children = [
        ("adhoc:x:1.a", "adhoc", {"pairs": [[0, "f", "a"]]}),
        ("adhoc:x:1.b", "adhoc", {"pairs": [[2, "f", "c"]]}),
    ]
    records = [
        CHECKED,
        settled(1, [], children),
        settled(2, [[1, "activated", "r1", "success", 1, None]]),
        settled(3, [[0, "activated", "r0", "success", 1, None]]),
        settled(4, [[2, "activated", "r2", "success", 2, None]]),
    ]
    found = activations(*records)
    assert [one.adhocJob for one in found] == [3, 2, 4]
    assert [one.runId for one in found] == ["r0", "r1", "r2"]
    totals = report(*records, jobs=AD, items=[], pairs=PAIRS).totals
    assert totals["jobs"] == totals["succeeded"] == 5


def test_a_pair_waiting_in_a_child_is_the_childs():
    children = [
        ("adhoc:x:1.a", "adhoc", {"pairs": [[0, "f", "a"]]}),
        ("adhoc:x:1.b", "adhoc", {"pairs": [[2, "f", "c"]]}),
    ]
    found = activations(
        CHECKED, settled(1, [], children), Record("step", 4, {"at": "runs", "of": {"2": "r2"}, "runs": ["r2"]})
    )
    assert (found[0].outcome, found[0].runId) == ("held", None)
    assert (found[2].outcome, found[2].runId, found[2].runState) == ("activated", "r2", "running")


def test_children_of_children_are_followed():
    first = [("adhoc:x:1.a", "adhoc", {"pairs": [[0, "f", "a"], [2, "f", "c"]]})]
    second = [
        ("adhoc:x:1.a.a", "adhoc", {"pairs": [[0, "f", "a"]]}),
        ("adhoc:x:1.a.b", "adhoc", {"pairs": [[2, "f", "c"]]}),
    ]
    found = activations(
        CHECKED,
        settled(1, [], first),
        settled(3, [], second),
        settled(5, [[2, "activated", "r", "success", 1, None]]),
        failed(4),
    )
    assert [one.outcome for one in found] == ["failed", "held", "activated"]


@pytest.mark.parametrize(
    ("record", "outcome", "run", "attempts"),
    [
        (None, "held", None, 0),
        (Record("intent", 1, {"at": "post", "since": 0}), "held", None, 1),
        (
            Record("step", 1, {"at": "find", "accepted": True, "known": {"0": "r0"}, "runs": ["r0"]}),
            "activated",
            "r0",
            1,
        ),
        (Record("step", 1, {"at": "find", "accepted": True, "known": {"0": ""}, "runs": []}), "activated", None, 1),
        (Record("step", 1, {"at": "runs", "of": {"0": "r0"}, "runs": ["r0"]}), "activated", "r0", 1),
        (Record("step", 1, {"at": "runs", "of": {"0": ""}, "runs": []}), "activated", None, 1),
        (Record("step", 1, {"at": "start", "held": "younger than an hour"}), "held", None, 0),
    ],
)
def test_a_run_that_ended_early_says_how_far_each_pair_came(record, outcome, run, attempts):
    (found,) = activations(CHECKED, *([record] if record else []), pairs=PAIRS[:1])
    assert (found.outcome, found.runId, found.attempts) == (outcome, run, attempts)
    assert found.reason


def test_the_reason_of_a_hold_is_kept():
    (found,) = activations(CHECKED, Record("step", 1, {"at": "start", "held": "younger than an hour"}), pairs=PAIRS[:1])
    assert found.reason == "younger than an hour"


def test_given_up_while_its_runs_were_followed_still_names_the_run():
    """Else nobody could look what became of it."""
    (found,) = activations(
        CHECKED, Record("step", 1, {"at": "runs", "of": {"0": "r0"}, "runs": ["r0"]}), failed(1), pairs=PAIRS[:1]
    )
    assert (found.outcome, found.runId, found.reason) == ("failed", "r0", "bad params")


def test_skipped_as_a_job_is_skipped_as_pairs():
    (found,) = activations(CHECKED, skipped(1, "export-job"), pairs=PAIRS[:1])
    assert (found.outcome, found.reason) == ("skipped", "export-job failed")


# -- the whole


def test_totals_add_up_for_every_mixture():
    records = [done(0), done(1, "store"), failed(2), skipped(3, "x"), Record("intent", 4, {"at": "post"})]
    totals = report(*records).totals
    assert totals["succeeded"] + totals["failed"] + totals["skipped"] + totals["held"] == totals["jobs"] == 7


def test_counters_and_times_come_from_the_run():
    found = report(
        status="failed",
        finished_at=20.5,
        counters={
            "sent": 9,
            "throttled": 1,
            "retried": 2,
            "polls": 3,
            "seconds": 4.5,
            "byEndpoint": {"POST /flows": 9},
        },
    )
    assert found.requests == {"sent": 9, "throttled": 1, "retried": 2, "polls": 3, "byEndpoint": {"POST /flows": 9}}
    assert (found.wall_s, found.started_at, found.finished_at, found.status) == (4.5, 10.0, 20.5, "failed")


def test_a_run_that_never_counted_has_zeros():
    assert report().requests == {"sent": 0, "throttled": 0, "retried": 0, "polls": 0, "byEndpoint": {}}


def test_status_and_end_can_be_given():
    outline = Outline("m", "dev", JOBS, [], [])
    found = build(run(), outline, Past(), status="interrupted", finished_at=99.0)
    assert (found.status, found.finished_at) == ("interrupted", 99.0)


def test_the_json_has_the_keys_of_the_contract():
    found = report(*[done(job) for job in range(7)], pairs=(), status="succeeded", finished_at=11.25).as_json()
    assert {
        "schema",
        "runId",
        "manifest",
        "sandbox",
        "status",
        "startedAt",
        "finishedAt",
        "wallSeconds",
        "totals",
        "requests",
        "items",
        "activations",
        "failures",
    } <= set(found)
    assert found["schema"] == "headgate.report/1"
    assert found["startedAt"] == "1970-01-01T00:00:10.000Z"
    assert found["finishedAt"] == "1970-01-01T00:00:11.250Z"
    assert set(found["items"][0]) == {"entry", "item", "status", "ids", "error"}


def test_an_empty_plan_is_an_empty_report():
    found = report(jobs=[], items=[])
    assert found.totals["jobs"] == 0
    assert not found.failed


def test_a_report_is_the_same_from_the_packed_outline():
    outline = Outline(
        "m", "dev", AD, [ItemRow("e", "A", "audience-export", "f:1", {"flow": 0}, {"baseConnection": "b"})], PAIRS
    )
    records = [CHECKED, settled(1, [[0, "activated", "r", "success", 1, None]])]
    assert build(run(), outline, fold(records)) == build(run(), Outline.unpacked(outline.packed()), fold(records))


def test_an_open_job_is_read_from_what_was_journaled_alone():
    assert JobPast().settled is None
