"""Procedures on existing flows, step by step."""

from __future__ import annotations

from copy import deepcopy

import pytest

from headgate.exchange import Verdict
from headgate.workflows import PROCEDURES
from headgate.workflows.contract import Ask, Ending, Pause, Settle, Signal
from headgate.workflows.evidence import EVIDENCE

from tests.unit.workflows.steps import MARK, NOON, Boarded, context, items, no, ok, run

SCHEDULE = {
    "exportMode": "FIRST_FULL_THEN_INCREMENTAL",
    "interval": 3,
    "timeUnit": "hour",
    "startTime": 5,
    "endTime": 10,
}
SET = {"set": [["/scheduleParams/endTime", 99]]}
APPEND = {"patch": [{"op": "add", "path": "/scheduleParams/list/-", "value": 1}]}


def flow(etag='"e1"', *, state="enabled", operation="completed", **parts):
    return {
        "id": "F",
        "name": "n",
        "etag": etag,
        "state": state,
        "scheduleParams": dict(SCHEDULE),
        "lastOperation": {"status": {"value": operation, "errors": [{"code": "X", "message": "boom"}]}},
        **parts,
    }


def wanted(etag='"e2"', **more):
    return flow(etag, scheduleParams={**SCHEDULE, "endTime": 99}, **more)


class Drive:
    """A procedure driven by hand."""

    def __init__(self, kind, spec, **more):
        self.advance, self.ctx, self.step = Boarded(PROCEDURES[kind].advance), context(spec, key="k", **more), None
        self.tell(Signal.START)

    def tell(self, signal):
        phase = {} if self.step is None else deepcopy(self.step.phase)
        self.step = self.advance(self.ctx, phase, signal)
        return self

    def get(self, body):
        assert isinstance(self.step, Ask), self.step
        assert self.step.call.method == "GET"
        return self.tell(ok({"items": [body]}) if "items" not in body else ok(body))

    @property
    def call(self):
        assert isinstance(self.step, Ask), self.step
        return self.step.call

    @property
    def end(self):
        assert isinstance(self.step, Settle), self.step
        return self.step


def change(spec=SET, where=None):
    return Drive("flow-change", {"flow": "F", "where": where, "change": spec})


