"""Ad-hoc jobs: which pairs may go, what a refusal splits, and what became of a request whose answer was lost."""

from __future__ import annotations

import pytest

from headgate.exchange import Verdict
from headgate.workflows.adhoc import ELIGIBLE_AFTER_S, PROCEDURE, WAITS, advance
from headgate.workflows.adhoc_request import ACCEPT_V2, EXPORT_JOB
from headgate.workflows.adhoc_runs import ATTEMPTS, FIND_ROUNDS
from headgate.workflows.evidence import EVIDENCE
from headgate.workflows.contract import NO_PHASE, RUNS, Ask, Await, Claim, Ending, Pause, Settle, Signal

from tests.unit.workflows.steps import NOON, Boarded, context, items, no, ok, run

OLD = NOON - 2 * ELIGIBLE_AFTER_S


def facts(name="", start="", end="", created=OLD, wire=None):
    return lambda audience: [name or f"Name {audience}", start, end, created, wire or audience]


class Scene:
    """Pairs over flows ``F`` (id flow-F) and ``G``; every audience mapped and old enough unless said otherwise."""

    def __init__(self, *pairs, mapped=None, missing=None, after=None, ours=(), now_s=NOON, **spec):
        self.pairs = [[row, role, audience] for row, (role, audience) in enumerate(pairs)]
        mapped = mapped or {}
        self.inputs = {}
        for _, role, audience in self.pairs:
            known = self.inputs.setdefault(role, {"id": f"flow-{role}", "segments": {}})
            make = mapped.get((role, audience), facts())
            if make is not None:
                known["segments"][audience] = make(audience)
        for role in missing or {}:
            self.inputs.pop(role, None)
        self.missing, self.ours, self.now_s = missing or {}, ours, now_s
        self.spec = {"pairs": self.pairs, "version": 2, "wait": True, **spec}
        if after:
            self.spec["after"] = after
        self.advance = Boarded(advance)

    def go(self, signal, phase=NO_PHASE):
        self.last = self.advance(
            context(self.spec, inputs=self.inputs, missing=self.missing, now_s=self.now_s, ours=self.ours),
            phase,
            signal,
        )
        return self.last

    def start(self):
        return self.go(Signal.START)

    def posted(self):
        """Up to the POST, on a quiet platform."""
        step = self.start()
        if isinstance(step, Ask):  # after another's run
            step = self.go(items(run(self.spec["after"], status="success")), step.phase)
        assert isinstance(step, Claim)
        step = self.go(Signal.RESUME, step.phase)
        step = self.go(items(), step.phase)
        assert step.call.method == "POST"
        return step

    def order(self, *rows, ids="r"):
        return ok(
            {
                "order": [
                    {
                        "segment": self.pairs[row][2],
                        "order": f"flow-{self.pairs[row][1]}",
                        "statusURL": f"https://platform.adobe.io/data/foundation/flowservice/runs/{ids}{row}",
                    }
                    for row in rows
                ]
            }
        )


def rows(step):
    return {row[0]: row[1:] for row in step.output["pairs"]}


def outcomes(step):
    return {row[0]: row[1] for row in step.output["pairs"]}


def children(step):
    return {child.key.rpartition(".")[2]: [pair[0] for pair in child.spec["pairs"]] for child in step.children}


# -- start: which pairs may go


def test_ready_pairs_claim_their_audiences_and_send_nothing_yet():
    step = Scene(("F", "b"), ("G", "a"), ("F", "a")).start()
    assert isinstance(step, Claim)
    assert step.keys == ("audience:a", "audience:b")


@pytest.mark.parametrize(
    ("make", "outcome", "word"),
    [
        (None, "unmapped", "not mapped"),
        (facts(start="2026-06-16"), "out-of-schedule", "2026-06-16"),
        (facts(end="2026-06-14"), "out-of-schedule", "2026-06-14"),
    ],
)
def test_a_pair_that_cannot_go_is_a_row_and_no_request(make, outcome, word):
    step = Scene(("F", "a"), mapped={("F", "a"): make}).start()
    assert step.ending is Ending.SUCCEEDED
    (found,) = step.output["pairs"]
    assert found[1] == outcome
    assert word in found[5]
    assert found[4] == 0, "nothing was attempted"


@pytest.mark.parametrize(
    "make", [facts(start="2026-06-15"), facts(end="2026-06-15"), facts(start="2026-01-01", end=""), facts(created=0.0)]
)
def test_the_first_and_the_last_day_are_in_schedule(make):
    assert isinstance(Scene(("F", "a"), mapped={("F", "a"): make}).start(), Claim)


def test_pairs_of_a_failed_flow_are_skipped_and_the_others_go():
    scene = Scene(("F", "a"), ("G", "a"), ("G", "b"), missing={"F": "flow:x failed: bad params"})
    step = scene.start()
    assert rows(step) == {0: ["skipped", None, None, 0, "flow:x failed: bad params"]}
    assert children(step) == {"a": [1, 2]}
    assert step.ending is Ending.SUCCEEDED


