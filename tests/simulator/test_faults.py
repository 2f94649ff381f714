"""Fault files are read strictly, and fire when they say."""

from pathlib import Path

import pytest

from headgate.simulator import Fault, load_faults
from headgate.simulator.faults import FaultBook

CONFIGS = sorted((Path(__file__).parents[2] / "configs" / "faults").glob("*.yaml"))


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_every_file_in_configs_loads(path):
    assert load_faults(path)


def test_there_are_files():
    assert len(CONFIGS) >= 4


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("- {fault: explode}", "faults[0].fault: 'explode' is not one of"),
        ("- {match: {}}", "faults[0].fault: missing"),
        ("- {fault: reset, when: 3}", "faults[0]: unknown key 'when'"),
        ("- {fault: reset, match: {url: x}}", "faults[0].match: unknown key 'url'"),
        ("- {fault: reset, match: {path: '('}}", "not a regular expression"),
        ("- {fault: status}", "faults[0].status: needed"),
        ("- {fault: status, status: 999}", "not an HTTP status"),
        ("- {fault: reset}\n- {fault: reset, match: {nth: 0}}", "faults[1].nth: must be a whole number"),
        ("- {fault: reset, match: {probability: 2}}", "faults[0].probability: must lie between"),
        ("- {fault: reset, match: {nth: 1, every: 2}}", "only one of"),
        ("- reset", "faults[0]: must be a mapping"),
        ("- {fault: reset, match: x}", "faults[0].match: must be a mapping"),
        ("faults: x", "must be a list"),
        ("nothing", "must be a list"),
        ("[", "not YAML"),
    ],
)
def test_a_wrong_file_says_what_and_where(tmp_path, text, words):
    path = tmp_path / "f.yaml"
    path.write_text(text)
    with pytest.raises(ValueError) as caught:
        load_faults(path)
    assert words in str(caught.value)
    assert str(path) in str(caught.value)


def test_a_missing_file_is_a_value_error(tmp_path):
    with pytest.raises(ValueError, match="cannot be read"):
        load_faults(tmp_path / "none.yaml")


def fired(fault, requests):
    book = FaultBook([fault], 1)
    return [index for index, (method, path) in enumerate(requests, 1) if book.pick(method, path)]


def test_nth_counts_matching_requests_only():
    requests = [("GET", "/a"), ("POST", "/a"), ("POST", "/b"), ("POST", "/a"), ("POST", "/a")]
    assert fired(Fault("reset", method="POST", path="/a$", nth=2), requests) == [4]


def test_every_and_times():
    assert fired(Fault("reset", every=2, times=2), [("GET", "/")] * 8) == [2, 4]


def test_chance_is_seeded():
    fault = Fault("reset", probability=0.3)
    first = fired(fault, [("GET", "/")] * 100)
    assert first == fired(fault, [("GET", "/")] * 100)
    assert 10 < len(first) < 60


def test_the_first_rule_that_fires_wins_but_all_count():
    book = FaultBook([Fault("reset", every=2), Fault("slow", every=2)], 0)
    assert [getattr(book.pick("GET", "/"), "fault", None) for _ in range(4)] == [None, "reset", None, "reset"]
    assert book.fired == [2, 0]