class TestChange:
    def test_the_whole_schedule_is_sent_with_the_etag_it_was_read_with(self):
        drive = change().get(flow())
        assert dict(drive.call.headers) == {"If-Match": '"e1"'}
        assert drive.call.body == [{"op": "replace", "path": "/scheduleParams", "value": {**SCHEDULE, "endTime": 99}}]
        drive.tell(ok(None, 202)).get(wanted()).end
        assert drive.end.output == {
            "status": "updated",
            "changes": [{"path": "/scheduleParams/endTime", "from": 10, "to": 99}],
        }

    def test_nothing_but_the_get_is_sent_for_what_is_in_place(self):
        assert change().get(wanted()).end.output == {"status": "unchanged"}

    def test_what_is_not_meant_any_more_is_left_alone(self):
        end = change(where="scheduleParams.endTime < `7`").get(flow()).end
        assert (end.ending, end.output["status"]) == (Ending.SUCCEEDED, "skipped")

    def test_412_reads_again_and_keeps_what_somebody_else_changed(self):
        drive = change().get(flow()).tell(no(412))
        other = flow('"e7"', scheduleParams={**SCHEDULE, "interval": 6})
        drive.get(other)
        assert dict(drive.call.headers) == {"If-Match": '"e7"'}
        assert drive.call.body[0]["value"] == {**SCHEDULE, "interval": 6, "endTime": 99}

    def test_412_and_not_selected_any_more(self):
        drive = change(where="state == 'enabled'").get(flow()).tell(no(412))
        assert drive.get(flow('"e7"', state="disabled")).end.output["status"] == "skipped"

    def test_three_rounds_then_both_etags_are_shown(self):
        drive = change()
        for number in range(3):
            drive.get(flow(f'"e{number}"')).tell(no(412))
        end = drive.get(flow('"e3"')).end
        assert end.ending is Ending.FAILED
        assert end.problem.code == "headgate-conflict"
        assert '"e2"' in end.problem.message
        assert '"e3"' in end.problem.message

    def test_asynchronous_the_etag_stays_while_it_goes_on(self):
        drive = change().get(flow()).tell(ok(None, 202))
        assert isinstance(drive.get(flow('"e1"')).step, Pause), "taken, but not begun"
        drive.tell(Signal.RESUME).get(wanted('"e1"', state="updating", operation="IN_PROGRESS"))
        assert isinstance(drive.step, Pause)
        assert drive.tell(Signal.RESUME).get(wanted()).end.output["status"] == "updated"

    def test_an_operation_that_fails_afterwards(self):
        drive = change().get(flow()).tell(ok({"id": "F", "etag": '"e2"'}))
        end = drive.get(flow('"e2"', operation="FAILED")).end
        assert end.ending is Ending.FAILED
        assert "boom" in end.problem.message

    def test_taken_and_overwritten_is_a_conflict(self):
        end = change().get(flow()).tell(ok()).get(flow('"e9"')).end
        assert end.problem.code == "headgate-conflict"

    @pytest.mark.parametrize("spec", [SET, APPEND])
    def test_a_lost_answer_is_looked_up(self, spec):
        begun = flow(scheduleParams={**SCHEDULE, "list": []})
        after = {**SCHEDULE, "list": [1]} if spec is APPEND else {**SCHEDULE, "list": [], "endTime": 99}
        drive = change(spec).get(begun).tell(Signal.LOST)
        assert drive.get(flow('"e2"', scheduleParams=after)).end.output["status"] == "updated"
        drive = change(spec).get(begun).tell(Signal.LOST).get(begun)
        assert drive.call.method == "PATCH", "the etag has not moved: it never happened"

    def test_a_lost_append_is_never_guessed(self):
        """Somebody else moved the etag too: whether ours came before theirs cannot be told."""
        begun = flow(scheduleParams={**SCHEDULE, "list": []})
        drive = change(APPEND).get(begun).tell(Signal.LOST)
        end = drive.get(flow('"e5"', scheduleParams={**SCHEDULE, "list": [7]})).end
        assert end.problem.code == "headgate-conflict"

    def test_a_crash_after_the_intent_is_looked_up_too(self):
        drive = change().get(flow()).tell(Signal.RESUME)
        assert drive.call.method == "GET"
        assert drive.get(wanted()).end.output["status"] == "updated"

    def test_answers_cannot_be_lost_for_ever(self):
        drive = change()
        for _ in range(EVIDENCE["PATCH /flows/{id}"].losses):
            drive.get(flow()).tell(Signal.LOST)
        drive.get(flow())
        assert drive.end.problem.code == "headgate-lost"

    def test_a_flow_that_is_being_changed_is_waited_for(self):
        drive = change().get(flow(state="updating"))
        assert isinstance(drive.step, Pause)
        assert drive.tell(Signal.RESUME).get(flow()).call.method == "PATCH"
        assert isinstance(drive.tell(no(400, code="1420-400")).step, Pause)
        assert drive.tell(Signal.RESUME).get(flow()).call.method == "PATCH"

    def test_not_for_ever(self):
        drive = change()
        for _ in range(300):
            drive.get(flow(state="updating"))
            if isinstance(drive.step, Settle):
                break
            drive.tell(Signal.RESUME)
        assert drive.end.problem.code == "headgate-busy"

    def test_a_change_that_does_not_fit(self):
        spec = {"patch": [{"op": "remove", "path": "/scheduleParams/foldernameTemplate"}]}
        assert change(spec).get(flow()).end.problem.code == "headgate-patch"

    def test_a_flow_that_is_gone(self):
        assert change().tell(no(404)).end.ending is Ending.FAILED

    def test_our_mark_stays_in_a_description(self):
        spec = {"set": [["/description", "new words"]]}
        drive = change(spec).get(flow(description=f"old words {MARK}"))
        assert drive.call.body == [{"op": "replace", "path": "/description", "value": f"new words {MARK}"}]