def test_all_flows_failed_settles_without_children():
    step = Scene(("F", "a"), missing={"F": "why"}).start()
    assert not step.children
    assert outcomes(step) == {0: "skipped"}


def test_held_alone_it_pauses_until_its_audience_is_an_hour_old():
    scene = Scene(("F", "a"), mapped={("F", "a"): facts(created=NOON - 600)})
    step = scene.start()
    assert isinstance(step, Pause)
    assert step.held
    assert step.until_s == NOON + 3000
    assert step.seconds > 3000
    assert "1 audience younger than an hour" in step.reason
    scene.now_s = NOON + step.seconds
    assert isinstance(scene.go(Signal.RESUME, step.phase), Claim)


def test_an_hour_exactly_is_old_enough_and_a_second_less_is_not():
    assert isinstance(Scene(("F", "a"), mapped={("F", "a"): facts(created=NOON - 3600)}).start(), Claim)
    assert isinstance(Scene(("F", "a"), mapped={("F", "a"): facts(created=NOON - 3599)}).start(), Pause)


def test_held_with_ready_is_split_so_that_the_ready_go_at_once():
    step = Scene(("F", "a"), ("F", "b"), ("G", "c"), mapped={("F", "b"): facts(created=NOON)}).start()
    assert children(step) == {"a": [0, 2], "b": [1]}
    assert step.output["pairs"] == []


def test_what_is_held_for_a_short_while_takes_the_ready_along():
    step = Scene(("F", "a"), ("F", "b"), mapped={("F", "b"): facts(created=NOON - 3300)}).start()
    assert isinstance(step, Pause)


def test_held_with_ones_that_cannot_go_gives_their_rows_and_one_child():
    step = Scene(("F", "a"), ("F", "b"), mapped={("F", "a"): None, ("F", "b"): facts(created=NOON)}).start()
    assert outcomes(step) == {0: "unmapped"}
    assert children(step) == {"a": [1]}


def test_without_wait_the_young_are_held_rows_and_the_ready_go():
    step = Scene(("F", "a"), ("F", "b"), mapped={("F", "b"): facts(created=NOON)}, wait=False).start()
    assert outcomes(step) == {1: "held"}
    assert children(step) == {"a": [0]}
    step = Scene(("F", "b"), mapped={("F", "b"): facts(created=NOON)}, wait=False).start()
    assert outcomes(step) == {0: "held"}
    assert not step.children


def test_keys_are_held_from_the_request_to_the_end_of_its_runs():
    spec = Scene(("F", "a"), ("G", "b")).spec
    for at, held in (
        ("start", False),
        ("claimed", False),
        ("busy", False),
        ("post", True),
        ("find", True),
        ("runs", True),
    ):
        assert PROCEDURE.keys(spec, {"at": at}) == (("audience:a", "audience:b") if held else ())
    assert PROCEDURE.keys(spec, {}) == ()


# -- busy


def test_before_the_request_the_flows_are_looked_at_once():
    scene = Scene(("G", "a"), ("F", "a"))
    step = scene.go(Signal.RESUME, scene.start().phase)
    assert step.call.path == "/runs"
    assert dict(step.call.query)["property"] == "flowId==flow-F,flow-G"
    assert not step.call.effect


def test_a_run_of_somebody_else_in_progress_is_waited_for():
    scene = Scene(("F", "a"))
    step = scene.go(Signal.RESUME, scene.start().phase)
    step = scene.go(items(run("x", "flow-F", status="processing")), step.phase)
    assert isinstance(step, Pause)
    assert "flow-F" in step.reason
    step = scene.go(Signal.RESUME, step.phase)
    assert dict(step.call.query)["property"] == "id==x"
    step = scene.go(items(run("x", "flow-F", status="success")), step.phase)
    assert dict(step.call.query)["property"] == "flowId==flow-F", "another may have begun in the meantime"
    step = scene.go(items(run("x", "flow-F", status="success")), step.phase)
    assert step.call.method == "POST"


def test_a_run_of_ours_in_progress_is_no_reason_to_wait():
    scene = Scene(("F", "a"), ours={"x"})
    step = scene.go(Signal.RESUME, scene.start().phase)
    assert scene.go(items(run("x", "flow-F")), step.phase).call.method == "POST"


def test_the_newest_run_is_noted_over_two_pages_of_runs():
    scene = Scene(("F", "a"))
    step = scene.go(Signal.RESUME, scene.start().phase)
    step = scene.go(items(run("x", status="success", at_s=NOON - 50), token="t="), step.phase)
    assert dict(step.call.query)["continuationToken"] == "t="
    assert dict(step.call.query)["property"] == "flowId==flow-F", "the filter is repeated with the token"
    step = scene.go(items(run("y", status="success", at_s=NOON - 90)), step.phase)
    assert step.call.method == "POST"
    assert step.phase["since"] == (NOON - 50) * 1000


