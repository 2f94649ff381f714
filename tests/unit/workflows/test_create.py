"""Creation: exactly once, whatever became of the answer."""

from __future__ import annotations

import pytest

from headgate.exchange import Verdict
from headgate.workflows import converge
from headgate.workflows.contract import NO_PHASE, Ask, Claim, Ending, Pause, Settle, Signal
from headgate.workflows.dialects import DIALECTS
from headgate.workflows.create import PROCEDURE, CreateSpec, advance, evidence_of, replacing

from tests.unit.workflows.steps import MARK, context, creation, items, no, ok

SPEC = creation(
    refs=(("baseConnectionId", "base"), ("sourceConnectionIds[]", "source"), ("flowSpec.id", "spec")),
    body={"flowSpec": {"version": "1.0"}},
)
INPUTS = {"base": {"id": "b-1"}, "source": {"id": "s-1"}, "spec": {"id": "fs-1"}}
LOST = {"at": "post", "posts": 1, "faults": 0}
ROW = evidence_of(SPEC.collection)


def look_up_filter(spec):
    return dict(DIALECTS[spec.collection].narrowed(spec.name, spec.body, spec.filter, ""))["property"]


def go(signal, phase=NO_PHASE, spec=SPEC, **granted):
    return advance(context(spec, inputs=INPUTS, **granted), phase, signal)


def test_the_body_gets_its_references_and_the_plan_keeps_its_own():
    step = go(Signal.START)
    assert step.call.method == "POST"
    assert step.call.endpoint == "POST /targetConnections"
    assert step.call.purpose == "create"
    assert step.call.body["baseConnectionId"] == "b-1"
    assert step.call.body["sourceConnectionIds"] == ["s-1"]
    assert step.call.body["flowSpec"] == {"version": "1.0", "id": "fs-1"}
    assert SPEC.body["flowSpec"] == {"version": "1.0"}, "the plan's body was changed"
    assert "baseConnectionId" not in SPEC.body
    assert step.phase == LOST


def test_a_created_object_gives_its_id_and_etag():
    step = go(ok({"id": "x-1", "etag": '"e"'}, 201), LOST)
    assert step == Settle(Ending.SUCCEEDED, {"id": "x-1", "etag": '"e"', "posts": 1})


def test_a_rejection_is_a_failure_with_the_platforms_words():
    answer = no(422, "bad params", "1418-422")
    step = go(answer, LOST)
    assert step.ending is Ending.FAILED
    assert step.problem is answer.problem


@pytest.mark.parametrize("body", [None, {}, {"id": ""}, {"id": None}, {"id": 5}, [], "x", {"items": []}])
def test_success_without_an_id_looks_the_object_up_and_never_posts_blindly(body):
    step = go(ok(body, 201), LOST)
    assert isinstance(step, Pause)
    assert step.seconds == 0
    following = go(Signal.RESUME, step.phase)
    assert following.call.method == "GET"
    assert go(items({"id": "x", "description": MARK}), following.phase).output["id"] == "x"


def test_after_a_lost_answer_it_looks_all_pages_before_it_posts_again():
    step = go(Signal.LOST, LOST)
    assert (step.call.method, step.call.path, step.call.paged) == ("GET", "/targetConnections", True)
    assert dict(step.call.query)["property"] == "name==Loyalty fr"
    assert not step.call.effect


def test_found_once_is_adopted():
    step = go(Signal.LOST, LOST)
    settled = go(
        items(
            {"id": "other", "description": "something else"},
            {"id": "x-1", "etag": '"e"', "description": f"text {MARK}"},
        ),
        step.phase,
    )
    assert settled.ending is Ending.SUCCEEDED
    assert settled.output == {"id": "x-1", "etag": '"e"', "found": "after", "posts": 1}


def test_found_by_the_same_name_without_the_marker_is_somebody_elses():
    last = {"at": "look", "look": ROW.looks, "posts": 1}
    step = go(items({"id": "x", "name": "Loyalty fr", "description": None}), last)
    assert step.call.method == "POST"


def test_not_found_is_looked_for_again_after_a_while_and_then_posted():
    step = go(Signal.LOST, LOST)
    looks = 0
    while isinstance(step, Ask) and step.call.method == "GET":
        looks += 1
        step = go(items(), step.phase)
        if isinstance(step, Pause):
            assert step.seconds == 5.0 * 2 ** (looks - 1)
            step = go(Signal.RESUME, step.phase)
    assert looks == ROW.looks
    assert step.call.method == "POST"
    assert step.phase == {"at": "post", "posts": 2, "faults": 1}


