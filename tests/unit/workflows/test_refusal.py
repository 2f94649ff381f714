"""Reading an ad-hoc refusal: structure decides, not the word audience or segment (traps 14, 69)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.workflows.refusal import Busy, Running, Unmapped, named, read_refusal


@pytest.mark.parametrize(
    "message",
    [
        "Run already going on for audience a-1 for order f-1 with run id r-1",
        "Run already going on for segment a-1 for order f-1 with run id r-1",
        "run already going on for Audience a-1 for order f-1 with run id r-1.",
        "Error: Run already going on for segment  a-1  for order  f-1  with run id  r-1\n",
    ],
)
def test_a_run_going_on_names_its_audience_flow_and_run(message):
    found = read_refusal(message)
    assert isinstance(found, Running)
    assert found == Running("a-1", "f-1", "r-1")


@pytest.mark.parametrize(
    ("message", "names"),
    [
        ("Segments Loyal are not part of this dataflow or out of schedule range!", "Loyal"),
        ("Audiences Loyal, New are not part of this dataflow or out of schedule range!", "Loyal, New"),
        ("Segment Loyal is not part of this dataflow or out of schedule range!", "Loyal"),
        ("audiences [Loyal, New] are not part of this dataflow or out of schedule range", "Loyal, New"),
        (
            "Segments People who are, or were, new are not part of this dataflow or out of schedule range!",
            "People who are, or were, new",
        ),
        ("Segments a\nb are not part of this dataflow or out of schedule range!", "a\nb"),
    ],
)
def test_what_is_not_part_of_a_flow_is_named(message, names):
    assert read_refusal(message) == Unmapped(names)


@pytest.mark.parametrize(
    "message", ["Scheduled export is still running for order f", "an export is In Progress", "already running"]
)
def test_something_unnamed_going_on_is_busy(message):
    assert isinstance(read_refusal(message), Busy)


@pytest.mark.parametrize(
    "message", ["", "Bad request", "An ad-hoc job takes up to 80 audiences, not 81", "not part of it"]
)
def test_other_texts_are_no_known_refusal(message):
    assert read_refusal(message) is None


@pytest.mark.parametrize(
    ("text", "names", "wanted"),
    [
        ("Loyal", ["Loyal", "New"], {"Loyal"}),
        ("Loyal, New", ["Loyal", "New", "Old"], {"Loyal", "New"}),
        ("Loyal,New", ["Loyal", "New"], {"Loyal", "New"}),
        ("New, in June", ["New", "New, in June"], {"New, in June"}),
        ("New, New, in June", ["New", "New, in June"], {"New", "New, in June"}),
        ("a, b, c", ["a, b", "c", "b"], {"a, b", "c"}),
        ("Loyalty", ["Loyal"], set()),
        ("Disloyal", ["loyal"], set()),
        ("unknown, Loyal", ["Loyal"], {"Loyal"}),
        ("Loyal, unknown", ["Loyal"], {"Loyal"}),
        ("", ["a"], set()),
        ("a", [], set()),
        ("a", [""], set()),
        (",,, ,", ["a"], set()),
        (",a,", ["a"], {"a"}),
        ("Ü (ß)", ["Ü (ß)"], {"Ü (ß)"}),
    ],
)
def test_names_are_taken_out_of_the_list_longest_first(text, names, wanted):
    assert named(text, names) == wanted


plain = st.text(alphabet="abc d", min_size=1, max_size=6).map(str.strip).filter(bool)


@given(st.lists(plain, unique=True, max_size=6), st.lists(plain, unique=True, max_size=4))
def test_names_without_commas_are_always_found_and_no_others(mentioned, others):
    assert named(", ".join(mentioned), {*mentioned, *others}) == set(mentioned)


@given(st.text(max_size=80), st.lists(st.text(max_size=10), max_size=5))
def test_any_text_ends(text, names):
    read_refusal(text)
    assert named(text, names) <= set(names)