def test_a_busy_run_on_the_second_page_is_seen():
    scene = Scene(("F", "a"))
    step = scene.go(Signal.RESUME, scene.start().phase)
    step = scene.go(items(run("x", status="success"), token="t"), step.phase)
    assert isinstance(scene.go(items(run("y", at_s=NOON - 60)), step.phase), Pause)


def test_pages_of_long_ended_runs_are_not_read_to_the_end():
    scene = Scene(("F", "a"))
    step = scene.go(Signal.RESUME, scene.start().phase)
    step = scene.go(items(run("x", status="success", at_s=NOON - 86400), token="t"), step.phase)
    assert step.call.method == "POST"


def test_pages_without_end_are_not_followed_for_ever():
    scene = Scene(("F", "a"))
    step, pages = scene.go(Signal.RESUME, scene.start().phase), 0
    while step.call.method == "GET":
        pages += 1
        assert pages < 100
        step = scene.go(items(run("x", status="success"), token="same"), step.phase)


def test_a_refused_look_fails_all_pairs_and_posts_nothing():
    scene = Scene(("F", "a"), ("F", "b"))
    step = scene.go(Signal.RESUME, scene.start().phase)
    step = scene.go(no(403, "no right", verdict=Verdict.REFUSED), step.phase)
    assert step.ending is Ending.FAILED
    assert outcomes(step) == {0: "failed", 1: "failed"}


# -- the request


def test_version_2_is_chosen_by_its_accept_header_and_takes_no_export_ids():
    step = Scene(("F", "a"), ("G", "b"), ("F", "b")).posted()
    assert step.call.headers == (("Accept", ACCEPT_V2),)
    assert step.call.body == {"activationInfo": {"flow-F": ["a", "b"], "flow-G": ["b"]}}
    assert (step.call.service, step.call.path, step.call.endpoint) == ("adhoc", "/adhocrun", "POST /adhocrun")


def test_version_1_sends_no_accept_and_its_export_ids_as_strings():
    step = Scene(("F", "a"), version=1, exportIds=["10", "11"]).posted()
    assert step.call.headers == ()
    assert step.call.body["exportIds"] == ["10", "11"]


def test_version_1_takes_the_export_job_that_was_looked_up():
    scene = Scene(("F", "a"), version=1)
    scene.inputs[EXPORT_JOB] = {"id": "77"}
    assert scene.posted().call.body["exportIds"] == ["77"]


def test_an_external_audience_is_called_by_the_systems_id():
    scene = Scene(("F", "ext"), mapped={("F", "ext"): facts(wire="sys")})
    step = scene.posted()
    assert step.call.body["activationInfo"] == {"flow-F": ["sys"]}
    order = ok({"order": [{"segment": "sys", "order": "flow-F", "statusURL": "https://x/runs/r0"}]})
    assert scene.go(order, step.phase).phase["of"] == {"0": "r0"}


def test_accepted_runs_are_followed_by_their_id_alone():
    scene = Scene(("F", "a"), ("G", "b"))
    step = scene.go(scene.order(1, 0), scene.posted().phase)
    assert isinstance(step, Pause)
    assert step.keep, "what was accepted must be journaled"
    assert step.phase["of"] == {"0": "r0", "1": "r1"}
    assert step.phase[RUNS] == ["r0", "r1"]
    step = scene.go(Signal.RESUME, step.phase)
    assert step.call.path == "/runs"
    assert dict(step.call.query)["property"] == "id==r0,r1"
    assert step.call.purpose == "poll"


def test_a_run_is_known_by_its_audience_and_then_by_its_flow():
    scene = Scene(("F", "a"), ("G", "b"))
    posted = scene.posted().phase
    ctx = context(scene.spec, inputs=scene.inputs, now_s=scene.now_s)
    step = advance(ctx, posted, scene.order(1, 0))
    assert isinstance(step, Await)
    assert step.runs == {"r0": ("audience:a", "flow:flow-F"), "r1": ("audience:b", "flow:flow-G")}
    assert PROCEDURE.runs(scene.spec) == (("audience:a", "flow:F"), ("audience:b", "flow:G"))


def test_without_wait_an_accepted_request_is_the_end():
    scene = Scene(("F", "a"), wait=False)
    step = scene.go(scene.order(0), scene.posted().phase)
    assert rows(step) == {0: ["activated", "r0", "running", 1, None]}
    assert step.output[RUNS] == ["r0"]