def switch(action, where=None):
    return Drive("flow-switch", {"flow": "F", "where": where, "action": action})


class TestSwitch:
    def test_disable(self):
        drive = switch("disable").get(flow())
        assert (drive.call.method, drive.call.path, drive.call.query) == (
            "POST",
            "/flows/F/action",
            (("op", "disable"),),
        )
        end = drive.tell(ok({"id": "F"})).get(flow(state="disabled")).end
        assert end.output["status"] == "updated"
        assert end.output["changes"] == [{"path": "/state", "from": "enabled", "to": "disabled"}]

    def test_what_is_so_already_is_left_alone(self):
        assert switch("enable").get(flow()).end.output["status"] == "unchanged"

    def test_it_is_done_when_the_flow_says_so(self):
        drive = switch("disable").get(flow()).tell(ok())
        assert isinstance(drive.get(flow(state="disabling")).step, Pause)
        assert isinstance(drive.tell(Signal.RESUME).get(flow()).step, Pause)
        assert drive.tell(Signal.RESUME).get(flow(state="disabled")).end.output["status"] == "updated"

    def test_a_lost_answer_is_looked_up(self):
        assert (
            switch("disable").get(flow()).tell(Signal.LOST).get(flow(state="disabled")).end.output["status"]
            == "updated"
        )
        assert switch("disable").get(flow()).tell(Signal.LOST).get(flow()).call.method == "POST"

    def test_not_meant_any_more(self):
        assert switch("disable", "name == 'x'").get(flow()).end.output["status"] == "skipped"

    def test_a_refusal(self):
        assert switch("enable").get(flow(state="draft")).tell(no(400)).end.ending is Ending.FAILED

    def test_deleting_asks_first_and_goes_on_in_a_child(self):
        end = switch("delete", "name == 'n'").get(flow()).end
        assert [(child.kind, dict(child.spec)) for child in end.children] == [
            ("delete", {"collection": "flows", "id": "F"})
        ]
        assert switch("delete", "name == 'x'").get(flow()).end.output["status"] == "skipped"
        assert switch("delete").tell(no(404)).end.output["status"] == "deleted"


class TestRetry:
    FAILED = run("r1", "F", status="failed")
    SOURCE = flow(inheritedAttributes={"properties": {"isSourceFlow": True}})

    def drive(self):
        return Drive("flow-retry", {"flow": "F", "where": None}).get(self.SOURCE)

    def test_the_latest_run_if_it_failed(self):
        drive = self.drive().get({"items": [run("r0", "F", at_s=NOON - 50, status="success"), self.FAILED]})
        assert (drive.call.path, drive.call.query) == ("/runs/r1/action", (("op", "re-trigger"),))
        end = drive.tell(ok({"id": "r2", "etag": '"x"'})).end
        assert (end.output["status"], end.output["runId"]) == ("updated", "r2")

    @pytest.mark.parametrize(
        "runs", [[], [run("r1", "F", status="success")], [run("r1", "F")], [FAILED, run("r2", "F", at_s=NOON + 1)]]
    )
    def test_nothing_to_do(self, runs):
        assert self.drive().get({"items": runs}).end.output["status"] == "unchanged"

    def test_a_newer_run_is_the_proof_after_a_lost_answer(self):
        drive = self.drive().get({"items": [self.FAILED]}).tell(Signal.LOST)
        end = drive.get({"items": [run("r2", "F", at_s=NOON + 5), self.FAILED]}).end
        assert (end.output["status"], end.output["runId"]) == ("updated", "r2")

    def test_only_without_any_proof_it_is_sent_again(self):
        drive = self.drive().get({"items": [self.FAILED]}).tell(Signal.LOST)
        for _ in range(EVIDENCE["POST /runs/{id}/action"].looks - 1):
            assert isinstance(drive.get({"items": [self.FAILED]}).step, Pause)
            drive.tell(Signal.RESUME)
        assert drive.get({"items": [self.FAILED]}).call.method == "POST"

    def test_exports_cannot_be_retried(self):
        export = flow(inheritedAttributes={"properties": {"isDestinationFlow": True}})
        end = Drive("flow-retry", {"flow": "F", "where": None}).get(export).end
        assert end.problem.code == "headgate-no-retry"


