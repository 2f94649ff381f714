"""The selector PATCH: only what is missing, with the etag as it came, and safe to repeat."""

from __future__ import annotations

import pytest

from headgate.workflows.contract import NO_PHASE, Ask, Ending, Pause, Settle, Signal
from headgate.workflows.evidence import EVIDENCE
from headgate.workflows.selectors import (
    BUSY_CODES,
    BUSY_S,
    ROUNDS,
    advance,
    flow_of,
    is_settled,
    operations,
    quoted,
    segment_values,
    transformation_params,
)

from tests.unit.workflows.steps import context, flow, no, ok, selectors

A = {"id": "a", "name": "A", "exportMode": "DAILY_FULL_EXPORT"}
B = {"id": "b", "name": "B"}
PRIMARY = {"fieldType": "ATTRIBUTE", "attributePath": "p"}
SPEC = selectors(A, B, attributes=("p", "q"), mandatory=("p",), primary=(PRIMARY,))
PREFIX = "/transformations/0/params"


def params_of(found):
    return transformation_params(found)


def paths(ops):
    return [
        (
            op["path"].removeprefix(PREFIX),
            op["value"].get("value", op["value"]).get("id")
            if isinstance(op["value"], dict) and "value" in op["value"] and "id" in op["value"]["value"]
            else None,
        )
        for op in ops
    ]


def go(signal, phase=NO_PHASE, spec=SPEC, made=None):
    return advance(context(spec, inputs={"flow": made or {"id": "flow-1", "etag": '"e0"'}}), phase, signal)


# -- operations


def test_everything_is_missing_from_an_empty_flow():
    ops = operations(SPEC, {})
    assert [op["op"] for op in ops] == ["add"] * 6
    assert [op["path"].removeprefix(PREFIX) for op in ops] == [
        "/segmentSelectors/selectors/-",
        "/segmentSelectors/selectors/-",
        "/profileSelectors/selectors/-",
        "/profileSelectors/selectors/-",
        "/mandatoryFields",
        "/primaryFields",
    ]
    assert ops[0]["value"] == {"type": "PLATFORM_SEGMENT", "value": A}
    assert ops[2]["value"] == {"type": "JSON_PATH", "value": {"path": "p"}}
    assert ops[4]["value"] == ["p"]
    assert ops[5]["value"] == [PRIMARY]


def test_legacy_keeps_its_fields_inside_the_profile_selectors():
    spec = selectors(A, attributes=("p",), mandatory=("p",), primary=(PRIMARY,), legacy=True)
    assert [op["path"].removeprefix(PREFIX) for op in operations(spec, {})] == [
        "/segmentSelectors/selectors/-",
        "/profileSelectors/selectors/-",
        "/profileSelectors/mandatoryFields",
        "/profileSelectors/primaryFields",
    ]
    done = flow(A, profile=("p",))
    done["transformations"][0]["params"]["profileSelectors"].update(mandatoryFields=["p"], primaryFields=[PRIMARY])
    assert operations(spec, params_of(done)) == []


def test_only_what_is_missing_is_sent():
    ops = operations(SPEC, params_of(flow(A, profile=("q",), mandatoryFields=["p"])))
    assert [op["value"]["value"] for op in ops[:2]] == [B, {"path": "p"}]
    assert [op["path"] for op in ops[2:]] == [f"{PREFIX}/primaryFields"]


def test_nothing_is_missing_when_all_is_there_whatever_the_platform_added():
    done = flow(
        {**A, "createTime": "1", "status": "x"},
        B,
        profile=("p", "q", "r"),
        mandatoryFields=["p"],
        primaryFields=[PRIMARY],
    )
    assert operations(SPEC, params_of(done)) == []


def test_an_external_audience_is_known_by_either_of_its_ids():
    have = params_of(flow({"id": "ext", "systemSegmentId": "sys"}))
    assert operations(selectors({"id": "sys"}), have) == []
    assert operations(selectors({"id": "ext"}), have) == []


def test_a_mapping_is_put_in_place_once():
    spec = selectors(A, mapping={"x": 1})
    assert operations(spec, params_of(flow(A)))[0]["path"] == f"{PREFIX}/profileMapping"
    assert operations(spec, params_of(flow(A, profileMapping={"x": 1}))) == []


def test_the_plans_own_values_are_not_shared_with_the_body():
    ops = operations(SPEC, {})
    ops[0]["value"]["value"]["id"] = "changed"
    assert SPEC.segments[0]["id"] == "a"


# -- the procedure


def test_the_creations_etag_is_used_with_its_quotes():
    step = go(Signal.START)
    assert step.call.method == "PATCH"
    assert step.call.path == "/flows/flow-1"
    assert step.call.headers == (("If-Match", '"e0"'),)
    assert len(step.call.body) == 6


@pytest.mark.parametrize(
    "made",
    [
        {"id": "flow-1"},
        {"id": "flow-1", "etag": None},
        {"id": "flow-1", "etag": "flow-1"},
        {"id": "flow-1", "etag": '""'},
        {"id": "flow-1", "etag": 5},
        {"id": "flow-1", "etag": '"e0"', "found": "after"},
        {"id": "flow-1", "found": "store"},
    ],
)
def test_without_a_usable_etag_or_for_a_found_flow_it_reads_first(made):
    assert go(Signal.START, made=made).call.method == "GET"