@pytest.mark.parametrize(
    "body",
    [
        None,
        {},
        {"order": []},
        {"order": None},
        {"order": [None, "x"]},
        [],
        "x",
        {"order": [{"segment": "a", "order": "flow-F"}]},
    ],
)
def test_an_answer_that_names_too_few_runs_is_accepted_all_the_same(body):
    """It happened: it is journaled, looked for, and never sent again."""
    scene = Scene(("F", "a"), ("F", "b"))
    step = scene.go(ok(body), scene.posted().phase)
    assert isinstance(step, Pause)
    assert step.keep
    for _ in range(100):
        if isinstance(step, Settle):
            break
        if isinstance(step, Pause):
            step = scene.go(Signal.RESUME, step.phase)
        else:
            assert step.call.method == "GET", "sent again although it was accepted"
            assert "id==" != dict(step.call.query).get("property")
            step = scene.go(items(), step.phase)
    assert step.ending is Ending.SUCCEEDED
    assert outcomes(step) == {0: "activated", 1: "activated"}
    assert all("does not show" in row[4] for row in rows(step).values())


def test_the_runs_an_answer_left_out_are_found_in_the_list():
    scene = Scene(("F", "a"), ("F", "b"), ("G", "b"))
    step = scene.go(scene.order(0), scene.posted().phase)
    assert step.phase[RUNS] == ["r0"]
    scene.ours = {"r0"}
    step = scene.go(Signal.RESUME, step.phase)
    step = scene.go(
        items(
            run("n1", "flow-F", status="success", audiences=["b"]),
            run("n2", "flow-G", status="success", audiences=["b"]),
            run("r0", "flow-F"),
        ),
        step.phase,
    )
    assert step.phase["of"] == {"0": "r0", "1": "n1", "2": "n2"}


# -- refusals


RUNNING = "Run already going on for {word} b for order flow-F with run id r-9"


@pytest.mark.parametrize("word", ["audience", "segment"])
def test_a_running_audience_waits_for_its_run_and_the_rest_goes_at_once(word):
    scene = Scene(("F", "a"), ("F", "b"), ("G", "b"), ("G", "c"))
    step = scene.go(no(400, RUNNING.format(word=word)), scene.posted().phase)
    assert step.ending is Ending.SUCCEEDED
    assert children(step) == {"a": [0, 3], "b": [1, 2]}
    rest, again = step.children
    assert "after" not in rest.spec
    assert again.spec["after"] == "r-9"
    assert again.spec["tries"] == 2
    assert rest.key == "job.a"
    assert again.key == "job.b"


def test_only_the_running_audience_left_makes_one_child():
    scene = Scene(("F", "b"))
    assert children(scene.go(no(400, RUNNING.format(word="audience")), scene.posted().phase)) == {"b": [0]}


def test_a_child_that_waits_for_a_run_polls_it_before_anything_else():
    scene = Scene(("F", "b"), after="r-9", tries=2)
    step = scene.start()
    assert dict(step.call.query)["property"] == "id==r-9"
    step = scene.go(items(run("r-9", status="processing")), step.phase)
    assert isinstance(step, Pause)
    step = scene.go(Signal.RESUME, step.phase)
    assert isinstance(scene.go(items(run("r-9", status="failed")), step.phase), Claim)


def test_a_run_missing_from_the_list_is_asked_for_by_its_id():
    scene = Scene(("F", "b"), after="r-9")
    step = scene.go(items(), scene.start().phase)
    assert step.call.path == "/runs/r-9"
    assert isinstance(scene.go(items(run("r-9", status="success")), step.phase), Claim)


def test_a_run_nobody_can_read_is_not_waited_for_for_ever():
    scene = Scene(("F", "b"), after="r-9")
    step = scene.start()
    for _ in range(WAITS * 6):
        if isinstance(step, Claim):
            break
        if isinstance(step, Pause):
            scene.now_s += step.seconds
            step = scene.go(Signal.RESUME, step.phase)
        else:
            step = scene.go(no(404) if step.call.path != "/runs" else items(), step.phase)
    assert isinstance(step, Claim)


def test_an_audience_that_is_always_running_fails_after_a_bounded_number_of_tries():
    scene = Scene(("F", "a"), ("F", "b"), after="r-8", tries=ATTEMPTS)
    step = scene.go(no(400, RUNNING.format(word="audience")), scene.posted().phase)
    assert outcomes(step) == {1: "failed"}
    assert rows(step)[1][3] == ATTEMPTS
    assert children(step) == {"a": [0]}
    assert step.ending is Ending.FAILED


def test_a_running_message_about_a_stranger_is_narrowed_down_by_halving():
    scene = Scene(("F", "x"), ("F", "y"))
    assert children(scene.go(no(400, RUNNING.format(word="audience")), scene.posted().phase)) == {"a": [0], "b": [1]}


NOT_PART = "Segments {} are not part of this dataflow or out of schedule range!"


def test_names_that_are_not_part_of_the_flow_are_separated_from_the_rest():
    scene = Scene(("F", "a"), ("F", "b"), ("G", "c"))
    step = scene.go(no(400, NOT_PART.format("Name b, Name c")), scene.posted().phase)
    assert children(step) == {"a": [0], "b": [1, 2]}


