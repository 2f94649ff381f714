"""A deletion: sent once, looked up when in doubt, patient with the platform, and never against who still uses it."""

from __future__ import annotations

import pytest

from headgate.exchange import Answer, Problem, Verdict
from headgate.workflows.contract import NO_PHASE, Ask, Claim, Ending, Pause, Settle, Signal
from headgate.workflows.delete import IN_USE, POLLS, PROCEDURE, DeleteSpec, advance
from headgate.workflows.evidence import EVIDENCE

from tests.unit.workflows.steps import MARK, context, items, no, ok

FLOW = DeleteSpec("flows", "f1", "Loyalty fr", MARK)
BASE = DeleteSpec("connections", "b1", "crm-s3", MARK)
STORE = DeleteSpec("connections", "b1", "profile store", MARK, shared=True)
DOUBT = DeleteSpec("flows", "", "Loyalty fr", MARK)
GONE = no(404, "flows not found with id = [f1]")
THERE = items({"id": "f1", "state": "enabled"})


class Talk:
    """A deletion and what was said so far."""

    def __init__(self, spec, *answers, inputs=None, phase=NO_PHASE, signal=Signal.START):
        self.context, self.asked, self.pauses = context(spec, inputs=inputs, granted=True), [], []
        self.step = advance(self.context, phase, signal)
        self._through()
        for answer in answers:
            self.hear(answer)

    def hear(self, answer):
        assert isinstance(self.step, Ask), self.step
        self.step = advance(self.context, self.step.phase, answer)
        self._through()
        return self

    def _through(self):
        while isinstance(self.step, Pause):
            self.pauses.append(self.step)
            self.step = advance(self.context, self.step.phase, Signal.RESUME)
        if isinstance(self.step, Ask):
            call = self.step.call
            self.asked.append(f"{call.method} {call.path}")

    @property
    def end(self):
        assert isinstance(self.step, Settle), self.step
        return self.step


@pytest.mark.parametrize("status", [200, 202, 204])
def test_deleted_and_then_looked_at_until_it_is_not_there(status):
    talk = Talk(FLOW, ok(None, status), GONE)
    assert talk.asked == ["DELETE /flows/f1", "GET /flows/f1"]
    assert talk.end == Settle(Ending.SUCCEEDED, {"id": "f1", "gone": True, "status": "deleted"})


def test_a_deletion_that_takes_its_time_is_waited_for_and_not_sent_again():
    talk = Talk(FLOW, ok(None, 202), THERE, THERE, items({"id": "f1", "state": "delete-finalizing"}), GONE)
    assert talk.asked == ["DELETE /flows/f1", *["GET /flows/f1"] * 4]
    assert [pause.seconds for pause in talk.pauses] == sorted(pause.seconds for pause in talk.pauses)
    assert talk.end.output["gone"]


def test_a_deletion_that_never_ends_is_a_failure_with_a_bound():
    talk = Talk(FLOW, ok(None, 202), *[THERE] * POLLS)
    assert talk.end.ending is Ending.FAILED
    assert talk.end.problem.code == "headgate-not-gone"
    assert 600 < sum(pause.seconds for pause in talk.pauses) < 1800


@pytest.mark.parametrize("answer", [GONE, no(404, "HTTP 404 without an explanation"), no(400, "not found", "1439-400")])
def test_what_is_not_there_has_been_deleted(answer):
    talk = Talk(FLOW, answer)
    assert talk.asked == ["DELETE /flows/f1"]
    assert talk.end.output == {"id": "f1", "gone": True, "status": "deleted"}


def test_a_proxys_page_is_not_the_platforms_word():
    talk = Talk(FLOW, no(404, "a web page instead of an answer: nginx"))
    assert talk.end.ending is Ending.FAILED
    assert "gone" not in talk.end.output


# -- what may have happened


def test_after_a_lost_answer_it_is_looked_for_first():
    talk = Talk(FLOW)
    talk.step = advance(talk.context, talk.step.phase, Signal.LOST)
    assert talk.step.call.method == "GET"
    talk.hear(GONE)
    assert talk.end.output["gone"]


def test_a_deletion_that_was_lost_on_its_way_is_sent_again_within_a_bound():
    talk = Talk(FLOW)
    for _ in range(EVIDENCE["DELETE /flows/{id}"].losses):
        assert talk.step.call.method == "DELETE"
        talk.step = advance(talk.context, talk.step.phase, Signal.LOST)
        talk.hear(THERE)
    assert talk.end.ending is Ending.FAILED
    assert talk.end.problem.code == "headgate-not-deleted"


