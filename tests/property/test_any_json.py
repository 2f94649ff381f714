"""Whatever JSON comes back, and however stubbornly: a procedure never raises, always ends, and can be journaled.

Answers are the shapes of the documents, spoilt by hypothesis anywhere, or any JSON at all with the documents' keys.
The specs and the good shapes are those of the unit test of single answers.
"""

from __future__ import annotations

from copy import deepcopy

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headgate.exchange import Answer, Call, Problem, Verdict
from headgate.platform.classify import DEEPEST, classify
from headgate.platform.paging import Pager, PagingError
from headgate.workflows import PROCEDURES
from headgate.workflows.contract import NO_PHASE, Ask, Claim, Context, Pause, Settle, Signal
from headgate.workflows.evidence import EVIDENCE

from tests.unit.workflows.steps import MARK, NOON, Boarded
from tests.unit.workflows.test_any_answer import CODES, GOOD, INPUTS, REFUSALS, SPECS

quick = settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck), database=None)
KEYS = [
    "id", "items", "_links", "next", "href", "name", "state", "etag", "description", "createdAt", "flowId", "metrics",
    "statusSummary", "status", "durationSummary", "completedAtUTC", "recordSummary", "targetSummaries", "entitySummaries",
    "transformations", "params", "segmentSelectors", "profileSelectors", "selectors", "value", "lastOperation", "order",
    "segment", "statusURL", "records", "results", "data", "$id", "title", "mappings", "pageInfo", "total", "hasNext",
    "inheritedAttributes", "baseConnection", "scheduleParams", "flowSpec", "sourceConnectionIds", "errors", "createTime",
]  # fmt: skip
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**64 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(["", "flow-1", "x", "a", "r", MARK, "failed", "success", "enabled", "²", "../x", '"e"', "9" * 30]),
    st.text(max_size=5),
    st.sampled_from(["/x?continuationToken=a", "/x?continuationToken=b=", "?", "/x?start=1"]),
)
ANY = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(KEYS), inner, max_size=5)
    ),
    max_leaves=15,
)  # fmt: skip


@st.composite
def spoilt(draw):
    """A good answer in which up to three places hold something else."""
    body = deepcopy(draw(st.sampled_from(GOOD)))
    for _ in range(draw(st.integers(0, 3))):
        place = body
        for _ in range(draw(st.integers(0, 8))):
            keys = list(place) if isinstance(place, dict) else list(range(len(place)))
            inner = [key for key in keys if isinstance(place[key], (dict, list)) and place[key]]
            if not inner:
                break
            place = place[draw(st.sampled_from(inner))]
        if place:
            key = draw(st.sampled_from(list(place) if isinstance(place, dict) else list(range(len(place)))))
            place[key] = draw(ANY)
    return body


BODIES = st.one_of(spoilt(), ANY)


@st.composite
def answers(draw):
    body = draw(BODIES)
    if draw(st.integers(0, 4)):
        return Answer(Verdict.OK, 200, body)
    verdict, status = draw(
        st.sampled_from(
            [
                (Verdict.REJECTED, 400), (Verdict.REJECTED, 404), (Verdict.REJECTED, 412), (Verdict.REFUSED, 403),
                (Verdict.FAULT, 500), (Verdict.LOST, 200),
            ]
        )
    )  # fmt: skip
    code = draw(st.sampled_from([*CODES, "XDM-3005-400"]))
    problem = draw(st.sampled_from([None, Problem(status, code, draw(st.sampled_from(REFUSALS)))]))
    return Answer(verdict, status, None, problem)


#: Requests that one job may take, whatever is answered: a day of looks every two minutes, and some.
BOUND = 3_000