def test_names_may_hold_commas():
    scene = Scene(("F", "a"), ("F", "b"), mapped={("F", "a"): facts("New, in June"), ("F", "b"): facts("New")})
    step = scene.go(no(400, NOT_PART.format("New, in June")), scene.posted().phase)
    assert children(step) == {"a": [1], "b": [0]}


def test_a_name_that_two_audiences_bear_is_asked_about_and_not_guessed():
    scene = Scene(("F", "a"), ("F", "b"), ("F", "c"), mapped={("F", "a"): facts("Same"), ("F", "b"): facts("Same")})
    step = scene.go(no(400, NOT_PART.format("Same")), scene.posted().phase)
    assert sorted(row for found in children(step).values() for row in found) == [0, 1, 2]
    assert len(step.children) == 2


@pytest.mark.parametrize("names", ["Unknown", "", "Name"])
def test_a_name_nobody_bears_halves(names):
    scene = Scene(("F", "a"), ("F", "b"), ("F", "c"), ("F", "d"))
    assert children(scene.go(no(400, NOT_PART.format(names)), scene.posted().phase)) == {"a": [0, 1], "b": [2, 3]}


def test_one_audience_on_several_flows_is_halved_because_the_name_does_not_say_where():
    scene = Scene(("F", "a"), ("G", "a"))
    assert children(scene.go(no(400, NOT_PART.format("Name a")), scene.posted().phase)) == {"a": [0], "b": [1]}


def test_alone_it_is_out_of_schedule_and_that_is_no_failure():
    scene = Scene(("F", "a"))
    step = scene.go(no(400, NOT_PART.format("anything")), scene.posted().phase)
    assert step.ending is Ending.SUCCEEDED
    assert outcomes(step) == {0: "out-of-schedule"}


@pytest.mark.parametrize(("status", "message"), [(400, "something new"), (404, "no such flow")])
def test_other_refusals_halve_down_to_the_one_they_are_about(status, message):
    scene = Scene(("F", "a"), ("F", "b"), ("G", "b"), ("F", "c"))
    step = scene.go(no(status, message), scene.posted().phase)
    found = children(step)
    assert found == {"a": [0], "b": [1, 2, 3]} or found == {"a": [0, 1, 2], "b": [3]}, "b is kept in one half"
    alone = Scene(("F", "a"))
    step = alone.go(no(status, message), alone.posted().phase)
    assert outcomes(step) == {0: "failed"}
    assert step.problem.message == message


@pytest.mark.parametrize(
    "pairs",
    [
        [("F", "a")] * 1,
        [("F", "a"), ("G", "a")],
        [("F", str(n)) for n in range(80)],
        [(f"F{n}", "a") for n in range(80)],
        [("F", "a"), ("G", "b"), ("F", "b")],
    ],
)
def test_halving_keeps_every_pair_once_and_always_ends(pairs):
    queue, single, requests = [Scene(*pairs).spec["pairs"]], [], 0
    while queue:
        requests += 1
        assert requests < 400
        spec = queue.pop()
        scene = Scene(*pairs)
        scene.spec["pairs"] = spec
        step = scene.go(no(400, "something"), {"at": "post", "since": 0, "lost": False, "rounds": 0, "waits": 0})
        if step.children:
            halves = [child.spec["pairs"] for child in step.children]
            assert sorted(pair[0] for half in halves for pair in half) == sorted(pair[0] for pair in spec)
            assert all(halves)
            queue += halves
        else:
            single += spec
    assert sorted(pair[0] for pair in single) == list(range(len(pairs)))


@pytest.mark.parametrize("answer", [no(403, "no right", verdict=Verdict.REFUSED), no(422, "bad"), no(409, "conflict")])
def test_other_statuses_fail_every_pair(answer):
    scene = Scene(("F", "a"), ("F", "b"))
    step = scene.go(answer, scene.posted().phase)
    assert outcomes(step) == {0: "failed", 1: "failed"}
    assert step.problem is answer.problem


def test_an_unnamed_reason_to_wait_is_waited_for_and_bounded():
    scene = Scene(("F", "a"))
    busy = no(400, "Scheduled export is still running for order flow-F with run id s-1")
    step, waits = scene.posted(), 0
    while True:
        step = scene.go(busy, step.phase)
        if isinstance(step, Settle):
            break
        waits += 1
        assert isinstance(step, Pause)
        step = scene.go(Signal.RESUME, step.phase)
        assert isinstance(step, Claim)
        step = scene.go(items(), scene.go(Signal.RESUME, step.phase).phase)
    assert waits == WAITS
    assert outcomes(step) == {0: "failed"}


# -- find


LATER = NOON + 10
POSTED = {"at": "post", "since": int(NOON * 1000), "lost": False, "rounds": 0, "waits": 0}


def lost(scene, phase=POSTED):
    step = scene.go(Signal.LOST, phase)
    assert step.call.method == "GET", "looked for before it is sent again"
    return step


