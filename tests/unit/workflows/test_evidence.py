"""The table of lost answers, row by row: what is asked, how often, by what it is known, what two candidates mean."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from headgate.exchange import Answer
from headgate.workflows import PROCEDURES, converge, evidence
from headgate.workflows.collections import COLLECTIONS
from headgate.workflows.contract import NO_PHASE, Ask, Claim, Ending, Pause, Settle, Signal
from headgate.workflows.delete import DeleteSpec
from headgate.workflows.dialects import DIALECTS
from headgate.workflows.evidence import EVIDENCE, By, Several

from tests.unit.workflows.steps import MARK, NOON, Boarded, context, creation, flow, items, no, ok, run, selectors

SCHEMA = "https://ns.adobe.com/t/schemas/1"
BODIES = {
    "schemas": {"title": "n"},
    "mappingSets": {"name": f"n {MARK}", "mappings": [{"sourceAttribute": "a"}], "xdmSchema": "s"},
}


@dataclass
class Case:
    """One effect as one procedure sends it. ``shows(call, count)`` answers a read when the effect happened so often."""

    effect: str
    kind: str
    spec: Any
    shows: Any
    inputs: dict = field(default_factory=dict)
    begin: Any = (NO_PHASE, Signal.START)
    name: str = ""

    def __str__(self):
        return f"{self.effect} {self.name or self.kind}"


def listing(collection, count):
    found = [f"id-{number}" for number in range(count)]
    match collection:
        case "schemas":
            return ok({"results": [{"$id": f"{SCHEMA}{one}", "title": "n", "description": MARK} for one in found]})
        case "dataSets":
            return ok({one: {"name": "n", "description": MARK, "created": 1} for one in found})
        case "mappingSets":
            return ok({"data": [{"id": one, "name": f"n {MARK}"} for one in found]})
    return items(*({"id": one, "description": MARK, "createdAt": 1} for one in found))


def pages(collection):
    """A list whose further pages are empty."""

    def shows(call, count):
        further = dict(call.query).get("start") not in (None, "0")
        return listing(collection, 0 if further else count)

    return shows


def making(collection, **changes):
    spec = creation("n", collection, body=BODIES.get(collection), **changes)
    return Case(f"POST {DIALECTS[collection].path}", "create", spec, pages(collection), name=collection)


def changing(collection):
    spec = creation("new", collection)

    def shows(_call, count):
        return items({"id": "x", "etag": '"e"', **spec.body, "name": "new" if count else "old"})

    begin = (converge.begin("x", changed=True), Signal.RESUME)
    return Case(f"PATCH /{collection}/{{id}}", "create", spec, shows, begin=begin, name="converge")


def switched(_call, count):
    return items(flow(state="disabled" if count else "enabled"))


def patched(_call, count):
    return items(flow(name="new" if count else "old") | {"name": "new" if count else "old"})


def filled(_call, count):
    return items(flow({"id": "a"}) if count else flow())


def retried(call, count):
    if call.endpoint == "GET /flows/{id}":
        return items(flow())
    again = [run(f"new-{number}", at_s=NOON + 1 + number, status="processing") for number in range(count)]
    return items(*again, run("old", at_s=NOON, status="failed", ended=True))


def activated(call, count):
    if call.purpose == "poll":
        asked = dict(call.query).get("property", call.path).rpartition("=")[2].split(",")
        return items(*(run(one, at_s=NOON + 5, status="success", audiences=("a",), ended=True) for one in asked))
    return items(
        *(run(f"new-{number}", at_s=NOON + 5, status="processing", audiences=("a",)) for number in range(count)),
        run("old", at_s=NOON - 60, status="success", audiences=("a",), ended=True),
    )


def deleting(collection):
    remote = f"{SCHEMA}0" if collection == "schemas" else "x"

    def shows(call, count):
        if "/{id}" not in call.endpoint:
            return items()  # nobody uses it
        return no(404, "not found") if count else items({"id": remote, "state": "enabled"})

    path = COLLECTIONS[collection].path
    return Case(f"DELETE {path}/{{id}}", "delete", DeleteSpec(collection, remote, "n"), shows, name=collection)


FLOW = {"F": {"id": "flow-1", "segments": {"a": ["n", "", "", 0.0, "a"]}}}
ADHOC = {"pairs": [[0, "F", "a"]], "wait": True}
CASES = [
    *(making(collection) for collection in DIALECTS),
    *(changing(collection) for collection in ("connections", "sourceConnections", "targetConnections", "flows")),
    Case("PATCH /flows/{id}", "selectors", selectors({"id": "a"}), filled, {"flow": {"id": "flow-1", "etag": '"e1"'}}),
    Case(
        "PATCH /flows/{id}", "flow-change", {"flow": "flow-1", "where": None, "change": {"set": [["/name", "new"]]}}, patched
    ),
    Case(
        "POST /flows/{id}/action", "flow-switch", {"flow": "flow-1", "where": None, "action": "disable"}, switched
    ),
    Case("POST /runs/{id}/action", "flow-retry", {"flow": "flow-1", "where": None}, retried),
    Case("POST /adhocrun", "adhoc", {**ADHOC, "version": 2}, activated, FLOW, name="v2"),
    Case("POST /adhocrun", "adhoc", {**ADHOC, "version": 1, "exportIds": ["1"]}, activated, FLOW, name="v1"),
    *(deleting(collection) for collection in COLLECTIONS),
]  # fmt: skip
LISTS = [case for case in CASES if EVIDENCE[case.effect].looks > 1]


class Story:
    """A procedure whose every effect is lost; ``happened`` counts are what reads show after the first one left."""

    def __init__(self, case, *, happened=0, from_look=0, limit=400):
        self.sent = 0
        self.asked, self.waits = [], []
        looks, now_s = 0, NOON
        phase, signal = case.begin
        granted = False
        advance = Boarded(PROCEDURES[case.kind].advance)
        for _ in range(limit):
            step = advance(context(case.spec, inputs=case.inputs, now_s=now_s, granted=granted), phase, signal)
            if isinstance(step, Settle):
                self.end = step
                return
            phase, signal = step.phase, Signal.RESUME
            if isinstance(step, Pause):
                now_s += step.seconds
                if self.sent == 1 and step.seconds:
                    self.waits.append(step.seconds)
            elif isinstance(step, Ask) and step.call.effect:
                assert step.call.endpoint == case.effect
                self.sent += 1
                signal = Signal.LOST
            elif isinstance(step, Ask):
                if self.sent == 1:
                    self.asked.append(step.call.endpoint)
                    first = dict(step.call.query).get("start") in (None, "0")
                    looks += first
                shows = happened if self.sent and looks > from_look else 0
                signal = case.shows(step.call, shows)
                assert isinstance(signal, Answer)
            else:
                assert isinstance(step, Claim)
                granted = True
        raise AssertionError(f"{case}: no end after {limit} steps")


@pytest.mark.parametrize("case", CASES, ids=str)
def test_what_did_not_happen_is_looked_for_and_then_sent_again_so_many_times(case):
    row, story = EVIDENCE[case.effect], Story(case)
    assert story.asked[0] == row.asked
    assert story.waits == [row.wait(look) for look in range(1, row.looks)]
    assert sum(story.waits) == row.patience_s
    assert story.sent == row.losses
    assert story.end.ending is Ending.FAILED
    assert "lost" in story.end.problem.message or "without a usable answer" in story.end.problem.message


@pytest.mark.parametrize("case", CASES, ids=str)
def test_what_happened_is_not_asked_for_twice(case):
    story = Story(case, happened=1)
    assert story.sent == 1
    assert story.end.ending is Ending.SUCCEEDED


@pytest.mark.parametrize("case", LISTS, ids=str)
def test_a_list_that_lags_within_the_bound_makes_nothing_twice(case):
    row = EVIDENCE[case.effect]
    story = Story(case, happened=1, from_look=row.looks - 1)
    assert story.sent == 1
    assert story.end.ending is Ending.SUCCEEDED
    assert row.patience_s == 75


@pytest.mark.parametrize("case", LISTS, ids=str)
def test_two_candidates_are_listed_and_none_is_taken(case):
    story = Story(case, happened=2)
    assert story.sent == 1
    assert EVIDENCE[case.effect].several in (Several.LISTED, Several.OLDEST)
    if EVIDENCE[case.effect].by is By.MARK:
        assert story.end.ending is Ending.FAILED
        assert story.end.problem.code == "headgate-two-candidates"
        assert "id-0" in story.end.problem.message
        assert "id-1" in story.end.problem.message
    else:  # both did what was asked for: nothing failed, and the report names them
        said = str(story.end.output)
        assert story.end.ending is Ending.SUCCEEDED
        assert "new-0" in said
        assert "new-1" in said


def test_of_what_a_sandbox_has_once_the_oldest_serves_all():
    case = making("connections", shared=True)
    assert EVIDENCE[case.effect].several is Several.OLDEST
    story = Story(case, happened=2)
    assert (story.sent, story.end.output["id"]) == (1, "id-0")


def test_every_row_is_tried_here():
    assert {case.effect for case in CASES} == set(EVIDENCE)


def test_the_table_is_what_its_text_says():
    rows = [line.split("  ") for line in evidence.__doc__.splitlines() if line.startswith(("POST", "PATCH", "DELETE"))]
    told = {}
    for line in rows:
        effect, asked, by, looks, losses, several = [part.strip() for part in line if part.strip()]
        told[effect] = (by, int(looks), int(losses), several)
        assert EVIDENCE[effect].asked.startswith(asked.rstrip("."))
    assert told == {row.effect: (row.by.value, row.looks, row.losses, row.several.value) for row in EVIDENCE.values()}