def played(kind, spec, told, begin):
    """Drive a procedure in virtual time; ``told`` gives the answer to each call. The requests it took."""
    phase, signal, now_s, requests, granted = NO_PHASE, begin, NOON, 0, False
    advance = Boarded(PROCEDURES[kind].advance)
    for _ in range(3 * BOUND):
        step = advance(Context("k", spec, INPUTS, {}, now_s, granted=granted), phase, signal)
        if isinstance(step, Settle):
            orjson.dumps([dict(step.output), [dict(child.spec) for child in step.children]])
            return requests
        orjson.dumps(step.phase)  # or the journal would break, and the run with it
        phase, signal = step.phase, Signal.RESUME
        if isinstance(step, Pause):
            assert 0 <= step.seconds <= 86_400, step
            now_s += max(step.seconds, 1.0)
        elif isinstance(step, Ask):
            requests += 1
            assert requests <= BOUND, f"{kind} asks for ever: {step.call.endpoint}"
            if step.call.effect:
                assert step.call.endpoint in EVIDENCE, "an effect has no row in the table"
            signal = told(step.call)
        else:
            assert isinstance(step, Claim)
            granted = True
    raise AssertionError(f"{kind} waits for ever: {step}")


@pytest.mark.parametrize("kind", sorted(PROCEDURES))
@given(st.data())
@quick
def test_any_answers_one_after_the_other(kind, data):
    spec = data.draw(st.sampled_from(SPECS[kind]))
    begin = data.draw(st.sampled_from([Signal.START, Signal.LOST]))
    some = data.draw(st.lists(st.one_of(answers(), st.just(None)), min_size=1, max_size=6))
    count = -1

    def told(call):
        nonlocal count
        count += 1
        answer = some[count % len(some)]
        return answer if answer is not None or not call.effect else Signal.LOST

    def safe(call):
        answer = told(call)
        return Answer(Verdict.OK, 200, None) if answer is None else answer

    played(kind, spec, safe, begin)


@pytest.mark.parametrize("kind", sorted(PROCEDURES))
@given(st.data())
@quick
def test_the_same_answer_for_ever_and_effects_that_are_always_lost(kind, data):
    spec, answer = data.draw(st.sampled_from(SPECS[kind])), data.draw(answers())
    lost = data.draw(st.booleans())
    played(kind, spec, lambda call: Signal.LOST if call.effect and lost else answer, Signal.START)


@given(
    st.sampled_from(["GET", "POST", "PATCH"]),
    st.integers(100, 699),
    st.dictionaries(
        st.sampled_from(["Date", "Retry-After", "x-request-id", "Content-Type"]),
        st.one_of(st.text(max_size=20), st.sampled_from(["-1", "1e999", "nan", "Thu, 01 Jan 1970 00:00:00 GMT", "²"])),
    ),
    st.one_of(st.none(), st.binary(max_size=40), BODIES.map(orjson.dumps), st.just(b"[" * 5000), st.just(b"<html><title>")),
)  # fmt: skip
@settings(quick, max_examples=100)
def test_any_bytes_are_some_answer(method, status, headers, raw):
    call = Call(method, "flow", "/flows", f"{method} /flows", "create" if method == "POST" else "read")
    answer = classify(call, status, headers, raw, scrub=lambda text: text, now_s=NOON)
    assert answer.verdict is Verdict.OK or answer.problem.message
    assert answer.retry_after_s is None or 0 <= answer.retry_after_s <= 86_400
    if answer.body is not None:
        orjson.dumps(answer.body)


@given(st.lists(BODIES, max_size=8))
@quick
def test_any_pages_are_a_list_or_a_problem(bodies):
    call = Call("GET", "flow", "/flows", "GET /flows", "lookup", query=(("limit", "100"),), paged=True)
    pager = Pager(call, "https://platform.adobe.io")
    try:
        for body in bodies:
            following = pager.take(body, 10)
            if following is None:
                break
            assert following.path == "/flows"
    except PagingError as error:
        assert str(error)


def test_what_is_nested_too_deeply_is_not_read():
    call = Call("GET", "flow", "/flows", "GET /flows", "read")
    fits, deep = (b"[" * depth + b"]" * depth for depth in (DEEPEST, DEEPEST + 1))
    assert classify(call, 200, {}, fits).verdict is Verdict.OK
    assert classify(call, 200, {}, deep).verdict is Verdict.LOST
    many = orjson.dumps([{"a": [{}]}] * 5000)
    assert classify(call, 200, {}, many).verdict is Verdict.OK, "many beside each other are not deep"