@pytest.mark.parametrize("signal", [Signal.LOST, Signal.RESUME])
def test_a_lost_request_is_looked_for_before_anything_is_sent(signal):
    scene = Scene(("F", "a"))
    assert scene.go(signal, POSTED).call.path == "/runs"


def test_runs_that_say_whose_they_are_are_matched_by_it():
    scene = Scene(("F", "a"), ("F", "b"), ("G", "a"))
    step = scene.go(
        items(
            run("rb", "flow-F", at_s=LATER, status="success", audiences=["b"]),
            run("ra", "flow-F", at_s=LATER, status="success", audiences=["a"]),
            run("ga", "flow-G", at_s=LATER, status="failed", audiences=["a"]),
        ),
        lost(scene).phase,
    )
    assert step.phase["of"] == {"0": "ra", "1": "rb", "2": "ga"}
    assert step.keep


def test_runs_from_before_the_request_are_no_evidence():
    scene = Scene(("F", "a"))
    step = scene.go(items(run("old", "flow-F", at_s=NOON, status="success", audiences=["a"])), lost(scene).phase)
    assert isinstance(step, Pause)
    assert step.phase["known"] == {}


def test_runs_of_our_other_jobs_are_no_evidence():
    scene = Scene(("F", "a"), ours={"x"})
    step = scene.go(items(run("x", "flow-F", at_s=LATER, status="success", audiences=["a"])), lost(scene).phase)
    assert step.phase["known"] == {}


def test_a_run_in_progress_is_never_taken_for_ours_because_it_is_the_only_one():
    """It may be of another job of this run, on the same flow, whose answer is still on its way: taking it would leave
    our pair unsent and called activated."""
    scene = Scene(("F", "a"))
    step = scene.go(items(run("x", "flow-F", at_s=LATER)), lost(scene).phase)
    assert isinstance(step, Pause)
    assert step.phase["known"] == {}
    step = scene.go(Signal.RESUME, step.phase)
    step = scene.go(items(run("x", "flow-F", at_s=LATER, status="success", audiences=["other"])), step.phase)
    assert isinstance(step, Pause)
    assert step.phase["known"] == {}


def test_ended_runs_that_say_nothing_are_taken_when_there_are_as_many_as_are_missing():
    scene = Scene(("F", "a"), ("F", "b"))
    silent = [run(name, "flow-F", at_s=LATER, status="failed") for name in ("x", "y")]
    step = scene.go(items(*silent), lost(scene).phase)
    assert sorted(step.phase[RUNS]) == ["x", "y"]


def test_one_silent_run_for_two_pairs_proves_nothing_about_which():
    scene = Scene(("F", "a"), ("F", "b"))
    step = scene.go(items(run("x", "flow-F", at_s=LATER, status="failed")), lost(scene).phase)
    assert isinstance(step, Pause)
    assert step.phase["known"] == {}


def test_runs_on_other_flows_are_not_ours():
    scene = Scene(("F", "a"))
    step = scene.go(items(run("x", "flow-Z", at_s=LATER, status="success", audiences=["a"])), lost(scene).phase)
    assert step.phase["known"] == {}


def test_without_any_evidence_it_is_sent_once_more_after_a_second_look():
    scene = Scene(("F", "a"))
    step, looks = lost(scene), 0
    while not (isinstance(step, Ask) and step.call.effect):
        if isinstance(step, Pause):
            assert step.seconds == 5.0 * 2 ** (looks - 1)
            step = scene.go(Signal.RESUME, step.phase)
        else:
            looks += 1
            step = scene.go(items(), step.phase)
    assert looks == EVIDENCE["POST /adhocrun"].looks
    assert step.phase["lost"] is True
    assert step.phase["since"] == POSTED["since"]


def test_the_evidence_may_be_on_the_second_page():
    scene = Scene(("F", "a"))
    step = scene.go(
        items(run("x", "flow-F", at_s=LATER + 5, status="success", audiences=["z"]), token="t"), lost(scene).phase
    )
    assert dict(step.call.query)["continuationToken"] == "t"
    step = scene.go(items(run("ra", "flow-F", at_s=LATER, status="success", audiences=["a"])), step.phase)
    assert step.phase["of"] == {"0": "ra"}


def test_after_a_resend_the_running_message_is_taken_as_a_sign_of_the_lost_one():
    """However late the list shows the runs: it happened, and a third request would activate them again."""
    scene = Scene(("F", "b"), ("F", "c"))
    step = scene.go(no(400, RUNNING.format(word="audience")), {**POSTED, "lost": True, "rounds": 1})
    assert step.call.path == "/runs"
    assert step.phase[RUNS] == ["r-9"]
    for _ in range(100):
        if step.phase["at"] == "runs":
            break
        if isinstance(step, Pause):
            step = scene.go(Signal.RESUME, step.phase)
        assert not step.call.effect, "sent a third time"
        step = scene.go(items(), step.phase)
    assert step.phase["of"] == {"0": "r-9", "1": ""}