def test_a_lost_answer_to_a_deletion_under_way_is_not_sent_again():
    talk = Talk(FLOW)
    talk.step = advance(talk.context, talk.step.phase, Signal.LOST)
    talk.hear(items({"id": "f1", "state": "delete-finalizing"})).hear(GONE)
    assert talk.end.output["gone"]


@pytest.mark.parametrize("crashes", [1, 20])
def test_crashes_say_nothing_of_the_object_and_are_not_counted(crashes):
    talk = Talk(FLOW)
    for _ in range(crashes):
        assert talk.step.call.method == "DELETE"
        talk = Talk(FLOW, phase=talk.step.phase, signal=Signal.RESUME)
        assert talk.step.call.method == "GET"
        talk.hear(THERE)
    talk.hear(ok(None, 204)).hear(GONE)
    assert talk.end.output["gone"]


def test_a_process_that_died_while_it_waited_goes_on_waiting():
    talk = Talk(FLOW, ok(None, 202))
    talk = Talk(FLOW, phase=talk.step.phase, signal=Signal.RESUME)
    assert talk.asked == ["GET /flows/f1"]
    talk.hear(THERE)
    assert talk.asked[-1] == "GET /flows/f1"


# -- refusals


@pytest.mark.parametrize(
    "busy",
    [no(400, "busy", code) for code in ("1416-400", "1420-400", "1421-400", "1422-400", "1457-400")]
    + [no(412, "Supplied version does not match")],
)
def test_what_is_being_changed_is_asked_again(busy):
    talk = Talk(FLOW, busy, busy, ok(None, 202), GONE)
    assert talk.asked == [*["DELETE /flows/f1"] * 3, "GET /flows/f1"]
    assert talk.end.output["gone"]


def test_busy_for_ever_ends():
    talk = Talk(FLOW)
    for _ in range(1000):
        if isinstance(talk.step, Settle):
            break
        talk.hear(no(412, "Supplied version does not match"))
    assert talk.end.ending is Ending.FAILED


def test_what_is_being_deleted_already_is_waited_for():
    talk = Talk(FLOW, no(400, "in state delete-finalizing", "1458-400"), THERE, GONE)
    assert talk.asked == ["DELETE /flows/f1", "GET /flows/f1", "GET /flows/f1"]
    assert talk.end.output["gone"]


@pytest.mark.parametrize("answer", [no(400, "no", "1100-400"), no(403, "no", verdict=Verdict.REFUSED)])
def test_any_other_refusal_is_a_failure_in_the_platforms_words(answer):
    talk = Talk(FLOW, answer)
    assert talk.end.problem is answer.problem


def test_a_look_that_is_refused_is_a_failure_and_nothing_is_forgotten():
    talk = Talk(FLOW, ok(None, 202), no(403, "no", verdict=Verdict.REFUSED))
    assert talk.end.ending is Ending.FAILED
    assert "gone" not in talk.end.output


# -- base connections


def test_a_base_connection_is_deleted_when_nothing_uses_it():
    talk = Talk(BASE, items(), items(), ok(None, 204), no(404, "connections not found"))
    assert talk.asked == [
        "GET /targetConnections",
        "GET /sourceConnections",
        "DELETE /connections/b1",
        "GET /connections/b1",
    ]
    assert talk.end.output["gone"]


def test_users_are_asked_for_by_the_documented_filter():
    call = advance(context(BASE), NO_PHASE, Signal.START).call
    assert dict(call.query)["property"] == "baseConnectionId==b1"


@pytest.mark.parametrize("spec", [BASE, STORE])
def test_what_somebody_uses_is_never_deleted(spec):
    talk = Talk(spec, items({"id": "t9", "name": "Theirs", "baseConnectionId": "b1"}))
    assert talk.asked == ["GET /targetConnections"]
    if spec.shared:
        assert talk.end.ending is Ending.SUCCEEDED
        assert "Theirs" in talk.end.output["kept"]
    else:
        assert talk.end.problem.code == "headgate-in-use"
        assert "Theirs" in talk.end.problem.message
    assert "gone" not in talk.end.output


def test_a_platform_that_ignores_the_filter_hides_nothing_and_blames_nobody():
    stranger = {"id": "t9", "baseConnectionId": "another"}
    ours = {"id": "s9", "inheritedAttributes": {"baseConnection": {"id": "b1"}}}
    assert Talk(BASE, items(stranger), items(stranger)).asked[-1] == "DELETE /connections/b1"
    assert Talk(BASE, items(stranger), items(ours)).end.ending is Ending.FAILED