class TestWatch:
    def drive(self, *flows, within=3600.0):
        return Drive("watch", {"flows": list(flows), "within": within})

    def verdicts(self, drive):
        found = {}
        for child in drive.end.children:
            end = PROCEDURES["verdict"].advance(context(dict(child.spec)), {}, Signal.START)
            found[child.spec["flow"]] = (end.ending.value, end.output.get("runState"), end)
        return found

    def test_success_partial_and_failure_are_told_apart(self):
        drive = self.drive("A", "B", "C")
        assert drive.call.query[0] == ("property", "flowId==A,B,C")
        error = {"code": "X", "message": "half of it"}
        drive.get(
            {
                "items": [
                    run("a", "A", status="success"),
                    run("b", "B", status="success", errors=[error]),
                    run("c", "C", status="FAILED", errors=[error]),
                    run("old", "C", at_s=NOON - 99, status="success"),
                ]
            }
        )
        found = self.verdicts(drive)
        assert [found[flow][:2] for flow in "ABC"] == [
            ("succeeded", "success"), ("succeeded", "partial"), ("failed", "failed"),
        ]  # fmt: skip
        assert "half of it" in found["B"][2].output["reason"]
        assert "half of it" in found["C"][2].problem.message

    def test_runs_are_followed_many_in_a_request(self):
        drive = self.drive("A", "B").get({"items": [run("a", "A"), run("a0", "A", at_s=NOON - 9), run("b", "B")]})
        assert isinstance(drive.step, Pause)
        assert drive.step.keep
        drive.tell(Signal.RESUME)
        assert drive.call.query[0] == ("property", "id==a,b,a0")
        done = [run(name, name[0].upper(), status="success") for name in ("a", "a0", "b")]
        drive.get({"items": [*done[:2], run("b", "B")]})
        assert isinstance(drive.step, Pause)
        drive.tell(Signal.RESUME)
        assert drive.call.query[0] == ("property", "id==b")
        assert {row[:2] for row in self.verdicts(drive.get({"items": done[2:]})).values()} == {("succeeded", "success")}

    def test_of_several_runs_the_worst_counts(self):
        drive = self.drive("A").get({"items": [run("a", "A"), run("a0", "A", at_s=NOON - 9)]}).tell(Signal.RESUME)
        drive.get({"items": [run("a", "A", status="success"), run("a0", "A", status="failed")]})
        assert self.verdicts(drive)["A"][:2] == ("failed", "failed")

    def test_the_deadline(self):
        drive = self.drive("A").get({"items": [run("a", "A")]}).tell(Signal.RESUME)
        drive.ctx.now_s += 3601
        drive.get({"items": [run("a", "A")]})
        ending, state, end = self.verdicts(drive)["A"]
        assert (ending, state, end.problem.code) == ("failed", "running", "headgate-still-running")

    def test_a_first_run_may_appear_but_is_not_waited_for_for_ever(self):
        drive = self.drive("A").get({"items": []})
        assert isinstance(drive.step, Pause)
        drive.tell(Signal.RESUME)
        assert drive.call.query[0] == ("property", "flowId==A")
        drive.ctx.now_s += 601
        drive.get({"items": []})
        ending, state, end = self.verdicts(drive)["A"]
        assert (ending, state, end.output["reason"]) == ("succeeded", None, "it has no run")

    def test_a_flow_behind_thousands_of_runs_of_another_is_asked_for_alone(self):
        drive = self.drive("A", "B")
        for number in range(5):
            page = items(
                *[run(f"a{number}{n}", "A", at_s=NOON - n, status="success") for n in range(3)], token=f"t{number}"
            )
            drive.tell(page)
        assert drive.call.query == (("property", "flowId==B"), ("limit", "100"))
        drive.get({"items": [run("b", "B", status="success")]})
        assert {row[0] for row in self.verdicts(drive).values()} == {"succeeded"}

    def test_a_refused_list_fails_the_job(self):
        assert self.drive("A").tell(no(403, verdict=Verdict.REFUSED)).end.ending is Ending.FAILED