def test_the_other_runs_of_the_lost_request_are_found_when_they_show():
    scene = Scene(("F", "b"), ("F", "c"), ours={"r-9"})
    step = scene.go(no(400, RUNNING.format(word="audience")), {**POSTED, "lost": True, "rounds": 1})
    step = scene.go(
        items(run("r-10", "flow-F", at_s=LATER, status="success", audiences=["c"]), run("r-9", "flow-F", at_s=LATER)),
        step.phase,
    )
    assert step.phase["of"] == {"0": "r-9", "1": "r-10"}


def test_running_after_a_resend_with_nothing_to_find_ends_in_waiting_for_that_run():
    """On a flow that is not ours it is somebody else's."""
    scene = Scene(("G", "b"))
    phase, rounds = {**POSTED, "lost": True, "rounds": 0}, 0
    while not isinstance(step := scene.go(no(400, RUNNING.format(word="audience")), phase), Settle):
        assert step.call.path == "/runs"
        rounds += 1
        phase = {**POSTED, "lost": True, "rounds": step.phase["rounds"]}
    assert rounds == FIND_ROUNDS
    assert step.children[0].spec["after"] == "r-9"


def test_lost_again_and_again_fails_after_a_bounded_number_of_requests():
    scene = Scene(("F", "a"))
    phase, posts = POSTED, 1
    step = lost(scene)
    for _ in range(1000):
        if isinstance(step, Settle):
            break
        if isinstance(step, Pause):
            step = scene.go(Signal.RESUME, step.phase)
        elif step.call.effect:
            posts += 1
            step = scene.go(Signal.LOST, step.phase)
        else:
            step = scene.go(items(), step.phase)
    assert posts <= ATTEMPTS
    assert outcomes(step) == {0: "failed"}


def test_some_found_means_all_happened_and_the_rest_is_not_sent_again():
    scene = Scene(("F", "a"), ("G", "b"))
    step = lost(scene)
    for _ in range(100):
        if isinstance(step, Pause) and step.phase["at"] == "runs":
            break
        if isinstance(step, Pause):
            step = scene.go(Signal.RESUME, step.phase)
        assert not step.call.effect
        step = scene.go(items(run("ra", "flow-F", at_s=LATER, status="success", audiences=["a"])), step.phase)
    assert step.phase["of"] == {"0": "ra", "1": ""}
    step = scene.go(Signal.RESUME, step.phase)
    step = scene.go(items(run("ra", status="success")), step.phase)
    assert outcomes(step) == {0: "activated", 1: "activated"}
    assert rows(step)[1][1] is None


# -- runs


def following(scene, **phase):
    of = {str(pair[0]): f"r{pair[0]}" for pair in scene.pairs}
    return {"at": "runs", "of": of, RUNS: list(of.values()), "look": 0, **phase}


def test_runs_are_polled_until_the_last_is_over():
    scene = Scene(("F", "a"), ("F", "b"), ("G", "c"))
    step = scene.go(Signal.RESUME, following(scene))
    step = scene.go(items(run("r0", status="success"), run("r1", status="processing"), run("r2")), step.phase)
    assert isinstance(step, Pause)
    assert "3 runs in progress" in step.reason
    step = scene.go(Signal.RESUME, step.phase)
    assert dict(step.call.query)["property"] == "id==r1,r2"
    step = scene.go(
        items(
            run("r1", status="Failed", errors=[{"code": "C", "message": "aborted"}]),
            run("r2", status="success", errors=[{"code": "P", "message": "some"}]),
        ),
        step.phase,
    )
    assert step.ending is Ending.FAILED
    assert rows(step) == {
        0: ["activated", "r0", "success", 1, None],
        1: ["failed", "r1", "failed", 1, "C: aborted"],
        2: ["activated", "r2", "partial", 1, "P: some"],
    }
    assert step.problem.message == "C: aborted"


def test_waits_between_polls_grow_to_the_cap():
    scene = Scene(("F", "a"))
    step, waits = scene.go(Signal.RESUME, following(scene)), []
    for _ in range(60):
        step = scene.go(items(run("r0")), step.phase)
        waits.append(step.seconds)
        step = scene.go(Signal.RESUME, step.phase)
    assert waits == sorted(waits)
    assert waits[-1] == 120.0


def test_runs_missing_from_the_list_are_asked_for_one_by_one():
    scene = Scene(("F", "a"), ("F", "b"))
    step = scene.go(Signal.RESUME, following(scene))
    step = scene.go(items(), step.phase)
    assert step.call.path == "/runs/r0"
    step = scene.go(no(404, "not yet"), step.phase)
    assert step.call.path == "/runs/r1"
    step = scene.go(items(run("r1")), step.phase)
    says, asked = {"id==r0,r1": items(), "/runs/r0": no(404), "/runs/r1": items(run("r1"))}, []
    for _ in range(40):
        assert isinstance(step, Pause)
        step = scene.go(Signal.RESUME, step.phase)
        while isinstance(step, Ask):
            asked.append(dict(step.call.query).get("property", step.call.path))
            step = scene.go(says[asked[-1]], step.phase)
    assert set(asked) == set(says), "what the list does not show and its address does is asked for alone"