def test_two_that_bear_the_marker_are_named_and_none_is_chosen():
    step = go(
        items({"id": "x", "description": MARK}, {"id": "y", "description": MARK}), {"at": "look", "look": 1, "posts": 1}
    )
    assert step.ending is Ending.FAILED
    assert step.output == {"candidates": "x, y"}
    assert step.problem.code == "headgate-two-candidates"
    assert "x, y" in step.problem.message
    assert step.problem.advice


def test_a_rejected_look_up_is_a_failure():
    assert go(no(400, "filter"), {"at": "look", "look": 1, "posts": 1}).ending is Ending.FAILED


def test_posting_ends_after_a_bounded_number_of_lost_answers():
    phase, posts = NO_PHASE, 0
    step = go(Signal.START, phase)
    for _ in range(1000):
        if isinstance(step, Settle):
            break
        if isinstance(step, Pause):
            step = go(Signal.RESUME, step.phase)
        elif step.call.method == "POST":
            posts += 1
            step = go(Signal.LOST, step.phase)
        else:
            step = go(items(), step.phase)
    assert posts == ROW.losses
    assert step.ending is Ending.FAILED
    assert step.problem.advice


def found_in_list(*ids, shared=False):
    spec = creation(shared=shared)
    inputs = {"listed": {"objects": {MARK: list(ids), "[headgate:other]": ["z"]}}}
    return advance(context(spec, inputs=inputs), NO_PHASE, Signal.START)


def test_what_the_list_shows_is_adopted_and_not_made():
    step = found_in_list("x")
    assert (step.call.method, step.call.path) == ("GET", "/targetConnections/x"), "its content is compared"
    assert found_in_list().call.method == "POST"


def test_two_in_the_list_are_a_doubt_but_for_what_a_sandbox_has_once():
    assert found_in_list("x", "y").problem.code == "headgate-two-candidates"
    assert found_in_list("x", "y", shared=True).call.path == "/targetConnections/x"


def test_of_two_shared_ones_found_after_a_lost_answer_the_oldest_serves():
    spec = creation(shared=True)
    step = go(Signal.LOST, LOST, spec, granted=True)
    found = items(
        {"id": "a", "createdAt": 1700000000002, "description": MARK},
        {"id": "b", "createdAt": 1700000000001, "description": MARK},
    )
    assert go(found, step.phase, spec).output["id"] == "b"


# -- what a sandbox has once is made by who holds its mark


ONCE = creation(shared=True)


def test_its_mark_is_claimed_before_it_is_made_or_looked_for():
    start = go(Signal.START, NO_PHASE, ONCE)
    assert isinstance(start, Claim)
    assert start.keys == (MARK,)
    # In doubt before the run began; resumed; and to take the place of another one.
    for phase in (NO_PHASE, LOST, replacing("old")):
        assert go(Signal.RESUME, phase, ONCE) == Claim((MARK,), phase)
    assert isinstance(go(Signal.START), Ask), "what belongs to one manifest nobody else makes"


def test_granted_and_known_to_nobody_it_is_made_at_once():
    phase = go(Signal.START, NO_PHASE, ONCE).phase
    assert go(Signal.RESUME, phase, ONCE, granted=True).call.method == "POST"


def test_granted_by_the_death_of_who_may_have_made_it_it_is_looked_for_as_long_as_a_list_may_lag():
    phase = go(Signal.START, NO_PHASE, ONCE).phase
    waited_s, looks = 0.0, 0
    step = go(Signal.RESUME, phase, ONCE, granted=True, known=("", "d"))
    while step.call.method == "GET":
        looks += 1
        step = go(items(), step.phase, ONCE, granted=True, known=("", "d"))
        if isinstance(step, Pause):
            waited_s += step.seconds
            step = go(Signal.RESUME, step.phase, ONCE, granted=True, known=("", "d"))
    assert (looks, waited_s) == (ROW.looks, ROW.patience_s)
    assert step.call.method == "POST"


def test_its_mark_is_held_in_every_phase_in_which_it_may_be_made_and_in_no_other():
    assert PROCEDURE.keys(ONCE, LOST) == PROCEDURE.keys(ONCE, {"at": "look", "look": 1}) == (MARK,)
    assert PROCEDURE.keys(ONCE, NO_PHASE) == PROCEDURE.keys(ONCE, converge.begin("x")) == ()
    assert PROCEDURE.keys(SPEC, LOST) == ()


def test_who_waits_for_it_says_for_whom_and_what():
    assert PROCEDURE.denied(ONCE, "run other, driven by process 7 on h") == (
        "run other, driven by process 7 on h is at work on Loyalty fr"
    )