@pytest.mark.parametrize("status", [200, 202])
@pytest.mark.parametrize("body", [None, {}, {"id": "flow-1", "etag": '"e2"'}])
def test_a_patch_is_done_by_200_or_202_with_or_without_a_body(status, body):
    assert go(ok(body, status), {"at": "patch", "round": 0}) == Settle(Ending.SUCCEEDED)


def test_a_412_reads_again_and_sends_with_the_new_etag():
    step = go(no(412), {"at": "patch", "round": 0})
    assert (step.call.method, step.phase["round"]) == ("GET", 1)
    step = go(ok({"items": [flow(A, etag='"e5"')]}), step.phase)
    assert step.call.method == "PATCH"
    assert dict(step.call.headers)["If-Match"] == '"e5"'
    assert [op["value"]["value"]["id"] for op in step.call.body[:1]] == ["b"]


def test_412_again_and_again_ends():
    phase = {"at": "patch", "round": 0}
    for _ in range(ROUNDS):
        step = go(no(412), phase)
        assert isinstance(step, Ask)
        step = go(ok(flow()), step.phase)
        phase = step.phase
    assert go(no(412), phase).ending is Ending.FAILED


@pytest.mark.parametrize("code", sorted(BUSY_CODES))
def test_a_busy_flow_is_waited_for(code):
    step = go(no(400, code=code), {"at": "patch", "round": 0})
    assert isinstance(step, Pause)
    assert step.seconds == BUSY_S
    assert go(Signal.RESUME, step.phase).call.method == "GET"


def test_a_busy_flow_is_not_patched_for_ever():
    step = go(no(400, code="1420-400"), {"at": "patch", "round": ROUNDS})
    assert step.ending is Ending.FAILED


def test_a_flow_that_never_settles_is_not_looked_at_for_ever():
    step, looks = go(Signal.LOST, {"at": "patch", "round": 0}), 0
    while not isinstance(step, Settle):
        looks += 1
        assert looks < 1000, "it would wait for ever"
        step = go(ok(flow(state="updating")), step.phase)
        if isinstance(step, Pause):
            step = go(Signal.RESUME, step.phase)
    assert step.ending is Ending.FAILED


def test_other_rejections_fail():
    assert go(no(422, "bad"), {"at": "patch", "round": 0}).ending is Ending.FAILED
    assert go(no(404), {"at": "get", "round": 0}).ending is Ending.FAILED


def test_a_lost_patch_is_read_before_anything_is_sent():
    step = go(Signal.LOST, {"at": "patch", "round": 0})
    assert step.call.method == "GET"
    done = flow(A, B, profile=("p", "q"), mandatoryFields=["p"], primaryFields=[PRIMARY], state="updating")
    assert go(ok(done), step.phase) == Settle(Ending.SUCCEEDED)


def test_lost_again_and_again_ends():
    """And it is looked at after the last of them too."""
    phase, sent = {"at": "patch", "round": 0}, 1
    while True:
        step = go(ok(flow()), go(Signal.LOST, phase).phase)
        if isinstance(step, Settle):
            break
        sent += 1
        phase = step.phase
    assert sent == EVIDENCE["PATCH /flows/{id}"].losses
    assert step.ending is Ending.FAILED


def test_a_fetched_flow_without_an_etag_is_not_changed():
    assert go(ok(flow(etag="unquoted")), {"at": "get", "round": 0}).ending is Ending.FAILED


def test_resumed_it_reads_first():
    assert go(Signal.RESUME, {"at": "patch", "round": 0}).call.method == "GET"


# -- reading


@pytest.mark.parametrize(
    ("etag", "good"),
    [('"e"', True), ("e", False), ('""', False), ('"', False), (None, False), (5, False), ('"e', False)],
)
def test_an_etag_can_be_sent_back_if_it_bears_its_own_quotes(etag, good):
    assert quoted(etag) == (etag if good else None)


@pytest.mark.parametrize(
    ("found", "settled"),
    [
        (flow(), True),
        (flow(state="disabled"), True),
        (flow(state="ENABLED"), True),
        (flow(state=None), True),
        (flow(operation="COMPLETED"), True),
        (flow(operation="success"), True),
        (flow(operation=None), True),
        ({}, True),
        (flow(state="updating"), False),
        (flow(operation="in_progress"), False),
        (flow(state="initializing"), False),
    ],
)
def test_a_flow_is_settled_when_neither_state_nor_operation_say_otherwise(found, settled):
    assert is_settled(found) is settled


ODD = [None, 5, 1.5, True, "x", [], {}, [None], [5], ["x"], [[]], [{}]]


@pytest.mark.parametrize("odd", ODD)
def test_flows_of_any_shape_are_read_without_a_raise(odd):
    assert isinstance(flow_of(odd, "x"), dict)
    assert isinstance(flow_of({"items": odd}, "x"), dict)
    is_settled({"state": odd, "lastOperation": odd})
    is_settled({"lastOperation": {"status": odd}})
    assert transformation_params({"transformations": odd}) is not None
    for params in (
        {"segmentSelectors": odd},
        {"segmentSelectors": {"selectors": odd}},
        {"profileSelectors": odd},
        {"profileSelectors": {"selectors": odd}},
        {"segmentSelectors": {"selectors": [{"value": odd}]}},
        {"profileSelectors": {"selectors": [{"value": odd}]}},
        {"profileSelectors": {"selectors": [{"value": {"path": odd}}]}},
        {"segmentSelectors": {"selectors": [{"value": {"id": odd}}]}},
    ):
        segment_values(params)
        assert operations(SPEC, params)