def select(then="flow-change", told=None, **spec):
    whole = {"property": ["state==enabled"], "where": None, "flows": [], "then": then, "with": told or {}, **spec}
    return Drive("select", whole, inputs={"flow:Made": {"id": "M"}}, missing={"flow:Lost": "it failed"})


class TestSelect:
    def test_every_page_is_read_and_every_flow_chosen_once(self):
        drive = select(where="name != 'b'")
        assert drive.call.query == (("property", "state==enabled"), ("limit", "100"))
        drive.tell(items({"id": "1", "name": "a"}, {"id": "2", "name": "b"}, token="t="))
        assert ("continuationToken", "t=") in drive.call.query
        end = drive.tell(items({"id": "1", "name": "a"}, {"id": "3", "name": "c"})).end
        assert end.output == {"selected": [["1", "a"], ["3", "c"]]}
        assert [(child.key, child.kind, child.spec["flow"]) for child in end.children] == [
            ("k:1", "flow-change", "1"), ("k:3", "flow-change", "3"),
        ]  # fmt: skip

    def test_nothing_is_chosen(self):
        end = select().tell(items()).end
        assert (end.ending, end.output, end.children) == (Ending.SUCCEEDED, {"selected": []}, ())

    def test_a_list_that_cannot_be_read_chooses_nothing(self):
        assert select().tell(ok({})).end.ending is Ending.FAILED
        assert select().tell(no(400)).end.ending is Ending.FAILED

    def test_a_list_that_does_not_end(self):
        drive = select().tell(items({"id": "1"}, token="t"))
        assert drive.tell(items({"id": "2"}, token="t")).end.ending is Ending.FAILED

    def test_named_flows_and_what_becomes_of_those_that_are_not_there(self):
        drive = select(flows=[["X", ""], ["Made", "flow:Made"], ["Lost", "flow:Lost"], ["Y", ""]])
        assert drive.call.query[0] == ("property", "id==X,M,Y")
        drive.tell(items({"id": "M", "name": "Made"}, {"id": "Y", "name": "why"}))
        assert isinstance(drive.step, Pause), "a list may lag: it is asked once more"
        end = drive.tell(Signal.RESUME).tell(items({"id": "M", "name": "Made"}, {"id": "Y", "name": "why"})).end
        assert end.output["selected"] == [["M", "Made"], ["Y", "why"], ["X", ""], ["", "Lost"]]
        assert [child.kind for child in end.children] == ["flow-change", "flow-change", "verdict", "verdict"]
        assert [child.spec["ending"] for child in end.children[2:]] == ["failed", "skipped"]

    def test_many_named_flows_are_asked_for_in_groups(self):
        drive = select(flows=[[f"{n:03}", ""] for n in range(120)])
        asked = []
        while isinstance(drive.step, Ask):
            ids = drive.call.query[0][1].removeprefix("id==").split(",")
            asked.append(len(ids))
            drive.tell(items(*({"id": one, "name": one} for one in ids)))
        assert asked == [50, 50, 20]
        assert len(drive.end.children) == 120

    def test_watching_goes_in_groups(self):
        drive = select("watch", {"within": 9.0}, flows=[[f"{n:03}", ""] for n in range(120)])
        while isinstance(drive.step, Ask):
            ids = drive.call.query[0][1].removeprefix("id==").split(",")
            drive.tell(items(*({"id": one, "name": one} for one in ids)))
        assert [len(child.spec["flows"]) for child in drive.end.children] == [50, 50, 20]

    def test_deleting_asks_again_only_where_a_condition_could_change(self):
        told = {"action": "delete"}
        assert [child.kind for child in select("flow-switch", told).tell(items({"id": "1"})).end.children] == ["delete"]
        drive = select("flow-switch", told, where="id").tell(items({"id": "1"}))
        assert [child.kind for child in drive.end.children] == ["flow-switch"]