def test_resumed_at_its_intent_it_looks_first():
    assert go(Signal.RESUME, LOST).call.method == "GET"


def test_known_to_be_in_doubt_it_looks_first_although_it_has_no_phase():
    step = go(Signal.LOST, NO_PHASE)
    assert step.call.method == "GET"
    assert go(items({"id": "x", "description": MARK}), step.phase).call.path == "/targetConnections/x"


@pytest.mark.parametrize("name", ["a, b", 'say "hi"', "back\\slash", ","])
@pytest.mark.parametrize(
    ("collection", "wanted"),
    [
        ("targetConnections", "connectionSpec.id==spec-1"),
        ("connections", "connectionSpec.id==spec-1"),
        ("flows", "inheritedAttributes.properties.isDestinationFlow==true"),
    ],
)
def test_a_name_that_a_filter_cannot_hold_is_looked_for_among_all_of_its_kind(name, collection, wanted):
    """A comma means OR and quotes delimit (facts 2.4): a filter by such a name would find the wrong ones, or none."""
    assert look_up_filter(creation(name, collection)) == wanted


@pytest.mark.parametrize("name", ["plain", "Ü b/c (d)", "a=b", "a > b", "50%", "a&b", "a+b"])
def test_other_names_narrow_the_list(name):
    assert look_up_filter(creation(name)) == f"name=={name}"


@pytest.mark.parametrize("name", [" led", "trailed ", "", "\ttab"])
def test_a_name_whose_edges_a_filter_may_trim_is_not_put_into_one(name):
    """A platform that trims the value would find nothing, and the object would be made twice."""
    assert look_up_filter(creation(name)) == "connectionSpec.id==spec-1"


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        "x",
        5,
        {},
        {"items": None},
        {"items": 5},
        {"items": [None, 5, "x", []]},
        {"items": [{"description": MARK}]},
        {"items": [{"id": 5, "description": MARK}]},
        {"items": [{"id": "x", "description": ["odd"]}]},
    ],
)
def test_a_list_of_any_shape_reads_as_nothing_found(body):
    step = go(ok(body), {"at": "look", "look": 1, "posts": 1})
    assert isinstance(step, Pause)


def test_a_refused_creation_fails():
    assert go(no(403, "no right", verdict=Verdict.REFUSED), LOST).ending is Ending.FAILED


def test_what_takes_the_place_of_another_looks_first_and_passes_the_old_one_over():
    ctx = context(creation())
    old = {"id": "old", "description": MARK, "createdAt": 1}
    step = advance(ctx, replacing("old"), Signal.RESUME)
    assert (step.call.method, step.phase["gone"]) == ("GET", "old")
    for _ in range(evidence_of(ctx.spec.collection).looks - 1):
        again = advance(ctx, step.phase, items(old))
        assert isinstance(again, Pause), "the old one bears the mark, and is not it"
        step = advance(ctx, again.phase, Signal.RESUME)
    step = advance(ctx, step.phase, items(old))
    assert (step.call.method, step.phase["gone"]) == ("POST", "old")
    lost = advance(ctx, step.phase, Signal.LOST)
    step = advance(ctx, lost.phase, items(old, {"id": "new", "description": MARK, "createdAt": 2}))
    assert (step.ending, step.output["id"], step.output["found"]) == (Ending.SUCCEEDED, "new", "after")


def test_what_is_gone_is_made_again_only_where_that_was_asked_for():
    ctx = context(creation())
    step = advance(ctx, converge.begin("old"), Signal.RESUME)
    step = advance(ctx, step.phase, no(404))
    assert (step.ending, step.problem.code) == (Ending.FAILED, "headgate-gone")
    assert "--refresh" in step.problem.advice
    step = advance(ctx, advance(ctx, converge.begin("old", again=True), Signal.RESUME).phase, no(404))
    look = advance(ctx, step.phase, Signal.RESUME)
    assert (look.call.purpose, look.phase["gone"]) == ("lookup", "old")
    step = advance(ctx, converge.begin("old", again=True), Signal.RESUME)
    assert advance(ctx, step.phase, no(500)).ending is Ending.FAILED


def test_what_is_only_looked_at_is_read_where_it_lives():
    ctx = context(CreateSpec("mappingSets", {"name": "m"}, MARK))
    step = advance(ctx, converge.begin("m1"), Signal.RESUME)
    assert (step.call.service, step.call.path) == ("conversion", "/mappingSets/m1")
    done = advance(ctx, step.phase, ok({"id": "m1", "version": 3}))
    assert done.output == {"id": "m1", "found": "same", "version": "3"}
