"""Reading runs: names and casing vary, keys are absent, types are odd, and nothing may raise."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.workflows.runs import RunState, audiences_of, created_ms, is_terminal, items_of, run_state

from tests.unit.workflows.steps import run

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**19), 10**19)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(["", "success", "segment:a", "Failed", "x"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "id",
                    "items",
                    "metrics",
                    "statusSummary",
                    "status",
                    "state",
                    "errors",
                    "durationSummary",
                    "completedAtUTC",
                    "recordSummary",
                    "targetSummaries",
                    "sourceSummaries",
                    "entitySummaries",
                    "createdAt",
                    "_links",
                    "next",
                    "href",
                    "code",
                    "message",
                ]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=25,
)


@pytest.mark.parametrize(
    ("status", "over", "state"),
    [
        ("success", True, RunState.SUCCESS),
        ("Success", True, RunState.SUCCESS),
        ("SUCCEEDED", True, RunState.SUCCESS),
        ("completed", True, RunState.SUCCESS),
        ("failed", True, RunState.FAILED),
        ("Failed", True, RunState.FAILED),
        ("cancelled", True, RunState.FAILED),
        ("PARTIAL_SUCCESS", True, RunState.PARTIAL),
        ("PARTIAL_FAILURE", True, RunState.PARTIAL),
        ("processing", False, None),
        ("Waiting", False, None),
        ("inProgress", False, None),
        ("IN_PROGRESS", False, None),
        ("scheduled", False, None),
        ("QUEUED", False, None),
        ("something new", False, None),
        ("", False, None),
        (None, False, None),
    ],
)
def test_status_decides_in_any_case_and_the_unknown_is_not_over(status, over, state):
    one = run("r", status=status)
    assert is_terminal(one) is over
    if over:
        assert run_state(one)[0] is state


def test_an_unknown_status_with_a_completion_time_is_over():
    assert is_terminal(run("r", status="something new", ended=True))
    assert is_terminal({"metrics": {"durationSummary": {"stoppedAtUTC": 5}}})
    assert not is_terminal({"metrics": {"durationSummary": {"completedAtUTC": 0}}})


def test_a_failed_run_without_times_is_over():
    assert is_terminal({"metrics": {"statusSummary": {"status": "failed"}}})


def test_the_state_of_the_run_itself_counts_when_there_is_no_summary():
    assert is_terminal({"state": "Success"})
    assert not is_terminal({"state": "inProgress"})


def test_a_success_with_errors_is_partial():
    state, reason = run_state(run("r", status="success", errors=[{"code": "INGEST-1212-400", "message": "1 error"}]))
    assert (state, reason) == (RunState.PARTIAL, "INGEST-1212-400: 1 error")


@pytest.mark.parametrize(
    ("errors", "reason"),
    [
        ([{"code": "C", "message": "m"}, {"code": "D"}], "C: m"),
        ([{"message": "m"}], "m"),
        ([{"code": "C"}], "C"),
        ([], "the run failed and gives no reason"),
        ([None, "x"], "the run failed and gives no reason"),
    ],
)
def test_a_failure_gives_its_first_error_or_says_that_there_is_none(errors, reason):
    assert run_state({"metrics": {"statusSummary": {"status": "Failed", "errors": errors}}}) == (
        RunState.FAILED,
        reason,
    )


def test_audiences_come_from_either_side_without_doubles():
    one = {
        "metrics": {
            "recordSummary": {
                "sourceSummaries": [
                    {"entitySummaries": [{"id": "segment:b"}, {"id": "dataset:x"}, {"id": "segment:"}]}
                ],
                "targetSummaries": [
                    {"id": "t", "entitySummaries": [{"id": "segment:a"}, {"id": "segment:b"}, {"id": "segment:c:d"}]}
                ],
            }
        }
    }
    assert audiences_of(one) == ["a", "b", "c:d"]


@pytest.mark.parametrize(
    ("href", "token"),
    [
        ("/runs?continuationToken=abc", "abc"),
        ("/runs?limit=5&continuationToken=ab%3D%3D", "ab=="),
        ("/runs?continuationToken=ab==", "ab=="),
        ("/runs?continuationToken=a+b/c==", "a+b/c=="),
        ("/runs?continuationToken=a%2Bb%2Fc%3D%3D&limit=5", "a+b/c=="),
        ("https://host/x/runs?continuationToken=t", "t"),
        ("/runs", ""),
        ("", ""),
        (None, ""),
        (5, ""),
        ("http://[bad?continuationToken=x", "x"),
    ],
)
def test_the_token_is_read_from_the_link_as_a_url(href, token):
    assert items_of({"items": [], "_links": {"next": {"href": href}}}) == ([], token)


def test_a_last_page_has_no_token():
    assert items_of({"items": [{"id": "a"}], "_links": {}}) == ([{"id": "a"}], "")


@pytest.mark.parametrize(
    ("created", "wanted"), [(1659018528378, 1659018528378), (1.5, 1), (None, 0), ("5", 0), ([], 0)]
)
def test_creation_times_are_numbers_or_nothing(created, wanted):
    assert created_ms({"createdAt": created}) == wanted


@given(json_values)
def test_no_shape_makes_reading_raise(body):
    rows, token = items_of(body)
    assert isinstance(token, str)
    for one in [*rows, *([body] if isinstance(body, dict) else [])]:
        is_terminal(one)
        run_state(one)
        created_ms(one)
        assert all(isinstance(audience, str) for audience in audiences_of(one))