def test_lists_that_still_show_what_was_just_deleted_are_waited_for():
    inputs = {"user 0": {"id": "t1", "gone": True}}
    late = items({"id": "t1", "baseConnectionId": "b1"})
    talk = Talk(BASE, late, late, items(), items(), ok(None, 204), no(404, "gone"), inputs=inputs)
    assert talk.end.output["gone"]
    assert len(talk.pauses) == 2


@pytest.mark.parametrize("spec", [BASE, STORE])
@pytest.mark.parametrize("answer", [no(400, "invalid field", "1449-400"), ok({"other": 1}), ok(None)])
def test_without_a_word_on_who_uses_it_it_stays(spec, answer):
    talk = Talk(spec, answer)
    assert (talk.end.ending is Ending.SUCCEEDED) == spec.shared
    assert "gone" not in talk.end.output


def test_a_platform_that_notices_late_is_asked_again_and_then_believed():
    used = no(400, "is being used in one or more flows", "1418-400")
    talk = Talk(BASE, items(), items(), used, ok(None, 204), no(404, "gone"))
    assert talk.end.output["gone"]
    talk = Talk(BASE, items(), items(), *[used] * (IN_USE + 1))
    assert talk.end.ending is Ending.FAILED
    assert talk.end.problem.code == "1418-400"
    assert "kept" in Talk(STORE, items(), items(), *[used] * (IN_USE + 1)).end.output


# -- what was in doubt


def test_what_was_in_doubt_and_never_made_is_gone():
    looks = EVIDENCE["POST /flows"].looks
    talk = Talk(DOUBT, *[items()] * looks)
    assert talk.asked == ["GET /flows"] * looks
    assert talk.end == Settle(Ending.SUCCEEDED, {"id": "", "gone": True, "status": "deleted"})


def test_what_was_in_doubt_and_made_is_found_by_its_mark_and_deleted():
    theirs = {"id": "f8", "description": "[headgate:999999999999999999999999]"}
    ours = {"id": "f1", "description": f"text {MARK}"}
    talk = Talk(DOUBT, items(theirs, ours), ok(None, 202), GONE, items(theirs, ours))
    assert talk.asked == ["GET /flows", "DELETE /flows/f1", "GET /flows/f1", "GET /flows"]
    assert talk.end.output == {"id": "f1", "gone": True, "status": "deleted"}


def test_two_that_bear_the_mark_of_what_was_in_doubt_both_go():
    both = items({"id": "f1", "description": MARK}, {"id": "f2", "description": MARK})
    talk = Talk(DOUBT, both, ok(), GONE, both, ok(), no(404, "gone"), both)
    assert [asked for asked in talk.asked if asked.startswith("DELETE")] == ["DELETE /flows/f1", "DELETE /flows/f2"]
    assert talk.end.output["gone"]


def test_what_was_in_doubt_without_a_mark_is_for_a_person():
    assert Talk({"collection": "flows", "id": ""}).end.problem.code == "headgate-in-doubt"


# -- what others may ask for


def test_a_child_of_another_job_says_only_collection_and_id():
    talk = Talk({"collection": "flows", "id": "f1"}, ok(None, 202), GONE)
    assert talk.end.output == {"id": "f1", "gone": True, "status": "deleted"}


def test_a_collection_nobody_knows_is_a_failure_in_words():
    assert "nowhere" in Talk(DeleteSpec("nowhere", "x")).end.problem.message


def test_an_answer_without_a_problem_is_a_failure_too():
    assert Talk(FLOW, Answer(Verdict.REJECTED, 400)).end.problem == Problem(0, "headgate", "status 400")


def test_what_a_sandbox_has_once_is_deleted_under_its_mark():
    step = advance(context(STORE), NO_PHASE, Signal.START)
    assert step == Claim((MARK,), NO_PHASE)
    asked = advance(context(STORE, granted=True, known=("b1", "d")), step.phase, Signal.RESUME)
    assert isinstance(asked, Ask)
    assert PROCEDURE.keys(STORE, asked.phase) == (MARK,)
    assert PROCEDURE.keys(BASE, asked.phase) == ()
    assert isinstance(advance(context(BASE), NO_PHASE, Signal.START), Ask), "what belongs to one manifest"
    assert PROCEDURE.denied(STORE, "run other") == "run other is at work on profile store"


def test_what_was_in_doubt_and_was_made_by_another_run_meanwhile_stays():
    doubt = DeleteSpec("connections", "", "profile store", MARK, shared=True)
    end = advance(context(doubt, granted=True, known=("theirs", "d")), NO_PHASE, Signal.RESUME)
    assert (end.ending, end.output["id"], "another run" in end.output["kept"]) == (Ending.SUCCEEDED, "theirs", True)
    assert isinstance(advance(context(doubt, granted=True, known=("", "d")), NO_PHASE, Signal.RESUME), Ask)