def test_a_list_that_cannot_be_had_is_done_without():
    scene = Scene(("F", "a"))
    step = scene.go(no(400, "operator not implemented"), scene.go(Signal.RESUME, following(scene)).phase)
    assert step.call.path == "/runs/r0"
    step = scene.go(items(run("r0", status="failed", errors=[{"code": "X", "message": "aborted"}])), step.phase)
    assert outcomes(step) == {0: "failed"}


def test_a_run_that_may_not_be_read_was_activated_all_the_same():
    scene = Scene(("F", "a"))
    step = scene.go(no(400, "no"), scene.go(Signal.RESUME, following(scene)).phase)
    step = scene.go(no(403, "no right", verdict=Verdict.REFUSED), step.phase)
    assert rows(step)[0][:3] == ["activated", "r0", "running"]
    assert "no right" in rows(step)[0][4]


def test_a_run_that_never_ends_is_not_followed_for_ever():
    scene = Scene(("F", "a"))
    step = scene.go(Signal.RESUME, {**following(scene), "until": scene.now_s + 86400})
    scene.now_s += 2 * 86400
    step = scene.go(items(run("r0", status="processing")), step.phase)
    assert rows(step)[0][:3] == ["activated", "r0", "running"]


def test_runs_the_list_holds_without_being_asked_do_not_count():
    scene = Scene(("F", "a"))
    step = scene.go(items(run("stranger", status="success")), scene.go(Signal.RESUME, following(scene)).phase)
    assert step.call.path == "/runs/r0"
    assert isinstance(scene.go(no(404, "not yet"), step.phase), Pause)


def test_busy_after_a_lost_answer_is_looked_into_and_not_forgotten():
    scene = Scene(("F", "a"))
    step = scene.go(Signal.LOST, scene.posted().phase)
    for _ in range(EVIDENCE["POST /adhocrun"].looks):
        step = scene.go(items(), step.phase)
        if isinstance(step, Pause):
            step = scene.go(Signal.RESUME, step.phase)
    assert step.call.method == "POST"
    step = scene.go(no(400, "Export is still running"), step.phase)
    assert (step.call.path, step.phase["at"]) == ("/runs", "find")


def test_eighty_pairs_are_polled_in_one_request():
    scene = Scene(*[(f"F{n}", "a") for n in range(80)])
    step = scene.go(Signal.RESUME, following(scene))
    assert dict(step.call.query)["property"].count(",") == 79
    step = scene.go(items(*[run(f"r{n}", status="success") for n in range(80)]), step.phase)
    assert len(step.output["pairs"]) == 80


REFUSALS = [
    no(403, "Forbidden", verdict=Verdict.REFUSED),
    no(400, "bad filter"),
    no(404, "no such page"),
    no(500, "boom", verdict=Verdict.FAULT),
]


@pytest.mark.parametrize("refusal", REFUSALS)
@pytest.mark.parametrize("named", [(), (1,)])
def test_accepted_pairs_whose_runs_may_not_be_listed_are_activated_all_the_same(refusal, named):
    """The answer named too few runs, and the list of them is refused: nothing is failed, nothing is sent again."""
    scene = Scene(("F", "a"), ("F", "b"))
    step = scene.go(scene.order(*named), scene.posted().phase)
    for _ in range(100):
        if isinstance(step, Settle):
            break
        if isinstance(step, Pause):
            step = scene.go(Signal.RESUME, step.phase)
        elif dict(step.call.query).get("property", "").startswith("id=="):
            step = scene.go(items(run("r1", "flow-F", status="success")), step.phase)
        else:
            assert step.call.method == "GET", "sent again although it was accepted"
            step = scene.go(refusal, step.phase)
    assert step.ending is Ending.SUCCEEDED
    assert outcomes(step) == {0: "activated", 1: "activated"}
    found = rows(step)
    for row in (0, 1):
        assert found[row][1] == ("r1" if row in named else None)
        assert found[row][4] == (None if row in named else "activated; the platform does not show its run")


@pytest.mark.parametrize("refusal", REFUSALS)
def test_a_lost_request_whose_runs_may_not_be_listed_is_looked_for_long_and_then_called_doubtful(refusal):
    scene = Scene(("F", "a"))
    step, looks = scene.go(Signal.LOST, scene.posted().phase), 0
    while not isinstance(step, Settle):
        if isinstance(step, Pause):
            step = scene.go(Signal.RESUME, step.phase)
            continue
        assert step.call.method == "GET", "sent again though it may have been carried out"
        looks += 1
        step = scene.go(refusal, step.phase)
    assert looks == FIND_ROUNDS
    assert (step.ending, step.problem.code) == (Ending.FAILED, "headgate-in-doubt")
